//! What can go wrong in the demo, each in the words of what was tried.

use std::{io, path::PathBuf};

use milvus_testkit::{access, clusters, etcd, minio, operator, process, tools, wait};
use snafu::Snafu;

use crate::cargo;

/// Why the demo did not come to its end.
#[derive(Debug, Snafu)]
#[snafu(visibility(pub(super)))]
pub(crate) enum Error {
    /// The programs of this repository could not be built.
    #[snafu(display("{source}"))]
    Build {
        /// Why.
        source: cargo::Error,
    },
    /// A program that the demo runs on could not be built.
    #[snafu(display("{source}"))]
    Tools {
        /// Which, and why.
        source: tools::Error,
    },
    /// cargo built something else.
    #[snafu(display("cargo says that all is built, and names no executable {name}"))]
    MissingBinary {
        /// The executable.
        name: &'static str,
    },
    /// There is no cluster.
    #[snafu(display("{source}"))]
    Cluster {
        /// Why.
        source: clusters::Error,
    },
    /// There is no way into it, or kubectl says no.
    #[snafu(display("{source}"))]
    Enter {
        /// Why.
        source: access::Error,
    },
    /// The cluster does not answer.
    #[snafu(display("{action}: {source}"))]
    Ask {
        /// What was tried.
        action: &'static str,
        /// Why.
        source: kube::Error,
    },
    /// The nodes are real, and etcd and MinIO would run on this machine's loopback interface.
    #[snafu(display(
        "the nodes of this cluster are real, and the demo's own etcd and MinIO could not be reached from its pods. Name \
         a file with a `Milvus` whose dependencies they reach: `--milvus FILE`"
    ))]
    RealNodes,
    /// What an earlier demo left is not gone.
    #[snafu(display("what an earlier demo left in namespace {namespace} does not go: {source}"))]
    Clear {
        /// The namespace.
        namespace: &'static str,
        /// Why.
        source: Box<wait::Error>,
    },
    /// etcd does not run.
    #[snafu(display("{source}"))]
    Etcd {
        /// Why.
        source: etcd::Error,
    },
    /// MinIO does not run.
    #[snafu(display("{source}"))]
    Minio {
        /// Why.
        source: minio::Error,
    },
    /// The operator does not run.
    #[snafu(display("{source}"))]
    Operator {
        /// Why.
        source: operator::Error,
    },
    /// It cannot be told whether the operator runs.
    #[snafu(display("waiting for the operator: {source}"))]
    WatchOperator {
        /// Why.
        source: io::Error,
    },
    /// The operator ended while it had work to do.
    #[snafu(display("the operator ended. Its log {} ends:\n{}", log.display(), process::tail(log)))]
    OperatorEnded {
        /// Its log.
        log: PathBuf,
    },
    /// A file could not be read or written.
    #[snafu(display("{} could not be {action}: {source}", path.display()))]
    File {
        /// The file.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The file of `--milvus` is not YAML.
    #[snafu(display("{}: {source}", path.display()))]
    Parse {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<serde_saphyr::Error>,
    },
    /// The file of `--milvus` holds something else.
    #[snafu(display("{}: {problem}", path.display()))]
    NoSubject {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// It does not become Healthy.
    #[snafu(display("{source}"))]
    NotHealthy {
        /// Why.
        source: Box<wait::Error>,
    },
    /// The upgrade was refused.
    #[snafu(display("the upgrade was refused:\n{story}"))]
    Refused {
        /// What the operator says.
        story: String,
    },
    /// The upgrade takes too long.
    #[snafu(display("the upgrade was not done within {minutes} minutes:\n{story}"))]
    Late {
        /// How long it had.
        minutes: u64,
        /// What the operator says.
        story: String,
    },
    /// The Milvus is gone.
    #[snafu(display("the Milvus was deleted during its upgrade"))]
    Gone,
    /// Standard output is closed.
    #[snafu(display("nothing can be printed: {source}"))]
    Print {
        /// Why.
        source: io::Error,
    },
}
