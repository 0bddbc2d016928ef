//! What can go wrong, in the words that the container's log shows.

use std::{io, path::PathBuf};

use snafu::Snafu;

/// One variant for each thing that is attempted. The cause is part of the message, because the log of the container is all there is.
#[derive(Debug, Snafu)]
#[snafu(visibility(pub))]
pub enum Error {
    #[snafu(display(
        "{name:?} is none of its programs; it can be called as init.sh, run.sh, merge, iam-verify and cp, or by `milvus-config-tool NAME`"
    ))]
    UnknownName { name: String },

    #[snafu(display(
        "there is no shell in this image; `sh` only starts its own programs, as in `sh /init.sh`"
    ))]
    NoShell,

    #[snafu(display("usage: {usage}"))]
    Usage { usage: &'static str },

    #[snafu(display("can't read {}: {source}", path.display()))]
    Read { path: PathBuf, source: io::Error },

    #[snafu(display("{}: line {line}, column {column}: {reason}", path.display()))]
    Yaml { path: PathBuf, line: usize, column: usize, reason: String },

    #[snafu(display("{}: {key} must be the name of a message queue, such as kafka or pulsar", path.display()))]
    QueueName { path: PathBuf, key: &'static str },

    #[snafu(display("can't write {}: {source}", path.display()))]
    Write { path: PathBuf, source: io::Error },

    #[snafu(display("can't make the link {} to {}: {source}", path.display(), target.display()))]
    Link { path: PathBuf, target: PathBuf, source: io::Error },

    #[snafu(display("can't copy {} to {}: {source}", from.display(), to.display()))]
    Copy { from: PathBuf, to: PathBuf, source: io::Error },

    #[snafu(display(
        "can't write {}: {source}; make the directory writable for the user of the Milvus container, or mount the emptyDir `tools` at {} so that \
         the configuration can lie there ({fallback})",
        path.display(), tools.display()
    ))]
    NowhereToWrite { path: PathBuf, tools: PathBuf, source: io::Error, fallback: Box<Error> },

    #[snafu(display("can't listen for SIGTERM: {source}"))]
    Signals { source: io::Error },

    #[snafu(display("can't run {}: {source}", command.display()))]
    Exec { command: PathBuf, source: io::Error },
}
