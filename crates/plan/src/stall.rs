//! Whether a wait has turned into a stall: nothing has moved for a declared time.
//!
//! Progress is a pod that came, got ready or ended, a step that began or ended, or a gate that opened. It is
//! seen by comparing a [`Mark`] of one pass with that of the pass before.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::component::Component;
use crate::gate::Hold;
use crate::progress::{Progress, StepState, WaitReason, Waiting};
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
    /// Of an older template, those that are ending included: fewer of them is a drain that goes on.
    pub old: u32,
}

/// How far a step is, without what it waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Stage {
    /// It has not begun.
    NotStarted,
    /// It has begun.
    Running,
    /// It is done.
    Done,
    /// It has failed.
    Failed,
}

/// What changes when there is progress, and never otherwise.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// The hop.
    pub hop: usize,
    /// Pods by component.
    pub pods: BTreeMap<Component, PodCounts>,
    /// Steps that do not roll components, by name.
    pub steps: BTreeMap<String, Stage>,
    /// Gates that are closed.
    pub held: BTreeSet<GateName>,
}

impl Mark {
    /// The mark of what was observed in a pass.
    pub fn of(progress: &Progress, pods: BTreeMap<Component, PodCounts>, holds: &[Hold]) -> Self {
        let stage = |state: &StepState| match state {
            StepState::NotStarted => Stage::NotStarted,
            StepState::Running(_) => Stage::Running,
            StepState::Done => Stage::Done,
            StepState::Failed { .. } => Stage::Failed,
        };
        Self {
            hop: progress.hop,
            pods,
            steps: progress.steps.iter().map(|(name, state)| (name.clone(), stage(state))).collect(),
            held: holds.iter().map(|hold| hold.gate).collect(),
        }
    }
}

/// When there was progress last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastProgress {
    /// What it led to.
    pub mark: Mark,
    /// When it was seen, in seconds since 1970.
    pub at: i64,
}

impl LastProgress {
    /// The last progress as of `now` (seconds since 1970): now, if `mark` is another one than `before`.
    ///
    /// A clock that was put back never makes a wait look shorter than it is by more than that.
    #[must_use]
    pub fn as_of(now: i64, mark: Mark, before: Option<&Self>) -> Self {
        let at = before.filter(|before| before.mark == mark).map_or(now, |before| before.at.min(now));
        Self { mark, at }
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
