//! `cargo xtask meta-e2e`: a real Milvus 2.2.16 on metadata that `meta-migration` has migrated, and back.
//!
//! Fetches the server from PyPI and a Python client for it into the cache, builds the release binary, and
//! runs `e2e/meta/real_milvus.py` in a network namespace of its own, which writes what it saw to `docs/`.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Parser;
use milvus_testkit::tools::{self, Tool};
use tokio::process::Command;

use crate::{Failure, bench_meta, real_milvus};

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
    let cache = real_milvus::cache()?;
    let python = real_milvus::client(&cache).await?;
    let wheel = real_milvus::server(&python, &cache, "2.2.16").await?;
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
