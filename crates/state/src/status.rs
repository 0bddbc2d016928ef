//! From what was observed, decided and done to the status and the Events.
//!
//! Takes the snapshot, with the status before, the decision and what became of the writes; gives the whole next status.
//! A field that nothing new is known about keeps its value, so that an unchanged world gives an equal status, and an
//! equal status is not written.

mod applied;
mod conditions;
mod events;
mod failure;
mod ready;
mod stalled;
mod state;
mod times;
mod updated;
mod upgrade;
mod warnings;

use std::collections::BTreeMap;

use jiff::Timestamp;
use milvus_api::{ComponentDeployStatus, ConditionType, MilvusState, MilvusStatus};
use milvus_plan::Component;

pub use applied::Applied;
pub use events::Event;
pub use failure::Failure;

use crate::convert;
use crate::decide::{Decided, Outcome, Rollout};
use crate::desired::Parsed;
use crate::observed::Snapshot;
use crate::refusal::Refusal;
use crate::rollout::layout::{self, Layout};
use crate::rollout::own_images;
use crate::spec::resolved;

/// `status.rollingModeVersion`: query nodes have two Deployments.
const QUERY_NODES: i64 = 2;
/// `status.rollingModeVersion`: every component has two.
const EVERY_COMPONENT: i64 = 3;

/// What a pass reports.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// The complete next status.
    pub status: MilvusStatus,
    /// What a user would want to know.
    pub events: Vec<Event>,
    /// The finalizer may go: nothing of the Milvus runs any more.
    pub released: bool,
    /// When to look again although nothing has been announced: a wait turns into a stall.
    pub look_again: Option<Timestamp>,
}

/// The rolling mode that is reached; while Deployments of another one still have pods, the one before.
fn rolling_mode(before: &MilvusStatus, rollout: Option<&Rollout>) -> i64 {
    let Some(rollout) = rollout else { return before.rolling_mode_version.unwrap_or(QUERY_NODES) };
    let others = || rollout.targets.iter().filter(|t| t.component() != Component::QueryNode);
    if others().all(|target| target.layout == layout::OWN) {
        EVERY_COMPONENT
    } else if others().all(|target| target.layout == Layout::Single) {
        QUERY_NODES
    } else {
        before.rolling_mode_version.unwrap_or(QUERY_NODES)
    }
}

/// The status and the Events that follow from a pass.
pub fn report(
    parsed: &Result<Parsed, Vec<Refusal>>,
    snapshot: &Snapshot,
    decided: &Decided,
    applied: &Applied,
) -> Report {
    let parsed = parsed.as_ref().ok();
    let milvus = &snapshot.watched.milvus;
    let before = &milvus.status;
    let mut status = before.clone();
    match &decided.outcome {
        Outcome::Paused => return Report { status, events: Vec::new(), released: false, look_again: None },
        Outcome::Deleting => {
            status.status = MilvusState::Deleting;
            stalled::clear(&mut status);
            // What was asked to go with it and could not be deleted holds it up.
            let gone = snapshot.nothing_runs() && applied.failure.is_none();
            let events = events::events(before, &status);
            return Report { events, status, released: gone, look_again: None };
        }
        Outcome::Refused { .. }
        | Outcome::Leftovers(_)
        | Outcome::Dependencies(_)
        | Outcome::Record(_)
        | Outcome::Roll { .. } => {}
    }
    status.observed_generation = milvus.generation;
    status.rolling_mode_version = Some(rolling_mode(before, decided.outcome.rollout()));
    record_objects(&mut status, snapshot, decided, applied);
    upgrade::update(&mut status, parsed, snapshot, decided);
    conditions::update(&mut status, parsed, snapshot, decided, applied);
    let look_again = stalled::update(&mut status, snapshot, decided);
    status.status = summary(before, &status, parsed, decided);
    if let Some(parsed) = parsed {
        status.endpoint = Some(ready::endpoint(&parsed.spec, snapshot));
        status.ingress = snapshot.watched.ingress.as_ref().and_then(|ingress| ingress.status.clone());
        remember(&mut status, parsed, decided);
    }
    let mut events = events::events(before, &status);
    events.extend(events::not_ready(before, &status, ready::trouble(snapshot, decided)));
    let changed = &snapshot.changed_secrets;
    events.extend(changed.iter().map(|secret| events::credentials_changed(milvus, secret)));
    Report { events, status, released: false, look_again }
}

/// Keeps what an upgrade is judged by later: defaults once they are accepted, image and version once they were seen
/// everywhere.
fn remember(status: &mut MilvusStatus, parsed: &Parsed, decided: &Decided) {
    let Parsed { spec, desired } = parsed;
    if matches!(decided.outcome, Outcome::Record(_) | Outcome::Roll { .. }) {
        status.resolved = Some(resolved::resolve(spec));
    }
    let updated = status.is_true(ConditionType::MilvusUpdated);
    let arrived = updated && (status.is_true(ConditionType::MilvusReady) || desired.stopping());
    if arrived {
        status.current_image = Some(spec.asked.image.clone());
        status.current_version = spec.asked.version.known().map(ToString::to_string);
        let own = own_images::components(parsed).filter_map(|component| {
            let side = component.settings.own_image.as_ref()?;
            Some((component.settings.component.name().to_owned(), convert::rollout_image(side)))
        });
        status.current_images = own.collect();
    }
}

/// The state of each component's Deployment, as upstream shows it; of two slots, the current one.
fn record_objects(status: &mut MilvusStatus, snapshot: &Snapshot, decided: &Decided, applied: &Applied) {
    for (name, record) in &applied.deployments {
        status.applied_generations.insert(name.clone(), record.generation);
    }
    status.applied_generations.extend(applied.generations.clone());
    let live = snapshot.watched.applied_keys();
    let written = |key: &str| applied.deployments.contains_key(key) || applied.generations.contains_key(key);
    status.applied_generations.retain(|key, _| live.contains(key) || written(key));
    let Some(rollout) = decided.outcome.rollout() else { return };
    let mut seen = BTreeMap::new();
    for target in &rollout.targets {
        let Some(record) = ready::active(target, snapshot, applied) else { continue };
        let entry = ComponentDeployStatus {
            generation: record.generation,
            image: record.image.clone(),
            status: record.status.clone(),
        };
        seen.insert(target.component().name().to_owned(), entry);
    }
    status.components_deploy_status = seen;
}

/// `status.status`, by upstream's rule.
fn summary(
    before: &MilvusStatus,
    status: &MilvusStatus,
    parsed: Option<&Parsed>,
    decided: &Decided,
) -> MilvusState {
    let refused = matches!(decided.outcome, Outcome::Refused { .. });
    if !refused && parsed.is_some_and(|parsed| parsed.desired.stopping()) {
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
