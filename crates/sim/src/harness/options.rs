//! What a run is a function of.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::fault::Odds;
use super::plan::Plan;
use crate::cluster::{Behaviour, Cluster};
use crate::server::Store;

/// A cluster as a run has left it, for runs that go on from there.
#[derive(Clone, Debug)]
pub struct Settled {
    pub(super) store: Store,
    pub(super) cluster: Cluster,
    pub(super) now: Timestamp,
}

/// What a run is a function of.
#[derive(Clone, Debug)]
pub struct Options {
    /// Seed and faults. Its steps are only words.
    pub plan: Plan,
    /// Faults by chance.
    pub odds: Option<Odds>,
    /// How pods behave at first.
    pub behaviour: Behaviour,
    /// The time at which it begins, unless it goes on after another run.
    pub start: Timestamp,
    /// What it goes on from, with operators that are new: another run, as it was left.
    pub after: Option<Arc<Settled>>,
    /// From the death of an operator to its next start.
    pub restart_after: Duration,
    /// How long a scenario waits for something, in virtual time.
    pub patience: Duration,
    /// The longest virtual time of a run.
    pub longest: Duration,
    /// The most requests of a run.
    pub most_requests: usize,
}

impl Options {
    /// A run without faults.
    pub fn seed(seed: u64) -> Options {
        Options::plan(Plan { seed, ..Plan::default() })
    }

    /// A run by a plan.
    pub fn plan(plan: Plan) -> Options {
        Options {
            plan,
            odds: None,
            behaviour: Behaviour::default(),
            start: Timestamp::from_second(1_800_000_000).unwrap_or(Timestamp::UNIX_EPOCH),
            after: None,
            restart_after: Duration::from_secs(1),
            patience: Duration::from_hours(1),
            longest: Duration::from_hours(72),
            most_requests: 200_000,
        }
    }
}
