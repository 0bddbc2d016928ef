//! From what was observed, decided and done to the status and the Events.
//!
//! Takes the previous status, the snapshot, the decision and what became of the writes; gives the whole next status. A
//! field that nothing new is known about keeps its value, so that an unchanged world gives an equal status, and an equal status
//! is not written.

mod conditions;
mod failure;
mod notes;
mod ready;
mod rollout;
mod said;
mod updated;

use std::collections::BTreeMap;

use milvus_api::{ComponentDeployStatus, ConditionType, MilvusState, MilvusStatus};
use milvus_plan::Component;

pub use failure::Failure;
pub use notes::{Note, Severity};

use crate::decide::{Decided, Verdict};
use crate::layout::{self, Layout};
use crate::records::DeploymentRecord;
use crate::snapshot::Snapshot;
use crate::validate::{Validated, pins};

/// `status.rollingModeVersion`: query nodes have two Deployments.
const QUERY_NODES: i64 = 2;
/// `status.rollingModeVersion`: every component has two.
const EVERY_COMPONENT: i64 = 3;

/// What became of the writes of a pass.
#[derive(Clone, Debug, Default)]
pub struct Applied {
    /// Deployments as the API server returned them, by name.
    pub deployments: BTreeMap<String, DeploymentRecord>,
    /// Generations of what was written beside them, by [`crate::render::BesideWrite::key`].
    pub beside: BTreeMap<String, i64>,
    /// The first write that failed.
    pub failure: Option<Failure>,
}

/// The outcome of a pass, in words.
#[derive(Clone, Debug, PartialEq)]
pub struct Folded {
    /// The complete next status.
    pub status: MilvusStatus,
    /// What a user would want to be told.
    pub notes: Vec<Note>,
    /// The finalizer may go: nothing of the Milvus runs any more.
    pub released: bool,
}

/// The rolling mode that is reached; while Deployments of another one still have pods, the one before.
fn rolling_mode(before: &MilvusStatus, decided: &Decided) -> i64 {
    let others = || decided.targets.iter().filter(|t| t.settings.component != Component::QueryNode);
    if decided.targets.is_empty() {
        return before.rolling_mode_version.unwrap_or(QUERY_NODES);
    }
    if others().all(|target| target.layout == layout::OWN) {
        EVERY_COMPONENT
    } else if others().all(|target| target.layout == Layout::Single) {
        QUERY_NODES
    } else {
        before.rolling_mode_version.unwrap_or(QUERY_NODES)
    }
}

/// Folds a pass.
pub fn fold(snapshot: &Snapshot, decided: &Decided, applied: &Applied) -> Folded {
    let before = snapshot.core.milvus.status.clone().unwrap_or_default();
    let mut status = before.clone();
    match &decided.verdict {
        Verdict::Paused => return Folded { status, notes: Vec::new(), released: false },
        Verdict::Deleting => {
            status.status = MilvusState::Deleting;
            // What was asked to go with it and could not be deleted holds it up.
            let gone = snapshot.nothing_runs() && applied.failure.is_none();
            return Folded { notes: notes::notes(&before, &status), status, released: gone };
        }
        Verdict::Refused(_) | Verdict::Leftovers(_) | Verdict::Dependencies | Verdict::Plan(_) => {}
    }
    status.observed_generation = snapshot.core.milvus.metadata.generation;
    status.rolling_mode_version = Some(rolling_mode(&before, decided));
    record_deployments(&mut status, snapshot, decided, applied);
    rollout::update(&mut status, snapshot, decided);
    conditions::update(&mut status, snapshot, decided, applied);
    status.status = summary(&before, &status, decided);
    if let Some(milvus) = &decided.milvus {
        status.endpoint = Some(ready::endpoint(milvus, snapshot));
        status.ingress = snapshot.core.ingress.as_ref().and_then(|ingress| ingress.status.clone());
        remember(&mut status, milvus, decided);
    }
    let mut notes = notes::notes(&before, &status);
    notes.extend(notes::not_ready(&before, &status, ready::trouble(snapshot, decided)));
    notes.extend(
        snapshot.changed_secrets.iter().map(|secret| notes::credentials_changed(&snapshot.core, secret)),
    );
    Folded { notes, status, released: false }
}

/// Keeps what an upgrade is judged by later: pins once it is accepted, image and version once they were seen everywhere.
fn remember(status: &mut MilvusStatus, milvus: &Validated, decided: &Decided) {
    if matches!(decided.verdict, Verdict::Plan(_)) {
        status.resolved = Some(pins::resolve(milvus));
    }
    let arrived = status.is_true(ConditionType::MilvusReady) && status.is_true(ConditionType::MilvusUpdated);
    let arrived = arrived || (milvus.stopping() && status.is_true(ConditionType::MilvusUpdated));
    if arrived {
        status.current_image = Some(milvus.target.image.clone());
        status.current_version = milvus.target.version.known().map(ToString::to_string);
    }
}

/// The state of each component's Deployment, as upstream shows it; of two slots, the current one.
fn record_deployments(status: &mut MilvusStatus, snapshot: &Snapshot, decided: &Decided, applied: &Applied) {
    for (name, record) in &applied.deployments {
        status.applied_generations.insert(name.clone(), record.generation);
    }
    status.applied_generations.extend(applied.beside.clone());
    let core = &snapshot.core;
    let exists = |name: &String| match name.split_once('/') {
        Some(("Ingress", _)) => core.ingress.is_some() || applied.beside.contains_key(name),
        Some(("PodMonitor", _)) => core.pod_monitor.is_some() || applied.beside.contains_key(name),
        Some(_) => false,
        None => core.deployment(name).is_some() || applied.deployments.contains_key(name),
    };
    status.applied_generations.retain(|name, _| exists(name));
    if decided.targets.is_empty() {
        return;
    }
    let mut seen = BTreeMap::new();
    for target in &decided.targets {
        let Some(record) = ready::active(target, snapshot, applied) else { continue };
        let entry = ComponentDeployStatus {
            generation: record.generation,
            image: record.image.clone(),
            status: record.status.clone(),
        };
        seen.insert(target.settings.component.name().to_owned(), entry);
    }
    status.components_deploy_status = seen;
}

/// `status.status`, by upstream's rule.
fn summary(before: &MilvusStatus, status: &MilvusStatus, decided: &Decided) -> MilvusState {
    let refused = matches!(decided.verdict, Verdict::Refused(_));
    if !refused && decided.milvus.as_ref().is_some_and(Validated::stopping) {
        return MilvusState::Stopped;
    }
    if status.is_true(ConditionType::MilvusReady) {
        return MilvusState::Healthy;
    }
    match before.status {
        MilvusState::Healthy | MilvusState::Unhealthy => MilvusState::Unhealthy,
        MilvusState::Pending | MilvusState::Deleting | MilvusState::Stopped | MilvusState::Other(_) => {
            MilvusState::Pending
        }
    }
}

/// A change of image is recorded and not finished.
fn rolling(snapshot: &Snapshot) -> bool {
    crate::request::under_way(snapshot.core.milvus.status.as_ref()).is_some()
}
