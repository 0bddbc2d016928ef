//! The init container: the tools go to where the Milvus container finds them.

use std::{ffi::OsString, path::Path};

use crate::{
    error::{Error, UsageSnafu},
    files,
    paths::Paths,
    program::say,
};

/// What the Milvus container needs of this program, under these names.
const TOOLS: [&str; 3] = ["run.sh", "merge", "iam-verify"];

/// `/init.sh`.
///
/// # Errors
///
/// When a tool can't be copied.
pub fn run(paths: &Paths) -> Result<(), Error> {
    for name in TOOLS {
        files::copy(&paths.tool(name), &paths.tools().join(name))?;
    }
    say("init.sh", &format!("{} are in {}", TOOLS.join(", "), paths.tools().display()));
    Ok(())
}

/// `/cp FROM[,FROM…] TO[,TO…]`: as many files here as there.
///
/// # Errors
///
/// When the arguments are others, or a file can't be copied.
pub fn copy_command(args: &[OsString]) -> Result<(), Error> {
    let usage =
        || UsageSnafu { usage: "cp FROM[,FROM...] TO[,TO...], with as many files here as there" }.build();
    let [from, to] = args else { return Err(usage()) };
    let (from, to) = (list(from).ok_or_else(usage)?, list(to).ok_or_else(usage)?);
    if from.len() != to.len() {
        return Err(usage());
    }
    from.into_iter().zip(to).try_for_each(|(from, to)| files::copy(Path::new(from), Path::new(to)))
}

fn list(arg: &OsString) -> Option<Vec<&str>> {
    arg.to_str().map(|names| names.split(',').collect())
}
