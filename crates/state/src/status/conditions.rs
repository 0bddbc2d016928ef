//! The list of conditions: upstream's five in the order that the on-premises guide reads, ours after them.

use jiff::Timestamp;
use milvus_api::{ConditionStatus, ConditionType, MilvusCondition, MilvusStatus, Reason};
use milvus_plan::Decision;

use super::applied::Applied;
use super::state::ConditionState;
use super::times::seconds;
use super::{ready, updated, warnings};
use crate::convert;
use crate::decide::{Decided, Outcome};
use crate::desired::Parsed;
use crate::observed::{ProbeView, Snapshot};
use crate::records::MonitorKind;

/// Brings all conditions up to date.
pub fn update(
    status: &mut MilvusStatus,
    parsed: Option<&Parsed>,
    snapshot: &Snapshot,
    decided: &Decided,
    applied: &Applied,
) {
    let now = snapshot.watched.now;
    let probes = &snapshot.probes;
    let all = [
        probed(status, ConditionType::EtcdReady, probes.etcd.as_ref(), "etcd"),
        probed(status, ConditionType::StorageReady, probes.storage.as_ref(), "object storage"),
        probed(status, ConditionType::MsgStreamReady, probes.queue.as_ref(), "message queue"),
        (ConditionType::MilvusReady, ready::milvus_ready(parsed, snapshot, decided)),
        (ConditionType::MilvusUpdated, updated::milvus_updated(parsed, snapshot, decided)),
        (ConditionType::SpecAccepted, accepted(parsed, snapshot, decided)),
        (ConditionType::SpecSupported, supported(status, parsed, snapshot)),
        (ConditionType::UpgradeProgressing, progressing(status, snapshot, decided, applied)),
    ];
    for (type_, state) in all {
        set(&mut status.conditions, type_, state, now);
    }
}

/// Replaces a condition where it stands, or appends it. The time changes when anything else does, as upstream's.
pub fn set(list: &mut Vec<MilvusCondition>, type_: ConditionType, state: ConditionState, now: Timestamp) {
    let found = list.iter_mut().find(|c| c.type_ == type_.as_str());
    if found.as_ref().is_some_and(|c| ConditionState::unchanged(c) == state) {
        return;
    }
    let condition = MilvusCondition {
        type_: type_.as_str().to_owned(),
        status: state.status,
        reason: state.reason,
        message: state.message,
        last_transition_time: Some(seconds(now)),
    };
    match found {
        Some(slot) => *slot = condition,
        None => list.push(condition),
    }
}

/// What a probe found. One that has not come back since the operator started changes nothing that was said before.
fn probed(
    status: &MilvusStatus,
    type_: ConditionType,
    probe: Option<&ProbeView>,
    what: &str,
) -> (ConditionType, ConditionState) {
    let state = match (probe, status.condition(type_)) {
        (Some(view), _) => {
            let status = if view.ready { ConditionStatus::True } else { ConditionStatus::False };
            ConditionState::new(status, view.reason, view.message.clone())
        }
        (None, Some(before)) => ConditionState::unchanged(before),
        (None, None) => ConditionState::new(
            ConditionStatus::Unknown,
            Reason::DependencyNotReady,
            format!("the first probe of the {what} has not come back yet"),
        ),
    };
    (type_, state)
}

fn accepted(parsed: Option<&Parsed>, snapshot: &Snapshot, decided: &Decided) -> ConditionState {
    if let Outcome::Refused { refusals, .. } = &decided.outcome {
        return ConditionState::refused(refusals);
    }
    let of_plan = decided.outcome.plan().map(|p| p.warnings.join(" ")).filter(|words| !words.is_empty());
    let of_spec = parsed.map(|parsed| warnings::of(&parsed.spec, snapshot)).unwrap_or_default();
    let all: Vec<String> = of_spec.into_iter().chain(of_plan).collect();
    if all.is_empty() {
        return ConditionState::is_true(Reason::Accepted, "");
    }
    ConditionState::is_true(Reason::AcceptedWithWarnings, all.join("; "))
}

/// The message while a cluster has no PodMonitors. It is no trouble of the spec: by default every Milvus asks for one.
const NO_MONITORS: &str = "no PodMonitor is made, because the cluster does not have this kind; it comes with the Prometheus operator and is \
                           looked for every 30 seconds";

fn supported(status: &MilvusStatus, parsed: Option<&Parsed>, snapshot: &Snapshot) -> ConditionState {
    let Some(Parsed { spec, .. }) = parsed else {
        let before = status.condition(ConditionType::SpecSupported);
        let nothing = || ConditionState::is_true(Reason::Supported, "");
        return before.map_or_else(nothing, ConditionState::unchanged);
    };
    if spec.unsupported.is_empty() {
        let none = spec.monitor.is_some() && snapshot.watched.monitor_kind == MonitorKind::Absent;
        return ConditionState::is_true(Reason::Supported, if none { NO_MONITORS } else { "" });
    }
    ConditionState::is_false(
        Reason::NotYetSupported,
        format!("has no effect yet: {}", spec.unsupported.join("; ")),
    )
}

/// What is under way, and what it waits for.
fn progressing(
    status: &MilvusStatus,
    snapshot: &Snapshot,
    decided: &Decided,
    applied: &Applied,
) -> ConditionState {
    if let Some(failure) = &applied.failure {
        return failure.state(status.condition(ConditionType::UpgradeProgressing), snapshot.watched.now);
    }
    let rollout = status.upgrade.as_ref();
    if let Some(waiting) = rollout.and_then(|r| r.waiting_for.as_ref()) {
        return ConditionState::waits(waiting);
    }
    match &decided.outcome {
        Outcome::Refused { .. } => {
            ConditionState::is_false(Reason::UpgradeHalted, "nothing is changed while the spec is refused")
        }
        Outcome::Record(_) => ConditionState::is_true(
            Reason::UpgradeRecorded,
            rollout.map(|r| r.message.clone()).unwrap_or_default(),
        ),
        Outcome::Roll { decision: Decision::Done, .. } if rollout.is_some() => {
            ConditionState::is_false(Reason::UpgradeDone, "")
        }
        Outcome::Dependencies(_) => ConditionState::is_false(
            Reason::WaitingForDependencies,
            format!("nothing is created before all dependencies are ready: {}", snapshot.probes.troubles()),
        ),
        Outcome::Leftovers(hold) => ConditionState::is_false(
            convert::hold_reason(hold.reason).unwrap_or(Reason::NoUpgrade),
            "begins when the objects of a former Milvus are gone",
        ),
        Outcome::Roll { .. } | Outcome::Paused | Outcome::Deleting => {
            ConditionState::is_false(Reason::NoUpgrade, "")
        }
    }
}
