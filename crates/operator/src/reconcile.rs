//! The pass: observe, decide, apply, fold, write status, tell.
//!
//! Takes one Milvus; gives when to look again without being told. Everything that Kubernetes or a probe can announce comes through the
//! watches; the only timer is the one for Secrets, which are not watched.

use std::sync::Arc;
use std::time::Duration;

use kube::runtime::controller::Action;
use kube::{Resource as _, ResourceExt as _};
use milvus_api::{MilvusStatus, StepState, keys};
use milvus_cluster::{Packed, write};
use milvus_state::{Decided, Folded, Snapshot, Verdict, decide, fold};
use snafu::ResultExt as _;
use tracing::Instrument as _;

use crate::apply::apply;
use crate::context::Context;
use crate::error::{ApplySnafu, Error, ObserveSnafu, RenderSnafu, back_off};
use crate::observe::{key, observe};
use crate::{credentials, events, probes};

/// Between two passes that only time has asked for.
const AT_LEAST: Duration = Duration::from_secs(1);

/// One pass. Every line that is logged in it names the Milvus.
pub async fn reconcile(object: Arc<Packed>, ctx: Arc<Context>) -> Result<Action, Error> {
    let span = tracing::error_span!("pass", milvus = %object.name_any(), namespace = %object.namespace().unwrap_or_default());
    Box::pin(pass(object, ctx)).instrument(span).await
}

async fn pass(object: Arc<Packed>, ctx: Arc<Context>) -> Result<Action, Error> {
    let watched = object.unpack().map_err(|message| Error::Undecodable { message })?;
    let started = tokio::time::Instant::now();
    // Boxed, as a whole Milvus is part of them: thousands of passes may wait at a time.
    let snapshot = Box::pin(observe(&ctx, watched)).await.context(ObserveSnafu)?;
    let milvus = &snapshot.core.milvus;
    let decided = decide(&snapshot).context(RenderSnafu)?;
    let (applied, failed) = apply(&ctx, &key(milvus), &decided).await;
    let folded = fold(&snapshot, &decided, &applied);
    if let Err(source) = Box::pin(write_status(&ctx, &snapshot, &folded)).await {
        events::status_refused(&ctx, milvus, &source).await;
        return Err(Error::Status { source });
    }
    events::publish(&ctx, milvus, &folded.notes).await;
    ctx.metrics.observe_pass(milvus, &folded.status, started.elapsed());
    observe_steps(&ctx, milvus.status.as_ref(), &folded.status);
    if let Some(source) = failed {
        return Err(source).context(ApplySnafu);
    }
    let (namespace, name) = key(milvus);
    ctx.metrics.succeeded_pass(&namespace, &name);
    ctx.failures.clear(&(namespace, name));
    Ok(next(&ctx, &snapshot, &decided))
}

/// Writes the status if anything in it changed, on the newest version of the object that is known: the pass itself may have
/// written its metadata.
async fn write_status(ctx: &Context, snapshot: &Snapshot, folded: &Folded) -> Result<(), write::Error> {
    let observed = &snapshot.core.milvus;
    let key = key(observed);
    if folded.released {
        probes::forget(ctx, &key.0, &key.1);
        credentials::forget(ctx, observed.meta().uid.as_deref().unwrap_or_default());
        ctx.records.forget(&key);
        return match observed.finalizers().iter().any(|f| f == keys::FINALIZER) {
            true => ctx.writer.release(observed).await,
            false => Ok(()),
        };
    }
    if observed.status.as_ref() == Some(&folded.status) {
        return Ok(());
    }
    let mut next = ctx.records.newest(&key, observed.clone());
    next.status = Some(folded.status.clone());
    let written = ctx.writer.status(&next).await?;
    ctx.records.wrote(key, written);
    Ok(())
}

/// Times of the steps that this pass saw to be done.
fn observe_steps(ctx: &Context, before: Option<&MilvusStatus>, after: &MilvusStatus) {
    let was_done = |name: &str| {
        let steps = before.and_then(|b| b.upgrade.as_ref()).map(|u| &u.steps);
        steps.into_iter().flatten().any(|s| s.name == name && s.state == Some(StepState::Done))
    };
    let steps = after.upgrade.iter().flat_map(|u| &u.steps);
    for step in steps.filter(|s| s.state == Some(StepState::Done) && !was_done(&s.name)) {
        let (Some(from), Some(to)) = (&step.started_at, &step.finished_at) else { continue };
        let took = Duration::try_from(to.0.duration_since(from.0)).unwrap_or_default();
        for component in step.components.iter().filter_map(|name| name.parse().ok()) {
            ctx.metrics.observe_step(component, took);
        }
    }
}

/// When to look again. A recorded target is acted on at once: the write of the status comes back through the watch.
fn next(ctx: &Context, snapshot: &Snapshot, decided: &Decided) -> Action {
    if matches!(decided.verdict, Verdict::Paused | Verdict::Deleting) {
        return Action::await_change();
    }
    if !snapshot.probes.ready() {
        return Action::requeue(credentials::RETRY);
    }
    let uid = snapshot.core.milvus.meta().uid.as_deref().unwrap_or_default();
    credentials::due(ctx, uid).map_or_else(Action::await_change, |due| Action::requeue(due.max(AT_LEAST)))
}

/// What follows a failed pass. One that was overtaken is not a failure: the watch brings the newer object.
pub fn after_failure(object: &Arc<Packed>, error: &Error, ctx: &Context) -> Action {
    let name = object.name_any();
    let namespace = object.namespace().unwrap_or_default();
    ctx.metrics.failed_pass(error);
    if error.is_stale() {
        tracing::debug!(%namespace, %name, %error, "overtaken; the next pass decides anew");
        return Action::requeue(back_off(1));
    }
    let failures = ctx.failures.count(&(namespace.clone(), name.clone()));
    ctx.metrics.failing(&namespace, &name, failures);
    if let Error::Undecodable { .. } = error {
        tracing::error!(%namespace, %name, %error, "skipped until it is changed");
        return Action::await_change();
    }
    tracing::warn!(%namespace, %name, %error, failures, "pass failed, will be retried");
    Action::requeue(back_off(failures))
}
