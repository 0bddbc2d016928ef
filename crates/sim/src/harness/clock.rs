//! The time of a run.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// A clock that goes as tokio's paused one does, from a start. Each operator has its own, which can be wrong.
#[derive(Clone, Debug)]
pub struct Clock {
    start: Timestamp,
    began: Instant,
    wrong_by: Arc<AtomicI64>,
}

impl Clock {
    /// A clock that shows `start` now.
    pub fn new(start: Timestamp) -> Clock {
        Clock { start, began: Instant::now(), wrong_by: Arc::default() }
    }

    /// Another clock that goes with this one, and is right.
    #[must_use]
    pub fn another(&self) -> Clock {
        Clock { wrong_by: Arc::default(), ..self.clone() }
    }

    /// What it shows.
    pub fn now(&self) -> Timestamp {
        let wrong_by = SignedDuration::from_millis(self.wrong_by.load(Ordering::Relaxed));
        let right = self.start.checked_add(self.began.elapsed()).unwrap_or(Timestamp::MAX);
        right.checked_add(wrong_by).unwrap_or(right)
    }

    /// How long it has been going.
    pub fn elapsed(&self) -> std::time::Duration {
        self.began.elapsed()
    }

    /// Sets it forwards or back, in whole milliseconds. Its clones go with it.
    pub fn jump(&self, by: SignedDuration) {
        let by = i64::try_from(by.as_millis()).unwrap_or_default();
        self.wrong_by.fetch_add(by, Ordering::Relaxed);
    }
}
