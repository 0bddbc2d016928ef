//! The pass: observe, parse, decide, apply, report.
//!
//! Takes one Milvus; gives when to look again without being told. Everything that Kubernetes or a probe can announce
//! comes through the watches; the only timers are those for Secrets, which are not watched, and for a wait that turns into
//! a stall.

pub mod apply;
pub mod events;
pub mod observe;
pub mod report;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use kube::ResourceExt as _;
use kube::runtime::controller::Action;
use milvus_api::Milvus;
use milvus_cluster::Stored;
use milvus_state::{Decided, Outcome, Snapshot, decide, report as reported};
use snafu::ResultExt as _;
use tracing::Instrument as _;

use self::apply::apply;
use self::observe::{Observed, key, observe};
use crate::context::Context;
use crate::credentials;
use crate::error::{ApplySnafu, Error, RenderSnafu, back_off};

/// Between two passes that only time has asked for.
const AT_LEAST: Duration = Duration::from_secs(1);

/// Until a volume claim that a former Milvus has left is looked at again.
const CLAIM_GONE: Duration = Duration::from_secs(10);

/// One pass. Every line that is logged in it names the Milvus.
///
/// # Errors
/// What could not be read, rendered or written: the pass is to be made again.
pub async fn reconcile(object: Arc<Stored<Milvus>>, ctx: Arc<Context>) -> Result<Action, Error> {
    let span = tracing::error_span!("pass", milvus = %object.name_any(), namespace = %object.namespace().unwrap_or_default());
    Box::pin(pass(object, ctx)).instrument(span).await
}

async fn pass(object: Arc<Stored<Milvus>>, ctx: Arc<Context>) -> Result<Action, Error> {
    let watched = object.decode().map_err(|message| Error::Undecodable { message })?;
    let started = tokio::time::Instant::now();
    // Boxed, as a whole Milvus is part of them: thousands of passes may wait at a time.
    let observed = Box::pin(observe(&ctx, watched)).await?;
    let Observed { milvus, parsed, snapshot } = &observed;
    let decided = decide(parsed, snapshot).context(RenderSnafu)?;
    let (applied, failed) = apply(&ctx, &key(milvus), snapshot, &decided).await;
    let report = reported(parsed, snapshot, &decided, &applied);
    Box::pin(report::write(&ctx, milvus, &report)).await?;
    ctx.parts.observer.passed(milvus, &report.status, started.elapsed());
    report::steps(&ctx, milvus.status.as_ref(), &report.status);
    if let Some(source) = failed {
        return Err(source).context(ApplySnafu);
    }
    let (namespace, name) = key(milvus);
    ctx.parts.observer.succeeded(&namespace, &name, ctx.parts.clock.now());
    ctx.failures.clear(&(namespace, name));
    Ok(next(&ctx, snapshot, &decided, report.look_again))
}

/// When to look again. A recorded target is acted on at once: the write of the status comes back through the watch.
///
/// `look_again`: when a wait turns into a stall.
fn next(ctx: &Context, snapshot: &Snapshot, decided: &Decided, look_again: Option<Timestamp>) -> Action {
    if matches!(decided.outcome, Outcome::Paused | Outcome::Deleting) {
        return Action::await_change();
    }
    if matches!(decided.outcome, Outcome::Leftovers(_)) && snapshot.claim.is_some() {
        // Claims are not watched.
        return Action::requeue(CLAIM_GONE);
    }
    let stalls = look_again.map(|at| {
        let left = at.duration_since(snapshot.watched.now);
        Duration::try_from(left).unwrap_or_default()
    });
    let secrets = match snapshot.probes.ready() {
        true => ctx.credentials.due(&snapshot.watched.milvus.uid),
        false => Some(credentials::RETRY),
    };
    let due = secrets.into_iter().chain(stalls).min();
    due.map_or_else(Action::await_change, |due| Action::requeue(due.max(AT_LEAST)))
}

/// What follows a failed pass. One that was overtaken is not a failure: the watch brings the newer object.
pub fn after_failure(object: &Stored<Milvus>, error: &Error, ctx: &Context) -> Action {
    let name = object.name_any();
    let namespace = object.namespace().unwrap_or_default();
    ctx.parts.observer.failed(error.into());
    if error.is_stale() {
        tracing::debug!(%namespace, %name, %error, "overtaken; the next pass decides anew");
        return Action::requeue(back_off(1));
    }
    let failures = ctx.failures.count(&(namespace.clone(), name.clone()));
    ctx.parts.observer.failing(&namespace, &name, failures);
    if let Error::Undecodable { .. } = error {
        tracing::error!(%namespace, %name, %error, "skipped until it is changed");
        return Action::await_change();
    }
    tracing::warn!(%namespace, %name, %error, failures, "pass failed, will be retried");
    Action::requeue(back_off(failures))
}
