//! Events: one for every transition that a user would want to see, made from the two statuses.
//!
//! An Event carries the words of the condition that changed, so the two never disagree.

use milvus_api::Reason as Own;
use milvus_api::{
    ConditionStatus, ConditionType, MilvusStatus, RolloutPhase, RolloutStatus, Severity, StepState, keys,
};

use crate::reason::Reason;
use crate::records::MilvusRecord;

/// One Event about a Milvus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Type of the Event.
    pub severity: Severity,
    /// Reason of the Event.
    pub reason: Reason,
    /// What the operator did: the `action` of the Event.
    pub action: &'static str,
    /// What happened, in a sentence.
    pub message: String,
}

/// The Events of a pass.
pub fn events(before: &MilvusStatus, after: &MilvusStatus) -> Vec<Event> {
    let mut events = Vec::new();
    if before.status != after.status {
        let message = format!("status changed from {} to {}", before.status, after.status);
        events.push(event(Severity::Normal, Own::StatusChanged, "Observe", message));
    }
    events.extend(condition_events(before, after));
    events.extend(write_failed(before, after));
    events.extend(stalled(before, after));
    events.extend(warned(before, after));
    events.extend(upgrade_events(before.upgrade.as_ref(), after.upgrade.as_ref()));
    events
}

/// A Secret in the environment of pods was changed. As upstream does where only the ConfigMap is updated (its default), nothing is
/// restarted for it; it is only said.
pub fn credentials_changed(milvus: &MilvusRecord, secret: &str) -> Event {
    let MilvusRecord { name, namespace, .. } = milvus;
    let message = format!(
        "the credentials in Secret {namespace}/{secret} have changed. Pods read them when they start: those that run keep the old ones \
         until they are restarted, for example with `kubectl rollout restart deployment -n {namespace} -l {}={name}`",
        keys::INSTANCE
    );
    event(Severity::Warning, Own::CredentialsChanged, "Check", message)
}

fn event(severity: Severity, reason: impl Into<Reason>, action: &'static str, message: String) -> Event {
    Event { severity, reason: reason.into(), action, message }
}

/// Conditions whose change from or to True is told. The others change in every roll, which has Events of its own.
const ANNOUNCED: [ConditionType; 5] = [
    ConditionType::EtcdReady,
    ConditionType::StorageReady,
    ConditionType::MsgStreamReady,
    ConditionType::SpecAccepted,
    ConditionType::SpecSupported,
];

fn condition_events(before: &MilvusStatus, after: &MilvusStatus) -> Vec<Event> {
    let mut events = Vec::new();
    for type_ in ANNOUNCED {
        let Some(now) = after.condition(type_) else { continue };
        // Another operator's word stands there from before: nothing of ours has changed.
        let Ok(reason) = now.reason.parse::<Reason>() else { continue };
        let was = before.condition(type_);
        let bad = now.status == ConditionStatus::False.as_str();
        let was_bad = was.is_some_and(|c| c.status == ConditionStatus::False.as_str());
        let other = was.is_none_or(|c| c.reason != now.reason || c.message != now.message);
        if bad && (!was_bad || other) {
            let message = format!("{type_}: {}", now.message);
            events.push(event(Severity::Warning, reason, "Check", message));
        } else if !bad && was_bad && now.status == ConditionStatus::True.as_str() {
            events.push(event(Severity::Normal, reason, "Check", format!("{type_} again")));
        }
    }
    events
}

/// Why a component is not available, while no roll waits for it: a roll tells it itself. `trouble`: reason and words.
pub fn not_ready(
    before: &MilvusStatus,
    after: &MilvusStatus,
    trouble: Option<(Own, String)>,
) -> Option<Event> {
    let (reason, words) = trouble?;
    let message =
        |status: &MilvusStatus| status.condition(ConditionType::MilvusReady).map(|c| c.message.clone());
    let roll_waits = after.upgrade.as_ref().is_some_and(|rollout| rollout.waiting_for.is_some());
    (!roll_waits && message(before) != message(after))
        .then(|| event(Severity::Warning, reason, "Observe", words))
}

