//! Whether a wait has turned into a stall: nothing has moved for a declared time.
//!
//! Progress is a pod that came, got ready or ended, a step that began or ended, or a gate that opened. It is
//! seen by comparing what one pass observed with the furthest that was seen before: a pod that gets ready
//! and fails, again and again, is no progress after the first time.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::component::Component;
use crate::next::Decision;
use crate::progress::{Progress, WaitReason, Waiting};
use crate::step::GateName;

/// Seconds without progress after which a wait is a stall.
pub const STALLED_AFTER_SECONDS: i64 = 600;

/// The pods of a component, counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PodCounts {
    /// Of the new template.
    pub new: u32,
    /// Of the new template, and ready.
    pub ready: u32,
    /// Of an older template, and those that are ending: fewer of them is a drain that goes on.
    pub old: u32,
}

impl PodCounts {
    fn is_beyond(self, before: Self) -> bool {
        self.new > before.new || self.ready > before.ready || self.old < before.old
    }

    fn or_further(self, before: Self) -> Self {
        Self {
            new: self.new.max(before.new),
            ready: self.ready.max(before.ready),
            old: self.old.min(before.old),
        }
    }
}

/// How far a change is, in what only progress changes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// The hop.
    pub hop: usize,
    /// Steps of the hop that have begun.
    pub begun: usize,
    /// Steps of the hop that have ended.
    pub ended: usize,
    /// Pods by component.
    pub pods: BTreeMap<Component, PodCounts>,
    /// Gates that are closed.
    pub held: BTreeSet<GateName>,
}

impl Mark {
    /// The mark of what a pass has observed and decided.
    pub fn of(progress: &Progress, decision: &Decision, pods: BTreeMap<Component, PodCounts>) -> Self {
        let (ended, begun, held) = match decision {
            Decision::Act { step } => (*step, *step, BTreeSet::new()),
            Decision::Wait { step, .. } => (*step, step + 1, BTreeSet::new()),
            Decision::Held { step, holds } => {
                let step = step.unwrap_or_default();
                (step, step, holds.iter().map(|hold| hold.gate).collect())
            }
            Decision::Record | Decision::Done | Decision::Halt(_) => (0, 0, BTreeSet::new()),
        };
        Self { hop: progress.hop, begun, ended, pods, held }
    }

    /// Something has moved since `before`.
    fn is_beyond(&self, before: &Self) -> bool {
        let pods = |(component, now): (&Component, &PodCounts)| {
            before.pods.get(component).is_none_or(|before| now.is_beyond(*before))
        };
        self.hop != before.hop
            || self.begun > before.begun
            || self.ended > before.ended
            || self.pods.iter().any(pods)
            || !before.held.is_subset(&self.held)
    }

    /// The furthest of both; of gates, those that are closed now.
    fn or_further(self, before: &Self) -> Self {
        if self.hop != before.hop {
            return self;
        }
        let further = |(component, now): (Component, PodCounts)| {
            (component, before.pods.get(&component).map_or(now, |before| now.or_further(*before)))
        };
        Self {
            hop: self.hop,
            begun: self.begun.max(before.begun),
            ended: self.ended.max(before.ended),
            pods: self.pods.into_iter().map(further).collect(),
            held: self.held,
        }
    }
}

/// When there was progress last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastProgress {
    /// The furthest that was seen.
    pub mark: Mark,
    /// When there was progress last, in seconds since 1970.
    pub at: i64,
}

impl LastProgress {
    /// The last progress as of `now` (seconds since 1970): now, if `mark` is beyond what was seen `before`.
    ///
    /// A clock that is put back or forward makes a wait look shorter or longer by that; the mark stays as it is.
    #[must_use]
    pub fn as_of(now: i64, mark: Mark, before: Option<&Self>) -> Self {
        let Some(before) = before else { return Self { mark, at: now } };
        let at = if mark.is_beyond(&before.mark) { now } else { before.at };
        Self { mark: mark.or_further(&before.mark), at }
    }
}

/// A wait in which nothing moves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stall {
    /// When there was progress last, in seconds since 1970.
    pub since: i64,
    /// For how many seconds there was none; at least [`STALLED_AFTER_SECONDS`].
    pub seconds: i64,
    /// What is waited for.
    pub on: Vec<(Option<Component>, Waiting)>,
}

/// Whether waiting for `on` is a stall at `now`, when there was progress last at `since` (both in seconds
/// since 1970).
///
/// What a user has asked for (a component that is paused, the manual mode) and what takes its declared time
/// is no stall.
pub fn stall(since: i64, now: i64, on: &[(Option<Component>, Waiting)]) -> Option<Stall> {
    let seconds = now.saturating_sub(since);
    let on: Vec<_> = on.iter().filter(|(_, waiting)| can_stall(&waiting.what)).cloned().collect();
    (seconds >= STALLED_AFTER_SECONDS && !on.is_empty()).then_some(Stall { since, seconds, on })
}

/// When waiting for `on` turns into a stall if nothing moves until then, in seconds since 1970; `None` if it
/// never does.
pub fn stalls_at(since: i64, on: &[(Option<Component>, Waiting)]) -> Option<i64> {
    on.iter().any(|(_, waiting)| can_stall(&waiting.what)).then_some(since + STALLED_AFTER_SECONDS)
}

fn can_stall(what: &WaitReason) -> bool {
    match what {
        WaitReason::Paused | WaitReason::Manual { .. } | WaitReason::Settling { .. } => false,
        WaitReason::Generation
        | WaitReason::Replicas { .. }
        | WaitReason::OldPods { .. }
        | WaitReason::PodProblem { .. }
        | WaitReason::PodsRefused { .. }
        | WaitReason::Job { .. }
        | WaitReason::Gate { .. }
        | WaitReason::SlotHandOver { .. } => true,
    }
}
