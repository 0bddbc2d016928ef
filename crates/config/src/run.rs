//! `run.sh COMMAND…` in the Milvus container: prepares the configuration, then becomes the command.
//!
//! The settings of the operator are merged into Milvus' own files, and its `user.yaml` is linked beside them:
//! Milvus watches that link, so a change of the ConfigMap reaches a running Milvus. Where Milvus' own
//! directory can't be written (a read-only image, a user that is not root's), the same files are laid out
//! beside the tools, and Milvus is told so with MILVUSCONF.

use std::{
    env,
    ffi::{OsStr, OsString},
    fs,
    os::unix::process::CommandExt as _,
    path::Path,
    process::Command,
};

use snafu::{IntoError as _, ResultExt as _};

use crate::{
    error::{Error, ExecSnafu, NowhereToWriteSnafu, ReadSnafu, UsageSnafu, WriteSnafu},
    files, iam, merge,
    paths::Paths,
    program::say,
};

/// Milvus reads its configuration from the directory that this names.
const MILVUS_CONF: &str = "MILVUSCONF";

/// A file of the operator, what it is merged into, and the name that it is linked by.
const FILES: [(&str, &str, &str); 2] =
    [("user.yaml", "milvus.yaml", "user.yaml"), ("hook.yaml", "hook.yaml", "hook_updates.yaml")];

/// What is to be in the directory of the configuration.
struct Wanted {
    /// Name and text of the files that a merge changed.
    texts: Vec<(&'static str, String)>,
    /// Name in the directory and in the mounted ConfigMap.
    links: Vec<(&'static str, &'static str)>,
}

/// Returns only when something is wrong.
///
/// # Errors
///
/// When there is no command, the configuration can't be read, merged or written, or the command can't be
/// started.
pub fn run(paths: &Paths, command: &[OsString]) -> Result<(), Error> {
    let Some((program, args)) = command.split_first() else {
        return UsageSnafu { usage: "run.sh COMMAND [ARGUMENT...], as in `run.sh milvus run proxy`" }.fail();
    };
    let wanted = wanted(paths)?;
    let moved = match lay_out(paths, &paths.configs(), &wanted) {
        Ok(()) => false,
        Err(Denied { path, source }) => {
            beside_the_tools(paths, &wanted).map_err(|fallback| {
                NowhereToWriteSnafu { path, tools: paths.tools(), fallback: Box::new(fallback) }
                    .into_error(source)
            })?;
            true
        }
    };
    iam::run(paths)?;
    let mut next = Command::new(program);
    next.args(args);
    if moved && env::var_os(MILVUS_CONF).is_none_or(|set| set == *paths.configs()) {
        next.env(MILVUS_CONF, paths.runtime_configs());
    }
    Err(next.exec()).context(ExecSnafu { command: Path::new(program) })
}

/// Reads and merges everything before anything is written.
fn wanted(paths: &Paths) -> Result<Wanted, Error> {
    let mut wanted = Wanted { texts: Vec::new(), links: Vec::new() };
    for (given, own, link) in FILES {
        let source = paths.operator().join(given);
        if source.is_file() {
            wanted.links.push((link, given));
        }
        if let Some(text) = merge::merged(&source, &paths.configs().join(own))? {
            wanted.texts.push((own, text));
        }
    }
    Ok(wanted)
}

/// What could not be written in Milvus' own directory.
struct Denied {
    path: std::path::PathBuf,
    source: std::io::Error,
}

/// Puts everything into `directory`.
fn lay_out(paths: &Paths, directory: &Path, wanted: &Wanted) -> Result<(), Denied> {
    let denied = |error| match error {
        Error::Write { path, source } | Error::Link { path, source, .. } => Denied { path, source },
        other => Denied { path: directory.to_owned(), source: std::io::Error::other(other) },
    };
    for (name, text) in &wanted.texts {
        let path = directory.join(name);
        // After a restart on the same files there is nothing to write.
        if files::read(&path).map_err(denied)?.as_ref() != Some(text) {
            files::write(&path, text).map_err(denied)?;
        }
    }
    for (name, given) in &wanted.links {
        files::link(&paths.operator().join(given), &directory.join(name)).map_err(denied)?;
    }
    Ok(())
}

/// The configuration beside the tools: links to what Milvus' own directory has, and our files.
fn beside_the_tools(paths: &Paths, wanted: &Wanted) -> Result<(), Error> {
    let (from, to) = (paths.configs(), paths.runtime_configs());
    say("run.sh", &format!("{} can't be written; the configuration is in {}", from.display(), to.display()));
    fs::create_dir_all(&to).context(WriteSnafu { path: &to })?;
    for entry in fs::read_dir(&from).context(ReadSnafu { path: &from })? {
        let name = entry.context(ReadSnafu { path: &from })?.file_name();
        if !ours(&name, wanted) {
            files::link(&from.join(&name), &to.join(&name))?;
        }
    }
    lay_out(paths, &to, wanted).map_err(|Denied { path, source }| WriteSnafu { path }.into_error(source))
}

fn ours(name: &OsStr, wanted: &Wanted) -> bool {
    let texts = wanted.texts.iter().map(|(name, _)| *name);
    let links = wanted.links.iter().map(|(name, _)| *name);
    texts.chain(links).any(|one| name == one)
}
