//! Writes Events.
//!
//! Takes what is to be told of a Milvus; gives whether it was written. The same words within [`SERIES`] are one Event with a count; other
//! words about the same thing are an Event of their own, where `kube`'s recorder, like that of client-go, keeps only the first.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::events::v1::{Event, EventSeries};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use kube::{Resource as _, ResourceExt as _};
use milvus_api::Milvus;
use milvus_cluster::write::{Error, Writer};
use milvus_state::Note;

/// Longest note that the API takes, in bytes.
const LONGEST_NOTE: usize = 1024;
/// Name under which Events are reported.
const CONTROLLER: &str = "milvus-operator";
/// How long after the last time the same words are the same Event: as with Kubernetes' own controllers.
pub const SERIES: SignedDuration = SignedDuration::from_mins(6);

/// Who reports, and what was said lately.
pub struct Recorder {
    writer: Writer,
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
    pub fn new(writer: Writer, instance: Option<String>) -> Recorder {
        let instance = instance.unwrap_or_else(|| CONTROLLER.to_owned());
        Recorder { writer, instance, said: Mutex::default() }
    }

    /// Writes an Event, or counts the one with the same words.
    ///
    /// # Errors
    /// It could not be written, and is forgotten: the same words are a new Event the next time.
    pub async fn record(&self, milvus: &Milvus, note: &Note) -> Result<(), Error> {
        let words = digest(milvus, note);
        let said = self.once_more(words, Timestamp::now());
        self.writer.event(&self.event(milvus, note, said)).await.inspect_err(|_| {
            self.lock().remove(&words);
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Said>> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts these words, and forgets what is too old for a series.
    fn once_more(&self, words: u64, now: Timestamp) -> Said {
        let mut all = self.lock();
        all.retain(|_, said| said.last + SERIES > now);
        let said = all.entry(words).or_insert(Said { first: now, last: now, count: 0 });
        said.last = now;
        said.count = said.count.saturating_add(1);
        *said
    }

    /// The Event, as it was at first and with what has come since.
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
