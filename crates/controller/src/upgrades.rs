//! `MilvusUpgrade` objects: each gets a condition that says it is not handled yet.
//!
//! They are seen under the key of the Milvus that they name, in its pass. Those whose Milvus does not exist have no pass:
//! [`orphans`] answers them, through the same writer. Nothing else is done with them: a metadata migration that is
//! silently ignored would leave its user waiting.

use std::sync::Arc;

use futures::{Stream, StreamExt as _};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::ResourceExt as _;
use milvus_api::{MilvusUpgrade, Reason};
use milvus_cluster::Key;

use crate::context::Context;
use crate::error::{Error, back_off};

/// Type of the condition.
const TYPE: &str = "Handled";
/// Message of the condition.
const NOT_HANDLED: &str = "this release of the operator does not migrate metadata; nothing was changed. Run the \
                           meta-migration tool by hand with Milvus stopped, or wait for a release that handles MilvusUpgrade";
/// Failures in a row that the answer to an orphan is taken to have had: each try waits so long.
const PATIENCE: u32 = 8;

/// Answers all `MilvusUpgrade` objects that name a Milvus. `exists`: there is such a Milvus.
///
/// # Errors
/// The status of one that could not be written; those before it are.
pub async fn answer(ctx: &Context, key: &Key, exists: bool) -> Result<(), Error> {
    let upgrades = ctx.records.upgrades().of(key);
    for upgrade in upgrades.into_values().filter_map(|stored| stored.decode().ok()) {
        let Some(next) = answered(ctx, key, upgrade, exists) else { continue };
        let (namespace, name) = (next.namespace().unwrap_or_default(), next.name_any());
        ctx.parts.writer.status(&next).await.map_err(|source| Error::Status { source })?;
        tracing::info!(%namespace, %name, "MilvusUpgrade has its answer");
    }
    Ok(())
}

/// The object with its answer; `None` if it has it.
fn answered(ctx: &Context, key: &Key, mut upgrade: MilvusUpgrade, exists: bool) -> Option<MilvusUpgrade> {
    let (reason, message) = if exists {
        (Reason::NotYetSupported, NOT_HANDLED.to_owned())
    } else {
        let (namespace, name) = key;
        (Reason::MilvusNotFound, format!("there is no Milvus {namespace}/{name}; nothing was changed"))
    };
    let generation = upgrade.metadata.generation;
    let status = upgrade.status.get_or_insert_default();
    let before = status.conditions.iter().find(|c| c.type_ == TYPE);
    if before.is_some_and(|c| c.observed_generation == generation && c.reason == reason.as_str()) {
        return None;
    }
    status.conditions.retain(|c| c.type_ != TYPE);
    status.conditions.push(Condition {
        type_: TYPE.to_owned(),
        status: "False".to_owned(),
        reason: reason.as_str().to_owned(),
        message,
        observed_generation: generation,
        last_transition_time: Time(ctx.parts.clock.now()),
    });
    Some(upgrade)
}

/// Answers the `MilvusUpgrade` objects whose Milvus does not exist. `missing`: keys under which there was no Milvus when
/// one was looked for.
pub async fn orphans(ctx: Arc<Context>, missing: impl Stream<Item = Key>) {
    let missing = std::pin::pin!(missing);
    missing
        .for_each(|key| {
            let ctx = ctx.clone();
            async move {
                while let Err(error) = answer(&ctx, &key, false).await {
                    if error.is_stale() {
                        // The watch brings the newer object, and with it the next look.
                        return;
                    }
                    tracing::warn!(%error, "will be retried");
                    tokio::time::sleep(back_off(PATIENCE)).await;
                }
            }
        })
        .await;
}
