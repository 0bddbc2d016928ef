//! Watches.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures::Stream;
use http_body::Frame;
use serde_json::{Value, json};
use tokio::time::{Instant, Sleep, sleep_until};

use super::{
    connection::{BoxError, Closing, Lag, Shared},
    list::Scope,
    query::Query,
};
use crate::server::{answer::Failure, log::Event, store::Store};

/// How often a watch that allows it is told how far it has come.
const BOOKMARKS: Duration = Duration::from_mins(1);
/// How long a watch lasts that does not say it; the API server takes a random time from here to twice of it.
const LONGEST: Duration = Duration::from_mins(30);

/// Where a watch begins.
pub(super) struct Start {
    scope: Scope,
    /// The state is shown first, as additions.
    initial: bool,
    /// And the end of it is marked.
    marked: bool,
    /// Changes after this revision follow; the newest when absent.
    after: Option<u64>,
    bookmarks: bool,
    lasts: Duration,
    lag: Option<Lag>,
}

impl Start {
    /// A watch, as its parameters ask for it.
    ///
    /// # Errors
    /// 400 for numbers that are none, 422 for parameters that do not go together.
    pub(super) fn of(scope: Scope, query: &Query, lag: Option<Lag>) -> Result<Start, Failure> {
        let marked = query.is("sendInitialEvents");
        if marked && query.text("resourceVersionMatch") != "NotOlderThan" {
            let words = "resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan";
            return Err(Failure::new(422, "Invalid", words));
        }
        let version = query.number("resourceVersion")?.filter(|version| *version > 0);
        Ok(Start {
            scope,
            initial: marked || version.is_none(),
            marked,
            after: version.filter(|_| !marked),
            bookmarks: query.is("allowWatchBookmarks"),
            lasts: query.number("timeoutSeconds")?.map_or(LONGEST, Duration::from_secs),
            lag,
        })
    }
}

/// An open watch: the body of its answer.
pub(super) struct Watch {
    shared: Arc<Shared>,
    id: u64,
    scope: Scope,
    lag: Option<Lag>,
    bookmarks: bool,
    /// Changes of the log that it has gone through.
    position: usize,
    closings: u64,
    ready: VecDeque<Bytes>,
    over: bool,
    ends: Pin<Box<Sleep>>,
    next_bookmark: Pin<Box<Sleep>>,
    /// When the next change that is known becomes visible.
    visible: Option<Pin<Box<Sleep>>>,
}

impl Watch {
    /// Opens a watch.
    pub(super) fn open(shared: &Arc<Shared>, start: Start) -> Watch {
        let now = Instant::now();
        let store = shared.lock();
        let revision = start.after.unwrap_or(store.revision);
        let mut watch = Watch {
            shared: shared.clone(),
            id: shared.next_id(),
            lag: start.lag,
            bookmarks: start.bookmarks,
            position: store.log.partition_point(|event| event.revision <= revision),
            closings: shared.closings_of(start.scope.kind).0,
            ready: VecDeque::new(),
            over: false,
            ends: Box::pin(sleep_until(now + start.lasts)),
            next_bookmark: Box::pin(sleep_until(now + BOOKMARKS)),
            visible: None,
            scope: start.scope,
        };
        if revision < store.compacted {
            let words = format!("too old resource version: {revision} ({})", store.compacted);
            watch.push("ERROR", &Failure::expired(words).status());
            watch.over = true;
        } else if start.initial {
            for ((namespace, _), object) in &store.at(watch.scope.kind, revision) {
                if watch.scope.selects(namespace, object) {
                    watch.push("ADDED", &watch.scope.shown.object(object));
                }
            }
            if start.marked {
                let mut end = watch.bookmark(revision);
                end["metadata"]["annotations"] = json!({ "k8s.io/initial-events-end": "true" });
                watch.push("BOOKMARK", &end);
            }
        }
        drop(store);
        watch
    }

