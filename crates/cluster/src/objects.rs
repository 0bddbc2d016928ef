//! Owned objects of any kind, written through the one writer; what the API server answers is kept as a record.

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{ConfigMap, PersistentVolumeClaim, Service};
use k8s_openapi::api::networking::v1::Ingress;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use kube::Resource;
use milvus_api::PodMonitor;
use milvus_state::changes::Removal;
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

/// Applies a complete object of one Milvus.
///
/// # Errors
/// What the API server refused, or that it gave no answer.
pub async fn apply(
    writer: &Writer,
    records: &Records,
    key: &Key,
    manifest: &Manifest,
) -> Result<Written, Error> {
    let name = &manifest.name;
    Ok(Written::Generation(match manifest.kind {
        Kind::Deployment => {
            let record = DeploymentRecord::of(&send::<Deployment>(writer, key, manifest).await?);
            records.deployments().put(key, name, record.clone());
            return Ok(Written::Deployment(Box::new(record)));
        }
        Kind::ConfigMap => {
            let live = send::<ConfigMap>(writer, key, manifest).await?;
            records.config_maps().put(key, name, ConfigMapRecord::of(&live));
            None
        }
        Kind::Service => {
            let live = send::<Service>(writer, key, manifest).await?;
            records.services().put(key, name, ServiceRecord::of(&live));
            None
        }
        Kind::PersistentVolumeClaim => {
            send::<PersistentVolumeClaim>(writer, key, manifest).await?;
            None
        }
        Kind::Ingress => {
            let live = send::<Ingress>(writer, key, manifest).await?;
            records.ingresses().put(key, name, IngressRecord::of(&live));
            live.metadata.generation
        }
        Kind::PodMonitor => {
            let live = send::<PodMonitor>(writer, key, manifest).await?;
            records.pod_monitors().put(key, name, MetaRecord::of(&live.metadata));
            live.metadata.generation
        }
        Kind::PodDisruptionBudget => {
            let live = send::<PodDisruptionBudget>(writer, key, manifest).await?;
            records.budgets().put(&budgets_key(&key.0), name, BudgetRecord::of(&live));
            live.metadata.generation
        }
        Kind::Job => {
            let live = send::<Job>(writer, key, manifest).await?;
            records.jobs().put(key, name, MetaRecord::of(&live.metadata));
            live.metadata.generation
        }
        Kind::StatefulSet => {
            let live = send::<StatefulSet>(writer, key, manifest).await?;
            records.stateful_sets().put(key, name, MetaRecord::of(&live.metadata));
            live.metadata.generation
        }
    }))
}

async fn send<K>(writer: &Writer, (namespace, _): &Key, manifest: &Manifest) -> Result<K, Error>
where
    K: Resource<Scope = NamespaceResourceScope> + Clone + DeserializeOwned + std::fmt::Debug,
    K::DynamicType: Default,
{
    writer.apply(namespace, &manifest.name, &manifest.object).await
}

/// Deletes an object that a Milvus has no more. One that is gone already is no error.
///
/// # Errors
/// What the API server refused, or that it gave no answer.
pub async fn remove(writer: &Writer, namespace: &str, removal: &Removal) -> Result<(), Error> {
    let Removal { kind, name, uid } = removal;
    match kind {
        Kind::ConfigMap => writer.delete::<ConfigMap>(namespace, name, uid).await,
        Kind::Service => writer.delete::<Service>(namespace, name, uid).await,
        Kind::PersistentVolumeClaim => writer.delete::<PersistentVolumeClaim>(namespace, name, uid).await,
        Kind::Ingress => writer.delete::<Ingress>(namespace, name, uid).await,
        Kind::PodMonitor => writer.delete::<PodMonitor>(namespace, name, uid).await,
        Kind::PodDisruptionBudget => writer.delete::<PodDisruptionBudget>(namespace, name, uid).await,
        Kind::Deployment => writer.delete::<Deployment>(namespace, name, uid).await,
        Kind::Job => writer.delete::<Job>(namespace, name, uid).await,
        Kind::StatefulSet => writer.delete::<StatefulSet>(namespace, name, uid).await,
    }
}
