//! A component in two Deployments: which slot is current, and how pods move from the old to the new one.
//!
//! Takes what was observed of both slots and the wanted template; gives the next template and size of each slot. New
//! pods come up before old ones go: at no time are there more than one pod over the wanted number, and an old pod
//! goes only when a new one has been available. The whole hand-over is derived from what exists: the pointer on
//! the Milvus (`milvus.io/querynode-current-group-id`, as upstream) is a hint that is corrected when it is wrong or lost.

use crate::records::Slot;

/// Both slots, in the order of their names.
pub const SLOTS: [Slot; 2] = [Slot::Zero, Slot::One];

/// What was observed of one slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotView {
    /// Its template is the wanted one.
    pub at_target: bool,
    /// `spec.replicas`
    pub replicas: i32,
    /// Available pods; 0 while the newest generation is not observed.
    pub available: i32,
    /// Pods that exist, terminating ones included, finished ones not.
    pub pods: i32,
    /// CR generation at which its template was last written.
    pub written_at: Option<i64>,
}

/// What a slot's template is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Template {
    /// The wanted template.
    Target,
    /// What it has.
    Keep,
    /// An idle Deployment that never ran: upstream gives it the image `dummy` and no pods.
    Idle,
}

/// What one slot is to become in this pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotGoal {
    /// The template to send.
    pub template: Template,
    /// `spec.replicas` to send.
    pub replicas: i32,
}

/// The next move of a component with two slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotPlan {
    /// The slot that runs, or is coming to run, the wanted template.
    pub current: Slot,
    /// A hand-over is under way: pods exist, or are wanted, in the other slot.
    pub rolling: bool,
    /// Goals of slot 0 and slot 1.
    pub goals: [SlotGoal; 2],
}

impl SlotPlan {
    /// The goal of one slot.
    pub fn goal(&self, slot: Slot) -> SlotGoal {
        self.goals[index(slot)]
    }
}

fn index(slot: Slot) -> usize {
    usize::from(slot == Slot::One)
}

/// The slot that is current: the only one with pods; where both or none have any, the one that the hint names, else the
/// one that was written last.
///
/// The hint may name a slot that is missing: it was deleted and comes back there. Without a hint an idle Deployment that never
/// ran does not take the place of one that is missing.
pub fn current(hint: Option<Slot>, slots: [Option<SlotView>; 2]) -> Slot {
    let runs = |slot: Option<SlotView>| slot.is_some_and(|view| view.replicas > 0);
    let written =
        |slot: Option<SlotView>| slot.map_or(1, |view| view.written_at.unwrap_or_default().saturating_mul(2));
    let [zero, one] = slots;
    match (runs(zero), runs(one), hint) {
        (true, false, _) => Slot::Zero,
        (false, true, _) => Slot::One,
        (_, _, Some(slot)) => slot,
        (_, _, None) if written(one) > written(zero) => Slot::One,
        (_, _, None) => Slot::Zero,
    }
}

/// How many pods there are to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Pods of both slots together, at rest.
    pub wanted: i32,
    /// The number is an autoscaler's and written nowhere else: the new slot gets all of it in the first move, so that the
    /// larger of the two slots always tells it. The pods that have no room yet wait for those that go.
    pub autoscaled: bool,
    /// Pods of both slots must never run at once: the old ones have ended before the new ones are asked for. Where the number is an
    /// autoscaler's, it is 1 after that.
    pub exclusive: bool,
}

/// Decides the next move. `open` says whether the wanted template may be sent at all (its step has come). Slots that do not
/// exist are created: the current one with the template, the other idle.
pub fn plan(hint: Option<Slot>, slots: [Option<SlotView>; 2], size: Size, open: bool) -> SlotPlan {
    let size = Size { wanted: size.wanted.max(0), ..size };
    let wanted = size.wanted;
    let now = current(hint, slots);
    let Some(cur) = slots[index(now)] else {
        return first(now, slots, wanted);
    };
    let other = slots[index(now.other())];
    if !open && !cur.at_target {
        return held(now, cur, other, wanted, Template::Keep);
    }
    let Some(other) = other else {
        // The other one was deleted by hand: it comes back idle, and the next pass goes on from there.
        return both(now, SlotGoal { template: Template::Keep, replicas: cur.replicas }, idle(), false);
    };
    if cur.at_target || cur.replicas == 0 {
        return hand_over(now, cur, other, size);
    }
    if other.at_target && other.replicas > 0 {
        // Revert: what is wanted still runs in the other slot.
        return hand_over(now.other(), other, cur, size);
    }
    if other.replicas == 0 {
        // A new template goes to the empty slot; the pods that serve stay until it is available.
        return hand_over(now.other(), SlotView { available: 0, ..other }, cur, size);
    }
    // Both slots have pods and neither has the wanted template: fix forward in the current one, at once. The
    // other still serves and goes only when this one is available.
    hand_over(now, SlotView { available: 0, ..cur }, other, size)
}

