//! What can go wrong while something is measured.

use std::{io, path::PathBuf};

use milvus_testkit::{access, control_plane, etcd, minio, operator, recorder, scratch, wait};
use snafu::Snafu;

use super::roll;
use crate::image;

/// Why there are no figures.
#[derive(Debug, Snafu)]
#[snafu(visibility(pub(super)))]
pub(crate) enum Error {
    /// The operator could not be built.
    #[snafu(display("{source}"))]
    Build {
        /// Why.
        source: image::Error,
    },
    /// There is no control plane.
    #[snafu(display("{source}"))]
    Plane {
        /// Why.
        #[snafu(source(from(control_plane::Error, Box::new)))]
        source: Box<control_plane::Error>,
    },
    /// There is no way in.
    #[snafu(display("{source}"))]
    Enter {
        /// Why.
        source: access::Error,
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
    /// A request failed.
    #[snafu(display("{action}: {source}"))]
    Ask {
        /// What was asked for.
        action: &'static str,
        /// Why.
        source: kube::Error,
    },
    /// What was waited for did not come.
    #[snafu(display("{source}"))]
    NotReached {
        /// Why.
        source: Box<wait::Error>,
    },
    /// The audit log could not be read.
    #[snafu(display("{source}"))]
    Audit {
        /// Why.
        source: scratch::FileError,
    },
    /// Changes could not be recorded.
    #[snafu(display("{source}"))]
    Record {
        /// Why.
        source: recorder::Error,
    },
    /// The recording has holes, so that times taken from it would be wrong.
    #[snafu(display("a watch broke {gaps} times while it was recorded; measure again"))]
    Gaps {
        /// How often.
        gaps: usize,
    },
    /// The recording is no roll.
    #[snafu(display("the roll to {image}: {source}"))]
    NoRoll {
        /// The target.
        image: String,
        /// Why.
        source: roll::Error,
    },
    /// The audit log lacks a request.
    #[snafu(display("the audit log has no {what}"))]
    NoRequest {
        /// Which.
        what: String,
    },
    /// The kernel does not tell what was asked of the operator's process.
    #[snafu(display("the kernel does not tell the {what} of the operator"))]
    Process {
        /// What was asked.
        what: &'static str,
    },
    /// git could not be run.
    #[snafu(display("git could not be run: {source}"))]
    Git {
        /// What the system said.
        source: io::Error,
    },
    /// git does not know the revision.
    #[snafu(display("there is no revision {revision}: {output}"))]
    NoRevision {
        /// As it was asked for.
        revision: String,
        /// What git said.
        output: String,
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
}
