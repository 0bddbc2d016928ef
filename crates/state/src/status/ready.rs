//! Is it up? `MilvusReady`, the endpoint, and why a component is not available.

use milvus_api::{ConditionType, Reason};
use milvus_plan::{ComponentState, WaitReason, Waiting, explain};

use super::applied::Applied;
use super::state::ConditionState;
use crate::decide::{Decided, Rollout};
use crate::desired::Parsed;
use crate::manifests::workload;
use crate::observed::Snapshot;
use crate::records::DeploymentRecord;
use crate::rollout::slots::{self, SLOTS};
use crate::rollout::{Layout, Target, progress};
use crate::spec::{Replicas, Spec};

/// The Deployment that stands for a component: of two slots, the current one.
pub fn active<'a>(
    target: &Target,
    snapshot: &'a Snapshot,
    applied: &'a Applied,
) -> Option<&'a DeploymentRecord> {
    let watched = &snapshot.watched;
    let component = target.component();
    let place = match target.layout {
        Layout::Single => None,
        Layout::Slots(_) => {
            let hint = progress::slot_hint(watched, component);
            target.layout.place(slots::current(hint, progress::slot_views(target, snapshot)))
        }
    };
    let name = workload::name(watched.name(), component, place);
    watched.deployment(&name).or_else(|| applied.deployments.get(&name))
}

/// `MilvusReady`. A component is available when the pods that serve, of either slot, are as many as are wanted: upstream looks at the
/// new slot only and so turns Unhealthy in every query-node step.
pub fn milvus_ready(parsed: Option<&Parsed>, snapshot: &Snapshot, decided: &Decided) -> ConditionState {
    let (Some(parsed), Some(rollout)) = (parsed, decided.outcome.rollout()) else { return kept(snapshot) };
    if stopping(rollout) {
        let running = snapshot.watched.owned().any(|d| d.current() > 0);
        return match running {
            true => ConditionState::is_false(Reason::MilvusStopping, "All Milvus components are stopping"),
            false => ConditionState::is_false(Reason::MilvusStopped, "All Milvus components are stopped"),
        };
    }
    let down: Vec<&Target> = rollout.targets.iter().filter(|t| !available(t, snapshot)).collect();
    let Some(first) = down.first() else {
        return match entry_ready(&parsed.spec, snapshot) {
            true => ConditionState::is_true(Reason::MilvusHealthy, "All Milvus components are healthy"),
            false => {
                ConditionState::is_false(Reason::MilvusComponentNotHealthy, "no ready pod behind the Service")
            }
        };
    };
    let names: Vec<&str> = down.iter().map(|t| t.component().name()).collect();
    let detail = detail(first, snapshot, rollout);
    ConditionState::is_false(
        Reason::MilvusComponentNotHealthy,
        format!("[{}] not ready, detail: component[{}]: {detail}", names.join(" "), first.component()),
    )
}

/// Every component is asked to have no pods. In manual mode nobody asks.
fn stopping(rollout: &Rollout) -> bool {
    rollout.targets.iter().all(|target| target.settings().replicas == Replicas::Fixed(0))
}

/// What the condition was before, or that nothing is there yet.
fn kept(snapshot: &Snapshot) -> ConditionState {
    match snapshot.watched.milvus.status.condition(ConditionType::MilvusReady) {
        Some(condition) => ConditionState::unchanged(condition),
        None => ConditionState::is_false(Reason::MilvusComponentNotHealthy, "nothing is created yet"),
    }
}

fn available(target: &Target, snapshot: &Snapshot) -> bool {
    let records = target.records(&snapshot.watched);
    if target.layout != Layout::Single {
        let live = records.iter().map(|r| r.replicas).max();
        let serving: i32 = records.iter().map(|r| r.available()).sum();
        let wanted = target.settings().replicas.wanted(live);
        // As for one Deployment with maxUnavailable 0.
        return !records.is_empty() && serving >= wanted;
    }
    records.first().is_some_and(|r| condition(r, "Available").is_some_and(|(status, _, _)| status == "True"))
}

fn condition<'a>(record: &'a DeploymentRecord, type_: &str) -> Option<(&'a str, &'a str, &'a str)> {
    let found = record.status.conditions.iter().flatten().find(|c| c.type_ == type_)?;
    let text = |field: &'a Option<String>| field.as_deref().unwrap_or_default();
    Some((&found.status, text(&found.reason), text(&found.message)))
}

fn entry_ready(spec: &Spec, snapshot: &Snapshot) -> bool {
    let Some(entry) = spec.entry() else { return false };
    let slots = SLOTS.into_iter().map(Some).chain([None]);
    let ready = slots.filter_map(|slot| {
        snapshot.watched.deployment(&workload::name(&spec.name, entry.component, slot))?.status.ready_replicas
    });
    ready.sum::<i32>() > 0
}

fn detail(target: &Target, snapshot: &Snapshot, rollout: &Rollout) -> String {
    match rollout.progress.of(target.component()) {
        ComponentState::Absent => "deployment not created".to_owned(),
        state @ (ComponentState::Pending | ComponentState::Updating(_)) => explain::component_state(state),
        ComponentState::Done => {
            match progress::trouble_of(target, snapshot) {
                Some(WaitReason::PodProblem { pod, reason, message }) => {
                    return format!("pod[{pod}]: reason[{reason}]: {message}");
                }
                Some(other) => return explain::waiting(&Waiting::new(other)),
                None => {}
            }
            let records = target.records(&snapshot.watched);
            let unavailable =
                records.iter().find_map(|r| condition(r, "Available").filter(|c| c.0 != "True"));
            unavailable.map_or_else(
                || "updating deployment".to_owned(),
                |(status, reason, message)| {
                    format!("deployment status[Available:{status}]: reason[{reason}]: {message}")
                },
            )
        }
    }
}

/// What keeps the first component that is not available from it, where somebody may have to do something about it: the reason and words.
pub fn trouble(snapshot: &Snapshot, decided: &Decided) -> Option<(Reason, String)> {
    let rollout = decided.outcome.rollout()?;
    let first = rollout.targets.iter().find(|target| !available(target, snapshot))?;
    let what = progress::trouble_of(first, snapshot)?;
    let reason = match what {
        WaitReason::PodsRefused { .. } => Reason::PodsRefused,
        _ => Reason::PodProblem,
    };
    Some((reason, format!("{}: {}", first.component(), explain::waiting(&Waiting::new(what)))))
}

/// `host:port` for clients. A load balancer may have a host name instead of an address, and has neither at first. A node port is open
/// at every node, whichever they are; the address inside the cluster is the one that can be told. (Upstream shows a wrong or
/// empty address in each of these cases.)
pub fn endpoint(spec: &Spec, snapshot: &Snapshot) -> String {
    let Some(service) = spec.entry().and_then(|e| e.service.as_ref()) else { return String::new() };
    match service.type_.as_str() {
        "LoadBalancer" => {
            let address = snapshot.watched.service.as_ref().and_then(|s| s.ingress.as_ref());
            address.map_or_else(String::new, |address| format!("{address}:{}", service.port))
        }
        _ => format!("{}-milvus.{}:{}", spec.name, spec.namespace, service.port),
    }
}