/// A write that fails is told when it begins to, and when the words change.
fn write_failed(before: &MilvusStatus, after: &MilvusStatus) -> Option<Event> {
    let failed = |status: &MilvusStatus| {
        let condition = status.condition(ConditionType::UpgradeProgressing)?;
        (condition.reason == Own::WriteFailed.as_str()).then(|| condition.message.clone())
    };
    let now = failed(after)?;
    (failed(before).as_ref() != Some(&now)).then(|| event(Severity::Warning, Own::WriteFailed, "Write", now))
}

/// A stall is told when it begins; of what is waited for, its own Event tells.
fn stalled(before: &MilvusStatus, after: &MilvusStatus) -> Option<Event> {
    let now = after.condition(ConditionType::Stalled)?;
    let begins = before.condition(ConditionType::Stalled).is_none();
    begins.then(|| event(Severity::Warning, Own::Stalled, "Observe", now.message.clone()))
}

/// A warning about the spec is told when it is new or says something else.
fn warned(before: &MilvusStatus, after: &MilvusStatus) -> Option<Event> {
    let words = |status: &MilvusStatus| {
        let condition = status.condition(ConditionType::SpecAccepted)?;
        let warns = condition.reason == Own::AcceptedWithWarnings.as_str();
        warns.then(|| condition.message.clone())
    };
    let now = words(after)?;
    let reason = Own::AcceptedWithWarnings;
    (words(before).as_ref() != Some(&now)).then(|| event(Severity::Warning, reason, "Check", now))
}

fn upgrade_events(before: Option<&RolloutStatus>, after: Option<&RolloutStatus>) -> Vec<Event> {
    let Some(now) = after else { return Vec::new() };
    let same = before.filter(|b| b.to == now.to && b.started_at == now.started_at);
    let mut events = Vec::new();
    if same.is_none() && now.phase == Some(RolloutPhase::Pending) {
        events.push(event(Severity::Normal, Own::UpgradeRecorded, "Plan", now.message.clone()));
    }
    for step in &now.steps {
        let was = same.and_then(|b| b.steps.iter().find(|s| s.name == step.name)).and_then(|s| s.state);
        let to = step.to.as_deref().unwrap_or_default();
        match step.state {
            state if state == was => {}
            Some(StepState::Updating) => {
                events.push(event(
                    Severity::Normal,
                    Own::StepStarted,
                    "Roll",
                    format!("{} goes to {to}", step.name),
                ));
            }
            Some(StepState::Done) if same.is_some() => {
                events.push(event(
                    Severity::Normal,
                    Own::StepDone,
                    "Roll",
                    format!("{} is at {to}", step.name),
                ));
            }
            Some(StepState::Pending | StepState::Done | StepState::Stays) | None => {}
        }
    }
    if same.is_some_and(|b| b.phase != now.phase) && now.phase == Some(RolloutPhase::Done) {
        events.push(event(Severity::Normal, Own::UpgradeDone, "Roll", format!("done: {}", now.message)));
    }
    events.extend(stuck(same, now));
    events
}

/// Waits that somebody may have to do something about are told when they begin and when their cause is another: a pod that
/// can't start, a dependency that is away.
fn stuck(before: Option<&RolloutStatus>, now: &RolloutStatus) -> Option<Event> {
    let tells = [Own::PodProblem, Own::PodsRefused, Own::WaitingForDependencies, Own::HeldByAnnotation];
    let waiting = now.waiting_for.as_ref()?;
    let reason = tells.into_iter().find(|reason| waiting.reason == reason.as_str())?;
    let was = before.and_then(|b| b.waiting_for.as_ref());
    (was.map(|w| &w.message) != Some(&waiting.message))
        .then(|| event(Severity::Warning, reason, "Roll", waiting.message.clone()))
}
