//! `cargo xtask meta-e2e`: a real Milvus 2.2.16 on metadata that `meta-migration` has migrated, and back.
//!
//! Fetches the server from PyPI and a Python client for it into the cache, builds the release binary, and runs
//! `e2e/meta/real_milvus.py` in a network namespace of its own, which writes what it saw to `docs/`.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Parser;
use milvus_testkit::tools::{self, Tool};
use tokio::process::Command;

use crate::{Failure, bench_meta};

/// The server, as a wheel.
const WHEEL: &str = "milvus-2.2.16-py3-none-manylinux2014_x86_64.whl";
/// A client for it, and what reads the binlogs that the 2.1.0 wrote.
const CLIENT: [&str; 7] = [
    "pymilvus==2.2.17",
    "numpy<2",
    "pandas<2.3",
    "protobuf<5",
    "marshmallow<4",
    "setuptools<70",
    "pyarrow<18",
];

#[derive(Parser)]
pub(crate) struct Args {
    /// The binary; built with --release when not given
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
    /// Where the proof goes, as Markdown
    #[arg(long, value_name = "FILE", default_value = "docs/meta-migration-proof.md")]
    out: PathBuf,
}

pub(crate) async fn run(args: Args) -> Result<ExitCode, Failure> {
    let binary = match args.binary {
        Some(binary) => std::path::absolute(binary)?,
        None => bench_meta::build().await?,
    };
    let root = std::fs::canonicalize(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))?;
    let cache = cache()?;
    let python = client(&cache).await?;
    let wheel = server(&python, &cache).await?;
    let work = tempfile::tempdir()?;
    let out = std::path::absolute(&args.out)?;
    let status = Command::new("unshare")
        // Milvus' ports are fixed; in a namespace of its own they disturb nobody, and no root is needed.
        .args(["--net", "--map-root-user", "sh", "-c", "ip link set lo up && exec \"$0\" \"$@\""])
        .arg(&python)
        .arg(root.join("e2e/meta/real_milvus.py"))
        .arg("--etcd")
        .arg(tools::path(Tool::Etcd).await?)
        .arg("--tool")
        .arg(binary)
        .arg("--wheel")
        .arg(wheel)
        .arg("--storage")
        .arg(root.join("e2e/meta/milvus-2.1.0-storage.tar.xz"))
        .arg("--metadata")
        .arg(root.join("crates/meta/tests/data/milvus-2.1.0.json"))
        .arg("--work")
        .arg(work.path())
        .arg("--report")
        .arg(out)
        .status()
        .await?;
    if !status.success() {
        // The logs of Milvus and etcd are in there.
        println!("kept: {}", work.keep().display());
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

fn cache() -> Result<PathBuf, Failure> {
    let base = match std::env::var_os("XDG_CACHE_HOME") {
        Some(base) => PathBuf::from(base),
        None => PathBuf::from(std::env::var_os("HOME").ok_or("HOME is not set")?).join(".cache"),
    };
    let cache = base.join("milvus-operator/real-milvus");
    std::fs::create_dir_all(&cache)?;
    Ok(cache)
}

/// A Python with the client in it.
async fn client(cache: &Path) -> Result<PathBuf, Failure> {
    let venv = cache.join("venv");
    let python = venv.join("bin/python");
    let done = venv.join("complete");
    if done.exists() {
        return Ok(python);
    }
    must(Command::new("python3").args(["-m", "venv"]).arg(&venv)).await?;
    must(Command::new(&python).args(["-m", "pip", "install", "--quiet"]).args(CLIENT)).await?;
    std::fs::write(done, "")?;
    Ok(python)
}

async fn server(python: &Path, cache: &Path) -> Result<PathBuf, Failure> {
    let wheels = cache.join("wheels");
    let wheel = wheels.join(WHEEL);
    if !wheel.exists() {
        let pip = ["-m", "pip", "download", "--quiet", "--no-deps", "milvus==2.2.16", "--dest"];
        must(Command::new(python).args(pip).arg(&wheels)).await?;
    }
    Ok(wheel)
}

async fn must(command: &mut Command) -> Result<(), Failure> {
    let status = command.status().await?;
    if status.success() { Ok(()) } else { Err(format!("{command:?} ended with {status}").into()) }
}
