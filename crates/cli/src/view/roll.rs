//! A change of image: its steps and what it waits for.

use jiff::Timestamp;
use milvus_api::{
    RolloutDirection, RolloutImage, RolloutPhase, RolloutStatus, RolloutStep, StepState, WaitingFor,
};
use serde::Serialize;

use super::advice::{Advice, advice};
use super::object::Object;

/// A change of image.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Roll {
    /// What ran before: a version, else an image.
    pub from: String,
    /// What is to run: a version, else an image.
    pub to: String,
    /// Which way it goes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub direction: Option<RolloutDirection>,
    /// How far it is; absent while it waits to begin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase: Option<RolloutPhase>,
    /// It is not over.
    pub open: bool,
    /// When it was accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started: Option<Timestamp>,
    /// When it ended; absent while it is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished: Option<Timestamp>,
    /// The plan, in a sentence.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// One for each component of each step, in order.
    pub steps: Vec<Step>,
    /// What it waits for now; absent when it is over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiting: Option<Waiting>,
}

/// A component in a step.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// Number of the step, from 1. Components of the same number are replaced together.
    pub step: usize,
    /// Name of the step.
    pub name: String,
    /// The component.
    pub component: String,
    /// Version before.
    pub from: String,
    /// Version after.
    pub to: String,
    /// `pending`, `updating` or `done`.
    pub state: String,
    /// Since when it is in this state; absent while it is pending.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
}

/// What a change of image waits for.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Waiting {
    /// Step that waits; absent if none does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// What it waits for, in one word.
    pub reason: String,
    /// What it waits for, in a sentence.
    pub message: String,
    /// Since when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// What to do about it, where there is something to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<Advice>,
}

impl Roll {
    /// The change of image that a status tells of.
    pub fn of(upgrade: &RolloutStatus, object: Object<'_>) -> Roll {
        let (from, to) = ends_of(upgrade);
        let ended = matches!(
            upgrade.phase,
            Some(RolloutPhase::Done | RolloutPhase::Superseded | RolloutPhase::Refused)
        );
        let steps = upgrade.steps.iter().enumerate();
        Roll {
            steps: steps.flat_map(|(index, step)| rows(index + 1, step, &from, &to)).collect(),
            from,
            to,
            direction: upgrade.direction,
            phase: upgrade.phase,
            open: !ended,
            started: upgrade.started_at.as_ref().map(|t| t.0),
            finished: upgrade.finished_at.as_ref().map(|t| t.0).filter(|_| ended),
            message: upgrade.message.clone(),
            waiting: upgrade.waiting_for.as_ref().filter(|_| !ended).map(|w| waiting(w, object)),
        }
    }

    /// The step that is under way: the one that is updating, else the one that waits, else the first that is
    /// not done.
    pub fn current(&self) -> Option<&Step> {
        let waits = self.waiting.as_ref().and_then(|w| w.step.as_deref());
        let updating = self.steps.iter().find(|step| step.state == word(StepState::Updating));
        let waiting = || self.steps.iter().find(|step| Some(step.name.as_str()) == waits);
        let ended = [word(StepState::Done), word(StepState::Stays)];
        let next = || self.steps.iter().find(|step| !ended.contains(&&*step.state));
        updating.or_else(waiting).or_else(next)
    }

    /// How many steps there are.
    pub fn count(&self) -> usize {
        self.steps.last().map_or(0, |step| step.step)
    }

    /// In a few words, for a cell: `2.4.9 → 2.4.10, step 3/5 querynode`.
    pub fn short(&self) -> String {
        let ends = format!("{} → {}", self.from, self.to);
        match (self.phase, self.current()) {
            (None, _) => format!("{ends}, not begun"),
            (Some(_), Some(step)) => format!("{ends}, step {}/{} {}", step.step, self.count(), step.name),
            (Some(_), None) => ends,
        }
    }

    /// In a sentence: `Upgrade from 2.4.9 to 2.4.10: step 3 of 5, querynode.`
    pub fn sentence(&self) -> String {
        let what = match self.direction {
            Some(RolloutDirection::Upgrade) => "Upgrade",
            Some(RolloutDirection::Downgrade) => "Downgrade",
            Some(RolloutDirection::Revert) => "Revert",
            Some(RolloutDirection::Same) | None => "Change of image",
        };
        let ends = format!("{what} from {} to {}", self.from, self.to);
        match (self.phase, self.current()) {
            (Some(RolloutPhase::Done), _) => format!("{ends}: done."),
            (Some(RolloutPhase::Superseded), _) => format!("{ends}: another target took its place."),
            (Some(RolloutPhase::Refused), _) => format!("{ends}: refused, nothing was changed."),
            (None, _) => format!("{ends}: it has not begun."),
            (Some(RolloutPhase::Pending | RolloutPhase::Rolling), Some(step)) => {
                format!("{ends}: step {} of {}, {}.", step.step, self.count(), step.name)
            }
            (Some(RolloutPhase::Pending | RolloutPhase::Rolling), None) => {
                format!("{ends}: every step is done, the last objects of the old version go.")
            }
        }
    }
}

/// The ends of the whole Milvus; where that stays, of the first component with an image of its own that does not.
fn ends_of(upgrade: &RolloutStatus) -> (String, String) {
    let moving = upgrade.components.values().find(|way| way.from.is_some() && way.from != way.to);
    match moving.filter(|_| upgrade.from == upgrade.to) {
        Some(way) => ends(way.from.as_ref(), way.to.as_ref()),
        None => ends(upgrade.from.as_ref(), upgrade.to.as_ref()),
    }
}

/// Versions where they tell the two apart, else images.
fn ends(from: Option<&RolloutImage>, to: Option<&RolloutImage>) -> (String, String) {
    let version = |side: Option<&RolloutImage>| side.and_then(|s| s.version.clone());
    let image = |side: Option<&RolloutImage>| side.and_then(|s| s.image.clone());
    let same = version(from).is_some() && version(from) == version(to);
    let end = |side| {
        let first = if same { image(side) } else { version(side) };
        first.or_else(|| image(side)).or_else(|| version(side)).unwrap_or_else(|| "unknown".to_owned())
    };
    (end(from), end(to))
}

fn rows(number: usize, step: &RolloutStep, from: &str, to: &str) -> Vec<Step> {
    let state = step.state.unwrap_or(StepState::Pending);
    let time = match state {
        StepState::Pending | StepState::Stays => None,
        StepState::Updating => step.started_at.as_ref(),
        StepState::Done => step.finished_at.as_ref(),
    };
    let row = |component: &String| Step {
        step: number,
        name: step.name.clone(),
        component: component.clone(),
        from: step.from.clone().unwrap_or_else(|| from.to_owned()),
        to: step.to.clone().unwrap_or_else(|| to.to_owned()),
        state: word(state).to_owned(),
        since: time.map(|t| t.0),
    };
    if step.components.is_empty() {
        return vec![row(&step.name)];
    }
    step.components.iter().map(row).collect()
}

/// The state of a step as it is shown.
pub fn word(state: StepState) -> &'static str {
    match state {
        StepState::Pending => "pending",
        StepState::Updating => "updating",
        StepState::Done => "done",
        StepState::Stays => "stays",
    }
}

fn waiting(waiting: &WaitingFor, object: Object<'_>) -> Waiting {
    Waiting {
        step: waiting.step.clone(),
        reason: waiting.reason.clone(),
        message: waiting.message.clone(),
        since: waiting.since.as_ref().map(|t| t.0),
        advice: advice(&waiting.reason, object, waiting.step.as_deref()),
    }
}
