//! Why a pass failed, and what that means for the next one.

use std::time::Duration;

use milvus_cluster::{read, write};
use snafu::Snafu;
use strum::IntoStaticStr;

/// A pass that failed. The name of the variant is the label of the metric.
#[derive(Debug, Snafu, IntoStaticStr)]
#[snafu(visibility(pub(crate)))]
#[strum(serialize_all = "snake_case")]
pub enum Error {
    /// The object as it is stored can't be decoded; it waits until it is changed.
    #[snafu(display("this Milvus can't be read, it waits until it is changed: {message}"))]
    Undecodable {
        /// What the decoder says.
        message: String,
    },
    /// A read.
    #[snafu(display("{source}"))]
    Observe {
        /// Which.
        source: read::Error,
    },
    /// An object could not be rendered: a bug.
    #[snafu(display("bug: {source}"))]
    Render {
        /// Which.
        source: milvus_state::manifests::Error,
    },
    /// A write of an object.
    #[snafu(display("{source}"))]
    Apply {
        /// Which.
        source: write::Error,
    },
    /// The write of the status.
    #[snafu(display("{source}"))]
    Status {
        /// Which.
        source: write::Error,
    },
}

impl Error {
    /// Somebody wrote the object in the meantime: the watch brings the newer one, and with it the next pass.
    pub fn is_stale(&self) -> bool {
        matches!(self, Error::Status { source } | Error::Apply { source } if source.is_conflict() || source.is_gone())
    }
}

/// First wait after a failure; doubled each time.
const FIRST_RETRY: Duration = Duration::from_millis(200);
/// Longest wait after failures.
const LAST_RETRY: Duration = Duration::from_mins(1);

/// How long to wait after so many failures in a row.
pub fn back_off(failures: u32) -> Duration {
    FIRST_RETRY.saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1))).min(LAST_RETRY)
}
