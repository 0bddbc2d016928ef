//! What is there, compared with what is wanted: one component at a time.
//!
//! Takes the targets and what was observed; gives for each component how far it is. Progress is derived from what
//! exists (generations, counts, pods, slots), never from a flag that an earlier pass wrote.

use std::collections::BTreeMap;

use milvus_api::{ConditionType, MilvusStatus, keys};
use milvus_plan::{Component, ComponentState, Progress, WaitReason, Waiting};

use super::layout::Layout;
use super::slots::{self, SLOTS, SlotView};
use super::target::Target;
use crate::convert;
use crate::manifests::workload;
use crate::observed::{Snapshot, Watched};
use crate::records::{DeploymentRecord, PodRecord, Slot};
use crate::spec::Replicas;

/// An earlier pass saw this very generation updated everywhere.
fn was_updated(watched: &Watched) -> bool {
    let status = &watched.milvus.status;
    status.observed_generation == watched.milvus.generation && status.is_true(ConditionType::MilvusUpdated)
}

/// Updated everywhere and all available, so there is nothing to look for among the pods.
pub fn settled(watched: &Watched) -> bool {
    was_updated(watched)
        && watched.owned().all(|d| d.counts_complete(d.replicas) && d.available() == d.replicas)
}

/// Something of this Milvus exists, and nothing that has pods, or is asked to have some, is at anything but the wanted template.
///
/// Without a list of pods that is not known.
pub fn only_target_runs(targets: &[Target], snapshot: &Snapshot) -> bool {
    let watched = &snapshot.watched;
    let wanted = |record: &DeploymentRecord| {
        let named = |target: &&Target| target.names(watched).contains(&record.name);
        targets.iter().find(named).is_some_and(|target| target.matches(record))
    };
    let image_of = |pod: &PodRecord| {
        let target = targets.iter().find(|t| t.component().name() == pod.component);
        target.map(|t| t.desired.image.as_str())
    };
    let Some(pods) = &snapshot.pods else { return false };
    watched.owned().next().is_some()
        && watched.owned().all(|record| wanted(record) || (record.replicas == 0 && record.current() == 0))
        && pods.iter().all(|pod| image_of(pod) == Some(pod.image.as_str()))
}

/// How far every component is.
pub fn progress(targets: &[Target], snapshot: &Snapshot) -> Progress {
    let states = targets.iter().map(|t| (t.component(), state(t, snapshot)));
    Progress::of_components(states.collect::<BTreeMap<_, _>>())
}

fn state(target: &Target, snapshot: &Snapshot) -> ComponentState {
    if target.layout != Layout::Single {
        return slotted_state(target, snapshot, &Pods::of(snapshot, target.component()));
    }
    let name = workload::name(snapshot.watched.name(), target.component(), None);
    match snapshot.watched.deployment(&name) {
        None => ComponentState::Absent,
        Some(record) if !target.matches(record) => ComponentState::Pending,
        Some(record) => {
            let wanted = target.settings().replicas.wanted(Some(record.replicas));
            if still_updated(record, wanted, snapshot) {
                return ComponentState::Done;
            }
            rolled_out(record, wanted, target, snapshot)
                .map_or(ComponentState::Done, ComponentState::Updating)
        }
    }
}

/// It was seen to be done for this generation, and every pod is still of the wanted template. A pod that fails, is evicted or restarted
/// afterwards changes whether Milvus is ready, not whether it is updated.
fn still_updated(record: &DeploymentRecord, wanted: i32, snapshot: &Snapshot) -> bool {
    was_updated(&snapshot.watched)
        && record.observed()
        && record.replicas == wanted
        && record.updated() == record.current()
}

/// What a Deployment with the wanted template still waits for; nothing when it is seen to be done.
fn rolled_out(
    record: &DeploymentRecord,
    wanted: i32,
    target: &Target,
    snapshot: &Snapshot,
) -> Option<Waiting> {
    let pods = &Pods::of(snapshot, target.component());
    let wait = |what| Some(Waiting::new(what));
    if !record.observed() {
        return wait(WaitReason::Generation);
    }
    if record.paused && record.updated() < wanted {
        return wait(WaitReason::Paused);
    }
    let left = count(record.current().saturating_sub(wanted));
    // All are available, old ones too: only the old ones are in the way.
    let all_available = record.updated() == wanted && record.available() >= record.current();
    if all_available && record.replicas == wanted && left > 0 {
        return wait(WaitReason::OldPods { count: left });
    }
    if !record.counts_complete(wanted) {
        return wait(trouble(record, pods).unwrap_or_else(|| WaitReason::Replicas {
            updated: count(record.updated()),
            // Old pods are available too, and not what is waited for.
            available: count((record.available() - (record.current() - record.updated())).max(0)),
            wanted: count(wanted),
        }));
    }
    match pods.old(&target.desired.image, &snapshot.watched.milvus.status) {
        0 => None,
        count => wait(WaitReason::OldPods { count }),
    }
}

/// What somebody may have to do something about: a pod that can't start, or pods that can't be created.
fn trouble(record: &DeploymentRecord, pods: &Pods<'_>) -> Option<WaitReason> {
    if let Some((pod, reason, message)) = pods.problem() {
        return Some(WaitReason::PodProblem { pod, reason, message });
    }
    let (reason, message) = record.pods_refused()?;
    Some(WaitReason::PodsRefused { reason, message })
}

