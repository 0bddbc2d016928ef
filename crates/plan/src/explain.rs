//! The words about plans and progress. The condition, the Event and the command line tell the same because
//! they take it from here.

use std::fmt::{Display, Write as _};

use crate::component::Component;
use crate::gate::Hold;
use crate::plan::{OwnRoll, Plan};
use crate::position::unfinished;
use crate::progress::{ComponentState, Progress, StepState, WaitReason, Waiting};
use crate::request::{Direction, Side};
use crate::stall::Stall;
use crate::step::{Action, JobKind, Step};

/// What a step is marked with that cannot be taken back.
pub const NO_RETURN: &str = "point of no return";

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
            "in manual mode Deployment {deployment} is left as it is while it has pods; scale it to 0, and it gets \
             the new template"
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
        WaitReason::Job { name } => format!("Job {name} has not ended"),
        WaitReason::Settling { seconds } => format!("all is ready, and is watched for another {seconds} s"),
        WaitReason::Gate { message, .. } => message.clone(),
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

/// How far a step is that does something else than to roll components, in a few words.
pub fn step_state(state: &StepState) -> String {
    match state {
        StepState::NotStarted => "waits for its turn".to_owned(),
        StepState::Running(what) => waiting(what),
        StepState::Done => "done".to_owned(),
        StepState::Failed { reason, message } => format!("failed: {reason}: {message}"),
    }
}

/// What a step does, in a few words; of a roll, the component that `component` names.
pub(crate) fn action(step: &Step, component: Option<Component>) -> String {
    match (&step.action, component) {
        (_, Some(component)) => component.to_string(),
        (Action::Roll(_), None) => step.name.clone(),
        (Action::Stop, None) => "stop every component".to_owned(),
        (Action::Job(kind), None) => job(*kind).to_owned(),
        (Action::Start, None) => "start every component".to_owned(),
        (Action::Settle { seconds }, None) => format!("watch for {seconds} s"),
        (Action::Gate(gate), None) => format!("wait for the gate {gate}"),
    }
}

fn job(kind: JobKind) -> &'static str {
    match kind {
        JobKind::Inspect => "inspect the metadata",
        JobKind::BackupMeta => "back up the metadata",
        JobKind::VerifyBackup => "verify the backup",
        JobKind::MigrateMeta => "migrate the metadata",
        JobKind::VerifyMeta => "verify the metadata",
        JobKind::RollbackMeta => "put the backup back",
    }
}

/// What a step waits for, as one sentence: `querynode: 1 of 2 pods are new, …; proxy: …`.
pub fn waits(on: &[(Option<Component>, Waiting)]) -> String {
    let words = on.iter().map(|(component, what)| match component {
        Some(component) => format!("{component}: {}", waiting(what)),
        None => waiting(what),
    });
    words.collect::<Vec<_>>().join("; ")
}

/// All holds in one text, each with what to do about it.
pub fn holds(holds: &[Hold]) -> String {
    let words = holds.iter().map(|hold| format!("{}. {}", hold.message.trim_end_matches('.'), hold.to_do));
    words.collect::<Vec<_>>().join(" Also: ")
}

/// A stall, with what is waited for: `nothing has moved since 2026-05-04T09:12:31Z: querynode: pod …`. It stays
/// the same for as long as nothing moves. `since` is [`Stall::since`] as people read it.
pub fn stall(stall: &Stall, since: impl Display) -> String {
    format!("nothing has moved since {since}: {}", waits(&stall.on))
}

/// What a plan does, as one sentence: `Upgrade from 2.4.23 to 2.5.16 in 5 steps: indexnode, mixcoord, …`.
pub fn plan_summary(plan: &Plan) -> String {
    let what = if plan.moves() && !plan.whole_moves() { own_rolls(plan) } else { whole_roll(plan) };
    if !plan.ordered {
        return format!("{what}: all components at once");
    }
    let names: Vec<&str> = plan.steps().map(|step| step.name.as_str()).collect();
    let count = if names.len() == 1 { "1 step".to_owned() } else { format!("{} steps", names.len()) };
    format!("{what} in {count}: {}", names.join(", "))
}

fn whole_roll(plan: &Plan) -> String {
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
    let others = plan.own.iter().filter(|own| plan.moves() && own.to.version != plan.to.version);
    let others: Vec<String> = others.map(own_way).collect();
    if others.is_empty() { what } else { format!("{what} ({})", others.join(", ")) }
}

/// Only components with an image of their own move.
fn own_rolls(plan: &Plan) -> String {
    let what = match plan.direction {
        Direction::Upgrade => "Upgrade",
        Direction::Downgrade => "Downgrade",
        Direction::Revert => "Revert",
        Direction::Start | Direction::Same => "Change of image",
    };
    let moving: Vec<String> = plan.own.iter().filter(|own| !own.stays()).map(own_way).collect();
    format!("{what} of {}", moving.join(", "))
}

fn own_way(own: &OwnRoll) -> String {
    let (component, to) = (own.component, &own.to.version);
    match &own.from {
        Some(from) if own.stays() => format!("{component} {}", stays_at(from)),
        Some(from) if from.version != *to => format!("{component} from {} to {to}", from.version),
        Some(_) | None => format!("{component} to {}", own.to.image),
    }
}

/// How a component that keeps its image is shown while others move.
pub fn stays_at(side: &Side) -> String {
    format!("stays at {}", side.version)
}

/// The plan as plain text: the summary, a line for each step, the warnings.
pub fn plan_text(plan: &Plan) -> String {
    let mut text = plan_summary(plan);
    for (number, step) in plan.steps().enumerate() {
        let _ = write!(text, "\n{:>3}. {}", number + 1, step.name);
        if let Some(downtime) = &step.downtime {
            let _ = write!(text, " (downtime: {downtime})");
        }
        if step.irreversible {
            let _ = write!(text, " ({NO_RETURN})");
        }
    }
    for warning in &plan.warnings {
        let _ = write!(text, "\nWarning: {warning}");
    }
    text
}
