//! The containers of a Milvus pod, as they start, restart and end.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod common;

use std::{
    fs,
    io::{BufRead as _, BufReader},
    net::TcpListener,
    os::unix::{fs::PermissionsExt, process::ExitStatusExt as _},
    process::{Child, Stdio},
};

use common::{Pod, as_nobody, refused, succeeded, text};
use rstest::rstest;
use rustix::process::{Pid, Signal, kill_process};

const SHOW: [&str; 3] = ["sh", "-c", "echo \"$0 conf=$MILVUSCONF\""];

fn terminate(child: &Child) {
    kill_process(Pid::from_child(child), Signal::TERM).unwrap();
}

#[test]
fn the_init_container_brings_the_tools_and_may_start_again() {
    let pod = Pod::new("");
    for _ in 0..2 {
        succeeded(&pod.command("sh", &["/init.sh"]).output().unwrap());
    }
    let mut names: Vec<String> = fs::read_dir(pod.path("milvus/tools"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["iam-verify", "merge", "run.sh"]);
    for name in names {
        let copied = fs::metadata(pod.path("milvus/tools").join(name)).unwrap();
        assert_eq!(copied.permissions().mode() & 0o777, 0o755);
    }
}

#[test]
fn a_tool_that_runs_can_be_replaced() {
    let pod = Pod::ready("", "minio: {useIAM: true, cloudProvider: aws, address: 127.0.0.1, port: 1}");
    let mut waiting = pod.command("milvus/tools/iam-verify", &[]).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(waiting.stderr.take().unwrap()).read_line(&mut line).unwrap();
    succeeded(&pod.command("sh", &["/init.sh"]).output().unwrap());
    terminate(&waiting);
    waiting.wait().unwrap();
}

#[test]
fn an_init_container_without_its_volume_says_so() {
    let pod = Pod::new("");
    fs::remove_dir(pod.path("milvus/tools")).unwrap();
    let said = refused(&pod.command("sh", &["/init.sh"]).output().unwrap());
    assert!(said.contains("can't copy") && said.contains("milvus/tools/run.sh"), "{said}");
}

#[test]
fn run_merges_links_and_becomes_the_command() {
    let pod = Pod::ready("a: 1\nb: 2\n", "b: 3\n");
    pod.write("milvus/configs/hook.yaml", "h: 1\n");
    pod.write("milvus/configs/operator/hook.yaml", "h: 2\n");
    // A container that restarts on the same files finds them as they are to be.
    for _ in 0..2 {
        assert_eq!(succeeded(&pod.run(&SHOW).output().unwrap()), "sh conf=\n");
        assert_eq!(pod.read("milvus/configs/milvus.yaml"), "a: 1\nb: 3\n");
        assert_eq!(pod.read("milvus/configs/hook.yaml"), "h: 2\n");
        let user = fs::read_link(pod.path("milvus/configs/user.yaml")).unwrap();
        assert_eq!(user, pod.path("milvus/configs/operator/user.yaml"));
        let hook = fs::read_link(pod.path("milvus/configs/hook_updates.yaml")).unwrap();
        assert_eq!(hook, pod.path("milvus/configs/operator/hook.yaml"));
    }
}

#[test]
fn a_file_of_the_image_gives_way_to_the_link() {
    let pod = Pod::ready("a: 1\n", "a: 2\n");
    pod.write("milvus/configs/user.yaml", "# the image's own\n");
    succeeded(&pod.run(&["true"]).output().unwrap());
    assert_eq!(pod.read("milvus/configs/user.yaml"), "a: 2\n");
}

#[test]
fn without_any_file_of_the_operator_nothing_changes() {
    let pod = Pod::ready("a: 1 # stays\n", "");
    fs::remove_dir_all(pod.path("milvus/configs/operator")).unwrap();
    succeeded(&pod.run(&["true"]).output().unwrap());
    assert_eq!(pod.read("milvus/configs/milvus.yaml"), "a: 1 # stays\n");
    assert!(fs::symlink_metadata(pod.path("milvus/configs/user.yaml")).is_err());
}

#[test]
fn arguments_arrive_unchanged() {
    let pod = Pod::ready("", "");
    let out = succeeded(&pod.run(&["printf", "<%s>", "a b", "", "*", "$HOME"]).output().unwrap());
    assert_eq!(out, "<a b><><*><$HOME>");
}

/// Same process, no handler in between: what Kubernetes sends reaches Milvus.
#[test]
fn the_command_takes_the_place_of_run() {
    let pod = Pod::ready("", "");
    let mut child = pod.run(&["sh", "-c", "echo $$; exec sleep 600"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut pid = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut pid).unwrap();
    assert_eq!(pid.trim(), child.id().to_string());
    terminate(&child);
    assert_eq!(child.wait().unwrap().signal(), Some(15));
}

#[test]
fn a_directory_that_is_not_ours_moves_the_configuration_beside_the_tools() {
    let pod = Pod::ready("a: 1\n", "a: 2\n");
    pod.write("milvus/configs/glog.conf", "from the image\n");
    pod.seal("milvus/configs");
    pod.open("milvus/tools");
    let configs = pod.path("milvus/tools/runtime-config");
    for _ in 0..2 {
        let out = succeeded(&as_nobody(&mut pod.run(&SHOW)).output().unwrap());
        assert_eq!(out, format!("sh conf={}\n", configs.display()));
        assert_eq!(pod.read("milvus/configs/milvus.yaml"), "a: 1\n");
        let read = |name: &str| fs::read_to_string(configs.join(name)).unwrap();
        assert_eq!(read("milvus.yaml"), "a: 2\n");
        assert_eq!(read("user.yaml"), "a: 2\n");
        assert_eq!(read("glog.conf"), "from the image\n");
    }
}

/// A directory of root's with a file of the user's: no new file, but the old one can be written.
#[test]
fn a_file_alone_can_be_written_in_place() {
    let pod = Pod::ready("a: 1\n", "a: 2\n");
    let user = pod.path("milvus/configs/user.yaml");
    std::os::unix::fs::symlink(pod.path("milvus/configs/operator/user.yaml"), user).unwrap();
    pod.seal("milvus/configs");
    fs::set_permissions(pod.path("milvus/configs/milvus.yaml"), PermissionsExt::from_mode(0o666)).unwrap();
    let out = succeeded(&as_nobody(&mut pod.run(&SHOW)).output().unwrap());
    assert_eq!(out, "sh conf=\n");
    assert_eq!(pod.read("milvus/configs/milvus.yaml"), "a: 2\n");
}

#[test]
fn nowhere_to_write_names_the_file_and_what_to_do() {
    let pod = Pod::ready("a: 1\n", "a: 2\n");
    pod.seal("milvus/configs");
    fs::set_permissions(pod.path("milvus/tools"), PermissionsExt::from_mode(0o555)).unwrap();
    let said = refused(&as_nobody(&mut pod.run(&["true"])).output().unwrap());
    let file = pod.path("milvus/configs/milvus.yaml");
    assert!(said.contains(&format!("can't write {}", file.display())), "{said}");
    assert!(said.contains("make the directory writable for the user of the Milvus container"), "{said}");
}

#[test]
fn broken_settings_do_not_start_milvus() {
    let pod = Pod::ready("a: 1\n", "a: 2\nb: {\n");
    let output = pod.run(&["echo", "started"]).output().unwrap();
    assert!(refused(&output).contains("operator/user.yaml: line "));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "");
}

#[rstest]
#[case(&["no-such-command"], 127, "can't run no-such-command")]
#[case(&["/"], 126, "can't run /")]
#[case(&[], 1, "usage: run.sh COMMAND")]
fn a_command_that_cannot_run_is_named(#[case] command: &[&str], #[case] code: i32, #[case] said: &str) {
    let output = Pod::ready("", "").run(command).output().unwrap();
    assert!(refused(&output).contains(said));
    assert_eq!(output.status.code(), Some(code));
}

#[test]
fn with_a_role_it_says_what_it_waits_for_and_ends_when_told() {
    let pod = Pod::ready("", "minio: {useIAM: true, cloudProvider: gcp, address: 127.0.0.1, port: 1}");
    let mut child =
        pod.run(&["echo", "started"]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let log = BufReader::new(child.stderr.take().unwrap());
    let line = log.lines().map(Result::unwrap).find(|line| line.starts_with("iam-verify: ")).unwrap();
    assert!(line.contains("waiting for the object storage at 127.0.0.1:1 (minio.useIAM): "), "{line}");
    terminate(&child);
    assert_eq!(child.wait().unwrap().code(), Some(143));
}

#[rstest]
#[case::reachable("true, cloudProvider: aws", "takes connections")]
#[case::as_text("\"true\", cloudProvider: tencent", "takes connections")]
#[case::other_provider("true, cloudProvider: minio", "has no roles that can be checked")]
#[case::keys("false, cloudProvider: aws", "")]
fn with_a_storage_that_answers_milvus_starts(#[case] role: &str, #[case] said: &str) {
    let storage = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = storage.local_addr().unwrap().port();
    let pod = Pod::ready("", &format!("minio: {{address: 127.0.0.1, port: {port}, useIAM: {role}}}"));
    let output = pod.run(&["echo", "started"]).output().unwrap();
    assert_eq!(succeeded(&output), "started\n");
    let log = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(log.contains(said) && log.contains("iam-verify") != said.is_empty(), "{log}");
}

#[test]
fn there_is_no_shell() {
    let pod = Pod::new("");
    let refusal = |args: &[&str]| refused(&pod.command("sh", args).output().unwrap());
    assert!(refusal(&["-c", "ls"]).contains("no shell in this image"));
    assert!(refusal(&[]).contains("no shell in this image"));
    assert!(refusal(&["/other.sh"]).contains("\"other.sh\" is none of its programs"));
}

#[test]
fn copies_go_in_pairs() {
    let pod = Pod::new("");
    pod.write("a", "1");
    pod.write("b", "2");
    let (a, b) = (pod.path("a"), pod.path("b"));
    let (c, d) = (pod.path("c"), pod.path("d"));
    let pair = |one, other| format!("{},{}", text(one), text(other));
    succeeded(&pod.command("milvus-config-tool", &["cp", &pair(&a, &b), &pair(&c, &d)]).output().unwrap());
    assert_eq!((pod.read("c"), pod.read("d")), ("1".to_owned(), "2".to_owned()));
    assert!(refused(&pod.command("cp", &[&pair(&a, &b), text(&c)]).output().unwrap()).contains("usage: cp"));
}
