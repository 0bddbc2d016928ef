//! Publishes what the fold has to tell, as Events about the Milvus.
//!
//! An Event that can't be written is logged and lost: the same words are in the status.

use kube::Resource as _;
use kube::ResourceExt as _;
use kube::runtime::events::{Event, EventType};
use milvus_api::{Milvus, Reason};
use milvus_cluster::write::{self, REQUEST_TIMEOUT};
use milvus_state::{Note, Severity};
use tokio::time::timeout;

use crate::context::Context;

/// Longest note that the API takes, in bytes.
const LONGEST_NOTE: usize = 1024;

/// Publishes the Events of a pass, in their order.
pub async fn publish(ctx: &Context, milvus: &Milvus, notes: &[Note]) {
    for note in notes {
        let (namespace, name) = (milvus.namespace().unwrap_or_default(), milvus.name_any());
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
    let event = Event {
        type_: match note.severity {
            Severity::Normal => EventType::Normal,
            Severity::Warning => EventType::Warning,
        },
        reason: note.reason.clone(),
        note: Some(shortened(&note.message)),
        action: note.action.to_owned(),
        secondary: None,
    };
    let (namespace, name) = (milvus.namespace().unwrap_or_default(), milvus.name_any());
    let subject = milvus.object_ref(&());
    match timeout(REQUEST_TIMEOUT, ctx.recorder.publish(&event, &subject)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            tracing::warn!(%namespace, %name, %error, reason = note.reason, "can't write an Event");
        }
        Err(_elapsed) => {
            tracing::warn!(%namespace, %name, reason = note.reason, "no answer when an Event was written");
        }
    }
}

fn shortened(text: &str) -> String {
    if text.len() <= LONGEST_NOTE {
        return text.to_owned();
    }
    let dots = "…";
    format!("{}{dots}", &text[..text.floor_char_boundary(LONGEST_NOTE - dots.len())])
}
