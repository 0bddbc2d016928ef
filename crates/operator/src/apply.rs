//! All writes of a pass but the status, in their order.
//!
//! Takes the rendered objects; gives what the API server answered. The first write that fails ends it: what follows may depend on it. Only
//! an Ingress, a PodMonitor or a volume claim that is refused holds up nothing else; the pass fails after the rest is written. In
//! either case it still tells in the status what failed.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, PersistentVolumeClaim, Service};
use k8s_openapi::api::networking::v1::Ingress;
use milvus_api::{Milvus, PodMonitor};
use milvus_cluster::records::Key;
use milvus_cluster::write;
use milvus_state::Decided;
use milvus_state::fold::{Applied, Failure};
use milvus_state::records::{ConfigMapRecord, DeploymentRecord, IngressRecord, MetaRecord, ServiceRecord};
use milvus_state::render::{BesideWrite, Kind, Objects, Removal, Removed};

use crate::context::Context;

/// Writes the objects of a pass. The error is returned beside what was written before it.
pub async fn apply(ctx: &Context, key: &Key, decided: &Decided) -> (Applied, Option<write::Error>) {
    let mut applied = Applied::default();
    let error = write_all(ctx, key, decided, &mut applied).await.err();
    applied.failure = error.as_ref().map(|error| Failure {
        action: error.action().to_owned(),
        why: error.why(),
        refused: error.is_refusal(),
    });
    (applied, error)
}

async fn write_all(
    ctx: &Context,
    key: &Key,
    decided: &Decided,
    applied: &mut Applied,
) -> Result<(), write::Error> {
    // Every kind of object is named, so that a new one can't be forgotten here.
    let Objects { meta, config_maps, service, beside, deployments, removals } = &decided.objects;
    let (namespace, name) = key;
    if let (Some(meta), Some(milvus)) = (meta, &decided.milvus) {
        let written: Milvus = ctx.writer.apply(namespace, name, &meta.object(milvus)).await?;
        ctx.records.wrote(key.clone(), written);
    }
    for config_map in config_maps {
        let name = config_map.metadata.name.clone().unwrap_or_default();
        let live: ConfigMap = ctx.writer.apply(namespace, &name, config_map).await?;
        ctx.records.config_maps().put(key, &name, ConfigMapRecord::of(&live));
    }
    if let Some(service) = service {
        let name = service.metadata.name.clone().unwrap_or_default();
        let live: Service = ctx.writer.apply(namespace, &name, service).await?;
        ctx.records.services().put(key, &name, ServiceRecord::of(&live));
    }
    let mut failed = None;
    for write in beside {
        match write_beside(ctx, key, write).await {
            Ok(generation) => applied.beside.extend(generation.map(|generation| (write.key(), generation))),
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    for deployment in deployments {
        let live: Deployment = ctx.writer.apply(namespace, &deployment.name, &deployment.object).await?;
        let record = DeploymentRecord::of(&live);
        ctx.records.deployments().put(key, &deployment.name, record.clone());
        applied.deployments.insert(deployment.name.clone(), record);
    }
    for removal in removals {
        remove(ctx, namespace, removal).await?;
    }
    failed.map_or(Ok(()), Err)
}

/// Applies an object beside the workloads; its generation, if its kind has one.
async fn write_beside(ctx: &Context, key: &Key, write: &BesideWrite) -> Result<Option<i64>, write::Error> {
    let (namespace, name) = (&key.0, &write.name);
    Ok(match write.kind {
        Kind::Claim => {
            let _: PersistentVolumeClaim = ctx.writer.apply(namespace, name, &write.object).await?;
            None
        }
        Kind::Ingress => {
            let live: Ingress = ctx.writer.apply(namespace, name, &write.object).await?;
            ctx.records.ingresses().put(key, name, IngressRecord::of(&live));
            live.metadata.generation
        }
        Kind::PodMonitor => {
            let live: PodMonitor = ctx.writer.apply(namespace, name, &write.object).await?;
            ctx.records.pod_monitors().put(key, name, MetaRecord::of(&live.metadata));
            live.metadata.generation
        }
    })
}

async fn remove(ctx: &Context, namespace: &str, removal: &Removal) -> Result<(), write::Error> {
    let Removal { kind, name, uid } = removal;
    match kind {
        Removed::Deployment => ctx.writer.delete::<Deployment>(namespace, name, uid).await,
        Removed::Beside(Kind::Claim) => {
            ctx.writer.delete::<PersistentVolumeClaim>(namespace, name, uid).await
        }
        Removed::Beside(Kind::Ingress) => ctx.writer.delete::<Ingress>(namespace, name, uid).await,
        Removed::Beside(Kind::PodMonitor) => ctx.writer.delete::<PodMonitor>(namespace, name, uid).await,
    }
}
