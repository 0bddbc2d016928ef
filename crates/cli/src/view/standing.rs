//! Where a `Milvus` stands, in one word and in one sentence.

use milvus_api::{
    ConditionStatus, ConditionType, Milvus, MilvusState, MilvusStatus, Reason, RolloutPhase, keys,
};
use serde::Serialize;

use super::roll::Roll;

/// Where a `Milvus` stands. The first that applies, in the order of [`Standing::of`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Standing {
    /// Being deleted.
    Deleting,
    /// The annotation `milvus.io/pause-reconcile` keeps the operator from doing anything.
    Paused,
    /// The operator has not looked at the newest generation of `spec` yet.
    Unseen,
    /// `spec`, or the change of it, is refused. It stays so until somebody changes it.
    Refused,
    /// A change of image is under way.
    Rolling,
    /// Something else is being brought to what `spec` asks for, or it starts for the first time.
    Changing,
    /// All replicas are set to 0, and no pod is left.
    Stopped,
    /// Everything is as `spec` asks, and something is not ready.
    NotReady,
    /// Everything is as `spec` asks and ready.
    Fine,
}

impl Standing {
    /// Where `milvus` stands.
    pub fn of(milvus: &Milvus, status: &MilvusStatus, roll: Option<&Roll>) -> Standing {
        let annotations = milvus.metadata.annotations.as_ref();
        let paused = annotations.and_then(|all| all.get(keys::PAUSE_RECONCILE)).is_some_and(|v| v == "true");
        let refused = status
            .condition(ConditionType::SpecAccepted)
            .is_some_and(|c| c.status == ConditionStatus::False.as_str())
            || roll.is_some_and(|r| r.phase == Some(RolloutPhase::Refused));
        if milvus.metadata.deletion_timestamp.is_some() {
            Standing::Deleting
        } else if paused {
            Standing::Paused
        } else if status.observed_generation != milvus.metadata.generation {
            Standing::Unseen
        } else if refused {
            Standing::Refused
        } else if roll.is_some_and(|roll| roll.open) {
            Standing::Rolling
        } else if !status.is_true(ConditionType::MilvusUpdated) {
            Standing::Changing
        } else if status.status == MilvusState::Stopped {
            Standing::Stopped
        } else if !status.is_true(ConditionType::MilvusReady) {
            Standing::NotReady
        } else {
            Standing::Fine
        }
    }

    /// Nothing is left to wait for: `--watch` ends here.
    pub fn settled(self) -> bool {
        matches!(self, Standing::Fine | Standing::Stopped)
    }
}

/// The sentence for a standing. It holds no age, so that it changes only when something has happened.
pub fn headline(standing: Standing, milvus: &Milvus, status: &MilvusStatus, roll: Option<&Roll>) -> String {
    match standing {
        Standing::Deleting => "It is being deleted; its pods are stopped first.".to_owned(),
        Standing::Paused => format!(
            "The operator leaves it alone because of the annotation {}; remove the annotation to go on.",
            keys::PAUSE_RECONCILE
        ),
        Standing::Unseen => unseen(milvus, status),
        Standing::Refused => refused(status, roll),
        Standing::Rolling => roll.map(Roll::sentence).unwrap_or_default(),
        Standing::Changing if status.current_image.is_none() => changing("It starts", status),
        Standing::Changing => changing("It is being changed", status),
        Standing::Stopped => "It is stopped: all replicas are set to 0.".to_owned(),
        Standing::NotReady => "It is as the spec asks, but not ready.".to_owned(),
        Standing::Fine => "It is as the spec asks, and ready.".to_owned(),
    }
}

fn unseen(milvus: &Milvus, status: &MilvusStatus) -> String {
    let running = "If this lasts, see whether the operator runs: `kubectl get deployments -A -l app.kubernetes.io/name=milvus-operator`.";
    match (status.observed_generation, milvus.metadata.generation) {
        (None, _) => format!("No operator has looked at it yet. {running}"),
        (Some(seen), now) => format!(
            "The operator has not looked at the newest spec yet (generation {}, seen {seen}). {running}",
            now.unwrap_or_default()
        ),
    }
}

fn refused(status: &MilvusStatus, roll: Option<&Roll>) -> String {
    if roll.is_some_and(|roll| roll.open) {
        return "The spec is refused in the middle of a change of image: it stands still until the spec is changed."
            .to_owned();
    }
    let text = if status.current_image.is_some() {
        "The spec is refused: nothing was changed, and what ran keeps running."
    } else {
        "The spec is refused: nothing is started before it is changed."
    };
    text.to_owned()
}

/// Dependencies come first: nothing is created before they are ready.
fn changing(what: &str, status: &MilvusStatus) -> String {
    let waits = status
        .condition(ConditionType::UpgradeProgressing)
        .is_some_and(|c| c.reason == Reason::WaitingForDependencies.as_str());
    if waits {
        return format!("{what} when etcd, object storage and message queue are ready.");
    }
    format!("{what}: not every component is as the spec asks yet.")
}
