//! The Python client: what it is asked to do, and what it says.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use serde::{Deserialize, de::DeserializeOwned};
use tokio::process::{Child, Command};

use crate::Failure;

/// Runs `e2e/traffic.py`.
pub(super) struct Client {
    python: PathBuf,
    script: PathBuf,
}

/// What was read back at the end.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct ReadBack {
    /// Inserts of the traffic that were acknowledged, and how many of them were found.
    pub(super) acknowledged: usize,
    pub(super) read: usize,
    /// Rows from before the traffic.
    pub(super) old: usize,
    pub(super) old_read: usize,
    /// Rows that were in the queue only.
    pub(super) unflushed_read: usize,
}

#[derive(Deserialize)]
struct Ready {
    seconds: f64,
}

impl Client {
    pub(super) fn new(python: &Path, root: &Path) -> Self {
        Self { python: python.to_owned(), script: root.join("e2e/traffic.py") }
    }

    /// Makes the collection; the seconds of each step by name.
    pub(super) async fn fill(&self, host: &str) -> Result<BTreeMap<String, f64>, Failure> {
        self.ask(&["fill", host]).await
    }

    /// Inserts rows that are not flushed.
    pub(super) async fn more(&self, host: &str, rows: usize) -> Result<(), Failure> {
        self.output(&["more", host, &rows.to_string()]).await.map(|_| ())
    }

    /// Waits until searches are answered rightly; how long that took.
    pub(super) async fn ready(&self, host: &str) -> Result<Duration, Failure> {
        let Ready { seconds } = self.ask(&["ready", host]).await?;
        Ok(Duration::from_secs_f64(seconds))
    }

    /// Reads back every old row, and what `lines` says was acknowledged.
    pub(super) async fn verify(&self, host: &str, lines: &Path) -> Result<ReadBack, Failure> {
        self.ask(&["verify", host, &lines.display().to_string()]).await
    }

    /// Starts the traffic; it ends when its standard input is closed. What the client's library says beside
    /// that goes to a log beside `lines`.
    pub(super) fn traffic(&self, host: &str, lines: &Path) -> Result<Child, Failure> {
        let mut command = Command::new(&self.python);
        command.arg(&self.script).args(["run", host]).kill_on_drop(true);
        let output = std::fs::File::create(lines)?;
        let log = std::fs::File::create(lines.with_extension("log"))?;
        Ok(command.stdin(Stdio::piped()).stdout(output).stderr(log).spawn()?)
    }

    async fn ask<T: DeserializeOwned>(&self, args: &[&str]) -> Result<T, Failure> {
        let text = self.output(args).await?;
        let last = text.lines().last().unwrap_or_default();
        serde_json::from_str(last)
            .map_err(|error| format!("traffic.py {args:?} says {text:?}: {error}").into())
    }

    async fn output(&self, args: &[&str]) -> Result<String, Failure> {
        let mut command = Command::new(&self.python);
        let output = command.arg(&self.script).args(args).kill_on_drop(true).output().await?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(format!("traffic.py {}: {}: {said}", args.join(" "), output.status).into());
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}
