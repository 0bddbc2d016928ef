//! What a Milvus owns beside its workloads: configuration, entry, volume claim, Ingress, PodMonitor, budgets. Each is
//! there when the spec asks for it, and gone when it does not.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ConfigMap;
use serde_json::Value;

use super::objects::{Removal, Write};
use super::ownership;
use crate::desired::Desired;
use crate::hash;
use crate::kinds::{Kind, OnRefusal};
use crate::manifests::{Error, Manifest, budget, claim, config, ingress, pod_monitor, service};
use crate::observed::{Snapshot, Watched};
use crate::records::{ConfigMapRecord, MetaRecord, MonitorKind};
use crate::spec::{ComponentSettings, DataVolume, Spec};

/// What differs from what exists.
///
/// # Errors
/// Only bugs: what can't be rendered.
pub fn writes(spec: &Spec, desired: &Desired, snapshot: &Snapshot) -> Result<Vec<Write>, Error> {
    let watched = &snapshot.watched;
    let mut found = config_maps(spec, snapshot)?;
    let entry = entry(spec, watched)?;
    if let Some(DataVolume::Claim(settings)) = &spec.data {
        let live = snapshot.claim.as_ref();
        let wanted = claim::claim(spec, settings)?;
        // What can't be changed is not sent: the API server would refuse it at every pass. It is said as a warning.
        let fixed = live.is_some_and(|live| claim::unchangeable(live, settings).is_some());
        found.extend((!fixed && live.is_none_or(|live| !has(&live.meta, &wanted))).then_some(wanted));
    }
    if let Some(wanted) = ingress::ingress(spec)? {
        let live = watched.ingress.as_ref().map(|i| &i.meta);
        found.extend((!settled(watched, live, &wanted)).then_some(wanted));
    }
    if let (Some(settings), MonitorKind::Present) = (&spec.monitor, watched.monitor_kind) {
        let wanted = pod_monitor::pod_monitor(spec, settings)?;
        found.extend((!settled(watched, watched.pod_monitor.as_ref(), &wanted)).then_some(wanted));
    }
    for settings in budgeted(spec, desired, watched) {
        let wanted = budget::budget(spec, settings)?;
        let live = watched.budgets.get(&wanted.name).map(|live| &live.meta);
        found.extend((!settled(watched, live, &wanted)).then_some(wanted));
    }
    Ok(found.into_iter().map(Write::from).chain(entry).collect())
}

/// The Service, with what must be taken over from others before it is applied.
fn entry(spec: &Spec, watched: &Watched) -> Result<Option<Write>, Error> {
    let live = watched.service.as_ref();
    let Some(wanted) = service::service(spec)? else { return Ok(None) };
    if live.is_some_and(|live| service::in_sync(live, &wanted)) {
        return Ok(None);
    }
    let name = wanted.metadata.name.clone().unwrap_or_default();
    let takes_over = live.and_then(|live| ownership::of_service(live, &wanted));
    Ok(Some(Write { takes_over, ..Write::from(Manifest::of(Kind::Service, &name, &wanted)?) }))
}

/// What the spec no longer asks for. The volume claim is not among it: data is never deleted by an edit.
pub fn removals(spec: &Spec, desired: &Desired, watched: &Watched) -> Vec<Removal> {
    let ours = |live: &&MetaRecord| !live.deleting && live.owner_uid.as_deref() == Some(&spec.uid);
    let asks_ingress = spec.entry().and_then(|e| e.service.as_ref()).is_some_and(|s| s.ingress.is_some());
    let ingress = watched.ingress.as_ref().map(|i| &i.meta).filter(|_| !asks_ingress).filter(ours);
    let monitor = watched.pod_monitor.as_ref().filter(|_| spec.monitor.is_none()).filter(ours);
    let mut found = Vec::new();
    found.extend(ingress.map(|i| Removal::new(Kind::Ingress, &format!("{}-milvus", spec.name), &i.uid)));
    found.extend(monitor.map(|m| Removal::new(Kind::PodMonitor, &spec.name, &m.uid)));
    let wanted = budget::names(spec, &budgeted(spec, desired, watched));
    let budgets = watched.budgets.iter().filter(|(name, live)| ours(&&live.meta) && !wanted.contains(*name));
    found.extend(budgets.map(|(name, live)| Removal::new(Kind::PodDisruptionBudget, name, &live.meta.uid)));
    found
}

fn budgeted<'a>(spec: &'a Spec, desired: &'a Desired, watched: &Watched) -> Vec<&'a ComponentSettings> {
    let components = desired.components.iter().map(|component| &*component.settings);
    budget::wanted(spec, components, &watched.budgets)
}

/// Whether a refused change leaves the write of an object as it is: nothing of the change may reach what runs.
pub fn kept_while_refused(manifest: &Manifest, snapshot: &Snapshot) -> bool {
    let watched = &snapshot.watched;
    let missing = match manifest.kind {
        Kind::ConfigMap => !watched.config_maps.contains_key(&manifest.name) && snapshot.kafka_ca.is_some(),
        Kind::Service => watched.service.is_none(),
        Kind::PersistentVolumeClaim => snapshot.claim.is_none(),
        Kind::Ingress => watched.ingress.is_none(),
        Kind::PodMonitor => watched.pod_monitor.is_none(),
        Kind::PodDisruptionBudget | Kind::Deployment | Kind::Job | Kind::StatefulSet => false,
    };
    match manifest.kind.row().on_refusal {
        OnRefusal::MadeIfMissing => missing,
        OnRefusal::KeptAsItRuns => true,
        OnRefusal::Untouched => false,
    }
}

/// It is there with all that was rendered, and nobody has written its spec since.
fn settled(watched: &Watched, live: Option<&MetaRecord>, wanted: &Manifest) -> bool {
    let written = watched.milvus.status.applied_generations.get(&wanted.key());
    live.is_some_and(|live| !live.deleting && has(live, wanted) && written == Some(&live.generation))
}

/// Its metadata is what was rendered.
fn has(live: &MetaRecord, wanted: &Manifest) -> bool {
    let contains = |have: &BTreeMap<String, String>, want: &Value| {
        want.as_object().into_iter().flatten().all(|(k, v)| have.get(k).map(String::as_str) == v.as_str())
    };
    let meta = &wanted.object["metadata"];
    contains(&live.annotations, &meta["annotations"]) && contains(&live.labels, &meta["labels"])
}

/// The ConfigMap that new pods mount. Pods of an earlier `activeConfigMap` get the same content, until they are
/// replaced; in manual mode they keep theirs.
fn config_maps(spec: &Spec, snapshot: &Snapshot) -> Result<Vec<Manifest>, Error> {
    let watched = &snapshot.watched;
    let ours = |owner: &Option<String>| owner.as_deref() == Some(&spec.uid);
    let earlier = watched.config_maps.iter().filter(|(name, map)| {
        !spec.manual && **name != spec.config_map_name && ours(&map.owner_uid) && !map.deleting
    });
    let names = [&spec.config_map_name].into_iter().chain(earlier.map(|(name, _)| name));
    let mut found = Vec::new();
    for name in names {
        let wanted = config::config_map(spec, snapshot.kafka_has_ca(), name)?;
        if !has_data(watched.config_maps.get(name), &wanted) {
            found.push(Manifest::of(Kind::ConfigMap, name, &wanted)?);
        }
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
