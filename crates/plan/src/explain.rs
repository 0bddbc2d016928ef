//! The words. The condition, the Event and the command line say the same thing because they take it from
//! here.

use std::fmt::{Display, Write as _};

use crate::component::Component;
use crate::next::unfinished;
use crate::plan::{Plan, Step};
use crate::progress::{ComponentState, Progress, WaitReason, Waiting};
use crate::request::Direction;

/// The message of the condition `MilvusUpdated`, in the words that the guides for users quote.
///
/// `not_done` are the names of what is not done, in the order in which components are listed; a deployment
/// group is named `component/group`.
pub fn roll_message<T: Display>(not_done: impl IntoIterator<Item = T>) -> String {
    let names: Vec<String> = not_done.into_iter().map(|name| name.to_string()).collect();
    if names.is_empty() {
        return "Milvus components are all updated".to_owned();
    }
    format!("Milvus components[{}] are updating", names.join(","))
}

/// [`roll_message`] for what is not done of a plan.
pub fn plan_message(plan: &Plan, progress: &Progress) -> String {
    roll_message(unfinished(plan, progress))
}

/// What is waited for, as a half sentence after the name of the component.
pub fn waiting(waiting: &Waiting) -> String {
    match &waiting.what {
        WaitReason::Generation => "Kubernetes has not taken up the last change yet".to_owned(),
        WaitReason::Replicas { updated, available, wanted } => {
            format!("{updated} of {wanted} pods are new, {available} of {wanted} are available")
        }
        WaitReason::Paused => "it is paused; set `paused: false` in spec.components to go on".to_owned(),
        WaitReason::Manual { deployment } => format!(
            "in manual mode Deployment {deployment} is left as it is while it has pods; scale it to 0, and it gets the new template"
        ),
        WaitReason::OldPods { count: 1 } => "1 old pod has not ended yet".to_owned(),
        WaitReason::OldPods { count } => format!("{count} old pods have not ended yet"),
        WaitReason::PodProblem { pod, reason, message } if message.is_empty() => {
            format!("pod {pod} does not get ready: {reason}")
        }
        WaitReason::PodProblem { pod, reason, message } => {
            format!("pod {pod} does not get ready: {reason}: {message}")
        }
        WaitReason::PodsRefused { reason, message } => {
            format!("its pods can't be created: {reason}: {message}; it goes on when they are admitted")
        }
        WaitReason::SlotHandOver { new, old, wanted } => {
            format!("{new} of {wanted} pods have been taken over, {old} old ones are left")
        }
    }
}

/// How far a component is, in a few words.
pub fn component_state(state: &ComponentState) -> String {
    match state {
        ComponentState::Absent => "not created yet".to_owned(),
        ComponentState::Pending => "waits for its turn".to_owned(),
        ComponentState::Updating(what) => waiting(what),
        ComponentState::Done => "done".to_owned(),
    }
}

/// What the components of a step wait for, as one sentence: `querynode: 1 of 2 pods are new, …; proxy: …`.
pub fn waits(on: &[(Component, Waiting)]) -> String {
    let words = on.iter().map(|(component, what)| format!("{component}: {}", waiting(what)));
    words.collect::<Vec<_>>().join("; ")
}

/// What a plan does, as one sentence: `Upgrade from 2.4.23 to 2.5.16 in 5 steps: indexnode, mixcoord, …`.
pub fn plan_summary(plan: &Plan) -> String {
    let to = &plan.to.version;
    let what = match (plan.direction, &plan.from) {
        (Direction::Start, _) | (_, None) => format!("First start of {to}"),
        (Direction::Upgrade, Some(from)) => format!("Upgrade from {} to {to}", from.version),
        (Direction::Downgrade, Some(from)) => format!("Downgrade from {} to {to}", from.version),
        (Direction::Revert, Some(from)) => format!("Revert from {} to {to}", from.version),
        (Direction::Same, Some(from)) if from.image == plan.to.image => format!("Stay at {to}"),
        (Direction::Same, Some(from)) => {
            format!("Change from image {} to image {}, the same version", from.image, plan.to.image)
        }
    };
    if !plan.ordered {
        return format!("{what}: all components at once");
    }
    let names: Vec<&str> = plan.steps.iter().map(|step| step.name.as_str()).collect();
    let count = if names.len() == 1 { "1 step".to_owned() } else { format!("{} steps", names.len()) };
    format!("{what} in {count}: {}", names.join(", "))
}

/// A row of a plan as a table; [`Row::HEADERS`] are the names of its columns.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Row {
    /// Number of the step, from 1.
    pub step: String,
    /// The component.
    pub component: String,
    /// How far it is.
    pub state: String,
    /// What does not work meanwhile; empty when all keeps working.
    pub downtime: String,
}

impl Row {
    /// The names of the columns.
    pub const HEADERS: [&'static str; 4] = ["STEP", "COMPONENT", "STATE", "DOWNTIME"];

    /// The cells, in the order of [`Row::HEADERS`].
    pub fn cells(&self) -> [&str; 4] {
        [&self.step, &self.component, &self.state, &self.downtime]
    }
}

/// The plan as a table, one row for each component in each step. Without `progress` it is a plan that has not
/// begun.
pub fn rows(plan: &Plan, progress: Option<&Progress>) -> Vec<Row> {
    let row = |number: usize, step: &Step, component: Component| Row {
        step: (number + 1).to_string(),
        component: component.to_string(),
        state: progress.map_or_else(|| "planned".to_owned(), |known| component_state(known.of(component))),
        downtime: step.downtime.clone().unwrap_or_default(),
    };
    let of_step = |(number, step): (usize, &Step)| {
        step.components.iter().map(|component| row(number, step, *component)).collect::<Vec<_>>()
    };
    plan.steps.iter().enumerate().flat_map(of_step).collect()
}

/// The plan as plain text: the summary, a line for each step, the warnings.
pub fn plan_text(plan: &Plan) -> String {
    let mut text = plan_summary(plan);
    for (number, step) in plan.steps.iter().enumerate() {
        let _ = write!(text, "\n{:>3}. {}", number + 1, step.name);
        if let Some(downtime) = &step.downtime {
            let _ = write!(text, " (downtime: {downtime})");
        }
    }
    for warning in &plan.warnings {
        let _ = write!(text, "\nWarning: {warning}");
    }
    text
}
