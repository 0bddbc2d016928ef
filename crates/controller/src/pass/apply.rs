//! All writes of a pass but the status, in their order.
//!
//! Takes the rendered objects; gives what the API server answered. The first write that fails ends it, because what follows
//! may depend on it; of which kinds nothing depends, the table of owned kinds says. In either case the pass still tells in
//! the status what failed.

use milvus_api::Milvus;
use milvus_cluster::objects::{self, Written};
use milvus_cluster::{Key, write};
use milvus_state::changes::Objects;
use milvus_state::kinds::OnFailure;
use milvus_state::status::{Applied, Failure};
use milvus_state::{Decided, Snapshot};

use crate::context::Context;

/// Writes the objects of a pass. The error is returned beside what was written before it.
pub async fn apply(
    ctx: &Context,
    key: &Key,
    snapshot: &Snapshot,
    decided: &Decided,
) -> (Applied, Option<write::Error>) {
    let mut applied = Applied::default();
    let error = write_all(ctx, key, snapshot, decided, &mut applied).await.err();
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
    snapshot: &Snapshot,
    decided: &Decided,
    applied: &mut Applied,
) -> Result<(), write::Error> {
    // Every field is named, so that a new one can't be forgotten here.
    let Objects { metadata, writes, removals } = &decided.objects;
    let (namespace, name) = key;
    let writer = &ctx.parts.writer;
    if let Some(metadata) = metadata {
        let object = metadata.object(&snapshot.watched.milvus);
        let written: Milvus = writer.apply(namespace, name, &object).await?;
        ctx.records.wrote(key.clone(), written);
    }
    let mut failed = None;
    for write in writes {
        let manifest = &write.manifest;
        match objects::apply(writer, &ctx.records, key, write).await {
            Ok(Written::Deployment(record)) => {
                applied.deployments.insert(manifest.name.clone(), *record);
            }
            Ok(Written::Generation(generation)) => {
                applied.generations.extend(generation.map(|generation| (manifest.key(), generation)));
            }
            Err(error) => match manifest.kind.row().on_failure {
                OnFailure::EndsThePass => return Err(error),
                OnFailure::HoldsUpNothing => failed = failed.or(Some(error)),
            },
        }
    }
    for removal in removals {
        objects::remove(writer, namespace, removal).await?;
    }
    failed.map_or(Ok(()), Err)
}
