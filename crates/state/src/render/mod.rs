//! From a decision to the objects that must be written.
//!
//! Takes the parsed Milvus, what was observed, and which components may have their new template; gives complete objects for
//! server-side apply, only those that differ from what exists. A settled Milvus renders nothing.

pub mod assemble;
pub mod beside;
pub mod config;
pub mod meta;
pub mod workload;

mod checksum;
mod env;
mod objects;
mod pod;
mod probes;
mod service;
mod writes;

use snafu::Snafu;

pub use objects::{BesideWrite, DeploymentWrite, Kind, MetaWrite, Objects, Removal, Removed};

/// Name of the init container that puts the tools into place.
pub const CONFIG_CONTAINER: &str = "config";
/// A user's mount of this name takes away the one at its path (upstream's convention).
pub const REMOVE: &str = "_remove";

/// Image and pull policy of the init container `config`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tool {
    /// Image: `--tool-image`, else the operator's own.
    pub image: String,
    /// Pull policy.
    pub pull_policy: String,
}

/// Why an object can't be rendered. None of these can be mended by the user: they are bugs, and are reported as such.
#[derive(Debug, Snafu)]
#[snafu(visibility(pub(crate)))]
pub enum Error {
    /// Name of an object.
    #[snafu(display("can't name an object: {source}"))]
    Name {
        /// What is wrong with it.
        source: milvus_api::names::NameError,
    },
    /// YAML of the configuration.
    #[snafu(display("can't write {what} as YAML: {message}"))]
    Yaml {
        /// `config` or `hookConfig`.
        what: &'static str,
        /// What the writer said.
        message: String,
    },
    /// Hash of a rendered object.
    #[snafu(display("can't hash a rendered object: {source}"))]
    Hash {
        /// What the writer said.
        source: serde_json::Error,
    },
    /// Checksum of the configuration.
    #[snafu(display("can't compute checksum/config: {source}"))]
    Checksum {
        /// What the writer said.
        source: serde_json::Error,
    },
}
