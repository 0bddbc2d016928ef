//! Publishes the Events of a pass.
//!
//! An Event that can't be written is logged and lost: the same words are in the status.

use milvus_api::{Milvus, Reason};
use milvus_cluster::write;
use milvus_state::{Event, Severity};

use super::observe::key;
use crate::context::Context;

/// Publishes the Events of a pass, in their order.
pub async fn publish(ctx: &Context, milvus: &Milvus, events: &[Event]) {
    let (namespace, name) = key(milvus);
    for event in events {
        tracing::info!(%namespace, %name, reason = event.reason.as_str(), "{}", event.message);
        one(ctx, milvus, event).await;
    }
}

/// Tells that the status can't be written, which the status itself can't tell. Only where the API server has judged it: one that does
/// not answer takes no Event either.
pub async fn status_refused(ctx: &Context, milvus: &Milvus, error: &write::Error) {
    if !error.is_refusal() {
        return;
    }
    let event = Event {
        severity: Severity::Warning,
        reason: Reason::WriteFailed.into(),
        action: "Write",
        message: format!("{error}. It is tried again every minute at least. Change what refuses it"),
    };
    one(ctx, milvus, &event).await;
}

async fn one(ctx: &Context, milvus: &Milvus, event: &Event) {
    if let Err(error) = ctx.recorder.record(milvus, event).await {
        let (namespace, name) = key(milvus);
        tracing::warn!(%namespace, %name, %error, reason = event.reason.as_str(), "an Event is lost");
    }
}
