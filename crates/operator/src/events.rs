//! Publishes what the fold has to tell, as Events about the Milvus.
//!
//! An Event that can't be written is logged and lost: the same words are in the status.

use milvus_api::{Milvus, Reason};
use milvus_cluster::write;
use milvus_state::{Note, Severity};

use crate::context::Context;
use crate::observe::key;

/// Publishes the Events of a pass, in their order.
pub async fn publish(ctx: &Context, milvus: &Milvus, notes: &[Note]) {
    let (namespace, name) = key(milvus);
    for note in notes {
        tracing::info!(%namespace, %name, reason = note.reason, "{}", note.message);
        one(ctx, milvus, note).await;
    }
}

/// Tells that the status can't be written, which the status itself can't tell. Only where the API server has judged it: one that does
/// not answer takes no Event either.
pub async fn status_refused(ctx: &Context, milvus: &Milvus, error: &write::Error) {
    if !error.is_refusal() {
        return;
    }
    let note = Note {
        severity: Severity::Warning,
        reason: Reason::WriteFailed.as_str().to_owned(),
        action: "Write",
        message: format!("{error}. It is tried again every minute at least. Change what refuses it"),
    };
    one(ctx, milvus, &note).await;
}

async fn one(ctx: &Context, milvus: &Milvus, note: &Note) {
    if let Err(error) = ctx.recorder.record(milvus, note).await {
        let (namespace, name) = key(milvus);
        tracing::warn!(%namespace, %name, %error, reason = note.reason, "an Event is lost");
    }
}
