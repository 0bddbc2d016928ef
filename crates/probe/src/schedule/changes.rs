//! The queue of keys whose outcome changed. Bounded by the number of keys, whatever the reader does: a key
//! that waits to be read is not queued twice.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use futures::Stream;
use tokio::sync::Notify;

use super::ProbeKey;

#[derive(Debug, Default)]
struct Queue {
    order: VecDeque<ProbeKey>,
    waiting: HashSet<ProbeKey>,
}

#[derive(Debug, Default)]
struct Shared {
    queue: Mutex<Queue>,
    arrived: Notify,
}

/// The writing end.
#[derive(Debug, Clone, Default)]
pub(super) struct Announcer(Arc<Shared>);

/// Keys whose outcome changed, each once however often it changed since it was read. One reader.
#[derive(Debug)]
pub struct Changes(Arc<Shared>);

/// Both ends.
pub(super) fn channel() -> (Announcer, Changes) {
    let shared = Arc::new(Shared::default());
    (Announcer(shared.clone()), Changes(shared))
}

impl Announcer {
    pub(super) fn announce(&self, keys: impl IntoIterator<Item = ProbeKey>) {
        {
            let mut queue = self.0.queue.lock().unwrap_or_else(PoisonError::into_inner);
            for key in keys {
                if queue.waiting.insert(key.clone()) {
                    queue.order.push_back(key);
                }
            }
        }
        self.0.arrived.notify_one();
    }
}

impl Changes {
    /// Waits for the next key. Nothing is lost when the future is dropped before it is done.
    pub async fn next(&mut self) -> ProbeKey {
        loop {
            if let Some(key) = self.pop() {
                return key;
            }
            self.0.arrived.notified().await;
        }
    }

    /// The same as an endless stream, e.g. for `kube::runtime::Controller::reconcile_on`.
    pub fn into_stream(self) -> impl Stream<Item = ProbeKey> + Send + 'static {
        futures::stream::unfold(self, |mut changes| async move {
            let key = changes.next().await;
            Some((key, changes))
        })
    }

    fn pop(&self) -> Option<ProbeKey> {
        let mut queue = self.0.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let key = queue.order.pop_front()?;
        queue.waiting.remove(&key);
        Some(key)
    }
}
