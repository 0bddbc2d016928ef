//! What is kept of a ConfigMap: never its data.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ConfigMap;

use super::fields::owner_uid;
use crate::hash;

/// A ConfigMap as the pass sees it: a hash of its data, never the data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigMapRecord {
    /// UID of the controlling owner.
    pub owner_uid: Option<String>,
    /// `metadata.resourceVersion`
    pub resource_version: String,
    /// Being deleted.
    pub deleting: bool,
    /// Hash of `data` ([`hash::of_map`]).
    pub data_hash: String,
    /// Labels.
    pub labels: BTreeMap<String, String>,
}

impl ConfigMapRecord {
    /// Keeps what the pass needs of a live ConfigMap.
    pub fn of(object: &ConfigMap) -> ConfigMapRecord {
        ConfigMapRecord {
            owner_uid: owner_uid(&object.metadata),
            resource_version: object.metadata.resource_version.clone().unwrap_or_default(),
            deleting: object.metadata.deletion_timestamp.is_some(),
            data_hash: hash::of_map(object.data.as_ref().unwrap_or(&BTreeMap::new())),
            labels: object.metadata.labels.clone().unwrap_or_default(),
        }
    }
}
