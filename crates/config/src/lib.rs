//! The program that stands between a Milvus image and its operator.
//!
//! It takes what the operator wrote for a Milvus (`user.yaml`, `hook.yaml`, mounted from a ConfigMap) and
//! gives the Milvus process the files that it reads. One static program does what upstream's image does with
//! a shell, two scripts and three Go programs; the name that it is called by says which: `sh /init.sh` in the
//! init container, `run.sh`, `merge`, `iam-verify` and `cp`. The names, paths and arguments are upstream's,
//! because the pods that exist call them.
//!
//! It may not need anything but itself: the image that it comes in is empty, the image that it runs in is
//! anybody's.

#![deny(clippy::missing_errors_doc)]

use std::{ffi::OsString, path::Path, process::ExitCode};

mod error;
mod files;
mod iam;
mod init;
mod merge;
mod paths;
mod program;
mod run;
mod yaml;

pub use error::Error;

use crate::{paths::Paths, program::Program};

/// The program: `args` are those of the process, its own name first.
pub fn main(args: &[OsString]) -> ExitCode {
    let paths = Paths::from_environment();
    let (program, rest) = match Program::of(args) {
        Ok(called) => called,
        Err(error) => return program::fail("milvus-config-tool", &error),
    };
    let done = match program {
        Program::Init => init::run(&paths),
        Program::Run => run::run(&paths, rest),
        Program::Merge => merge::run(rest),
        Program::IamVerify => iam::run(&paths),
        Program::Copy => init::copy_command(rest),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => program::fail(program.name(), &error),
    }
}

/// What `merge` writes for two texts: the settings of `source` over those of `destination`. What a Milvus
/// will read can be computed by it without a pod.
///
/// # Errors
///
/// When one of them is no YAML mapping (the error then calls them `source` and `destination`), or
/// `messageQueue` is no name.
pub fn merge(source: &str, destination: &str) -> Result<String, Error> {
    merge::texts((Path::new("source"), source), (Path::new("destination"), destination))
}
