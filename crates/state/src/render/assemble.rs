//! Puts the objects of one pass together: everything that differs from what exists, and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::ConfigMap;
use milvus_api::{keys, names};
use milvus_plan::{Component, Plan};

use super::objects::{MetaWrite, Objects, Removal, Removed};
use super::writes::Workload;
use super::{Error, beside, config, service};
use crate::convert;
use crate::hash;
use crate::layout::Layout;
use crate::records::{ConfigMapRecord, DeploymentRecord};
use crate::slots::SlotPlan;
use crate::snapshot::{Core, Snapshot};
use crate::target::Target;
use crate::validate::Validated;

/// Renders what differs. `open`: components whose new template may be sent; `done`: everything wanted was seen.
pub fn render(
    milvus: &Validated,
    targets: &[Target],
    plan: Option<&Plan>,
    open: &BTreeSet<Component>,
    snapshot: &Snapshot,
) -> Result<Objects, Error> {
    let mut objects = Objects {
        config_maps: config_maps(milvus, snapshot)?,
        beside: beside::writes(milvus, snapshot)?,
        removals: beside::removals(milvus, &snapshot.core),
        ..Objects::default()
    };
    objects.service = service::service(milvus)?
        .filter(|wanted| snapshot.core.service.as_ref().is_none_or(|live| !service::in_sync(live, wanted)));
    let mut slots = Vec::new();
    for target in targets {
        let component = target.settings.component;
        // What is in no step (the placeholder standalone of a cluster) waits for nothing.
        let waits = plan.is_none_or(|p| p.rolls(component));
        let workload = Workload { milvus, snapshot, target, open: !waits || open.contains(&component) };
        match target.layout {
            Layout::Single => objects.deployments.extend(workload.single()?),
            Layout::Slots(_) => {
                let (plan, writes) = workload.slots()?;
                objects.deployments.extend(writes);
                slots.push((component, plan));
            }
        }
    }
    objects.meta = Some(meta(milvus, &slots, snapshot)).filter(|wanted| !has(snapshot, wanted));
    Ok(objects)
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
    pub fn of(targets: &[Target], core: &Core) -> Leftover {
        let wanted: BTreeSet<String> = targets.iter().flat_map(|t| t.names(core)).collect();
        let all: BTreeSet<String> = targets.iter().flat_map(|t| t.all_names(core)).collect();
        let left = core.owned().filter(|d| !wanted.contains(&d.name));
        let (vacated, stale): (Vec<_>, Vec<_>) = left.partition(|d| all.contains(&d.name) && !d.has_pods());
        let removals = |records: Vec<&DeploymentRecord>| {
            let removal = |d: &DeploymentRecord| Removal {
                kind: Removed::Deployment,
                name: d.name.clone(),
                uid: d.uid.clone(),
            };
            records.into_iter().map(removal).collect()
        };
        Leftover { stale: removals(stale), vacated: removals(vacated) }
    }
}

/// Components of `stale` Deployments, and of pods whose Deployment is gone already and that have not ended yet.
pub fn remains(targets: &[Target], stale: &[Removal], snapshot: &Snapshot) -> BTreeSet<String> {
    let wanted = |component: &str| targets.iter().any(|t| t.settings.component.name() == component);
    let pods = snapshot.pods.iter().flatten().map(|pod| pod.component.clone()).filter(|c| !wanted(c));
    let prefix = format!("{}-milvus-", snapshot.core.name());
    let component = |removal: &Removal| {
        let name = removal.name.strip_prefix(&prefix).unwrap_or(&removal.name);
        name.strip_suffix("-0").or_else(|| name.strip_suffix("-1")).unwrap_or(name).to_owned()
    };
    pods.chain(stale.iter().map(component)).collect()
}

/// The ConfigMap that new pods mount. Pods of an earlier `activeConfigMap` get the same content, until they are replaced; in manual
/// mode they keep theirs.
fn config_maps(milvus: &Validated, snapshot: &Snapshot) -> Result<Vec<ConfigMap>, Error> {
    let core = &snapshot.core;
    let ours = |owner: &Option<String>| owner.as_deref() == Some(&milvus.uid);
    let earlier = core.config_maps.iter().filter(|(name, map)| {
        !milvus.manual && **name != milvus.config_map_name && ours(&map.owner_uid) && !map.deleting
    });
    let names = [&milvus.config_map_name].into_iter().chain(earlier.map(|(name, _)| name));
    let mut found = Vec::new();
    for name in names {
        let wanted = config::config_map(milvus, name)?;
        found.extend((!has_data(core.config_maps.get(name), &wanted)).then_some(wanted));
    }
    Ok(found)
}

fn has_data(live: Option<&ConfigMapRecord>, wanted: &ConfigMap) -> bool {
    let empty = BTreeMap::new();
    live.is_some_and(|live| {
        let labels = wanted.metadata.labels.as_ref().unwrap_or(&empty);
        live.data_hash == hash::of_map(wanted.data.as_ref().unwrap_or(&empty))
            && labels.iter().all(|(key, value)| live.labels.get(key) == Some(value))
    })
}

/// The metadata that upstream keeps on a Milvus.
fn meta(milvus: &Validated, slots: &[(Component, SlotPlan)], snapshot: &Snapshot) -> MetaWrite {
    let live = &snapshot.core.milvus.metadata;
    let label = |key: &str| live.labels.as_ref().and_then(|all| all.get(key).cloned());
    let version = label(keys::OPERATOR_VERSION).unwrap_or_else(|| snapshot.core.operator_version.clone());
    let mut wanted = MetaWrite {
        labels: BTreeMap::from([(keys::OPERATOR_VERSION.to_owned(), version)]),
        annotations: BTreeMap::from([(keys::POD_SERVICE_LABEL_ADDED.to_owned(), "true".to_owned())]),
        finalizers: vec![keys::FINALIZER.to_owned()],
    };
    for (component, plan) in slots {
        let key = names::state_key(convert::component_name(*component), None);
        wanted.annotations.insert(keys::current_group_id(&key), plan.current.as_str().to_owned());
        if plan.rolling {
            let rolling = keys::rolling_id(&key);
            let since = label(&rolling).unwrap_or_else(|| milvus.generation.to_string());
            wanted.labels.insert(rolling, since);
        }
    }
    wanted
}

/// The live object has exactly our keys: values present, and no rolling label left behind.
fn has(snapshot: &Snapshot, wanted: &MetaWrite) -> bool {
    let live = &snapshot.core.milvus.metadata;
    let contains = |have: &Option<BTreeMap<String, String>>, want: &BTreeMap<String, String>| {
        want.iter().all(|(key, value)| have.as_ref().and_then(|all| all.get(key)) == Some(value))
    };
    let stale_rolling = live.labels.iter().flatten().any(|(key, _)| {
        key.starts_with("milvus.io/") && key.ends_with("-rolling-id") && !wanted.labels.contains_key(key)
    });
    contains(&live.labels, &wanted.labels)
        && contains(&live.annotations, &wanted.annotations)
        && wanted.finalizers.iter().all(|f| live.finalizers.iter().flatten().any(|l| l == f))
        && !stale_rolling
}
