//! Single values of `spec.config`, and what names are derived from.

use milvus_api::MilvusSpec;
use serde_json::Value;

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

pub(super) fn config_file(spec: &MilvusSpec, path: &[&str]) -> Option<PodFile> {
    config_text(spec, path).map(|path| files::source(spec, &path))
}

/// Three files below a section of the configuration, in the spelling of that section.
pub(super) fn tls_files(spec: &MilvusSpec, section: &str, ca: &str) -> TlsFiles {
    let file = |name: &str| config_file(spec, &[section, "ssl", name]);
    TlsFiles { ca: file(ca), certificate: file("tlsCert"), key: file("tlsKey") }
}

fn at<'a>(spec: &'a MilvusSpec, path: &[&str]) -> Option<&'a Value> {
    spec.config.as_ref()?.get_path(path)
}

pub(super) fn config_text(spec: &MilvusSpec, path: &[&str]) -> Option<String> {
    at(spec, path).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// Milvus reads `true` and `"true"` alike.
pub(super) fn config_flag(spec: &MilvusSpec, path: &[&str]) -> bool {
    at(spec, path).is_some_and(|value| value.as_bool() == Some(true) || value.as_str() == Some("true"))
}

pub(super) fn missing(field: &str, what: &str, example: &str) -> Refusal {
    let path = format!("spec.dependencies.{field}");
    Refusal::invalid(&path, format!("{what} needs it"), &format!("Set it, for example `{example}`."))
}
