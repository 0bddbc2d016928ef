//! Is it up? `MilvusReady`, the endpoint, and why a component is not available.

use milvus_api::{ConditionType, Reason};
use milvus_plan::{ComponentState, WaitReason, Waiting, explain};

use super::Applied;
use super::said::Said;
use crate::decide::Decided;
use crate::layout::Layout;
use crate::records::DeploymentRecord;
use crate::render::workload;
use crate::slots::{self, SLOTS};
use crate::snapshot::Snapshot;
use crate::survey;
use crate::target::Target;
use crate::validate::Validated;

/// The Deployment that stands for a component: of two slots, the current one.
pub fn active<'a>(
    target: &Target,
    snapshot: &'a Snapshot,
    applied: &'a Applied,
) -> Option<&'a DeploymentRecord> {
    let core = &snapshot.core;
    let component = target.settings.component;
    let place = match target.layout {
        Layout::Single => None,
        Layout::Slots(_) => {
            let hint = survey::slot_hint(core, component);
            target.layout.place(slots::current(hint, survey::slot_views(target, snapshot)))
        }
    };
    let name = workload::name(core.name(), component, place);
    core.deployment(&name).or_else(|| applied.deployments.get(&name))
}

/// `MilvusReady`. A component is available when the pods that serve, of either slot, are as many as are wanted: upstream looks at the
/// new slot only and so turns Unhealthy in every query-node step.
pub fn milvus_ready(snapshot: &Snapshot, decided: &Decided) -> Said {
    let Some(milvus) = &decided.milvus else { return kept(snapshot) };
    if decided.targets.is_empty() {
        return kept(snapshot);
    }
    if milvus.stopping() {
        let running = snapshot.core.owned().any(|d| d.current() > 0);
        return match running {
            true => Said::no(Reason::MilvusStopping, "All Milvus components are stopping"),
            false => Said::no(Reason::MilvusStopped, "All Milvus components are stopped"),
        };
    }
    let down: Vec<&Target> = decided.targets.iter().filter(|t| !available(t, snapshot)).collect();
    let Some(first) = down.first() else {
        return match entry_ready(milvus, snapshot) {
            true => Said::yes(Reason::MilvusHealthy, "All Milvus components are healthy"),
            false => Said::no(Reason::MilvusComponentNotHealthy, "no ready pod behind the Service"),
        };
    };
    let names: Vec<&str> = down.iter().map(|t| t.settings.component.name()).collect();
    let detail = detail(first, snapshot, decided);
    Said::no(
        Reason::MilvusComponentNotHealthy,
        format!("[{}] not ready, detail: component[{}]: {detail}", names.join(" "), first.settings.component),
    )
}

/// What was said before, or that nothing is there yet.
fn kept(snapshot: &Snapshot) -> Said {
    let before = snapshot.core.milvus.status.as_ref().and_then(|s| s.condition(ConditionType::MilvusReady));
    match before {
        Some(condition) => Said::again(condition),
        None => Said::no(Reason::MilvusComponentNotHealthy, "nothing is created yet"),
    }
}

fn available(target: &Target, snapshot: &Snapshot) -> bool {
    let records = target.records(&snapshot.core);
    if target.layout != Layout::Single {
        let live = records.iter().map(|r| r.replicas).max();
        let serving: i32 = records.iter().map(|r| r.available()).sum();
        let wanted = target.settings.replicas.wanted(live);
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

fn entry_ready(milvus: &Validated, snapshot: &Snapshot) -> bool {
    let Some(entry) = milvus.entry() else { return false };
    let slots = SLOTS.into_iter().map(Some).chain([None]);
    let ready = slots.filter_map(|slot| {
        snapshot.core.deployment(&workload::name(&milvus.name, entry.component, slot))?.status.ready_replicas
    });
    ready.sum::<i32>() > 0
}

fn detail(target: &Target, snapshot: &Snapshot, decided: &Decided) -> String {
    match decided.progress.of(target.settings.component) {
        ComponentState::Absent => "deployment not created".to_owned(),
        state @ (ComponentState::Pending | ComponentState::Updating(_)) => explain::component_state(state),
        ComponentState::Done => {
            match survey::trouble_of(target, snapshot) {
                Some(WaitReason::PodProblem { pod, reason, message }) => {
                    return format!("pod[{pod}]: reason[{reason}]: {message}");
                }
                Some(other) => return explain::waiting(&Waiting::new(other)),
                None => {}
            }
            let records = target.records(&snapshot.core);
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
    let first = decided.targets.iter().find(|target| !available(target, snapshot))?;
    let what = survey::trouble_of(first, snapshot)?;
    let reason = match what {
        WaitReason::PodsRefused { .. } => Reason::PodsRefused,
        _ => Reason::PodProblem,
    };
    Some((reason, format!("{}: {}", first.settings.component, explain::waiting(&Waiting::new(what)))))
}

/// `host:port` for clients. A load balancer may have a host name instead of an address, and has neither at first. A node port is open
/// at every node, whichever they are; the address inside the cluster is the one that can be told. (Upstream shows a wrong or
/// empty address in each of these cases.)
pub fn endpoint(milvus: &Validated, snapshot: &Snapshot) -> String {
    let Some(service) = milvus.entry().and_then(|e| e.service.as_ref()) else { return String::new() };
    match service.type_.as_str() {
        "LoadBalancer" => {
            let address = snapshot.core.service.as_ref().and_then(|s| s.ingress.as_ref());
            address.map_or_else(String::new, |address| format!("{address}:{}", service.port))
        }
        _ => format!("{}-milvus.{}:{}", milvus.name, milvus.namespace, service.port),
    }
}
