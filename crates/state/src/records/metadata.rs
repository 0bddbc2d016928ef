//! What is kept of kinds of which the metadata says nearly all: Ingress, PodMonitor, volume claim, budget, Job.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use k8s_openapi::api::networking::v1::{Ingress, IngressStatus};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use milvus_api::keys;
use serde_json::{Map, Value};

use super::fields::{annotation, owner_uid};

/// The metadata of an object that has a generation: whoever writes its spec moves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetaRecord {
    /// `metadata.uid`
    pub uid: String,
    /// UID of the controlling owner.
    pub owner_uid: Option<String>,
    /// `metadata.resourceVersion`
    pub resource_version: String,
    /// Being deleted.
    pub deleting: bool,
    /// `metadata.generation`
    pub generation: i64,
    /// Hash of what was rendered ([`keys::RENDERED_HASH`]).
    pub rendered_hash: Option<String>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    pub annotations: BTreeMap<String, String>,
}

impl MetaRecord {
    /// Keeps what the pass needs of live metadata.
    pub fn of(meta: &ObjectMeta) -> MetaRecord {
        MetaRecord {
            uid: meta.uid.clone().unwrap_or_default(),
            owner_uid: owner_uid(meta),
            resource_version: meta.resource_version.clone().unwrap_or_default(),
            deleting: meta.deletion_timestamp.is_some(),
            generation: meta.generation.unwrap_or_default(),
            rendered_hash: annotation(meta, keys::RENDERED_HASH),
            labels: meta.labels.clone().unwrap_or_default(),
            annotations: meta.annotations.clone().unwrap_or_default(),
        }
    }
}

/// An Ingress as the pass sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct IngressRecord {
    /// Its metadata.
    pub meta: MetaRecord,
    /// Its status: upstream copies it into the status of the Milvus.
    pub status: Option<IngressStatus>,
}

impl IngressRecord {
    /// Keeps what the pass needs of a live Ingress.
    pub fn of(object: &Ingress) -> IngressRecord {
        IngressRecord { meta: MetaRecord::of(&object.metadata), status: object.status.clone() }
    }
}

/// A volume claim as the pass sees it. It is read by its name: one that upstream has made has no labels to be found by.
#[derive(Clone, Debug, PartialEq)]
pub struct ClaimRecord {
    /// `metadata.name`
    pub name: String,
    /// Its metadata. A claim has no generation.
    pub meta: MetaRecord,
    /// Its spec.
    pub spec: Map<String, Value>,
}

impl ClaimRecord {
    /// Keeps what the pass needs of a live claim.
    pub fn of(object: &PersistentVolumeClaim) -> ClaimRecord {
        let spec = serde_json::to_value(&object.spec).unwrap_or_default();
        ClaimRecord {
            name: object.metadata.name.clone().unwrap_or_default(),
            meta: MetaRecord::of(&object.metadata),
            spec: match spec {
                Value::Object(spec) => spec,
                _ => Map::new(),
            },
        }
    }
}

/// Whether the cluster has the kind PodMonitor, which comes with the Prometheus operator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MonitorKind {
    /// It could not be found out: nothing is written and nothing is said.
    #[default]
    Unknown,
    /// It has not.
    Absent,
    /// It has.
    Present,
}
