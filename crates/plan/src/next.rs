//! What to do now: a total function of the plan, of what is known to be done, and of what is held.

use std::collections::BTreeSet;

use crate::component::Component;
use crate::gate::{Hold, HoldsBack};
use crate::objection::Objections;
use crate::plan::Plan;
use crate::position::{StepAt, is_done, later_hops, under_way};
use crate::progress::{ComponentState, Progress, StepState, Waiting};
use crate::step::{Action, Step};

/// What a pass does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// The target is not in status yet (or the next hop is not, all before it being over): write it there,
    /// and nothing else.
    Record,
    /// Begin this step. Of a roll: send the new template to the components that do not have it.
    Act {
        /// Number of the step in [`Plan::steps`].
        step: usize,
    },
    /// The step has begun; it is not complete.
    Wait {
        /// Number of the step in [`Plan::steps`].
        step: usize,
        /// What is waited for, at least one: of a roll by component, in the order of the step, else of the
        /// step.
        on: Vec<(Option<Component>, Waiting)>,
    },
    /// Gates are closed.
    Held {
        /// Number of the step in [`Plan::steps`] that would begin or go on; `None` when no step is left in
        /// the hop.
        step: Option<usize>,
        /// The closed gates, at least one.
        holds: Vec<Hold>,
    },
    /// Every component is seen to be at the target, and every other step to be done.
    Done,
    /// Nothing is done until somebody changes something.
    Halt(Halt),
}

/// Why nothing is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Halt {
    /// The change is refused.
    Refused(Objections),
    /// A step has failed.
    Failed {
        /// Number of the step in [`Plan::steps`].
        step: usize,
        /// Why, in one word.
        reason: String,
        /// What happened and what to do.
        message: String,
    },
}

/// What to do about a plan, or about the refusal of one.
pub fn decide(
    planned: &Result<Plan, Objections>,
    progress: &Progress,
    recorded: bool,
    holds: &[Hold],
) -> Decision {
    match planned {
        Ok(plan) => next(plan, progress, recorded, holds),
        Err(objections) => Decision::Halt(Halt::Refused(objections.clone())),
    }
}

/// What to do about a plan. `recorded` tells whether the status already names its target; `holds` are the
/// gates that are closed where the plan stands ([`crate::gate::holds`]).
pub fn next(plan: &Plan, progress: &Progress, recorded: bool, holds: &[Hold]) -> Decision {
    let at = under_way(plan, progress);
    let held = || Decision::Held { step: at.map(|at| at.number), holds: holds.to_vec() };
    let records = !recorded || (at.is_none() && !later_hops(plan, progress).is_empty());
    match at {
        _ if closed(holds, HoldsBack::Everything) => held(),
        // To record a change is to begin it.
        _ if records && closed(holds, HoldsBack::NewChange) => held(),
        _ if records => Decision::Record,
        None => Decision::Done,
        Some(_) if !holds.is_empty() => held(),
        Some(at) => of_step(&at, progress),
    }
}

/// The components whose new template may be sent now: those of the steps of the hop that are done, and of the
/// step under way, unless it is held before it has begun.
///
/// What is not listed keeps the template that it has, also if that is already the new one. A step that is
/// held after it has begun keeps what it has sent; how far its pods may go on is
/// [`crate::gate::Facts::hold_before`].
pub fn open(plan: &Plan, progress: &Progress, holds: &[Hold]) -> BTreeSet<Component> {
    if closed(holds, HoldsBack::Everything) || closed(holds, HoldsBack::NewChange) {
        return BTreeSet::new();
    }
    let steps = plan.hops.get(progress.hop).into_iter().flat_map(|hop| &hop.steps);
    let done = steps.take_while(|step| is_done(step, progress));
    let now = under_way(plan, progress).filter(|at| at.begun || holds.is_empty()).map(|at| at.step);
    done.chain(now).flat_map(Step::components).copied().collect()
}

fn closed(holds: &[Hold], back: HoldsBack) -> bool {
    holds.iter().any(|hold| hold.holds_back == back)
}

/// What to do about a step that is not done and not held.
fn of_step(at: &StepAt<'_>, progress: &Progress) -> Decision {
    let step = at.number;
    match &at.step.action {
        Action::Roll(components) => roll(step, components, progress),
        Action::Stop | Action::Job(_) | Action::Start | Action::Settle { .. } | Action::Gate(_) => {
            match progress.of_step(&at.step.name) {
                StepState::NotStarted => Decision::Act { step },
                StepState::Running(waiting) => Decision::Wait { step, on: vec![(None, waiting.clone())] },
                StepState::Failed { reason, message } => {
                    Decision::Halt(Halt::Failed { step, reason: reason.clone(), message: message.clone() })
                }
                StepState::Done => Decision::Done,
            }
        }
    }
}

fn roll(step: usize, components: &[Component], progress: &Progress) -> Decision {
    let mut on = Vec::new();
    for component in components {
        match progress.of(*component) {
            ComponentState::Absent | ComponentState::Pending => return Decision::Act { step },
            ComponentState::Updating(waiting) => on.push((Some(*component), waiting.clone())),
            ComponentState::Done => {}
        }
    }
    Decision::Wait { step, on }
}
