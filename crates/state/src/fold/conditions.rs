//! The list of conditions: upstream's five in the order that the on-premises guide reads, ours after them.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use milvus_api::{ConditionStatus, ConditionType, MilvusCondition, MilvusStatus, Reason};
use milvus_plan::Decision;

use super::said::Said;
use super::{Applied, ready, updated};
use crate::decide::{Decided, Verdict};
use crate::records::MonitorKind;
use crate::snapshot::{ProbeView, Snapshot};
use crate::warnings;

/// Brings all conditions up to date.
pub fn update(status: &mut MilvusStatus, snapshot: &Snapshot, decided: &Decided, applied: &Applied) {
    let now = snapshot.core.now;
    let probes = &snapshot.probes;
    let all = [
        probed(status, ConditionType::EtcdReady, probes.etcd.as_ref(), "etcd"),
        probed(status, ConditionType::StorageReady, probes.storage.as_ref(), "object storage"),
        probed(status, ConditionType::MsgStreamReady, probes.queue.as_ref(), "message queue"),
        (ConditionType::MilvusReady, ready::milvus_ready(snapshot, decided)),
        (ConditionType::MilvusUpdated, updated::milvus_updated(snapshot, decided)),
        (ConditionType::SpecAccepted, accepted(snapshot, decided)),
        (ConditionType::SpecSupported, supported(status, snapshot, decided)),
        (ConditionType::UpgradeProgressing, progressing(status, snapshot, decided, applied)),
    ];
    for (type_, said) in all {
        set(&mut status.conditions, type_, said, now);
    }
}

/// Replaces a condition where it stands, or appends it. The time changes when anything else does, as upstream's.
fn set(list: &mut Vec<MilvusCondition>, type_: ConditionType, said: Said, now: Timestamp) {
    let found = list.iter_mut().find(|c| c.type_ == type_.as_str());
    if found.as_ref().is_some_and(|c| Said::again(c) == said) {
        return;
    }
    let condition = MilvusCondition {
        type_: type_.as_str().to_owned(),
        status: said.status,
        reason: said.reason,
        message: said.message,
        last_transition_time: Some(seconds(now)),
    };
    match found {
        Some(slot) => *slot = condition,
        None => list.push(condition),
    }
}

/// Kubernetes keeps times to the second; a finer one would never be equal to what was read back.
pub fn seconds(now: Timestamp) -> Time {
    Time(Timestamp::from_second(now.as_second()).unwrap_or(now))
}

/// What a probe found. One that has not come back since the operator started changes nothing that was said before.
fn probed(
    status: &MilvusStatus,
    type_: ConditionType,
    probe: Option<&ProbeView>,
    what: &str,
) -> (ConditionType, Said) {
    let said = match (probe, status.condition(type_)) {
        (Some(view), _) => {
            let status = if view.ready { ConditionStatus::True } else { ConditionStatus::False };
            Said::new(status, &view.reason, view.message.clone())
        }
        (None, Some(before)) => Said::again(before),
        (None, None) => Said::new(
            ConditionStatus::Unknown,
            Reason::DependencyNotReady.as_str(),
            format!("the first probe of the {what} has not come back yet"),
        ),
    };
    (type_, said)
}

fn accepted(snapshot: &Snapshot, decided: &Decided) -> Said {
    match &decided.verdict {
        Verdict::Refused(refusals) => Said::refused(refusals),
        Verdict::Paused
        | Verdict::Deleting
        | Verdict::Leftovers(_)
        | Verdict::Dependencies
        | Verdict::Plan(_) => {
            let of_plan = decided.plan.as_ref().map(|p| p.warnings.join(" ")).unwrap_or_default();
            let of_spec = decided.milvus.as_ref().map(|m| warnings::of(m, snapshot)).unwrap_or_default();
            if of_spec.is_empty() {
                return Said::yes(Reason::Accepted, of_plan);
            }
            let all = of_spec.into_iter().chain((!of_plan.is_empty()).then_some(of_plan));
            Said::yes(Reason::AcceptedWithWarnings, all.collect::<Vec<_>>().join("; "))
        }
    }
}

/// Said while a cluster has no PodMonitors. It is no trouble of the spec: by default every Milvus asks for one.
const NO_MONITORS: &str = "no PodMonitor is made, because the cluster does not have this kind; it comes with the Prometheus operator and is \
                           looked for every 30 seconds";

fn supported(status: &MilvusStatus, snapshot: &Snapshot, decided: &Decided) -> Said {
    let Some(milvus) = &decided.milvus else {
        let before = status.condition(ConditionType::SpecSupported);
        return before.map_or_else(|| Said::yes(Reason::Supported, ""), Said::again);
    };
    if milvus.unsupported.is_empty() {
        let none = milvus.monitor.is_some() && snapshot.core.monitor_kind == MonitorKind::Absent;
        return Said::yes(Reason::Supported, if none { NO_MONITORS } else { "" });
    }
    Said::no(Reason::NotYetSupported, format!("has no effect yet: {}", milvus.unsupported.join("; ")))
}

/// What is under way, and what it waits for.
fn progressing(status: &MilvusStatus, snapshot: &Snapshot, decided: &Decided, applied: &Applied) -> Said {
    if let Some(failure) = &applied.failure {
        return failure.said(status.condition(ConditionType::UpgradeProgressing), snapshot.core.now);
    }
    let rollout = status.upgrade.as_ref();
    if let Some(waiting) = rollout.and_then(|r| r.waiting_for.as_ref()) {
        return Said::new(ConditionStatus::True, &waiting.reason, waiting.message.clone());
    }
    match &decided.verdict {
        Verdict::Refused(_) => {
            Said::no(Reason::UpgradeHalted, "nothing is changed while the spec is refused")
        }
        Verdict::Plan(Decision::Record) => {
            Said::yes(Reason::UpgradeRecorded, rollout.map(|r| r.message.clone()).unwrap_or_default())
        }
        Verdict::Plan(Decision::Done) if rollout.is_some() => Said::no(Reason::UpgradeDone, ""),
        Verdict::Dependencies => Said::no(
            Reason::WaitingForDependencies,
            format!("nothing is created before all dependencies are ready: {}", snapshot.probes.troubles()),
        ),
        Verdict::Leftovers(_) => {
            Said::no(Reason::NoUpgrade, "begins when the objects of a former Milvus are gone")
        }
        Verdict::Plan(_) | Verdict::Paused | Verdict::Deleting => Said::no(Reason::NoUpgrade, ""),
    }
}