    fn push(&mut self, kind: &str, object: &Value) {
        // The type comes first, as the API server has it: a client then knows what it reads.
        let line = format!("{{\"type\":\"{kind}\",\"object\":{object}}}\n");
        self.ready.push_back(Bytes::from(line));
    }

    fn bookmark(&self, revision: u64) -> Value {
        let kind = self.scope.kind;
        let object = json!({
            "apiVersion": kind.api_version(),
            "kind": kind.info().kind,
            "metadata": { "resourceVersion": revision.to_string(), "creationTimestamp": null },
        });
        self.scope.shown.object(&object).into_owned()
    }

    /// Goes through the changes that are visible by now.
    fn follow(&mut self, store: &Store) {
        self.visible = None;
        while let Some(event) = store.log.get(self.position) {
            match self.lag {
                Some(Lag::Revisions(behind)) if event.revision + behind > store.revision => return,
                Some(Lag::Time(behind)) if event.committed + behind > Instant::now() => {
                    self.visible = Some(Box::pin(sleep_until(event.committed + behind)));
                    return;
                }
                _ => {}
            }
            self.position += 1;
            self.show(event);
        }
    }

    fn show(&mut self, event: &Event) {
        if event.kind != self.scope.kind {
            return;
        }
        let selected = |object: &Option<Arc<Value>>| {
            object.as_deref().is_some_and(|object| self.scope.selects(&event.namespace, object))
        };
        let (before, after) = (selected(&event.before), selected(&event.after));
        let (kind, object) = match (before, after, &event.after) {
            (false, true, Some(object)) => ("ADDED", Cow::Borrowed(&**object)),
            (true, true, Some(object)) => ("MODIFIED", Cow::Borrowed(&**object)),
            (true, false, Some(after)) => {
                let mut object = event.before.as_deref().cloned().unwrap_or_default();
                object["metadata"]["resourceVersion"] = after["metadata"]["resourceVersion"].clone();
                ("DELETED", Cow::Owned(object))
            }
            (true, false, None) => match event.last.as_deref() {
                Some(last) => ("DELETED", Cow::Borrowed(last)),
                None => return,
            },
            _ => return,
        };
        self.push(kind, &self.scope.shown.object(&object));
    }
}

impl Stream for Watch {
    type Item = Result<Frame<Bytes>, BoxError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if let Some(line) = this.ready.pop_front() {
            return Poll::Ready(Some(Ok(Frame::data(line))));
        }
        if this.over || this.ends.as_mut().poll(cx).is_ready() {
            return Poll::Ready(None);
        }
        let shared = this.shared.clone();
        let store = shared.lock();
        let (closings, how) = shared.closings_of(this.scope.kind);
        if closings != this.closings || !store.has_kind(this.scope.kind) {
            this.over = true;
            return Poll::Ready(match how {
                Closing::Broken if closings != this.closings => {
                    Some(Err(io::Error::new(io::ErrorKind::ConnectionReset, "the connection broke").into()))
                }
                _ => None,
            });
        }
        this.follow(&store);
        if this.ready.is_empty() && this.next_bookmark.as_mut().poll(cx).is_ready() {
            this.next_bookmark = Box::pin(sleep_until(Instant::now() + BOOKMARKS));
            // Registers the new timer.
            _ = this.next_bookmark.as_mut().poll(cx);
            if this.bookmarks {
                let seen = this.position.checked_sub(1).and_then(|last| store.log.get(last));
                let bookmark = this.bookmark(seen.map_or(0, |event| event.revision));
                this.push("BOOKMARK", &bookmark);
            }
        }
        if let Some(line) = this.ready.pop_front() {
            return Poll::Ready(Some(Ok(Frame::data(line))));
        }
        if let Some(visible) = &mut this.visible
            && visible.as_mut().poll(cx).is_ready()
        {
            cx.waker().wake_by_ref();
        }
        shared.wake_later(this.id, cx.waker());
        Poll::Pending
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.shared.forget(self.id);
    }
}
