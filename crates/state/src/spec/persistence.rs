//! The volume of a queue that runs inside Milvus.

use milvus_api::{Dependencies, Milvus, Persistence, names};
use serde_json::{Map, Value, json};

use k8s_openapi::api::core::v1::PersistentVolumeClaimSpec;

use super::decode::without_values;
use super::dependencies::Queue;
use super::settings::{ClaimSettings, DataVolume};
use crate::refusal::Refusal;

/// Access mode and size of a claim that says neither, as upstream.
const ACCESS_MODE: &str = "ReadWriteOnce";
const SIZE: &str = "5Gi";

/// The volume; `None` where the queue is outside of Milvus.
pub fn parse(milvus: &Milvus, queue: &Queue, refusals: &mut Vec<Refusal>) -> Option<DataVolume> {
    let (field, persistence) = chosen(milvus.spec.dependencies.as_ref(), queue)?;
    let Some(persistence) = persistence.filter(|p| p.enabled == Some(true)) else {
        return Some(DataVolume::Scratch);
    };
    let claim = persistence.persistent_volume_claim.unwrap_or_default();
    if let Some(existing) = claim.existing_claim.filter(|name| !name.is_empty()) {
        return Some(DataVolume::Existing(existing));
    }
    let path = format!("spec.dependencies.{field}.persistence.persistentVolumeClaim.spec");
    let given = claim.spec.unwrap_or_default();
    if let Err(error) = given.decode::<PersistentVolumeClaimSpec>() {
        refusals.push(Refusal::invalid(
            &path,
            without_values(&error.to_string()),
            "Write it as Kubernetes documents it for a PersistentVolumeClaim.",
        ));
    }
    let name = milvus.metadata.name.as_deref().unwrap_or_default();
    Some(DataVolume::Claim(ClaimSettings {
        // It fits: the name of the Milvus is checked against the shorter limit of its Service.
        name: names::data_claim(name).unwrap_or_default(),
        labels: claim.labels,
        annotations: claim.annotations,
        spec: completed(given.0),
        delete: persistence.pvc_deletion == Some(true),
    }))
}

/// The field of the queue that is used, and what stands there.
fn chosen(dependencies: Option<&Dependencies>, queue: &Queue) -> Option<(&'static str, Option<Persistence>)> {
    let built_in = |of: &dyn Fn(&Dependencies) -> Option<Persistence>| dependencies.and_then(of);
    match queue {
        Queue::Rocksmq => Some(("rocksmq", built_in(&|d| d.rocksmq.as_ref()?.persistence.clone()))),
        Queue::Natsmq => Some(("natsmq", built_in(&|d| d.natsmq.as_ref()?.persistence.clone()))),
        Queue::Woodpecker { pools: None } => {
            Some(("woodpecker", built_in(&|d| d.woodpecker.as_ref()?.persistence.clone())))
        }
        Queue::Woodpecker { pools: Some(_) } | Queue::Pulsar { .. } | Queue::Kafka { .. } | Queue::Custom => {
            None
        }
    }
}

/// The user's spec with access modes and size, where it has none.
fn completed(mut spec: Map<String, Value>) -> Map<String, Value> {
    let empty = spec.get("accessModes").and_then(Value::as_array).is_none_or(Vec::is_empty);
    if empty {
        spec.insert("accessModes".to_owned(), json!([ACCESS_MODE]));
    }
    let mut resources = spec.remove("resources").filter(Value::is_object).unwrap_or_else(|| json!({}));
    if !resources["requests"].is_object() {
        resources["requests"] = json!({});
    }
    if resources["requests"]["storage"].is_null() {
        resources["requests"]["storage"] = json!(SIZE);
    }
    spec.insert("resources".to_owned(), resources);
    spec
}
