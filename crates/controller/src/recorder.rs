//! Writes Events.
//!
//! Takes the words about a Milvus; gives whether they were written. The same words within [`SERIES`] are one Event with a
//! count; other words about the same thing are an Event of their own, where `kube`'s recorder, like that of client-go,
//! keeps only the first.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::events::v1::{Event, EventSeries};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use kube::{Resource as _, ResourceExt as _};
use milvus_api::Milvus;
use milvus_cluster::write::{Error, Writer};
use milvus_state::Event as News;

use crate::ports::Clock;

/// Longest note that the API takes, in bytes.
const LONGEST_NOTE: usize = 1024;
/// Name under which Events are reported.
const CONTROLLER: &str = "milvus-operator";
/// How long after the last time the same words are the same Event: as with Kubernetes' own controllers.
pub const SERIES: SignedDuration = SignedDuration::from_mins(6);

/// Who reports, and what was written lately.
pub struct Recorder {
    writer: Writer,
    clock: Clock,
    instance: String,
    /// By a digest of the words, and of whom they are about. It can be lost: then they are a new Event.
    lately: Mutex<HashMap<u64, Series>>,
}

/// An Event that was written.
#[derive(Clone, Copy)]
struct Series {
    first: Timestamp,
    last: Timestamp,
    count: i32,
}

impl Recorder {
    /// `instance`: name of the operator's pod.
    pub fn new(writer: Writer, clock: Clock, instance: String) -> Recorder {
        Recorder { writer, clock, instance, lately: Mutex::default() }
    }

    /// Writes an Event, or counts the one with the same words.
    ///
    /// # Errors
    /// It could not be written, and is forgotten: the same words are a new Event the next time.
    pub async fn record(&self, milvus: &Milvus, news: &News) -> Result<(), Error> {
        let words = digest(milvus, news);
        let series = self.once_more(words, self.clock.now());
        self.writer.event(&self.event(milvus, news, words, series)).await.inspect_err(|_| {
            self.lock().remove(&words);
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Series>> {
        self.lately.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts these words, and forgets what is too old for a series.
    fn once_more(&self, words: u64, now: Timestamp) -> Series {
        let mut all = self.lock();
        all.retain(|_, series| series.last + SERIES > now);
        let series = all.entry(words).or_insert(Series { first: now, last: now, count: 0 });
        series.last = now;
        series.count = series.count.saturating_add(1);
        *series
    }

    /// The Event, as it was at first and with what has come since. Its name has the words too: two Events may begin at the
    /// same moment.
    fn event(&self, milvus: &Milvus, news: &News, words: u64, series: Series) -> Event {
        let repeated = EventSeries { count: series.count, last_observed_time: MicroTime(series.last) };
        let began = series.first.as_nanosecond();
        Event {
            metadata: ObjectMeta {
                namespace: milvus.namespace(),
                name: Some(format!("{}.{began:x}.{words:x}", milvus.name_any())),
                ..ObjectMeta::default()
            },
            action: Some(news.action.to_owned()),
            event_time: Some(MicroTime(series.first)),
            note: Some(shortened(&news.message)),
            reason: Some(news.reason.as_str().to_owned()),
            regarding: Some(milvus.object_ref(&())),
            reporting_controller: Some(CONTROLLER.to_owned()),
            reporting_instance: Some(self.instance.clone()),
            series: (series.count > 1).then_some(repeated),
            type_: Some(news.severity.as_str().to_owned()),
            ..Event::default()
        }
    }
}

/// The words, and of whom they are about, as a number.
fn digest(milvus: &Milvus, news: &News) -> u64 {
    let mut hasher = DefaultHasher::new();
    (milvus.uid(), news.severity.as_str(), news.reason, news.action, &news.message).hash(&mut hasher);
    hasher.finish()
}

fn shortened(text: &str) -> String {
    if text.len() <= LONGEST_NOTE {
        return text.to_owned();
    }
    let dots = "…";
    format!("{}{dots}", &text[..text.floor_char_boundary(LONGEST_NOTE - dots.len())])
}
