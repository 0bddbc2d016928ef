//! The objects of one pass: everything that must be written, in the order in which it is written.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::{ConfigMap, Service};
use milvus_api::{keys, names};
use milvus_plan::{Component, Plan};
use serde_json::{Value, json};

use super::writes::Workload;
use super::{Error, config, service};
use crate::convert;
use crate::hash;
use crate::slots::SlotPlan;
use crate::snapshot::Snapshot;
use crate::survey::Target;
use crate::validate::Validated;

/// A Deployment to apply.
#[derive(Clone, Debug, PartialEq)]
pub struct DeploymentWrite {
    /// Its component.
    pub component: Component,
    /// `metadata.name`
    pub name: String,
    /// The complete object.
    pub object: Value,
}

/// Metadata of the Milvus itself: upstream keeps the current slot, and the finalizer, there. Never its spec.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MetaWrite {
    /// The complete set of our labels.
    pub labels: BTreeMap<String, String>,
    /// The complete set of our annotations.
    pub annotations: BTreeMap<String, String>,
    /// Our finalizer.
    pub finalizers: Vec<String>,
}

/// A Deployment that no component of this Milvus has any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removal {
    /// `metadata.name`
    pub name: String,
    /// `metadata.uid`: what is deleted is what was seen.
    pub uid: String,
}

/// Everything a pass writes beside the status. Applied in the order of the fields.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Objects {
    /// Metadata of the Milvus.
    pub meta: Option<MetaWrite>,
    /// Configuration: before the pods that read it.
    pub config_map: Option<ConfigMap>,
    /// Entry.
    pub service: Option<Service>,
    /// Workloads.
    pub deployments: Vec<DeploymentWrite>,
    /// What is left over, once everything wanted is there.
    pub removals: Vec<Removal>,
}

impl Objects {
    /// There is nothing to write.
    pub fn is_empty(&self) -> bool {
        *self == Objects::default()
    }
}

/// Renders what differs. `open`: components whose new template may be sent; `done`: everything wanted was seen.
pub fn render(
    milvus: &Validated,
    targets: &[Target],
    plan: Option<&Plan>,
    open: &BTreeSet<Component>,
    snapshot: &Snapshot,
) -> Result<Objects, Error> {
    let mut objects = Objects { config_map: config_map(milvus, snapshot)?, ..Objects::default() };
    objects.service = service::service(milvus)?
        .filter(|wanted| snapshot.core.service.as_ref().is_none_or(|live| !service::in_sync(live, wanted)));
    let mut slots = Vec::new();
    for target in targets {
        let component = target.settings.component;
        // What is in no step (the placeholder standalone of a cluster) waits for nothing.
        let waits = plan.is_none_or(|p| p.steps.iter().any(|s| s.components.contains(&component)));
        let workload = Workload { milvus, snapshot, target, open: !waits || open.contains(&component) };
        if target.slotted {
            let (plan, writes) = workload.slots()?;
            objects.deployments.extend(writes);
            slots.push((component, plan));
        } else {
            objects.deployments.extend(workload.single()?);
        }
    }
    objects.meta = Some(meta(milvus, &slots, snapshot)).filter(|wanted| !has(snapshot, wanted));
    Ok(objects)
}

/// Deployments of this Milvus that belong to no wanted component: those of components that a new version or another
/// set of coordinators no longer has.
pub fn stale(targets: &[Target], snapshot: &Snapshot) -> Vec<Removal> {
    let core = &snapshot.core;
    let wanted: BTreeSet<String> = targets.iter().flat_map(|t| t.names(core)).map(|(_, name)| name).collect();
    let left = core.owned().filter(|d| !wanted.contains(&d.name));
    left.map(|d| Removal { name: d.name.clone(), uid: d.uid.clone() }).collect()
}

fn config_map(milvus: &Validated, snapshot: &Snapshot) -> Result<Option<ConfigMap>, Error> {
    let wanted = config::config_map(milvus)?;
    let empty = BTreeMap::new();
    let same = snapshot.core.config_map.as_ref().is_some_and(|live| {
        let labels = wanted.metadata.labels.as_ref().unwrap_or(&empty);
        live.data_hash == hash::of_map(wanted.data.as_ref().unwrap_or(&empty))
            && labels.iter().all(|(key, value)| live.labels.get(key) == Some(value))
    });
    Ok((!same).then_some(wanted))
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

impl MetaWrite {
    /// The object for server-side apply. The UID is part of it: a Milvus that was deleted meanwhile is not created anew.
    pub fn object(&self, milvus: &Validated) -> Value {
        json!({
            "apiVersion": "milvus.io/v1beta1",
            "kind": "Milvus",
            "metadata": {
                "name": milvus.name,
                "namespace": milvus.namespace,
                "uid": milvus.uid,
                "labels": self.labels,
                "annotations": self.annotations,
                "finalizers": self.finalizers,
            },
        })
    }
}
