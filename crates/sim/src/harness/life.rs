//! Whether a client's process runs, is stopped or cut off for a while, or is dead.

use std::time::Duration;

use tokio::sync::watch;

use super::clock::Clock;

/// A process that is kept running.
pub(super) struct Process {
    pub(super) life: Life,
    pub(super) clock: Clock,
    pub(super) stays_down: bool,
}

/// How a process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Runs,
    Stopped,
    CutOff,
    Dead,
}

/// One life of a client's process: from its start until it is killed.
#[derive(Clone, Debug)]
pub(super) struct Life {
    way: watch::Sender<Way>,
}

impl Life {
    pub(super) fn new() -> Life {
        Life { way: watch::Sender::new(Way::Runs) }
    }

    pub(super) fn kill(&self) {
        self.way.send_replace(Way::Dead);
    }

    pub(super) fn is_dead(&self) -> bool {
        *self.way.borrow() == Way::Dead
    }

    /// Nothing of it moves for a time, as when its machine is suspended.
    pub(super) async fn stop_for(&self, time: Duration) {
        self.be_for(Way::Stopped, time).await;
    }

    /// It runs, and nothing gets from it to the API server or back.
    pub(super) async fn cut_off_for(&self, time: Duration) {
        self.be_for(Way::CutOff, time).await;
    }

    async fn be_for(&self, other: Way, time: Duration) {
        let change = |from: Way, to: Way| {
            self.way.send_if_modified(|way| {
                let fits = *way == from;
                if fits {
                    *way = to;
                }
                fits
            })
        };
        if change(Way::Runs, other) {
            tokio::time::sleep(time).await;
            change(other, Way::Runs);
        }
    }

    /// Until it runs. Of one that is dead: for ever.
    pub(super) async fn running(&self) {
        self.once(|way| matches!(way, Way::Runs | Way::CutOff)).await;
    }

    /// Until it runs and reaches the API server. Of one that is dead: for ever.
    pub(super) async fn connected(&self) {
        self.once(|way| *way == Way::Runs).await;
    }

    async fn once(&self, there: impl FnMut(&Way) -> bool) {
        let mut way = self.way.subscribe();
        if way.wait_for(there).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Until it is dead.
    pub(super) async fn dead(&self) {
        let mut way = self.way.subscribe();
        // An error would mean that its last holder is gone, and that is this one.
        let _ = way.wait_for(|way| *way == Way::Dead).await;
    }

    pub(super) fn runs(&self) -> bool {
        matches!(*self.way.borrow(), Way::Runs | Way::CutOff)
    }
}
