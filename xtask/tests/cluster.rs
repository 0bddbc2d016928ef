//! `cargo xtask cluster` as a person uses it.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::{
    path::Path,
    process::{Command, Output},
};

fn xtask(state: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_xtask")).args(args).env("XDG_STATE_HOME", state).output().unwrap()
}

fn out(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn refused(output: &Output) -> String {
    assert!(!output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The process ids that `status` names, in order.
fn pids(status: &str) -> Vec<u32> {
    let programs = ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok"];
    let words: Vec<&str> = status.split_whitespace().collect();
    words.windows(2).filter(|pair| programs.contains(&pair[0])).map(|pair| pair[1].parse().unwrap()).collect()
}

fn runs(pid: u32) -> bool {
    Path::new(&format!("/proc/{pid}/exe")).exists()
}

#[test]
fn a_cluster_outlives_the_command_and_ends_with_down() {
    let state = tempfile::tempdir().unwrap();
    let state = state.path();
    assert!(out(&xtask(state, &["cluster", "status"])).starts_with("no cluster;"));

    let up = out(&xtask(state, &["cluster", "up", "--nodes", "2", "--ready-delay", "0.1"]));
    let kubeconfig = up.lines().find_map(|line| line.trim().strip_prefix("export KUBECONFIG=")).unwrap();
    assert!(Path::new(kubeconfig).is_file());
    let pids = pids(&out(&xtask(state, &["cluster", "status"])));
    assert_eq!(pids.len(), 5);
    assert!(pids.iter().all(|pid| runs(*pid)));

    assert!(out(&xtask(state, &["cluster", "up"])).starts_with("cluster dev is already up\n"));

    let mut attach = Command::new(env!("CARGO_BIN_EXE_xtask"));
    attach.args(["cluster", "up", "--name", "theirs", "--context", "milvus-testkit"]);
    let attached = attach.env("XDG_STATE_HOME", state).env("KUBECONFIG", kubeconfig).output().unwrap();
    assert!(out(&attached).starts_with("using the cluster of the context milvus-testkit as theirs"));
    assert_eq!(
        out(&xtask(state, &["cluster", "down", "--name", "theirs"])),
        "cluster theirs is down (0 processes ended)\n"
    );
    assert!(pids.iter().all(|pid| runs(*pid)), "a cluster that exists elsewhere is left alone");

    assert_eq!(out(&xtask(state, &["cluster", "down"])), "cluster dev is down (5 processes ended)\n");
    assert!(!pids.iter().any(|pid| runs(*pid)));
    assert!(refused(&xtask(state, &["cluster", "down"])).contains("there is no cluster dev"));
}

#[test]
fn without_go_it_says_what_to_install_and_the_way_round() {
    let state = tempfile::tempdir().unwrap();
    let mut up = Command::new(env!("CARGO_BIN_EXE_xtask"));
    up.args(["cluster", "up"])
        .env("XDG_STATE_HOME", state.path())
        .env("XDG_CACHE_HOME", state.path().join("cache"));
    let said = refused(&up.env("PATH", state.path()).output().unwrap());
    assert!(said.contains("Install Go") && said.contains("--context NAME"), "{said}");
    assert!(
        out(&xtask(state.path(), &["cluster", "status"])).starts_with("no cluster;"),
        "nothing is left behind"
    );
}

#[test]
fn a_node_that_runs_containers_and_the_real_milvus_say_at_once_all_that_they_need() {
    let state = tempfile::tempdir().unwrap();
    let said = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command.args(args).env("XDG_STATE_HOME", state.path()).env("PATH", state.path());
        refused(&command.env("XDG_CACHE_HOME", state.path().join("cache")).output().unwrap())
    };
    let node = said(&["cluster", "up", "--real-node"]);
    assert!(node.contains("this machine lacks:") && node.contains(" containerd, "), "{node}");
    assert!(node.contains("apt-get install --no-install-recommends "), "{node}");

    let all = said(&["e2e"]);
    for need in ["containerd", "java", "mvn", "Python", "Go 1.26"] {
        assert!(all.contains(need), "{need} is not in: {all}");
    }
    assert_eq!(all.trim().lines().count(), 1, "{all}");
    assert!(!state.path().join("cache/milvus-operator/tools").exists(), "nothing was built or fetched");
    assert!(out(&xtask(state.path(), &["cluster", "status"])).starts_with("no cluster;"));
}

#[test]
fn a_name_that_is_a_path_is_refused() {
    let state = tempfile::tempdir().unwrap();
    let said = refused(&xtask(state.path(), &["cluster", "up", "--name", "../elsewhere"]));
    assert!(said.contains("is no name for a cluster"), "{said}");
}
