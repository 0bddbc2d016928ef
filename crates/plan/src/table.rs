//! A plan as a table.

use std::cmp::Ordering;

use crate::component::Component;
use crate::explain::{self, NO_RETURN};
use crate::plan::Plan;
use crate::progress::{ComponentState, Progress};
use crate::step::Step;

/// A row of a plan as a table; [`Row::HEADERS`] are the names of its columns.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Row {
    /// Number of the step, from 1.
    pub step: String,
    /// The component, or what else the step does.
    pub component: String,
    /// How far it is.
    pub state: String,
    /// What does not work meanwhile; empty when all keeps working.
    pub downtime: String,
    /// [`NO_RETURN`], or empty.
    pub remark: String,
}

impl Row {
    /// The names of the columns.
    pub const HEADERS: [&'static str; 5] = ["STEP", "COMPONENT", "STATE", "DOWNTIME", "REMARK"];

    /// The cells, in the order of [`Row::HEADERS`].
    pub fn cells(&self) -> [&str; 5] {
        [&self.step, &self.component, &self.state, &self.downtime, &self.remark]
    }
}

/// The plan as a table: one row for each component in each step that rolls some, one for any other step.
/// Without `progress` it is a plan that has not begun.
pub fn rows(plan: &Plan, progress: Option<&Progress>) -> Vec<Row> {
    let mut rows = Vec::new();
    let steps =
        plan.hops.iter().enumerate().flat_map(|(hop, of)| of.steps.iter().map(move |step| (hop, step)));
    for (number, (hop, step)) in steps.enumerate() {
        let components = step.components().iter().copied().map(Some);
        let other = step.components().is_empty().then_some(None);
        let stays = |component: Option<Component>| {
            let done = |one: &Component| progress.is_none_or(|all| *all.of(*one) == ComponentState::Done);
            component.filter(done).and_then(|one| plan.stays(one))
        };
        rows.extend(components.chain(other).map(|component| Row {
            step: (number + 1).to_string(),
            component: explain::action(step, component),
            state: match (stays(component), progress) {
                (Some(side), _) => explain::stays_at(side),
                (None, None) => "planned".to_owned(),
                (None, Some(known)) => state(hop, step, component, known),
            },
            downtime: step.downtime.clone().unwrap_or_default(),
            remark: if step.irreversible { NO_RETURN.to_owned() } else { String::new() },
        }));
    }
    rows
}

/// How far a step, or a component of it, is; `hop` is the number of the hop that the step is in.
fn state(hop: usize, step: &Step, component: Option<Component>, known: &Progress) -> String {
    match (hop.cmp(&known.hop), component) {
        (Ordering::Less, _) => "done".to_owned(),
        (Ordering::Greater, _) => "planned".to_owned(),
        (Ordering::Equal, Some(component)) => explain::component_state(known.of(component)),
        (Ordering::Equal, None) => explain::step_state(known.of_step(&step.name)),
    }
}
