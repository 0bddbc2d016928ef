//! What can go wrong, in the words that the container's log shows.

use std::{io, path::PathBuf};

use snafu::Snafu;

/// One variant for each thing that is attempted. The cause is part of the message, because the log of the
/// container is all there is.
#[derive(Debug, Snafu)]
#[snafu(visibility(pub))]
pub enum Error {
    /// It was called by a name that none of its programs has.
    #[snafu(display(
        "{name:?} is none of its programs; it can be called as init.sh, run.sh, merge, iam-verify and cp, or by `milvus-config-tool NAME`"
    ))]
    UnknownName {
        /// The name.
        name: String,
    },

    /// It was called as a shell without one of its programs.
    #[snafu(display(
        "there is no shell in this image; `sh` only starts its own programs, as in `sh /init.sh`"
    ))]
    NoShell,

    /// The arguments are not those of the program.
    #[snafu(display("usage: {usage}"))]
    Usage {
        /// What they should be.
        usage: &'static str,
    },

    /// A file could not be read.
    #[snafu(display("can't read {}: {source}", path.display()))]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },

    /// A file is no YAML, or not what is expected of it.
    #[snafu(display("{}: line {line}, column {column}: {reason}", path.display()))]
    Yaml {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// From 1, in characters.
        column: usize,
        /// What is wrong there.
        reason: String,
    },

    /// The message queue is not named by a text.
    #[snafu(display("{}: {key} must be the name of a message queue, such as kafka or pulsar", path.display()))]
    QueueName {
        /// The file.
        path: PathBuf,
        /// The setting.
        key: &'static str,
    },

    /// A file could not be written.
    #[snafu(display("can't write {}: {source}", path.display()))]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },

    /// A symbolic link could not be made.
    #[snafu(display("can't make the link {} to {}: {source}", path.display(), target.display()))]
    Link {
        /// The link.
        path: PathBuf,
        /// Where it should lead.
        target: PathBuf,
        /// Why.
        source: io::Error,
    },

    /// A file could not be copied.
    #[snafu(display("can't copy {} to {}: {source}", from.display(), to.display()))]
    Copy {
        /// The file.
        from: PathBuf,
        /// Where it should go.
        to: PathBuf,
        /// Why.
        source: io::Error,
    },

    /// The configuration can be written neither where Milvus has it nor beside the tools.
    #[snafu(display(
        "can't write {}: {source}; make the directory writable for the user of the Milvus container, or mount the emptyDir `tools` at {} so that \
         the configuration can lie there ({fallback})",
        path.display(), tools.display()
    ))]
    NowhereToWrite {
        /// The file.
        path: PathBuf,
        /// Where the emptyDir should be mounted.
        tools: PathBuf,
        /// Why it can't be written.
        source: io::Error,
        /// Why the other place can't be written either.
        fallback: Box<Error>,
    },

    /// Signals can't be listened for.
    #[snafu(display("can't listen for SIGTERM: {source}"))]
    Signals {
        /// Why.
        source: io::Error,
    },

    /// The command can't be started.
    #[snafu(display("can't run {}: {source}", command.display()))]
    Exec {
        /// The command.
        command: PathBuf,
        /// Why.
        source: io::Error,
    },
}
