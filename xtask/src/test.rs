//! `cargo xtask test`: every check and test, cheapest first, one line per stage. The first that fails ends
//! it.

use std::path::PathBuf;
use std::time::Instant;

use milvus_testkit::tools;
use snafu::{OptionExt as _, ResultExt as _, Snafu, ensure};
use tokio::process::Command;

mod alone;

use crate::cargo::{self, root};

/// cargo-deny is built once and kept beside the other tools.
const DENY: (&str, &str) = ("cargo-deny", "0.20.2");
/// Tell tests that take long (kills of the operator, of the metadata tool) to do all of their work, not a
/// share.
const ALL: [&str; 2] = ["MILVUS_TEST_ALL", "META_MIGRATION_ALL"];
/// Where the crash matrix writes its result.
const REPORT: (&str, &str) = ("MILVUS_TEST_REPORT", "docs/crash-matrix.md");

/// Every check and test of this repository
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Kill the operator after every single write, not after a share of them; writes docs/crash-matrix.md
    #[arg(long)]
    all: bool,
}

/// A stage that failed.
#[derive(Debug, Snafu)]
pub(crate) enum Error {
    /// A command could not be started.
    #[snafu(display("{stage}: can't run {command}: {source}"))]
    Run { stage: &'static str, command: String, source: std::io::Error },
    /// A command ended with an error, which it has shown.
    #[snafu(display("{stage} failed"))]
    Failed { stage: &'static str },
    /// A program of the control plane could not be built.
    #[snafu(display("{source}"))]
    Tools { source: tools::Error },
    /// cargo does not tell which packages there are.
    #[snafu(display("cargo metadata: {source}"))]
    Metadata {
        #[snafu(source(from(cargo_metadata::Error, Box::new)))]
        source: Box<cargo_metadata::Error>,
    },
    /// There is no directory to keep things in.
    #[snafu(display("neither XDG_CACHE_HOME nor HOME is set: there is nowhere to keep cargo-deny"))]
    NoCache,
}

pub(crate) async fn run(args: Args) -> Result<(), Error> {
    let started = Instant::now();
    // Later stages work without a network; a machine that has built nothing yet lacks crates of other packages.
    stage("dependencies", cargo(&["fetch", "--locked"])).await?;
    stage("format", cargo(&["fmt", "--all", "--check"])).await?;
    stage("walls and budgets", cargo(&["test", "--package", "xtask", "--test", "walls", "--locked"])).await?;
    stage("lints", cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]))
        .await?;
    stages("each crate alone", alone::checks()?).await?;
    let mut docs = cargo(&["doc", "--workspace", "--no-deps", "--locked"]);
    docs.env("RUSTDOCFLAGS", "-D warnings");
    stage("documentation", docs).await?;
    stage("licences and bans", deny().await?).await?;
    tools::build_all().await.context(ToolsSnafu)?;
    let mut tests = cargo(&["test", "--workspace", "--locked"]);
    if args.all {
        tests.envs(ALL.map(|name| (name, "1"))).env(REPORT.0, root().join(REPORT.1));
    }
    stage("tests", tests).await?;
    println!("everything passed in {} s", started.elapsed().as_secs());
    Ok(())
}

fn cargo(arguments: &[&str]) -> Command {
    let mut command = cargo::command();
    command.args(arguments);
    command
}

/// Runs one stage; what it prints is shown as it comes.
async fn stage(name: &'static str, command: Command) -> Result<(), Error> {
    stages(name, vec![command]).await
}

/// Runs a stage of several commands, one after the other.
async fn stages(name: &'static str, commands: Vec<Command>) -> Result<(), Error> {
    println!("==> {name}");
    let started = Instant::now();
    for mut command in commands {
        let words = format!("{:?}", command.as_std());
        let status = command.status().await.context(RunSnafu { stage: name, command: words })?;
        ensure!(status.success(), FailedSnafu { stage: name });
    }
    println!("    {name}: {} s", started.elapsed().as_secs());
    Ok(())
}

/// cargo-deny with its arguments. Advisories are not asked for: their database would have to be fetched.
async fn deny() -> Result<Command, Error> {
    let binary = deny_binary().await?;
    let mut command = Command::new(binary);
    command.current_dir(root()).args([
        "--locked",
        "check",
        "--hide-inclusion-graph",
        "licenses",
        "bans",
        "sources",
    ]);
    Ok(command)
}

async fn deny_binary() -> Result<PathBuf, Error> {
    let (name, version) = DENY;
    let home = tools::cache_dir().ok().context(NoCacheSnafu)?.join(format!("{name}-{version}"));
    let binary = home.join("bin").join(name);
    if !binary.is_file() {
        println!("building {name} {version}, once; takes some minutes");
        let mut install = cargo(&["install", name, "--version", &format!("={version}"), "--locked"]);
        install.arg("--root").arg(&home).arg("--target-dir").arg(home.join("target"));
        stage("cargo-deny", install).await?;
        // It is no longer needed, and large; a next version begins anew in any case.
        let _ = std::fs::remove_dir_all(home.join("target"));
    }
    Ok(binary)
}
