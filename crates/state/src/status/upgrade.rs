//! `status.upgrade`: the plan, how far it is, what it waits for and since when.

use std::collections::BTreeMap;

use jiff::Timestamp;
use milvus_api::{
    ComponentRollout, MilvusStatus, Reason, RolloutPhase, RolloutStatus, RolloutStep, StepState, WaitingFor,
};
use milvus_plan::{
    ComponentState, Decision, OwnRoll, Plan, Progress, Side, Step, WaitReason, Waiting, explain,
};

use super::times::seconds;
use crate::convert;
use crate::decide::{Decided, Outcome};
use crate::desired::Parsed;
use crate::observed::Snapshot;
use crate::rollout::{request, running};

/// Brings `status.upgrade` up to date. Without a change of image there is none, and the last one stays as it ended.
pub fn update(status: &mut MilvusStatus, parsed: Option<&Parsed>, snapshot: &Snapshot, decided: &Decided) {
    let now = snapshot.watched.now;
    match &decided.outcome {
        Outcome::Refused { .. } => halt(status, now),
        Outcome::Record(planned) => {
            let Some(Parsed { spec, .. }) = parsed else { return };
            let plan = &planned.plan;
            status.upgrade = Some(RolloutStatus {
                from: plan.from.as_ref().map(convert::rollout_image),
                to: Some(convert::rollout_image(&plan.to)),
                components: own_images(plan),
                mode: Some(convert::api_update_mode(spec.update_mode)),
                direction: convert::direction(plan.direction),
                generation: Some(spec.generation),
                started_at: Some(seconds(now)),
                phase: Some(RolloutPhase::Pending),
                reason: Reason::UpgradeRecorded.as_str().to_owned(),
                message: explain::plan_summary(plan),
                steps: steps(plan, &planned.rollout.progress, None, now),
                ..RolloutStatus::default()
            });
        }
        Outcome::Roll { planned, .. } if decided.is_seen_done() => {
            finish(status, &planned.plan, &planned.rollout.progress, now);
        }
        Outcome::Roll { planned, decision } => {
            advance(status, &planned.plan, decision, &planned.rollout.progress, now);
        }
        Outcome::Dependencies(planned) => wait_for_dependencies(status, snapshot, &planned.plan, now),
        Outcome::Paused | Outcome::Deleting | Outcome::Leftovers(_) => {}
    }
}

/// Components with an image of their own.
fn own_images(plan: &Plan) -> BTreeMap<String, ComponentRollout> {
    let way = |own: &OwnRoll| ComponentRollout {
        from: own.from.as_ref().map(convert::rollout_image),
        to: Some(convert::rollout_image(&own.to)),
    };
    plan.own.iter().map(|own| (own.component.name().to_owned(), way(own))).collect()
}

/// A refused target leaves a roll where it stands.
fn halt(status: &mut MilvusStatus, now: Timestamp) {
    if running::under_way(status).is_none() {
        return;
    }
    if let Some(rollout) = status.upgrade.as_mut() {
        let waiting =
            (Reason::UpgradeHalted, "the spec is refused; see the condition SpecAccepted".to_owned());
        wait(rollout, None, waiting, now);
    }
}

fn finish(status: &mut MilvusStatus, plan: &Plan, progress: &Progress, now: Timestamp) {
    if running::under_way(status).is_none() {
        return;
    }
    let Some(rollout) = status.upgrade.as_mut() else { return };
    let same = request::is_of(rollout, plan);
    rollout.steps = steps(plan, progress, same.then_some(&*rollout), now);
    rollout.phase = Some(if same { RolloutPhase::Done } else { RolloutPhase::Superseded });
    let reason = if same { Reason::UpgradeDone } else { Reason::UpgradeSuperseded };
    reason.as_str().clone_into(&mut rollout.reason);
    rollout.finished_at = Some(seconds(now));
    rollout.waiting_for = None;
}

fn advance(status: &mut MilvusStatus, plan: &Plan, decision: &Decision, progress: &Progress, now: Timestamp) {
    if running::under_way(status).is_none() {
        return;
    }
    let Some(rollout) = status.upgrade.as_mut() else { return };
    rollout.phase = Some(RolloutPhase::Rolling);
    rollout.steps = steps(plan, progress, Some(rollout), now);
    let begun = match decision {
        Decision::Act { step } => {
            let name = plan.step(*step).map(|s| s.name.clone());
            if let Some(step) = rollout.steps.get_mut(*step).filter(|s| s.state != Some(StepState::Done)) {
                step.state = Some(StepState::Updating);
                step.started_at.get_or_insert_with(|| seconds(now));
            }
            let components = name.clone().unwrap_or_default();
            Some((name, (Reason::WaitingForRollout, format!("{components}: the new template was sent"))))
        }
        Decision::Wait { step, on } => {
            let name = plan.step(*step).map(|s| s.name.clone());
            let reason = on.first().map_or(Reason::WaitingForRollout, |(_, waiting)| reason(waiting));
            Some((name, (reason, explain::waits(on))))
        }
        Decision::Held { step, holds } => {
            let name = step.and_then(|step| plan.step(step)).map(|s| s.name.clone());
            let words = holds.iter().map(|hold| format!("{}. {}", hold.message, hold.to_do));
            let first = holds.iter().find_map(|hold| convert::hold_reason(hold.reason));
            first.map(|reason| (name, (reason, words.collect::<Vec<_>>().join(" "))))
        }
        Decision::Record | Decision::Done | Decision::Halt(_) => None,
    };
    match begun {
        Some((step, what)) => wait(rollout, step, what, now),
        None => rollout.waiting_for = None,
    }
}

