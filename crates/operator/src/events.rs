//! Publishes what the fold has to tell, as Events about the Milvus.
//!
//! An Event that can't be written is logged and lost: the same words are in the status.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::events::v1::{Event, EventSeries};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use kube::Resource as _;
use kube::ResourceExt as _;
use milvus_api::{Milvus, Reason};
use milvus_cluster::write;
use milvus_state::{Note, Severity};

use crate::context::Context;

/// Longest note that the API takes, in bytes.
const LONGEST_NOTE: usize = 1024;
/// Name under which Events are reported.
const CONTROLLER: &str = "milvus-operator";
/// The same words within so long after the last time are one Event with a count, as with Kubernetes' own controllers. Other words about
/// the same thing are an Event of their own: `kube`'s recorder, like that of client-go, keeps only the first.
const SERIES: SignedDuration = SignedDuration::from_mins(6);

/// Who reports, and what was said lately. A small one of our own, for the words that kube's would lose.
pub struct Recorder {
    instance: String,
    /// By a digest of everything that was said, and about whom. It can be lost: then it is said anew.
    said: Mutex<HashMap<u64, Said>>,
}

/// An Event that was written.
#[derive(Clone, Copy)]
struct Said {
    first: Timestamp,
    last: Timestamp,
    count: i32,
}

impl Recorder {
    /// `instance`: name of the operator's pod.
    pub fn new(instance: Option<String>) -> Recorder {
        Recorder { instance: instance.unwrap_or_else(|| CONTROLLER.to_owned()), said: Mutex::default() }
    }

    /// When these words were said before, if that was lately.
    fn before(&self, words: u64, now: Timestamp) -> Option<Said> {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        said.retain(|_, said| said.last + SERIES > now);
        said.get(&words).copied()
    }

    /// They are said, or (`None`) they could not be.
    fn remember(&self, words: u64, said: Option<Said>) {
        let mut all = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        match said {
            Some(said) => all.insert(words, said),
            None => all.remove(&words),
        };
    }

    /// The Event that is written, as it was at first and with what has come since.
    fn event(&self, milvus: &Milvus, note: &Note, said: Said) -> Event {
        let repeated = EventSeries { count: said.count, last_observed_time: MicroTime(said.last) };
        Event {
            metadata: ObjectMeta {
                namespace: milvus.namespace(),
                name: Some(format!("{}.{:x}", milvus.name_any(), said.first.as_nanosecond())),
                ..ObjectMeta::default()
            },
            action: Some(note.action.to_owned()),
            event_time: Some(MicroTime(said.first)),
            note: Some(shortened(&note.message)),
            reason: Some(note.reason.clone()),
            regarding: Some(milvus.object_ref(&())),
            reporting_controller: Some(CONTROLLER.to_owned()),
            reporting_instance: Some(self.instance.clone()),
            series: (said.count > 1).then_some(repeated),
            type_: Some(note.severity.as_str().to_owned()),
            ..Event::default()
        }
    }
}

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
    let (words, now) = (digest(milvus, note), Timestamp::now());
    let said = match ctx.recorder.before(words, now) {
        Some(before) => Said { last: now, count: before.count.saturating_add(1), ..before },
        None => Said { first: now, last: now, count: 1 },
    };
    let written = ctx.writer.event(&ctx.recorder.event(milvus, note, said)).await;
    ctx.recorder.remember(words, written.is_ok().then_some(said));
    if let Err(error) = written {
        let (namespace, name) = (milvus.namespace().unwrap_or_default(), milvus.name_any());
        tracing::warn!(%namespace, %name, %error, reason = note.reason, "an Event is lost");
    }
}

/// What is said and about whom, as a number.
fn digest(milvus: &Milvus, note: &Note) -> u64 {
    let mut hasher = DefaultHasher::new();
    (milvus.uid(), note.severity.as_str(), &note.reason, note.action, &note.message).hash(&mut hasher);
    hasher.finish()
}

fn shortened(text: &str) -> String {
    if text.len() <= LONGEST_NOTE {
        return text.to_owned();
    }
    let dots = "…";
    format!("{}{dots}", &text[..text.floor_char_boundary(LONGEST_NOTE - dots.len())])
}
