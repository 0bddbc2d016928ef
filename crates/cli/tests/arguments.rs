//! The command line and the errors, through the real program.
#![allow(clippy::unwrap_used, reason = "a test ends where its ground gives way")]

use std::fs;
use std::net::TcpListener;
use std::process::{Command, Output};

fn run(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_kubectl-milvus"))
        .args(args)
        .env_remove("KUBECONFIG")
        .env_remove("KUBERNETES_SERVICE_HOST")
        .env("HOME", env!("CARGO_TARGET_TMPDIR"))
        .output()
        .unwrap()
}

/// Exit code and the message, which is on standard error only.
fn failed(args: &[&str]) -> (Option<i32>, String) {
    let output = run(args);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "", "standard output is for answers");
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

/// A kubeconfig of one cluster at `server`, one context `here` with a namespace.
fn kubeconfig(name: &str, server: &str) -> String {
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: here\nclusters:\n- name: c\n  cluster: {{server: '{server}'}}\n\
         contexts:\n- name: here\n  context: {{cluster: c, user: u, namespace: team-a}}\nusers:\n- name: u\n  user: {{}}\n"
    );
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_command_line_that_cannot_be_understood_ends_with_2() {
    for (args, word) in [
        (&["status", "a", "b"][..], "'b'"),
        (&["status", "a", "-A"], "--all-namespaces"),
        (&["status", "-o", "xml"], "xml"),
        (&["status", "--what"], "--what"),
        (&["stauts"], "stauts"),
        (&[], "Usage"),
    ] {
        let (code, text) = failed(args);
        assert_eq!(code, Some(2), "{args:?}: {text}");
        assert!(text.contains(word), "{args:?}: {text}");
    }
}

#[test]
fn help_names_the_exit_codes() {
    let output = run(&["--help"]);
    assert_eq!(output.status.code(), Some(0));
    let text = String::from_utf8(output.stdout).unwrap();
    for word in ["Exit codes", "3 no such Milvus", "130"] {
        assert!(text.contains(word), "{text}");
    }
}

#[test]
fn without_a_kubeconfig_it_says_how_to_give_one() {
    let (code, text) = failed(&["status"]);
    assert_eq!(code, Some(1));
    assert!(text.contains("KUBECONFIG") && text.contains("--context"), "{text}");
    assert_eq!(text.lines().count(), 1, "{text}");
}

#[test]
fn a_kubeconfig_that_was_named_is_the_only_one() {
    let (code, text) = failed(&["status", "--kubeconfig", "no/such/file"]);
    assert_eq!(code, Some(1));
    assert!(text.contains("no/such/file"), "{text}");
}

#[test]
fn an_unknown_context_is_named() {
    let file = kubeconfig("context.yaml", "http://127.0.0.1:1");
    let (code, text) = failed(&["status", "--kubeconfig", &file, "--context", "elsewhere"]);
    assert_eq!(code, Some(1));
    assert!(text.contains("elsewhere"), "{text}");
}

#[test]
fn a_cluster_that_is_away_is_named() {
    // Bound and dropped: a port that nobody listens on.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let file = kubeconfig("away.yaml", &format!("http://127.0.0.1:{port}"));
    for args in [&["status"][..], &["status", "my-release"], &["status", "-A", "--watch"]] {
        let (code, text) = failed(&[args, &["--kubeconfig", &file]].concat());
        assert_eq!(code, Some(1));
        assert!(text.contains(&format!("http://127.0.0.1:{port} can't be reached")), "{text}");
        assert!(text.contains("refused"), "the cause is told: {text}");
        assert_eq!(text.lines().count(), 1, "{text}");
    }
}
