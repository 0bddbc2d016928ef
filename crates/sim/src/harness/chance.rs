//! Which request meets which fault: by the plan, or by chance.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;

use super::fault::{Fault, Odds};
use super::operation::Operation;
use super::plan::{At, Class};

/// The shortest and the longest time of a request to the server, in milliseconds.
const LATENCY: std::ops::Range<u64> = 1..20;
/// How long the controllers of the cluster take to see a change, in milliseconds.
const REACTION: std::ops::Range<u64> = 5..100;

/// A request that was made, as plans name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// Who made it.
    pub client: Arc<str>,
    /// What it does.
    pub operation: Operation,
    /// Of this client, verb and resource.
    pub nth: u64,
}

/// Counts requests and draws.
#[derive(Debug)]
pub(super) struct Chance {
    // Apart, so that a replay by the plan of what chance has done draws the same times.
    times: Rng,
    luck: Rng,
    planned: Vec<(At, u64)>,
    odds: Option<Odds>,
    calm: bool,
    made: Vec<Made>,
    counts: BTreeMap<(Arc<str>, Operation), u64>,
    hit: Vec<At>,
    polls: BTreeMap<Arc<str>, u64>,
    requests: usize,
}

impl Chance {
    pub(super) fn new(seed: u64, planned: &[At], odds: Option<Odds>) -> Chance {
        Chance {
            times: Rng::with_seed(seed),
            luck: Rng::with_seed(seed ^ 0x5bd1_e995_97f4_a7c5),
            planned: planned.iter().map(|at| (at.clone(), 0)).collect(),
            odds,
            calm: false,
            made: Vec::new(),
            counts: BTreeMap::new(),
            hit: Vec::new(),
            polls: BTreeMap::new(),
            requests: 0,
        }
    }

    /// From now on nothing goes wrong by chance, and requests are no longer listed.
    pub(super) fn calm(&mut self) {
        self.calm = true;
    }

    pub(super) fn latency(&mut self) -> Duration {
        Duration::from_millis(self.times.u64(LATENCY))
    }

    pub(super) fn reaction(&mut self) -> Duration {
        Duration::from_millis(self.times.u64(REACTION))
    }

    pub(super) fn shuffle<T>(&mut self, items: &mut [T]) {
        self.times.shuffle(items);
    }

    /// What happens to a request, which is counted.
    pub(super) fn choose(&mut self, client: &Arc<str>, operation: &Operation) -> Option<Fault> {
        self.requests += 1;
        let mut planned = None;
        for (at, count) in self.planned.iter_mut().filter(|(at, _)| at.counts(client, operation)) {
            *count += 1;
            if *count == at.nth {
                planned.get_or_insert_with(|| at.clone());
            }
        }
        let nth = if self.calm { 0 } else { self.list(client, operation) };
        if planned.is_some() || self.calm {
            self.hit.extend(planned.clone());
            return planned.map(|at| at.fault);
        }
        let verb = operation.verb;
        let fault = self.odds?.draw(&mut self.luck, verb.writes(), verb == super::operation::Verb::Watch)?;
        let resource = Some(operation.resource.clone());
        let client = Some(client.to_string());
        self.hit.push(At { client, class: Class::Verb(verb), resource, nth, fault });
        Some(fault)
    }

    fn list(&mut self, client: &Arc<str>, operation: &Operation) -> u64 {
        let unnamed = Operation { name: String::new(), ..operation.clone() };
        let count = self.counts.entry((client.clone(), unnamed)).or_default();
        *count += 1;
        self.made.push(Made { client: client.clone(), operation: operation.clone(), nth: *count });
        *count
    }

    /// Counts a poll of an operator; whether it dies instead.
    pub(super) fn poll(&mut self, client: &Arc<str>) -> bool {
        if !self.calm {
            *self.polls.entry(client.clone()).or_default() += 1;
        }
        let mut dies = false;
        for (at, count) in self.planned.iter_mut().filter(|(at, _)| at.counts_poll(client)) {
            *count += 1;
            if *count == at.nth {
                dies = true;
                self.hit.push(at.clone());
            }
        }
        dies
    }

    /// Requests up to [`Chance::calm`].
    pub(super) fn made(&self) -> &[Made] {
        &self.made
    }

    /// What went wrong.
    pub(super) fn hit(&self) -> &[At] {
        &self.hit
    }

    /// Polls up to [`Chance::calm`], by operator.
    pub(super) fn polls(&self) -> &BTreeMap<Arc<str>, u64> {
        &self.polls
    }

    /// All requests.
    pub(super) fn requests(&self) -> usize {
        self.requests
    }
}
