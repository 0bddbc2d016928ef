//! Single values of `spec.config`, and what names are derived from.

use milvus_api::MilvusSpec;

use super::config::Config;
use super::dependencies::{PodFile, TlsFiles};
use super::files;
use crate::refusal::Refusal;

/// What the Services of in-cluster releases are called after.
pub(super) struct Names<'a> {
    pub(super) name: &'a str,
    pub(super) namespace: &'a str,
}

impl Names<'_> {
    pub(super) fn minio(&self) -> String {
        format!("{}-minio.{}:9000", self.name, self.namespace)
    }
}

pub(super) fn config_file(spec: &MilvusSpec, config: &Config<'_>, key: &str) -> Option<PodFile> {
    config.text(key).map(|path| files::source(spec, &path))
}

/// Three files below a section of the configuration, in the spelling of that section.
pub(super) fn tls_files(spec: &MilvusSpec, config: &Config<'_>, section: &str, ca: &str) -> TlsFiles {
    let file = |name: &str| config_file(spec, config, &format!("{section}.ssl.{name}"));
    TlsFiles { ca: file(ca), certificate: file("tlsCert"), key: file("tlsKey") }
}

pub(super) fn missing(field: &str, what: &str, example: &str) -> Refusal {
    let path = format!("spec.dependencies.{field}");
    Refusal::invalid(&path, format!("{what} needs it"), &format!("Set it, for example `{example}`."))
}