fn slotted_state(target: &Target, snapshot: &Snapshot, pods: &Pods<'_>) -> ComponentState {
    let watched = &snapshot.watched;
    let views = slot_views(target, snapshot);
    let current = slots::current(slot_hint(watched, target.component()), views);
    let record = |slot| watched.deployment(&target.slot_name(watched, slot));
    let (Some(cur), other) = (record(current), record(current.other())) else {
        return ComponentState::Absent;
    };
    if !target.matches(cur) {
        let manual = matches!(target.settings().replicas, Replicas::Manual(_)) && cur.replicas > 0;
        return match (target.settings().paused, manual) {
            (true, _) => ComponentState::Updating(Waiting::new(WaitReason::Paused)),
            (false, true) => {
                ComponentState::Updating(Waiting::new(WaitReason::Manual { deployment: cur.name.clone() }))
            }
            (false, false) => ComponentState::Pending,
        };
    }
    let live = other.map_or(cur.replicas, |t| cur.replicas.max(t.replicas));
    let wanted = match target.settings().replicas {
        Replicas::Manual(_) => cur.replicas,
        replicas => replicas.wanted(Some(live)),
    };
    let place = target.layout.place(current.other());
    let old = other.map_or(0, |t| t.replicas.max(pods.in_place(place).unwrap_or_else(|| t.current())));
    if old > 0 {
        let waiting = trouble(cur, pods).unwrap_or_else(|| WaitReason::SlotHandOver {
            new: count(cur.available()),
            old: count(old),
            wanted: count(wanted),
        });
        return ComponentState::Updating(Waiting::new(waiting));
    }
    if still_updated(cur, wanted, snapshot) {
        return ComponentState::Done;
    }
    rolled_out(cur, wanted, target, snapshot).map_or(ComponentState::Done, ComponentState::Updating)
}

/// What keeps pods of a component from being created or ready, also when it is at its target.
pub fn trouble_of(target: &Target, snapshot: &Snapshot) -> Option<WaitReason> {
    let pods = Pods::of(snapshot, target.component());
    target.records(&snapshot.watched).into_iter().find_map(|record| trouble(record, &pods))
}

/// The slot that the annotation on the Milvus names.
pub fn slot_hint(watched: &Watched, component: Component) -> Option<Slot> {
    let key = keys::current_group_id(&milvus_api::names::state_key(convert::component_name(component), None));
    watched.milvus.annotations.get(&key)?.parse().ok()
}

/// What was observed of both slots.
pub fn slot_views(target: &Target, snapshot: &Snapshot) -> [Option<SlotView>; 2] {
    let pods = Pods::of(snapshot, target.component());
    SLOTS.map(|slot| {
        let record = snapshot.watched.deployment(&target.slot_name(&snapshot.watched, slot))?;
        Some(SlotView {
            at_target: target.matches(record) || target.adopts(record),
            replicas: record.replicas,
            available: if record.observed() { record.available().min(record.updated()) } else { 0 },
            pods: pods.in_place(target.layout.place(slot)).unwrap_or_else(|| record.current()),
            written_at: record.written_at,
        })
    })
}

/// Pods of a component that have the wanted template and are available.
pub fn moved(target: &Target, snapshot: &Snapshot) -> u32 {
    let records = target.records(&snapshot.watched).into_iter();
    let new = records.filter(|record| target.matches(record) && record.observed());
    new.map(|record| count((record.available() - (record.current() - record.updated())).max(0))).sum()
}

fn count(number: i32) -> u32 {
    u32::try_from(number).unwrap_or_default()
}

/// The pods of one component, if the pass asked for them.
struct Pods<'a> {
    pods: Option<Vec<&'a PodRecord>>,
}

impl<'a> Pods<'a> {
    fn of(snapshot: &'a Snapshot, component: Component) -> Pods<'a> {
        let of_component =
            |all: &'a Vec<PodRecord>| all.iter().filter(|p| p.component == component.name()).collect();
        Pods { pods: snapshot.pods.as_ref().map(of_component) }
    }

    /// Pods that are being stopped, which run what was there before, and pods of another image that this Milvus left or
    /// was on its way to. A ReplicaSet counts a pod only at its look after the one that made it: after a revert the
    /// counts may be complete while such a pod starts. An image that is named nowhere may be the wanted one by the
    /// name that an admission webhook gave it.
    fn old(&self, image: &str, status: &MilvusStatus) -> u32 {
        let whole = status.upgrade.iter().flat_map(|roll| roll.from.iter().chain(&roll.to));
        let own = status.upgrade.iter().flat_map(|roll| roll.components.values());
        let sides = whole.chain(own.flat_map(|way| way.from.iter().chain(&way.to)));
        let sides = sides.chain(status.current_images.values());
        let named: Vec<&String> =
            sides.filter_map(|side| side.image.as_ref()).chain(&status.current_image).collect();
        let other = |pod: &PodRecord| pod.image != image && named.contains(&&pod.image);
        let old = self.pods.iter().flatten().filter(|p| p.terminating || other(p)).count();
        u32::try_from(old).unwrap_or(u32::MAX)
    }

    fn in_place(&self, place: Option<Slot>) -> Option<i32> {
        let pods = self.pods.as_ref()?;
        i32::try_from(pods.iter().filter(|p| p.slot == place).count()).ok()
    }

    /// The first pod, by name, that says why it is not ready.
    fn problem(&self) -> Option<(String, String, String)> {
        let mut troubled: Vec<_> = self
            .pods
            .iter()
            .flatten()
            .filter(|p| !p.terminating)
            .filter_map(|p| {
                p.problem.as_ref().map(|(reason, message)| (p.name.clone(), reason.clone(), message.clone()))
            })
            .collect();
        troubled.sort();
        troubled.into_iter().next()
    }
}
