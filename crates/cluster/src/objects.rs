//! Owned objects of any kind, written through the one writer; what the API server answers is kept as a record.

use kube::api::{ApiResource, DynamicObject, GroupVersionKind};
use milvus_state::changes::{Removal, Write};
use milvus_state::kinds::Kind;
use milvus_state::manifests::Manifest;
use milvus_state::records::{
    BudgetRecord, ConfigMapRecord, DeploymentRecord, IngressRecord, MetaRecord, ServiceRecord,
};
use serde::de::DeserializeOwned;

use crate::cache::Key;
use crate::records::{Records, budgets_key};
use crate::write::{Error, Writer};

/// An object that was written.
#[derive(Clone, Debug)]
pub enum Written {
    /// A Deployment, as it is now.
    Deployment(Box<DeploymentRecord>),
    /// The generation of an object of another kind, if its kind has one.
    Generation(Option<i64>),
}

/// Applies a complete object of one Milvus, after it has taken over what it must.
///
/// # Errors
/// What the API server refused, or that it gave no answer, or one that can't be decoded.
pub async fn apply(writer: &Writer, records: &Records, key: &Key, write: &Write) -> Result<Written, Error> {
    let Write { manifest, takes_over, component: _ } = write;
    let Manifest { kind, name, object } = manifest;
    if let Some(patch) = takes_over {
        writer.take_over(&resource(*kind), &key.0, name, patch).await?;
    }
    let live = writer.apply_as(&resource(*kind), &key.0, name, object).await?;
    let generation = live.metadata.generation.filter(|_| kind.row().has_generation);
    let meta = || MetaRecord::of(&live.metadata);
    match kind {
        Kind::Deployment => {
            let record = DeploymentRecord::of(&decoded(manifest, &key.0, live)?);
            records.deployments().put(key, name, record.clone());
            return Ok(Written::Deployment(Box::new(record)));
        }
        Kind::ConfigMap => {
            let record = ConfigMapRecord::of(&decoded(manifest, &key.0, live)?);
            records.config_maps().put(key, name, record);
        }
        Kind::Service => {
            let record = ServiceRecord::of(&decoded(manifest, &key.0, live)?);
            records.services().put(key, name, record);
        }
        Kind::Ingress => {
            let record = IngressRecord::of(&decoded(manifest, &key.0, live)?);
            records.ingresses().put(key, name, record);
        }
        Kind::PodDisruptionBudget => {
            let record = BudgetRecord::of(&decoded(manifest, &key.0, live)?);
            records.budgets().put(&budgets_key(&key.0), name, record);
        }
        Kind::PodMonitor => records.pod_monitors().put(key, name, meta()),
        Kind::Job => records.jobs().put(key, name, meta()),
        Kind::StatefulSet => records.stateful_sets().put(key, name, meta()),
        // Read by its name when a pass needs it.
        Kind::PersistentVolumeClaim => {}
    }
    Ok(Written::Generation(generation))
}

/// An object that was written, as its type.
fn decoded<K: DeserializeOwned>(
    manifest: &Manifest,
    namespace: &str,
    live: DynamicObject,
) -> Result<K, Error> {
    let Manifest { kind, name, .. } = manifest;
    let typed = serde_json::to_value(live).and_then(serde_json::from_value);
    typed.map_err(|error| Error::Refused {
        action: format!("apply {kind} {namespace}/{name}"),
        source: Box::new(kube::Error::SerdeError(error)),
    })
}

/// Deletes an object that a Milvus has no more. One that is gone already is no error.
///
/// # Errors
/// What the API server refused, or that it gave no answer.
pub async fn remove(writer: &Writer, namespace: &str, removal: &Removal) -> Result<(), Error> {
    let Removal { kind, name, uid } = removal;
    writer.delete(&resource(*kind), namespace, name, uid).await
}

/// Where the API server has the objects of a kind.
fn resource(kind: Kind) -> ApiResource {
    let row = kind.row();
    let kind = GroupVersionKind::gvk(row.group, row.version, &kind.to_string());
    ApiResource::from_gvk_with_plural(&kind, row.plural)
}
