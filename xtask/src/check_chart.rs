//! `cargo xtask check-chart`: checkov over the rendered chart, with everything switched on.
//!
//! Needs Python 3 with `venv`; checkov is installed once, at a pinned version, beside the tools of the test
//! kit. It is not part of `cargo xtask test`, which needs no Python; CI runs both.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use milvus_testkit::tools::{self, Tool};
use snafu::{ResultExt as _, Snafu, ensure};
use tokio::process::Command;

use crate::cargo::root;

const CHECKOV: &str = "3.3.30";

/// Checks that are passed over, each with its reason.
const SKIPPED: [(&str, &str); 3] = [
    (
        "CKV_K8S_43",
        "the image is named by tag: nothing is published whose digest a chart could know; `image.tag` may hold one",
    ),
    ("CKV_K8S_15", "IfNotPresent: tags of releases are never moved, and images may be loaded from archives"),
    ("CKV_K8S_38", "the operator is a client of the API server: it needs the token of its ServiceAccount"),
];

/// Values under which all templates are rendered.
const VALUES: &str =
    "monitoringEnabled=true,prometheusRule.enabled=true,dashboard.enabled=true,networkPolicy.enabled=true";

/// Why the chart did not pass.
#[derive(Debug, Snafu)]
pub(crate) enum Error {
    /// helm is not there, or there is no place to keep checkov.
    #[snafu(display("{source}"))]
    Tool { source: tools::Error },
    /// A program could not be started.
    #[snafu(display("{program} could not be run: {source}"))]
    Run { program: String, source: io::Error },
    /// A program ended with an error.
    #[snafu(display("{program} failed:\n{output}"))]
    Failed { program: String, output: String },
    /// A file could not be written.
    #[snafu(display("{}: {source}", path.display()))]
    Files { path: PathBuf, source: io::Error },
}

/// Renders the chart for all namespaces and for two, and checks both; what checkov says.
pub(crate) async fn run() -> Result<String, Error> {
    let scratch = tempfile::tempdir().context(FilesSnafu { path: "a temporary directory" })?;
    let helm = tools::path(Tool::Helm).await.context(ToolSnafu)?;
    let chart = root().join("charts/milvus-operator");
    for (file, more) in [("all.yaml", ""), ("two.yaml", ",watchNamespaces={team-a,team-b}")] {
        let mut command = Command::new(&helm);
        command.args([
            "template",
            "milvus-operator",
            "--namespace",
            "milvus-operator",
            "--kube-version",
            "1.34.0",
        ]);
        let rendered = output(command.arg(&chart).args(["--set", &format!("{VALUES}{more}")])).await?;
        let path = scratch.path().join(file);
        fs::write(&path, rendered).context(FilesSnafu { path })?;
    }
    let skipped: Vec<&str> = SKIPPED.iter().map(|(check, _)| *check).collect();
    let mut command = Command::new(checkov().await?);
    command.args(["--framework", "kubernetes", "--compact", "--quiet", "--skip-download", "--directory"]);
    output(command.arg(scratch.path()).args(["--skip-check", &skipped.join(",")])).await
}

/// checkov of the pinned version, installed when it is first asked for.
async fn checkov() -> Result<PathBuf, Error> {
    let home = tools::cache_dir().context(ToolSnafu)?.join(format!("checkov-{CHECKOV}"));
    let program = home.join("bin/checkov");
    if !program.is_file() {
        output(Command::new("python3").args(["-m", "venv"]).arg(&home)).await?;
        let package = format!("checkov=={CHECKOV}");
        output(Command::new(home.join("bin/pip")).args(["install", "--quiet", &package])).await?;
    }
    Ok(program)
}

/// Standard output of a program that succeeds.
async fn output(command: &mut Command) -> Result<String, Error> {
    let program = Path::new(command.as_std().get_program()).display().to_string();
    let output = command.output().await.context(RunSnafu { program: &program })?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let all = || format!("{said}{}", String::from_utf8_lossy(&output.stderr));
    ensure!(output.status.success(), FailedSnafu { program, output: all() });
    Ok(said)
}
