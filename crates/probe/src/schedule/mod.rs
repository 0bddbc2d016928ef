//! Repeats probes in the background and tells whose outcome changed.
//!
//! * One task per *target*: keys with equal targets share it, so a thousand `Milvus` on one etcd ask it as
//!   often as one does.
//! * Ready: every [`HEALTHY_INTERVAL`]. Not ready: [`FIRST_RETRY`], doubled up to [`LONGEST_RETRY`]. A single
//!   failure of what was ready is retried and not told; see [`FAILURES_TO_FLIP`].
//! * No target waits for another, except for a place among those that are probed right now. Targets whose
//!   last probe failed have places of their own ([`FAILING_AT_ONCE`]), so addresses that swallow packets,
//!   which hold a place for the whole [`crate::DEADLINE`], never delay a probe of what works ([`AT_ONCE`]).

mod changes;
mod pace;

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::Semaphore;
use tokio::task::AbortHandle;

pub use self::changes::Changes;
use self::changes::{Announcer, channel};
use self::pace::Pace;
pub use self::pace::{FAILURES_TO_FLIP, FIRST_RETRY, HEALTHY_INTERVAL, JITTER_PERCENT, LONGEST_RETRY};
use crate::outcome::{Outcome, Reason};
use crate::target::{Fingerprint, Target, probe};

/// Probes that run at the same time, of targets that are ready or new.
pub const AT_ONCE: usize = 64;
/// Probes that run at the same time, of targets whose last probe failed: with 5 s each and 30 s between two,
/// 1500 addresses that swallow packets fit.
pub const FAILING_AT_ONCE: usize = 256;

/// Who wants to know about a target, in the words of the caller: e.g. `namespace/name#etcd`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProbeKey(String);

