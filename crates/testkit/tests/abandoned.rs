//! What a killed test run leaves behind: no process, and no file after the next run.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::{
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use milvus_testkit::{ControlPlane, scratch};

/// Not a test: the run that is killed. It prints where its state lies once its control plane is up.
#[tokio::test]
#[ignore = "run by the test below"]
async fn a_run_that_is_killed() {
    let plane = ControlPlane::shared().await.unwrap();
    println!("\nstate in {}", plane.directory().display());
    std::future::pending::<()>().await;
}

/// Not a test: the run after it.
#[tokio::test]
#[ignore = "run by the test below"]
async fn the_next_run() {
    scratch::Scratch::new("next").await.unwrap();
}

/// A run whose state lies where the runs of nobody else clear away.
fn run(name: &str, temporary: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--ignored", "--exact", name, "--nocapture"])
        .env("TMPDIR", temporary)
        .stdout(Stdio::piped());
    command
}

#[tokio::test]
async fn a_killed_run_takes_its_processes_with_it_and_the_next_one_its_files() {
    let temporary = tempfile::tempdir().unwrap();
    let mut killed = run("a_run_that_is_killed", temporary.path()).spawn().unwrap();
    let mut lines = BufReader::new(killed.stdout.take().unwrap()).lines();
    let directory =
        lines.find_map(|line| line.unwrap().strip_prefix("state in ").map(PathBuf::from)).unwrap();
    let started = scratch::started(&directory).unwrap();
    assert_eq!(started.len(), 5);
    assert!(started.iter().all(|process| process.id.is_alive()));

    killed.kill().unwrap();
    killed.wait().unwrap();

    for process in started {
        assert!(process.id.exited(Duration::from_secs(10)).await.unwrap(), "{} still runs", process.name);
    }
    assert!(directory.join("kube-apiserver.log").exists(), "the logs are there to be read");
    assert!(run("the_next_run", temporary.path()).output().unwrap().status.success());
    assert!(!directory.exists());
}
