//! Where a plan stands: which steps are done, and which is under way.
//!
//! Nothing is remembered here. The step under way is the first of the hop that is not done; if a finished
//! component falls behind again (a node was lost), its step is under way again and later ones wait.

use std::collections::BTreeSet;

use crate::component::Component;
use crate::plan::{Hop, Plan};
use crate::progress::{ComponentState, Progress, StepState};
use crate::request::Direction;
use crate::step::{Action, Step};

/// The step that is under way, or would begin next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StepAt<'a> {
    /// Its number in [`Plan::steps`].
    pub number: usize,
    /// The step.
    pub step: &'a Step,
    /// Something of it was done.
    pub begun: bool,
    /// The step before it in the hop.
    pub before: Option<&'a Step>,
}

/// Where a plan stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Position<'a> {
    /// The plan leaves something for something else.
    pub moves: bool,
    /// It goes back to what ran before.
    pub reverts: bool,
    /// Its target is in the status already.
    pub recorded: bool,
    /// The step that is under way; `None` when all steps of the hop are done, or there is no plan.
    pub step: Option<StepAt<'a>>,
}

impl<'a> Position<'a> {
    /// Where `plan` stands. `recorded` tells whether the status already names its target.
    pub fn of(plan: &'a Plan, progress: &Progress, recorded: bool) -> Self {
        Self {
            moves: plan.moves(),
            reverts: plan.direction == Direction::Revert,
            recorded,
            step: under_way(plan, progress),
        }
    }
}

/// The step of the recorded hop that is under way; `None` when all of them are done.
pub fn under_way<'a>(plan: &'a Plan, progress: &Progress) -> Option<StepAt<'a>> {
    let hop = plan.hops.get(progress.hop)?;
    let at = hop.steps.iter().position(|step| !is_done(step, progress))?;
    let step = &hop.steps[at];
    let earlier: usize = plan.hops.iter().take(progress.hop).map(|hop| hop.steps.len()).sum();
    let before = at.checked_sub(1).map(|before| &hop.steps[before]);
    Some(StepAt { number: earlier + at, step, begun: is_begun(step, progress), before })
}

/// The hops that come after the recorded one.
pub fn later_hops<'a>(plan: &'a Plan, progress: &Progress) -> &'a [Hop] {
    plan.hops.get(progress.hop + 1..).unwrap_or_default()
}

/// The components of the plan that are not done, in the order in which messages list components.
pub fn unfinished(plan: &Plan, progress: &Progress) -> BTreeSet<Component> {
    let now = plan.hops.get(progress.hop).into_iter().flat_map(|hop| &hop.steps);
    let now = now.flat_map(Step::components).filter(|one| *progress.of(**one) != ComponentState::Done);
    let later = later_hops(plan, progress).iter().flat_map(|hop| &hop.steps).flat_map(Step::components);
    now.chain(later).copied().collect()
}

/// Whether a step of the recorded hop is seen to be done.
pub fn is_done(step: &Step, progress: &Progress) -> bool {
    match &step.action {
        Action::Roll(components) => components.iter().all(|one| *progress.of(*one) == ComponentState::Done),
        Action::Stop | Action::Job(_) | Action::Start | Action::Settle { .. } | Action::Gate(_) => {
            *progress.of_step(&step.name) == StepState::Done
        }
    }
}

/// Whether something of a step of the recorded hop was done.
fn is_begun(step: &Step, progress: &Progress) -> bool {
    match &step.action {
        Action::Roll(components) => {
            components.iter().any(|one| matches!(progress.of(*one), ComponentState::Updating(_)))
        }
        Action::Stop | Action::Job(_) | Action::Start | Action::Settle { .. } | Action::Gate(_) => {
            *progress.of_step(&step.name) != StepState::NotStarted
        }
    }
}
