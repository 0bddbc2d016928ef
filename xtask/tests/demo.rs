//! `cargo xtask demo` as a person uses it: on a control plane of its own, and once more on a cluster that
//! exists.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::{path::Path, process::Command};

const ORDER: [&str; 5] = ["indexnode", "mixcoord", "querynode", "datanode", "proxy"];

/// Runs xtask with its clusters below `state`; what it printed.
fn xtask(state: &Path, kubeconfig: Option<&str>, args: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.args(args).env("XDG_STATE_HOME", state);
    command.envs(kubeconfig.map(|file| ("KUBECONFIG", file)));
    let output = command.output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}\n{err}");
    out.into_owned()
}

/// The components that are done in each table that was shown, without repetitions.
fn progress(said: &str) -> Vec<Vec<&str>> {
    let is_done = |line: &&str| line.split_whitespace().nth(4) == Some("done");
    let done = |table: &'_ str| -> Vec<String> {
        table.lines().filter(is_done).map(|line| line.split_whitespace().nth(1).unwrap().to_owned()).collect()
    };
    let mut tables: Vec<Vec<String>> = said.split("STEP  COMPONENT").skip(1).map(done).collect();
    tables.dedup();
    let known = |name: String| *ORDER.iter().find(|known| **known == name).unwrap();
    tables.into_iter().map(|table| table.into_iter().map(known).collect()).collect()
}

/// The roll was in order, and its end is told in the words of the guide.
fn assert_upgraded(said: &str) {
    let expected: Vec<&[&str]> = (0..=ORDER.len()).map(|count| &ORDER[..count]).collect();
    assert_eq!(progress(said), expected, "{said}");
    let end = said.split("== The end").nth(1).unwrap();
    let words: Vec<Vec<&str>> = end.lines().map(|line| line.split_whitespace().collect()).collect();
    let has = |start: &[&str]| words.iter().any(|line| line.starts_with(start));
    assert!(has(&["my-release", "cluster", "Healthy", "True"]), "{end}");
    assert!(has(&["my-release", "milvusdb/milvus:v2.4.10", "true"]), "{end}");
    assert!(has(&["my-release", "True", "Milvus", "components", "are", "all", "updated"]), "{end}");
}

#[test]
fn a_milvus_is_upgraded_in_order_on_a_cluster_of_its_own_and_on_one_that_exists() {
    let state = tempfile::tempdir().unwrap();
    let said = xtask(state.path(), None, &["demo", "--ready-delay", "0.2"]);
    assert_upgraded(&said);
    let kubeconfig = said.lines().find_map(|line| line.trim().strip_prefix("export KUBECONFIG=")).unwrap();

    // Twice: what the first leaves in somebody's cluster must not be in the way of the second.
    let other = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        let args = ["demo", "--context", "milvus-testkit"];
        let said = xtask(other.path(), Some(kubeconfig), &args);
        assert!(said.contains("An operator works in this cluster"), "{said}");
        assert_upgraded(&said);
    }
    let down = ["cluster", "down", "--name", "demo"];
    assert_eq!(xtask(other.path(), None, &down), "cluster demo is down (2 processes ended)\n");
    assert_eq!(xtask(state.path(), None, &down), "cluster demo is down (8 processes ended)\n");
}
