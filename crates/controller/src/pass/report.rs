//! Writes what a pass reports: the status of the Milvus, those of the `MilvusUpgrade` objects that name it, Events.

use std::time::Duration;

use kube::ResourceExt as _;
use milvus_api::{Milvus, MilvusStatus, StepState, keys};
use milvus_cluster::write;
use milvus_state::Report;

use super::events;
use super::observe::key;
use crate::context::Context;
use crate::error::Error;
use crate::upgrades;

/// Writes all of a report.
///
/// # Errors
/// What could not be written. An Event that is lost is none: the same words are in the status.
pub async fn write(ctx: &Context, milvus: &Milvus, report: &Report) -> Result<(), Error> {
    if let Err(source) = write_status(ctx, milvus, report).await {
        events::status_refused(ctx, milvus, &source).await;
        return Err(Error::Status { source });
    }
    events::publish(ctx, milvus, &report.events).await;
    upgrades::answer(ctx, &key(milvus), true).await
}

/// Writes the status if anything in it changed, on the newest version of the object that is known: the pass itself may
/// have written its metadata.
async fn write_status(ctx: &Context, observed: &Milvus, report: &Report) -> Result<(), write::Error> {
    let key = key(observed);
    if report.released {
        ctx.parts.dependencies.forget(&key.0, &key.1);
        ctx.credentials.forget(observed.metadata.uid.as_deref().unwrap_or_default());
        ctx.records.forget(&key);
        return match observed.finalizers().iter().any(|f| f == keys::FINALIZER) {
            true => ctx.parts.writer.release(observed).await,
            false => Ok(()),
        };
    }
    if observed.status.as_ref() == Some(&report.status) {
        return Ok(());
    }
    let mut next = ctx.records.newest(&key, observed.clone());
    next.status = Some(report.status.clone());
    let written = ctx.parts.writer.status(&next).await?;
    ctx.records.wrote(key, written);
    Ok(())
}

/// Tells the times of the steps that this pass saw to be done.
pub fn steps(ctx: &Context, before: Option<&MilvusStatus>, after: &MilvusStatus) {
    let was_done = |name: &str| {
        let steps = before.and_then(|b| b.upgrade.as_ref()).map(|u| &u.steps);
        steps.into_iter().flatten().any(|s| s.name == name && s.state == Some(StepState::Done))
    };
    let steps = after.upgrade.iter().flat_map(|u| &u.steps);
    for step in steps.filter(|s| s.state == Some(StepState::Done) && !was_done(&s.name)) {
        let (Some(from), Some(to)) = (&step.started_at, &step.finished_at) else { continue };
        let took = Duration::try_from(to.0.duration_since(from.0)).unwrap_or_default();
        for component in step.components.iter().filter_map(|name| name.parse().ok()) {
            ctx.parts.observer.rolled(component, took);
        }
    }
}
