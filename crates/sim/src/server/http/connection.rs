//! What an open watch shares with the server: the store, who waits for changes of it, and how watches are
//! ended.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;

use crate::server::{kinds::Kind, store::Store};

/// Any error, as tower wants it.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
/// Body of an answer; that of a watch goes on.
pub type AnswerBody = UnsyncBoxBody<Bytes, BoxError>;

/// Extension of a request: who makes it, for the log. Without it the field manager is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor(pub Arc<str>);

/// Extension of a watch request: how far the view of this watch is behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lag {
    /// The newest so many revisions are not shown until others follow them.
    Revisions(u64),
    /// A change is shown so long after it was made, by tokio's clock.
    Time(Duration),
}

/// How open watches end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Closing {
    #[default]
    Clean,
    Broken,
}

/// What the connections and the watches share.
#[derive(Debug, Default)]
struct Waiting {
    next: u64,
    wakers: BTreeMap<u64, Waker>,
    /// How often the watches of a kind were ended, and how the last time.
    closings: BTreeMap<Kind, (u64, Closing)>,
}

#[derive(Debug)]
pub(super) struct Shared {
    store: Mutex<Store>,
    waiting: Mutex<Waiting>,
}

impl Shared {
    pub(super) fn new(store: Store) -> Shared {
        Shared { store: Mutex::new(store), waiting: Mutex::default() }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn next_id(&self) -> u64 {
        let mut waiting = self.waiting();
        waiting.next += 1;
        waiting.next
    }

    pub(super) fn closings_of(&self, kind: Kind) -> (u64, Closing) {
        self.waiting().closings.get(&kind).copied().unwrap_or_default()
    }

    /// Ends the open watches of a kind, or all.
    pub(super) fn close(&self, kind: Option<Kind>, how: Closing) {
        let mut waiting = self.waiting();
        for kind in Kind::ALL.into_iter().filter(|of| kind.is_none_or(|kind| kind == *of)) {
            let (times, last) = waiting.closings.entry(kind).or_default();
            (*times, *last) = (*times + 1, how);
        }
        drop(waiting);
        self.wake();
    }

    /// Wakes a watch when something has changed.
    pub(super) fn wake_later(&self, id: u64, waker: &Waker) {
        self.waiting().wakers.insert(id, waker.clone());
    }

    pub(super) fn forget(&self, id: u64) {
        self.waiting().wakers.remove(&id);
    }

    /// Wakes all watches, in the order in which they were opened.
    pub(super) fn wake(&self) {
        let wakers = std::mem::take(&mut self.waiting().wakers);
        wakers.into_values().for_each(Waker::wake);
    }
}
