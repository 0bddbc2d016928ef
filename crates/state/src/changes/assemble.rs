//! Puts the objects of one pass together: everything that differs from what exists, and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use milvus_api::{keys, names};
use milvus_plan::{Component, Plan};

use super::objects::{MetadataWrite, Objects, Removal};
use super::owned;
use super::workload::Workload;
use crate::convert;
use crate::desired::{Desired, Parsed};
use crate::kinds::Kind;
use crate::manifests::Error;
use crate::observed::{Snapshot, Watched};
use crate::records::DeploymentRecord;
use crate::rollout::slots::SlotPlan;
use crate::rollout::{Layout, Target};
use crate::spec::Spec;

/// Which components may have their new template.
#[derive(Clone, Debug)]
pub struct Turns<'a> {
    /// The plan; what is in none of its steps waits for nothing. `None`: nothing may.
    pub plan: Option<&'a Plan>,
    /// Those whose step has come.
    pub open: BTreeSet<Component>,
    /// Those whose step has begun and is held: no more pods move from one Deployment to the other.
    pub held: BTreeSet<Component>,
}

impl Turns<'_> {
    /// Nothing gets a new template.
    pub fn none() -> Turns<'static> {
        Turns { plan: None, open: BTreeSet::new(), held: BTreeSet::new() }
    }

    fn has(&self, component: Component) -> bool {
        let waits = self.plan.is_none_or(|plan| plan.rolls(component));
        !waits || self.open.contains(&component)
    }
}

/// Renders what differs.
///
/// # Errors
/// Only bugs: what can't be rendered.
pub fn objects(
    spec: &Spec,
    desired: &Desired,
    targets: &[Target],
    turns: &Turns<'_>,
    snapshot: &Snapshot,
) -> Result<Objects, Error> {
    let mut writes = owned::writes(spec, desired, snapshot)?;
    let mut slots = Vec::new();
    for target in targets {
        let open = turns.has(target.component());
        let held = turns.held.contains(&target.component());
        let workload = Workload { spec, desired, snapshot, target, open, held };
        match target.layout {
            Layout::Single => writes.extend(workload.single()?),
            Layout::Slots(_) => {
                let (plan, changed) = workload.slots()?;
                writes.extend(changed);
                slots.push((target.component(), plan));
            }
        }
    }
    // Stable: Deployments keep the order in which they were rendered.
    writes.sort_by_key(|write| write.manifest.kind);
    Ok(Objects {
        metadata: Some(metadata(spec, &slots, &snapshot.watched))
            .filter(|wanted| !has(&snapshot.watched, wanted)),
        writes,
        removals: owned::removals(spec, desired, &snapshot.watched),
    })
}

/// Nothing but the components that run, for a Milvus that is parsed: what a refusal keeps.
///
/// # Errors
/// Only bugs: what can't be rendered.
pub fn kept(
    parsed: &Parsed,
    desired: &Desired,
    targets: &[Target],
    snapshot: &Snapshot,
) -> Result<Objects, Error> {
    let rendered = objects(&parsed.spec, desired, targets, &Turns::none(), snapshot)?;
    // Every field is named, so that a new one can't be forgotten here.
    let Objects { metadata, writes, removals: _ } = rendered;
    let writes = writes.into_iter().filter(|write| owned::kept_while_refused(&write.manifest, snapshot));
    Ok(Objects { metadata, writes: writes.collect(), removals: Vec::new() })
}

/// Deployments of this Milvus that no target has.
pub struct Leftover {
    /// With pods, or of no wanted component: those of components that a new version or another set of coordinators no longer has.
    pub stale: Vec<Removal>,
    /// Without pods, of a component that has moved to others: a layout that was left.
    pub vacated: Vec<Removal>,
}

impl Leftover {
    /// What is there and not among the targets' Deployments.
    pub fn of(targets: &[Target], watched: &Watched) -> Leftover {
        let wanted: BTreeSet<String> = targets.iter().flat_map(|t| t.names(watched)).collect();
        let all: BTreeSet<String> = targets.iter().flat_map(|t| t.all_names(watched)).collect();
        let left = watched.owned().filter(|d| !wanted.contains(&d.name));
        let (vacated, stale): (Vec<_>, Vec<_>) = left.partition(|d| all.contains(&d.name) && !d.has_pods());
        let removals = |records: Vec<&DeploymentRecord>| {
            records.into_iter().map(|d| Removal::new(Kind::Deployment, &d.name, &d.uid)).collect()
        };
        Leftover { stale: removals(stale), vacated: removals(vacated) }
    }
}

/// Components of `stale` Deployments, and of pods whose Deployment is gone already and that have not ended yet.
pub fn remains(targets: &[Target], stale: &[Removal], snapshot: &Snapshot) -> BTreeSet<String> {
    let wanted = |component: &str| targets.iter().any(|t| t.component().name() == component);
    let pods = snapshot.pods.iter().flatten().map(|pod| pod.component.clone()).filter(|c| !wanted(c));
    let prefix = format!("{}-milvus-", snapshot.watched.name());
    let component = |removal: &Removal| {
        let name = removal.name.strip_prefix(&prefix).unwrap_or(&removal.name);
        name.strip_suffix("-0").or_else(|| name.strip_suffix("-1")).unwrap_or(name).to_owned()
    };
    pods.chain(stale.iter().map(component)).collect()
}

/// The metadata that upstream keeps on a Milvus.
fn metadata(spec: &Spec, slots: &[(Component, SlotPlan)], watched: &Watched) -> MetadataWrite {
    let label = |key: &str| watched.milvus.labels.get(key).cloned();
    let version = label(keys::OPERATOR_VERSION).unwrap_or_else(|| watched.operator_version.clone());
    let mut wanted = MetadataWrite {
        labels: BTreeMap::from([(keys::OPERATOR_VERSION.to_owned(), version)]),
        annotations: BTreeMap::from([(keys::POD_SERVICE_LABEL_ADDED.to_owned(), "true".to_owned())]),
        finalizers: vec![keys::FINALIZER.to_owned()],
    };
    for (component, plan) in slots {
        let key = names::state_key(convert::component_name(*component), None);
        wanted.annotations.insert(keys::current_group_id(&key), plan.current.as_str().to_owned());
        if plan.rolling {
            let rolling = keys::rolling_id(&key);
            let since = label(&rolling).unwrap_or_else(|| spec.generation.to_string());
            wanted.labels.insert(rolling, since);
        }
    }
    wanted
}

/// The live object has exactly our keys: values present, and no rolling label left behind.
fn has(watched: &Watched, wanted: &MetadataWrite) -> bool {
    let live = &watched.milvus;
    let contains = |have: &BTreeMap<String, String>, want: &BTreeMap<String, String>| {
        want.iter().all(|(key, value)| have.get(key) == Some(value))
    };
    let stale_rolling = live.labels.keys().any(|key| {
        key.starts_with("milvus.io/") && key.ends_with("-rolling-id") && !wanted.labels.contains_key(key)
    });
    contains(&live.labels, &wanted.labels)
        && contains(&live.annotations, &wanted.annotations)
        && wanted.finalizers.iter().all(|f| live.finalizers.contains(f))
        && !stale_rolling
}
