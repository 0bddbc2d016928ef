//! All writes of a pass but the status, in their order.
//!
//! Takes the rendered objects; gives what the API server answered. The first write that fails ends it: what follows may depend on it. The
//! pass still tells in the status what failed.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Service};
use milvus_api::Milvus;
use milvus_cluster::records::Key;
use milvus_cluster::write;
use milvus_state::Decided;
use milvus_state::fold::{Applied, Failure};
use milvus_state::records::{ConfigMapRecord, DeploymentRecord, ServiceRecord};
use milvus_state::render::Objects;

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
    let Objects { meta, config_map, service, deployments, removals } = &decided.objects;
    let (namespace, name) = key;
    if let (Some(meta), Some(milvus)) = (meta, &decided.milvus) {
        let written: Milvus = ctx.writer.apply(namespace, name, &meta.object(milvus)).await?;
        ctx.records.wrote(key.clone(), written);
    }
    if let Some(config_map) = config_map {
        let name = config_map.metadata.name.clone().unwrap_or_default();
        let live: ConfigMap = ctx.writer.apply(namespace, &name, config_map).await?;
        ctx.records.config_maps().put(key, &name, ConfigMapRecord::of(&live));
    }
    if let Some(service) = service {
        let name = service.metadata.name.clone().unwrap_or_default();
        let live: Service = ctx.writer.apply(namespace, &name, service).await?;
        ctx.records.services().put(key, &name, ServiceRecord::of(&live));
    }
    for deployment in deployments {
        let live: Deployment = ctx.writer.apply(namespace, &deployment.name, &deployment.object).await?;
        let record = DeploymentRecord::of(&live);
        ctx.records.deployments().put(key, &deployment.name, record.clone());
        applied.deployments.insert(deployment.name.clone(), record);
    }
    for removal in removals {
        ctx.writer.delete(namespace, &removal.name, &removal.uid).await?;
    }
    Ok(())
}
