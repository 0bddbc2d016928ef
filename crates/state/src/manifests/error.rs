//! Why an object can't be rendered.

use snafu::Snafu;

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
