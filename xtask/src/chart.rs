//! `cargo xtask chart`: the chart as a repository that `helm repo add` takes, from any web server.
//!
//! Packs with the real helm, then writes the archive anew with sorted entries and no times, and dates the
//! index 1970: the same sources give the same bytes.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use flate2::read::GzDecoder;
use milvus_testkit::tools::{self, Tool};
use snafu::{OptionExt as _, ResultExt as _, Snafu, ensure};
use tokio::process::Command;

use crate::{cargo::root, packing};

/// Times in the index.
const DATE: &str = "1970-01-01T00:00:00Z";

/// The arguments of the verb.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Directory of the repository [default: target/chart]. Other archives in it stay and are listed, too
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,

    /// Address that archives will have in the index, such as `https://charts.example/milvus`; without it they
    /// lie beside the index
    #[arg(long)]
    url: Option<String>,
}

impl Args {
    /// The repository in `out`, with the address of its archives where that is another.
    pub(crate) fn new(out: PathBuf, url: Option<String>) -> Self {
        Self { out: Some(out), url }
    }
}

/// Why there is no repository.
#[derive(Debug, Snafu)]
pub(crate) enum Error {
    /// helm is not there.
    #[snafu(display("{source}"))]
    Tool { source: tools::Error },
    /// helm could not be started.
    #[snafu(display("helm could not be run: {source}"))]
    Run { source: io::Error },
    /// helm says no.
    #[snafu(display("helm {verb}: {output}"))]
    Helm { verb: &'static str, output: String },
    /// helm has packed nothing.
    #[snafu(display("helm has left no archive"))]
    NoArchive,
    /// A file could not be read or written.
    #[snafu(display("{}: {source}", path.display()))]
    Files { path: PathBuf, source: io::Error },
}

/// Makes the repository; the archive of the chart.
pub(crate) async fn run(args: Args) -> Result<PathBuf, Error> {
    let out = args.out.unwrap_or_else(|| root().join("target/chart"));
    fs::create_dir_all(&out).context(FilesSnafu { path: &out })?;
    let scratch = tempfile::tempdir().context(FilesSnafu { path: &out })?;
    let chart = root().join("charts/milvus-operator");
    let packed = scratch.path().join("packed");
    helm(scratch.path(), "package", &[path(&chart), "--destination".into(), path(&packed)]).await?;
    let archive = only_file(&packed)?;
    let name = archive.file_name().context(NoArchiveSnafu)?;
    let target = out.join(name);
    rewrite(&archive, &target).context(FilesSnafu { path: &target })?;
    let mut index = vec![path(&out)];
    index.extend(args.url.into_iter().flat_map(|url| ["--url".to_owned(), url]));
    helm(scratch.path(), "repo index", &index).await?;
    let index = out.join("index.yaml");
    let text = fs::read_to_string(&index).context(FilesSnafu { path: &index })?;
    fs::write(&index, dated(&text)).context(FilesSnafu { path: &index })?;
    Ok(target)
}

fn path(path: &Path) -> String {
    path.display().to_string()
}

/// Runs helm with homes of its own.
async fn helm(home: &Path, verb: &'static str, args: &[String]) -> Result<(), Error> {
    let mut command = Command::new(tools::path(Tool::Helm).await.context(ToolSnafu)?);
    for kind in ["CACHE", "CONFIG", "DATA"] {
        command.env(format!("HELM_{kind}_HOME"), home.join(kind.to_lowercase()));
    }
    let output = command.args(verb.split(' ')).args(args).output().await.context(RunSnafu)?;
    ensure!(output.status.success(), HelmSnafu { verb, output: String::from_utf8_lossy(&output.stderr) });
    Ok(())
}

fn only_file(directory: &Path) -> Result<PathBuf, Error> {
    let mut entries = fs::read_dir(directory).context(FilesSnafu { path: directory })?;
    let entry = entries.next().context(NoArchiveSnafu)?.context(FilesSnafu { path: directory })?;
    Ok(entry.path())
}

/// Writes an archive anew without anything of this machine or this moment.
fn rewrite(from: &Path, to: &Path) -> io::Result<()> {
    let mut files = BTreeMap::new();
    let mut archive = tar::Archive::new(GzDecoder::new(File::open(from)?));
    for entry in archive.entries()? {
        let mut entry = entry?;
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes)?;
        files.insert(entry.path()?.into_owned(), (0o644, bytes));
    }
    packing::tar_gz(to, files)
}

/// The index with one date for all.
fn dated(index: &str) -> String {
    let dated = |line: &str| {
        let key = line.trim_start();
        let is_time = ["created:", "generated:"].iter().any(|name| key.starts_with(name));
        match is_time.then(|| line.split_once(':')).flatten() {
            Some((name, _)) => format!("{name}: \"{DATE}\"\n"),
            None => format!("{line}\n"),
        }
    };
    index.lines().map(dated).collect()
}
