//! Until when the Lease is ours, for those who write and those who are told.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Until when the Lease is ours; for those who write.
#[derive(Debug, Clone)]
pub struct Held(Arc<Mutex<Instant>>);

impl Held {
    pub(super) fn new(until: Instant) -> Held {
        Held(Arc::new(Mutex::new(until)))
    }

    /// Whether nobody else can lead for at least `request`, the time that a write may take. A process that stood still sees
    /// here that its time is over, before it writes.
    pub fn outlives(&self, request: Duration) -> bool {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) > Instant::now() + request
    }

    /// For how long it is ours if nothing is renewed any more; zero when it is not.
    pub fn remaining(&self) -> Duration {
        let until = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        until.saturating_duration_since(Instant::now())
    }

    pub(super) fn set(&self, until: Instant) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = until;
    }
}
