//! Runs cargo from within `cargo xtask`, as if it had been typed in the root of the repository.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Stdio,
};

use serde::Deserialize;
use snafu::{ResultExt, Snafu, ensure};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
};

/// Why cargo did not do what it was asked to.
#[derive(Debug, Snafu)]
pub(crate) enum Error {
    /// It could not be run.
    #[snafu(display("{command} could not be run: {source}"))]
    Run {
        /// The command line.
        command: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// It ended with an error, which it has shown.
    #[snafu(display("{command} failed"))]
    Failed {
        /// The command line.
        command: String,
    },
}

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// cargo without arguments. What `cargo run` has told this program about itself is withheld: build scripts
/// that ask for such variables would take the two for different builds, and everything would be compiled
/// twice.
pub(crate) fn command() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root()).stdin(Stdio::null()).kill_on_drop(true);
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        let about_this_program = text.starts_with("CARGO_PKG_")
            || text.starts_with("CARGO_MANIFEST_")
            || ["CARGO", "CARGO_BIN_NAME", "CARGO_CRATE_NAME", "CARGO_PRIMARY_PACKAGE", "OUT_DIR"]
                .contains(&&*text);
        if about_this_program {
            command.env_remove(&name);
        }
    }
    command
}

/// A line of `--message-format=json`.
#[derive(Deserialize)]
struct Message {
    reason: String,
    target: Option<Target>,
    executable: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}

/// Builds the binaries of packages, showing cargo's progress; where they are, by name.
pub(crate) async fn build(packages: &[&str]) -> Result<BTreeMap<String, PathBuf>, Error> {
    let mut command = command();
    command.args(["build", "--message-format=json-render-diagnostics"]).stdout(Stdio::piped());
    command.args(packages.iter().flat_map(|package| ["--package", package]));
    let line = format!("cargo build {}", packages.join(" "));
    let failed = RunSnafu { command: &line };
    let mut child = command.spawn().context(failed)?;
    let mut binaries = BTreeMap::new();
    if let Some(output) = child.stdout.take() {
        let mut lines = BufReader::new(output).lines();
        while let Some(text) = lines.next_line().await.context(failed)? {
            let message: Option<Message> = serde_json::from_str(&text).ok();
            let artifact = message.filter(|message| message.reason == "compiler-artifact");
            if let Some(Message { target: Some(target), executable: Some(executable), .. }) = artifact {
                binaries.insert(target.name, executable);
            }
        }
    }
    ensure!(child.wait().await.context(failed)?.success(), FailedSnafu { command: line });
    Ok(binaries)
}
