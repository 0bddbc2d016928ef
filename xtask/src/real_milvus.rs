//! The real Milvus that can be had without a registry of images: its Python package holds the server. Fetched
//! once into the cache, with a client.

use std::path::{Path, PathBuf};

use tokio::process::Command;

use crate::Failure;

/// A client for 2.2.16 that also talks to 2.3, and what reads the binlogs that a 2.1.0 wrote.
pub(crate) const CLIENT: [&str; 7] = [
    "pymilvus==2.2.17",
    "numpy<2",
    "pandas<2.3",
    "protobuf<5",
    "marshmallow<4",
    "setuptools<70",
    "pyarrow<18",
];

/// Where servers and client are kept.
pub(crate) fn cache() -> Result<PathBuf, Failure> {
    let base = match std::env::var_os("XDG_CACHE_HOME") {
        Some(base) => PathBuf::from(base),
        None => PathBuf::from(std::env::var_os("HOME").ok_or("HOME is not set")?).join(".cache"),
    };
    let cache = base.join("milvus-operator/real-milvus");
    std::fs::create_dir_all(&cache)?;
    Ok(cache)
}

/// A Python with the client in it.
pub(crate) async fn client(cache: &Path) -> Result<PathBuf, Failure> {
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

/// The server of a version, as a wheel.
pub(crate) async fn server(python: &Path, cache: &Path, version: &str) -> Result<PathBuf, Failure> {
    let wheels = cache.join("wheels");
    let wheel = wheels.join(format!("milvus-{version}-py3-none-manylinux2014_x86_64.whl"));
    if !wheel.exists() {
        let package = format!("milvus=={version}");
        let pip = ["-m", "pip", "download", "--quiet", "--no-deps", &package, "--dest"];
        must(Command::new(python).args(pip).arg(&wheels)).await?;
    }
    Ok(wheel)
}

/// Runs a command that shows what it does; an error if it fails.
pub(crate) async fn must(command: &mut Command) -> Result<(), Failure> {
    let status = command.status().await?;
    if status.success() { Ok(()) } else { Err(format!("{command:?} ended with {status}").into()) }
}
