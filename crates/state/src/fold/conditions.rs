//! The list of conditions: upstream's five in the order that the on-premises guide reads, ours after them.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use milvus_api::{ConditionStatus, ConditionType, MilvusCondition, MilvusStatus, Reason};
use milvus_plan::Decision;

use super::{Applied, ready, updated};
use crate::decide::{Decided, Verdict};
use crate::refusal::Refusal;
use crate::snapshot::{ProbeView, Snapshot};

/// What a condition says, without its type and time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    status: String,
    reason: String,
    message: String,
}

impl Said {
    /// True.
    pub fn yes(reason: Reason, message: impl Into<String>) -> Said {
        Said::new(ConditionStatus::True, reason.as_str(), message)
    }

    /// False.
    pub fn no(reason: Reason, message: impl Into<String>) -> Said {
        Said::new(ConditionStatus::False, reason.as_str(), message)
    }

    /// What it said already.
    pub fn again(condition: &MilvusCondition) -> Said {
        Said {
            status: condition.status.clone(),
            reason: condition.reason.clone(),
            message: condition.message.clone(),
        }
    }

    /// False, by refusals: the first gives the reason, all give their message.
    pub fn refused(refusals: &[Refusal]) -> Said {
        let reason = refusals.first().map_or(Reason::InvalidSpec.as_str(), |r| r.reason.as_str());
        let messages: Vec<&str> = refusals.iter().map(|r| r.message.as_str()).collect();
        Said::new(ConditionStatus::False, reason, messages.join("; "))
    }

    fn new(status: ConditionStatus, reason: &str, message: impl Into<String>) -> Said {
        Said { status: status.as_str().to_owned(), reason: reason.to_owned(), message: message.into() }
    }
}

/// Brings all conditions up to date.
pub fn update(status: &mut MilvusStatus, snapshot: &Snapshot, decided: &Decided, applied: &Applied) {
    let now = snapshot.core.now;
    let probes = &snapshot.probes;
    let all = [
        (ConditionType::EtcdReady, probed(probes.etcd.as_ref(), "etcd")),
        (ConditionType::StorageReady, probed(probes.storage.as_ref(), "object storage")),
        (ConditionType::MsgStreamReady, probed(probes.queue.as_ref(), "message queue")),
        (ConditionType::MilvusReady, ready::milvus_ready(snapshot, decided)),
        (ConditionType::MilvusUpdated, updated::milvus_updated(snapshot, decided)),
        (ConditionType::SpecAccepted, accepted(decided)),
        (ConditionType::SpecSupported, supported(status, decided)),
        (ConditionType::UpgradeProgressing, progressing(status, decided, applied)),
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

fn probed(probe: Option<&ProbeView>, what: &str) -> Said {
    match probe {
        Some(view) => {
            let status = if view.ready { ConditionStatus::True } else { ConditionStatus::False };
            Said::new(status, &view.reason, view.message.clone())
        }
        None => Said::new(
            ConditionStatus::Unknown,
            Reason::DependencyNotReady.as_str(),
            format!("the first probe of the {what} has not come back yet"),
        ),
    }
}

fn accepted(decided: &Decided) -> Said {
    match &decided.verdict {
        Verdict::Refused(refusals) => Said::refused(refusals),
        Verdict::Paused
        | Verdict::Deleting
        | Verdict::Leftovers(_)
        | Verdict::Dependencies
        | Verdict::Plan(_) => {
            let warnings = decided.plan.as_ref().map(|p| p.warnings.join(" ")).unwrap_or_default();
            Said::yes(Reason::Accepted, warnings)
        }
    }
}

fn supported(status: &MilvusStatus, decided: &Decided) -> Said {
    let Some(milvus) = &decided.milvus else {
        let before = status.condition(ConditionType::SpecSupported);
        return before.map_or_else(|| Said::yes(Reason::Supported, ""), Said::again);
    };
    if milvus.unsupported.is_empty() {
        return Said::yes(Reason::Supported, "");
    }
    Said::no(Reason::NotYetSupported, format!("has no effect yet: {}", milvus.unsupported.join("; ")))
}

/// What is under way, and what it waits for.
fn progressing(status: &MilvusStatus, decided: &Decided, applied: &Applied) -> Said {
    if let Some(error) = &applied.error {
        return Said::no(Reason::WriteFailed, error.clone());
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
        Verdict::Dependencies => {
            Said::no(Reason::WaitingForDependencies, "begins when all dependencies are ready")
        }
        Verdict::Leftovers(_) => {
            Said::no(Reason::NoUpgrade, "begins when the objects of a former Milvus are gone")
        }
        Verdict::Plan(_) | Verdict::Paused | Verdict::Deleting => Said::no(Reason::NoUpgrade, ""),
    }
}