fn first(now: Slot, slots: [Option<SlotView>; 2], wanted: i32) -> SlotPlan {
    let goal = SlotGoal { template: Template::Target, replicas: wanted };
    let other = match slots[index(now.other())] {
        Some(view) => SlotGoal { template: Template::Keep, replicas: view.replicas },
        None => idle(),
    };
    both(now, goal, other, false)
}

/// The step has not come, or the target is refused, or the component is paused. A settled component still follows its replica
/// count; one that is in the middle of a hand-over stays as it is.
fn held(now: Slot, cur: SlotView, other: Option<SlotView>, wanted: i32, template: Template) -> SlotPlan {
    let keep = |replicas| SlotGoal { template: Template::Keep, replicas };
    let current = |replicas| SlotGoal { template, replicas };
    match other {
        None => both(now, current(wanted), idle(), false),
        Some(other) if other.replicas == 0 && other.pods == 0 => both(now, current(wanted), keep(0), false),
        Some(other) => both(now, current(cur.replicas), keep(other.replicas), true),
    }
}

/// The next move of a paused component: none. A new template is not even sent, because Kubernetes would give the pods that a paused
/// Deployment is scaled to the template before it.
pub fn paused(hint: Option<Slot>, slots: [Option<SlotView>; 2], wanted: i32) -> SlotPlan {
    let now = current(hint, slots);
    let Some(cur) = slots[index(now)] else { return first(now, slots, wanted.max(0)) };
    let template = if cur.at_target { Template::Target } else { Template::Keep };
    held(now, cur, slots[index(now.other())], wanted.max(0), template)
}

/// The next move in manual mode, where the user scales both slots: the current one gets the wanted template while it has no pods.
/// `wanted` is what a new component begins with.
pub fn manual(hint: Option<Slot>, slots: [Option<SlotView>; 2], wanted: i32) -> SlotPlan {
    let now = current(hint, slots);
    let Some(cur) = slots[index(now)] else { return first(now, slots, wanted.max(0)) };
    let template = if cur.at_target || cur.replicas == 0 { Template::Target } else { Template::Keep };
    let other = slots[index(now.other())];
    let other =
        other.map_or_else(idle, |other| SlotGoal { template: Template::Keep, replicas: other.replicas });
    both(now, SlotGoal { template, replicas: cur.replicas }, other, false)
}

/// Moves pods from `old` to `new`, which gets the wanted template.
fn hand_over(to: Slot, new: SlotView, old: SlotView, size: Size) -> SlotPlan {
    let wanted = size.wanted;
    let empty = old.replicas == 0 && old.pods == 0;
    if size.exclusive && !empty {
        return both(
            to,
            SlotGoal { template: Template::Target, replicas: 0 },
            SlotGoal { template: Template::Keep, replicas: 0 },
            true,
        );
    }
    let replicas = if wanted == 0 || empty || size.autoscaled {
        wanted
    } else {
        // One pod over the wanted number at most, terminating ones of both slots counted: a draining query node holds its
        // memory until it exits. Never fewer than there are, so that a revert does not shrink what serves.
        let ending = new.pods.saturating_sub(new.replicas).max(0);
        let room = wanted.saturating_add(1).saturating_sub(old.pods.max(old.replicas)).saturating_sub(ending);
        room.clamp(new.replicas.clamp(0, wanted), wanted)
    };
    // Pods over its number are about to go, also while they are still counted as available.
    let available = new.available.min(new.replicas);
    let still_needed = wanted.saturating_sub(available).max(0);
    let old_replicas = if wanted == 0 { 0 } else { old.replicas.min(still_needed) };
    both(
        to,
        SlotGoal { template: Template::Target, replicas },
        SlotGoal { template: Template::Keep, replicas: old_replicas },
        !empty,
    )
}

fn idle() -> SlotGoal {
    SlotGoal { template: Template::Idle, replicas: 0 }
}

fn both(current: Slot, goal: SlotGoal, other: SlotGoal, rolling: bool) -> SlotPlan {
    let goals = match current {
        Slot::Zero => [goal, other],
        Slot::One => [other, goal],
    };
    SlotPlan { current, rolling, goals }
}