fn wait_for_dependencies(status: &mut MilvusStatus, snapshot: &Snapshot, plan: &Plan, now: Timestamp) {
    // A probe that has not come back yet comes back within seconds: nothing to tell.
    if !snapshot.watched.started() || !snapshot.probes.failing() {
        return;
    }
    let summary = explain::plan_summary(plan);
    let message =
        format!("{summary}: begins when all dependencies are ready: {}", snapshot.probes.troubles());
    let mut rollout = RolloutStatus {
        from: plan.from.as_ref().map(convert::rollout_image),
        to: Some(convert::rollout_image(&plan.to)),
        components: own_images(plan),
        direction: convert::direction(plan.direction),
        message: summary,
        reason: Reason::WaitingForDependencies.as_str().to_owned(),
        waiting_for: status.upgrade.as_ref().and_then(|u| u.waiting_for.clone()),
        ..RolloutStatus::default()
    };
    wait(&mut rollout, None, (Reason::WaitingForDependencies, message), now);
    status.upgrade = Some(rollout);
}

/// Says what is waited for. "Since" is when this wait began: it stays while only the numbers in the message change.
fn wait(
    rollout: &mut RolloutStatus,
    step: Option<String>,
    (reason, message): (Reason, String),
    now: Timestamp,
) {
    let before = rollout.waiting_for.take();
    let same = before.filter(|b| b.step == step && b.reason == reason.as_str());
    let since = same.and_then(|b| b.since).unwrap_or_else(|| seconds(now));
    rollout.waiting_for =
        Some(WaitingFor { step, reason: reason.as_str().to_owned(), message, since: Some(since) });
}

/// Why a component is not done, as a reason that has a page.
pub fn reason(waiting: &Waiting) -> Reason {
    match waiting.what {
        WaitReason::Generation
        | WaitReason::SlotHandOver { .. }
        | WaitReason::Job { .. }
        | WaitReason::Settling { .. }
        | WaitReason::Gate { .. } => Reason::WaitingForRollout,
        WaitReason::Replicas { .. } => Reason::WaitingForPodsReady,
        WaitReason::PodProblem { .. } => Reason::PodProblem,
        WaitReason::PodsRefused { .. } => Reason::PodsRefused,
        WaitReason::OldPods { .. } => Reason::WaitingForPodsGone,
        WaitReason::Paused => Reason::WaitingForUnpause,
        WaitReason::Manual { .. } => Reason::WaitingForManualMode,
    }
}

/// The steps with their states and times. Times of an earlier pass of the same roll are kept.
fn steps(
    plan: &Plan,
    progress: &Progress,
    before: Option<&RolloutStatus>,
    now: Timestamp,
) -> Vec<RolloutStep> {
    let version = |side: &Side| side.version.to_string();
    let step = |step: &Step| {
        let earlier = before.and_then(|b| b.steps.iter().find(|s| s.name == step.name));
        let state = step_state(plan, step, progress);
        let (from, to) = way(plan, step);
        let started = earlier.and_then(|e| e.started_at.clone());
        let finished = earlier.and_then(|e| e.finished_at.clone());
        RolloutStep {
            name: step.name.clone(),
            components: step.components().iter().map(|c| c.name().to_owned()).collect(),
            state: Some(state),
            from: from.map(version),
            to: Some(version(to)),
            started_at: match state {
                StepState::Updating => started.or_else(|| Some(seconds(now))),
                StepState::Pending | StepState::Done | StepState::Stays => started,
            },
            finished_at: match state {
                StepState::Done => finished.or_else(|| Some(seconds(now))),
                StepState::Pending | StepState::Updating | StepState::Stays => None,
            },
        }
    };
    plan.steps().map(step).collect()
}

/// What the components of a step leave and go to: those of one step with images of their own are all told as the first
/// of them that moves.
fn way<'a>(plan: &'a Plan, step: &Step) -> (Option<&'a Side>, &'a Side) {
    let components = step.components();
    let moving = components.iter().find(|one| plan.stays(**one).is_none());
    let told = moving.or(components.first());
    told.map_or((plan.from.as_ref(), &plan.to), |one| plan.way_of(*one))
}

fn step_state(plan: &Plan, step: &Step, progress: &Progress) -> StepState {
    let states: Vec<&ComponentState> = step.components().iter().map(|c| progress.of(*c)).collect();
    let done = |state: &&ComponentState| **state == ComponentState::Done;
    if states.iter().all(done) {
        let stays = step.components().iter().all(|one| plan.stays(*one).is_some());
        if stays { StepState::Stays } else { StepState::Done }
    } else if states.iter().any(|s| matches!(s, ComponentState::Updating(_))) {
        StepState::Updating
    } else {
        StepState::Pending
    }
}
