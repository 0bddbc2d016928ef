//! What can go wrong when images are made.

use std::{io, path::PathBuf, process::ExitStatus};

use snafu::Snafu;

use super::archive;

/// One variant for each thing that is attempted.
#[derive(Debug, Snafu)]
#[snafu(visibility(pub))]
pub enum Error {
    /// A program of the machine is missing.
    #[snafu(display("{program} could not be started: {source}"))]
    Start { program: &'static str, source: io::Error },

    /// A program of the test kit is not there.
    #[snafu(display("{source}"))]
    Tool { source: milvus_testkit::tools::Error },

    /// A program ended with an error, which it has said itself.
    #[snafu(display("{what} failed ({status})"))]
    Failed { what: String, status: ExitStatus },

    /// The standard library for the target is missing.
    #[snafu(display("Rust's library for {target} is missing; install it with `rustup target add {target}`"))]
    Target { target: String },

    /// Neither CARGO_HOME nor a home directory.
    #[snafu(display("set CARGO_HOME or HOME: the path of cargo's files is taken out of the programs"))]
    CargoHome,

    /// A program is not where it is to be.
    #[snafu(display("the program {} can't be read: {source}", path.display()))]
    Program { path: PathBuf, source: io::Error },

    /// A program is for another processor, or needs an interpreter and libraries, which an empty image has
    /// not.
    #[snafu(display(
        "{} is no static program for {arch}: it would not start in an empty image; build it for a musl target, as `cargo xtask image` does",
        path.display()
    ))]
    Dynamic { path: PathBuf, arch: &'static str },

    /// An archive could not be put together.
    #[snafu(display("the archive of {name} could not be made: {source}"))]
    Archive { name: String, source: archive::Error },

    /// A file could not be written.
    #[snafu(display("{} could not be written: {source}", path.display()))]
    Write { path: PathBuf, source: io::Error },

    /// The copy of the tree could not be made or removed.
    #[snafu(display("{}: the copy of the sources failed: {source}", path.display()))]
    Copy { path: PathBuf, source: io::Error },

    /// A second build gave another image.
    #[snafu(display(
        "{name} is not reproducible: {first} here, {second} when built from a copy at another path"
    ))]
    Differs { name: String, first: String, second: String },
}
