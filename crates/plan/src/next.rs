//! What to do now: a total function of the plan and of what is known to be done.
//!
//! Nothing is remembered here. The step under way is the first that is not done; if a finished component
//! falls behind again (a node was lost), its step is under way again and later ones wait.

use std::collections::BTreeSet;

use crate::component::Component;
use crate::objection::Objections;
use crate::plan::{Plan, Step};
use crate::progress::{ComponentState, Progress, Waiting};

/// What a pass does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// The target is not in status yet: write it there, and nothing else.
    Record,
    /// Send the new template to the components of this step that do not have it.
    Act {
        /// Index into [`Plan::steps`].
        step: usize,
    },
    /// All templates of this step are sent; it is not complete.
    Wait {
        /// Index into [`Plan::steps`].
        step: usize,
        /// What each component waits for, in the order of the step; at least one.
        on: Vec<(Component, Waiting)>,
    },
    /// Every component is seen to be at the target.
    Done,
    /// The change is refused: nothing is done until the user changes something.
    Halt(Objections),
}

/// What to do about a plan, or about the refusal of one.
pub fn decide(planned: &Result<Plan, Objections>, progress: &Progress, recorded: bool) -> Decision {
    match planned {
        Ok(plan) => next(plan, progress, recorded),
        Err(objections) => Decision::Halt(objections.clone()),
    }
}

/// What to do about a plan. `recorded` says whether status already names the target of it.
pub fn next(plan: &Plan, progress: &Progress, recorded: bool) -> Decision {
    if !recorded {
        return Decision::Record;
    }
    let Some((step, components)) = under_way(plan, progress) else {
        return Decision::Done;
    };
    let mut on = Vec::new();
    for component in &components.components {
        match progress.of(*component) {
            ComponentState::Absent | ComponentState::Pending => return Decision::Act { step },
            ComponentState::Updating(waiting) => on.push((*component, waiting.clone())),
            ComponentState::Done => {}
        }
    }
    Decision::Wait { step, on }
}

/// The components whose new template may be sent now: those of the steps that are done, and of the step under
/// way.
///
/// What is not listed keeps the template that it has, also if that is already the new one.
pub fn open(plan: &Plan, progress: &Progress) -> BTreeSet<Component> {
    let last = under_way(plan, progress).map_or(plan.steps.len(), |(step, _)| step + 1);
    plan.steps.iter().take(last).flat_map(|step| step.components.iter().copied()).collect()
}

/// The components of the plan that are not done, in the order in which messages list components.
pub fn unfinished(plan: &Plan, progress: &Progress) -> BTreeSet<Component> {
    let components = plan.steps.iter().flat_map(|step| step.components.iter().copied());
    components.filter(|component| *progress.of(*component) != ComponentState::Done).collect()
}

fn under_way<'a>(plan: &'a Plan, progress: &Progress) -> Option<(usize, &'a Step)> {
    let done = |step: &Step| step.components.iter().all(|one| *progress.of(*one) == ComponentState::Done);
    plan.steps.iter().enumerate().find(|(_, step)| !done(step))
}