impl ProbeKey {
    /// Any text; equal texts are one key.
    pub fn new(key: impl Into<String>) -> Self {
        Self(key.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ProbeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The latest finding about a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed {
    /// What was found.
    pub outcome: Outcome,
    /// Since when [`Outcome::ready`] has had its value: for the message, not for decisions.
    pub since: SystemTime,
    /// The target that it was found about.
    pub fingerprint: Fingerprint,
}

/// How a target is asked; [`Prober::new`] uses [`probe`].
pub type Check = Arc<dyn Fn(Arc<Target>) -> BoxFuture<'static, Outcome> + Send + Sync>;

/// Runs the probes. Clones share their work; everything stops when the last one is dropped.
#[derive(Clone)]
pub struct Prober {
    inner: Arc<Inner>,
}

struct Inner {
    state: Arc<Mutex<State>>,
    runner: Runner,
}

/// What a task needs besides its target.
#[derive(Clone)]
struct Runner {
    check: Check,
    sound: Arc<Semaphore>,
    failing: Arc<Semaphore>,
    announcer: Announcer,
}

#[derive(Default)]
struct State {
    keys: HashMap<ProbeKey, Arc<Target>>,
    targets: HashMap<Arc<Target>, Watched>,
}

/// A target with everyone who wants to know about it.
struct Watched {
    keys: HashSet<ProbeKey>,
    latest: Option<Observed>,
    task: AbortHandle,
}

impl Prober {
    /// A prober that asks the real systems, and the keys whose outcome changes. Must be called within a tokio
    /// runtime.
    pub fn new() -> (Self, Changes) {
        Self::with_check(Arc::new(|target| Box::pin(async move { probe(&target).await })))
    }

    /// The same with another way to ask.
    pub fn with_check(check: Check) -> (Self, Changes) {
        let (announcer, changes) = channel();
        let runner = Runner {
            check,
            sound: Arc::new(Semaphore::new(AT_ONCE)),
            failing: Arc::new(Semaphore::new(FAILING_AT_ONCE)),
            announcer,
        };
        (Self { inner: Arc::new(Inner { state: Arc::default(), runner }) }, changes)
    }

    /// Sees to it that `target` is probed for `key`, and gives what is known already. A key has one target:
    /// another one than before replaces it and is probed at once. Cheap when nothing changed; meant to be
    /// called in each pass.
    pub fn ensure(&self, key: &ProbeKey, target: Target) -> Option<Observed> {
        let mut state = lock(&self.inner.state);
        if state.keys.get(key).is_none_or(|current| **current != target) {
            state.drop_key(key);
            let target = match state.targets.get_key_value(&target) {
                Some((known, _)) => known.clone(),
                None => self.inner.start(&mut state, target),
            };
            if let Some(watched) = state.targets.get_mut(&target) {
                watched.keys.insert(key.clone());
            }
            state.keys.insert(key.clone(), target);
        }
        state.latest(key)
    }

    /// The latest finding for `key`; none before its target's first probe is done, which takes at most
    /// [`crate::DEADLINE`], and none for a key that is not known.
    pub fn latest(&self, key: &ProbeKey) -> Option<Observed> {
        lock(&self.inner.state).latest(key)
    }

    /// Forgets all keys but those that `keep` wants. Targets that nobody wants any more are no longer probed.
    pub fn retain(&self, keep: impl Fn(&ProbeKey) -> bool) {
        let mut state = lock(&self.inner.state);
        let gone: Vec<ProbeKey> = state.keys.keys().filter(|key| !keep(key)).cloned().collect();
        for key in gone {
            state.drop_key(&key);
        }
    }

    /// Forgets all keys that begin with `prefix`.
    pub fn forget(&self, prefix: &str) {
        self.retain(|key| !key.as_str().starts_with(prefix));
    }

    /// How many targets are probed at present.
    pub fn targets(&self) -> usize {
        lock(&self.inner.state).targets.len()
    }
}

impl fmt::Debug for Prober {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prober").field("targets", &self.targets()).finish_non_exhaustive()
    }
}

impl Inner {
    /// Starts the task of a new target. Its first result needs the lock that the caller holds, so it cannot
    /// be early.
    fn start(&self, state: &mut State, target: Target) -> Arc<Target> {
        let target = Arc::new(target);
        let task = tokio::spawn(self.runner.clone().run(self.state.clone(), target.clone()));
        let watched = Watched { keys: HashSet::new(), latest: None, task: task.abort_handle() };
        state.targets.insert(target.clone(), watched);
        target
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        for watched in lock(&self.state).targets.values() {
            watched.task.abort();
        }
    }
}

impl State {
    fn latest(&self, key: &ProbeKey) -> Option<Observed> {
        self.targets.get(self.keys.get(key)?)?.latest.clone()
    }

    fn drop_key(&mut self, key: &ProbeKey) {
        let Some(target) = self.keys.remove(key) else { return };
        let Some(watched) = self.targets.get_mut(&target) else { return };
        watched.keys.remove(key);
        if watched.keys.is_empty() {
            watched.task.abort();
            self.targets.remove(&target);
        }
    }
}

impl Runner {
    async fn run(self, state: Arc<Mutex<State>>, target: Arc<Target>) {
        let fingerprint = target.fingerprint();
        let mut pace = Pace::new(fingerprint.number());
        loop {
            let outcome = {
                let places = if pace.failing() { &self.failing } else { &self.sound };
                // Never closed, so never an error; without a place the probe would run all the same.
                let _place = places.acquire().await;
                self.ask(target.clone()).await
            };
            if let Some(outcome) = pace.take(outcome) {
                self.tell(&state, &target, fingerprint, outcome);
            }
            tokio::time::sleep(pace.wait()).await;
        }
    }

    /// A probe that crashes must not be read as its last result for ever.
    async fn ask(&self, target: Arc<Target>) -> Outcome {
        let probe = AssertUnwindSafe(async { (self.check)(target).await }).catch_unwind();
        probe.await.unwrap_or_else(|_panic| {
            tracing::error!("a probe crashed");
            Outcome::not_ready(Reason::ProbeCrashed, "the probe crashed: please report this")
        })
    }

    fn tell(&self, state: &Mutex<State>, target: &Arc<Target>, fingerprint: Fingerprint, outcome: Outcome) {
        let keys: Vec<ProbeKey> = {
            let mut state = lock(state);
            let Some(watched) = state.targets.get_mut(target) else { return };
            let since = match &watched.latest {
                Some(before) if before.outcome.ready == outcome.ready => before.since,
                _ => SystemTime::now(),
            };
            tracing::debug!(ready = outcome.ready, reason = ?outcome.reason, "a dependency's outcome changed");
            watched.latest = Some(Observed { outcome, since, fingerprint });
            watched.keys.iter().cloned().collect()
        };
        self.announcer.announce(keys);
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    // Nothing that runs under the lock can leave the state half-changed.
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
