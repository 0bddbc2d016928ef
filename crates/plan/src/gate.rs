//! Gates: what must be so before something begins, as one ordered list.
//!
//! A gate is a named function of what was observed ([`Facts`]) and of where the plan stands ([`Position`]). A
//! closed gate gives a [`Hold`]. All holds are shown at once, in the order of [`GATES`]. Being held is a
//! state that is seen, with what to do about it; it is no stall.

use std::collections::BTreeMap;

use serde::Serialize;
use strum::{Display, EnumIter, IntoStaticStr};

use crate::component::Component;
use crate::hold_before::{self, HoldBefore};
use crate::position::{Position, StepAt};
use crate::step::GateName;

/// What was observed, as far as gates ask for it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// The annotation `milvus.io/pause-reconcile` is `true`.
    pub paused: bool,
    /// Objects that a former Milvus of the same name has left, each with its kind: `Deployment
    /// my-release-milvus-proxy`.
    pub former_objects: Vec<String>,
    /// What is wrong with etcd, object storage and message queue; `None` when all of them can be used.
    pub dependency_troubles: Option<String>,
    /// Something of this Milvus was created.
    pub started: bool,
    /// The status names a roll, to whatever target, that is not finished.
    pub roll_under_way: bool,
    /// The value of the annotation `milvus.io/hold-before`.
    pub hold_before: Option<String>,
    /// Pods of the new template that are ready.
    pub moved: BTreeMap<Component, u32>,
}

/// What a closed gate holds back. A larger one comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum HoldsBack {
    /// Everything: nothing at all is written.
    Everything,
    /// The begin of a new change, or of the first start. What is under way goes on.
    NewChange,
    /// A step: it does not begin, or does not go on. The steps before it are kept up.
    Step,
}

/// Why something is held: the reason of a condition, in `CamelCase`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Display, EnumIter, IntoStaticStr, Serialize)]
pub enum HoldReason {
    /// The user has paused the operator for this Milvus.
    ReconcilePaused,
    /// Objects of a former Milvus of the same name are still there.
    WaitingForFormerObjects,
    /// A dependency can't be used, and what is asked for needs it.
    WaitingForDependencies,
    /// The user holds a step.
    HeldByAnnotation,
}

impl HoldReason {
    /// The name as in conditions and Events.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// A gate that is closed. Since when is for whoever keeps a status to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Hold {
    /// The gate.
    pub gate: GateName,
    /// What it holds back.
    pub holds_back: HoldsBack,
    /// Why, in one word.
    pub reason: HoldReason,
    /// Why, as a half sentence that can follow a colon.
    pub message: String,
    /// What to do about it, as a sentence.
    pub to_do: String,
}

/// Why a gate is closed: its reason, message, and what to do.
type Closed = (HoldReason, String, String);

