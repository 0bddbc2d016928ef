//! What a killed test run leaves behind: no process, and no file after the next run.

use std::{
    io::{BufRead as _, BufReader},
    path::PathBuf,
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

#[tokio::test]
async fn a_killed_run_takes_its_processes_with_it() {
    let mut run = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "a_run_that_is_killed", "--nocapture"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(run.stdout.take().unwrap()).lines();
    let directory =
        lines.find_map(|line| line.unwrap().strip_prefix("state in ").map(PathBuf::from)).unwrap();
    let started = scratch::started(&directory).unwrap();
    assert_eq!(started.len(), 5);
    assert!(started.iter().all(|process| process.id.is_alive()));

    run.kill().unwrap();
    run.wait().unwrap();

    for process in started {
        assert!(process.id.exited(Duration::from_secs(20)).await.unwrap(), "{} still runs", process.name);
    }
    let next = scratch::Scratch::new("next").await.unwrap();
    assert!(!directory.exists());
    next.remove().unwrap();
}