/// A gate: a function with a name.
#[derive(Debug, Clone, Copy)]
pub struct Gate {
    /// Its name.
    pub name: GateName,
    /// What it holds back while it is closed.
    pub holds_back: HoldsBack,
    closed: fn(&Facts, &Position<'_>) -> Option<Closed>,
}

impl Gate {
    /// The hold, if the gate is closed.
    pub fn hold(&self, facts: &Facts, at: &Position<'_>) -> Option<Hold> {
        let (reason, message, to_do) = (self.closed)(facts, at)?;
        Some(Hold { gate: self.name, holds_back: self.holds_back, reason, message, to_do })
    }
}

/// Every gate, in the order in which holds are shown: what holds back more comes first.
pub const GATES: [Gate; 4] = [
    Gate { name: GateName::Pause, holds_back: HoldsBack::Everything, closed: paused },
    Gate { name: GateName::FormerObjects, holds_back: HoldsBack::Everything, closed: former_objects },
    Gate { name: GateName::Dependencies, holds_back: HoldsBack::NewChange, closed: dependencies },
    Gate { name: GateName::HoldBefore, holds_back: HoldsBack::Step, closed: held_step },
];

/// All gates that are closed for what would be done at `at`.
pub fn holds(facts: &Facts, at: &Position<'_>) -> Vec<Hold> {
    GATES.iter().filter_map(|gate| gate.hold(facts, at)).collect()
}

fn paused(facts: &Facts, _: &Position<'_>) -> Option<Closed> {
    facts.paused.then(|| {
        (
            HoldReason::ReconcilePaused,
            "the annotation milvus.io/pause-reconcile is \"true\"".to_owned(),
            "Remove the annotation milvus.io/pause-reconcile to go on.".to_owned(),
        )
    })
}

/// Two Milvus of one name share the names of their objects: the new one waits until the old one's are gone.
fn former_objects(facts: &Facts, _: &Position<'_>) -> Option<Closed> {
    (!facts.former_objects.is_empty()).then(|| {
        let names = facts.former_objects.join(", ");
        (
            HoldReason::WaitingForFormerObjects,
            format!("waits until objects of a former Milvus of this name are gone: {names}"),
            "Nothing, while Kubernetes deletes them. Look at one that stays: a finalizer may keep it."
                .to_owned(),
        )
    })
}

/// A roll that is under way never waits for a probe: it goes on, and the conditions tell what is wrong. A new
/// one does not begin while a dependency is away, unless it goes back.
fn dependencies(facts: &Facts, at: &Position<'_>) -> Option<Closed> {
    let troubles = facts.dependency_troubles.as_ref()?;
    let new_change = at.moves && !at.recorded && !at.reverts && !facts.roll_under_way;
    let message = match (facts.started, new_change) {
        (false, _) => format!("nothing is created before all dependencies are ready: {troubles}"),
        (true, true) => format!("begins when all dependencies are ready: {troubles}"),
        (true, false) => return None,
    };
    let to_do = "Repair what EtcdReady, StorageReady or MsgStreamReady tells.".to_owned();
    Some((HoldReason::WaitingForDependencies, message, to_do))
}

/// Only a change of image is held, and only on its way: the way back is always open.
fn held_step(facts: &Facts, at: &Position<'_>) -> Option<Closed> {
    let text = facts.hold_before.as_deref().map(str::trim).filter(|text| !text.is_empty())?;
    let step = at.step.filter(|_| at.moves && !at.reverts)?;
    let annotation = hold_before::ANNOTATION;
    match text.parse::<HoldBefore>() {
        Ok(hold) => holds_step(hold, &step, facts).then(|| {
            let what = match hold.pods {
                0 => format!("the annotation {annotation} holds the roll before {}", hold.component),
                1 => format!("the annotation {annotation} holds the roll after 1 pod of {}", hold.component),
                pods => {
                    format!(
                        "the annotation {annotation} holds the roll after {pods} pods of {}",
                        hold.component
                    )
                }
            };
            (HoldReason::HeldByAnnotation, what, format!("Remove the annotation {annotation} to go on."))
        }),
        // Somebody wants to hold something, and it is not known what: nothing more begins.
        Err(error) => (!step.begun).then(|| {
            let message = format!("the annotation {annotation} can't be read: {error}");
            (
                HoldReason::HeldByAnnotation,
                message,
                format!("Correct the annotation {annotation}, or remove it."),
            )
        }),
    }
}

/// Whether `hold` is for the step that is under way.
///
/// Where a component has no more pods than are to move first, its step is done when they have: then the next
/// step is what does not begin.
fn holds_step(hold: HoldBefore, at: &StepAt<'_>, facts: &Facts) -> bool {
    let moved = facts.moved.get(&hold.component).copied().unwrap_or_default() >= hold.pods;
    let rolls_it = at.step.components().contains(&hold.component);
    let rolled_it = at.before.is_some_and(|before| before.components().contains(&hold.component));
    match (rolls_it, hold.pods) {
        (true, 0) => !at.begun,
        (true, _) => moved,
        (false, 0) => false,
        (false, _) => rolled_it && !at.begun && moved,
    }
}
