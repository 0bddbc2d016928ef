//! Everything one pass has read, and the time, as plain data.
//!
//! [`Watched`] is read first, from the watches and for free; [`crate::needs`] says, from that and the parsed
//! spec, what else the pass must ask for. A [`Snapshot`] is both together. Nothing after it reads anything.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use milvus_api::{Reason, keys};
use serde_json::Value;

use crate::kinds::Kind;
use crate::records::{
    BudgetRecord, ClaimRecord, ConfigMapRecord, DeploymentRecord, IngressRecord, MetaRecord, MilvusRecord,
    MonitorKind, PodRecord, ServiceRecord,
};

/// What the watches hold about one Milvus.
#[derive(Clone, Debug)]
pub struct Watched {
    /// The moment of the pass: every "since" comes from here.
    pub now: Timestamp,
    /// Metadata and status of the Milvus. Its spec is the parser's.
    pub milvus: MilvusRecord,
    /// Its Deployments by name, also of a former Milvus of the same name.
    pub deployments: BTreeMap<String, DeploymentRecord>,
    /// Its ConfigMaps by name; pods of an earlier `activeConfigMap` still read theirs.
    pub config_maps: BTreeMap<String, ConfigMapRecord>,
    /// Its Service.
    pub service: Option<ServiceRecord>,
    /// Its Ingress.
    pub ingress: Option<IngressRecord>,
    /// Its PodMonitor.
    pub pod_monitor: Option<MetaRecord>,
    /// Whether there can be one.
    pub monitor_kind: MonitorKind,
    /// The PodDisruptionBudgets of its namespace by name, also those of others.
    pub budgets: BTreeMap<String, BudgetRecord>,
    /// Its StatefulSets by name: another operator's way of running query nodes.
    pub stateful_sets: BTreeMap<String, MetaRecord>,
    /// Its Jobs by name.
    pub jobs: BTreeMap<String, MetaRecord>,
    /// A Service named `minio` is in the namespace.
    pub minio_link: bool,
    /// Version of the operator, for the label on a new Milvus.
    pub operator_version: String,
}

/// What the pass must ask the API server for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// The pods of the Milvus: something moves, so old pods, problems and running images count.
    pub pods: bool,
    /// Live pod templates of these Deployments: what is written over one has its order, or is the very same.
    pub templates: Vec<String>,
    /// The volume claim of this name. Claims are not watched: only those that somebody asks for are looked at, once a pass.
    pub claim: Option<String>,
}

/// Outcome of a probe, as the condition will say it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeView {
    /// The dependency can be used.
    pub ready: bool,
    /// Reason of the condition.
    pub reason: Reason,
    /// Message of the condition.
    pub message: String,
}

/// Outcomes of the three probes; `None` while the first has not come back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Probes {
    /// etcd
    pub etcd: Option<ProbeView>,
    /// Object storage.
    pub storage: Option<ProbeView>,
    /// Message queue.
    pub queue: Option<ProbeView>,
}

impl Probes {
    /// All three can be used.
    pub fn ready(&self) -> bool {
        self.each().iter().all(|(_, probe)| probe.is_some_and(|p| p.ready))
    }

    /// One of them is known to be away.
    pub fn failing(&self) -> bool {
        self.each().iter().any(|(_, probe)| probe.is_some_and(|p| !p.ready))
    }

    /// What is wrong, in the order of the conditions: `etcd: …; message queue: …`.
    pub fn troubles(&self) -> String {
        let words = |(name, probe): &(&str, Option<&ProbeView>)| match probe {
            Some(view) if view.ready => None,
            Some(view) => Some(format!("{name}: {}: {}", view.reason, view.message)),
            None => Some(format!("{name}: the first probe has not come back yet")),
        };
        self.each().iter().filter_map(words).collect::<Vec<_>>().join("; ")
    }

    fn each(&self) -> [(&'static str, Option<&ProbeView>); 3] {
        [
            ("etcd", self.etcd.as_ref()),
            ("object storage", self.storage.as_ref()),
            ("message queue", self.queue.as_ref()),
        ]
    }
}

/// All reads of one pass.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// What the watches hold.
    pub watched: Watched,
    /// Pods that are not finished, if asked for.
    pub pods: Option<Vec<PodRecord>>,
    /// Live templates, as JSON so that no field of a newer Kubernetes is lost.
    pub templates: BTreeMap<String, Value>,
    /// The volume claim that was asked for, if it is there.
    pub claim: Option<ClaimRecord>,
    /// Dependencies.
    pub probes: Probes,
    /// The Kafka Secret has `ca.pem`; `None` when that is not known, because the Secret is gone or can't be read.
    pub kafka_ca: Option<bool>,
    /// Secrets in the environment of pods that hold other credentials than when they were read before.
    pub changed_secrets: Vec<String>,
}

impl Snapshot {
    /// The Kafka Secret is known to have a CA.
    pub fn kafka_has_ca(&self) -> bool {
        self.kafka_ca == Some(true)
    }

    /// No Deployment of this Milvus is left, and no pod.
    pub fn nothing_runs(&self) -> bool {
        self.watched.owned().next().is_none() && self.pods.as_ref().is_none_or(Vec::is_empty)
    }

    /// Objects that a former Milvus of the same name left and that are not gone yet, as `KIND NAME`. An object
    /// without an owner (orphaned by `kubectl delete --cascade=orphan`) is not among them: it is taken over.
    pub fn leftovers(&self) -> Vec<String> {
        let of_kind = |kind: Kind| self.left_of(kind).into_iter().map(move |name| format!("{kind} {name}"));
        Kind::all().flat_map(of_kind).collect()
    }

    fn left_of(&self, kind: Kind) -> Vec<String> {
        let watched = &self.watched;
        let foreign =
            |owner: &Option<String>| owner.as_ref().is_some_and(|owner| *owner != watched.milvus.uid);
        let entry = || format!("{}-milvus", watched.name());
        let one = |owner: Option<&Option<String>>, name: String| {
            owner.is_some_and(foreign).then_some(name).into_iter().collect()
        };
        match kind {
            Kind::ConfigMap => names(&watched.config_maps, |map| foreign(&map.owner_uid)),
            Kind::Service => one(watched.service.as_ref().map(|s| &s.owner_uid), entry()),
            // It has no owner, as it outlives its Milvus. One that goes before anything of this Milvus was made goes
            // with the former, and no pod can start on it.
            Kind::PersistentVolumeClaim => {
                let goes = self.claim.as_ref().filter(|claim| claim.meta.deleting && !watched.started());
                goes.map(|claim| claim.name.clone()).into_iter().collect()
            }
            Kind::Ingress => one(watched.ingress.as_ref().map(|i| &i.meta.owner_uid), entry()),
            Kind::PodMonitor => {
                one(watched.pod_monitor.as_ref().map(|m| &m.owner_uid), watched.name().to_owned())
            }
            // Those of others are kept too.
            Kind::PodDisruptionBudget => names(&watched.budgets, |budget| {
                let instance = budget.meta.labels.get(keys::INSTANCE);
                let ours = budget.meta.labels.get(keys::MANAGED_BY).is_some_and(|by| by == keys::MANAGER);
                ours && instance.is_some_and(|name| name == watched.name()) && foreign(&budget.meta.owner_uid)
            }),
            Kind::Deployment => names(&watched.deployments, |d| foreign(&d.owner_uid)),
            Kind::Job => names(&watched.jobs, |job| foreign(&job.owner_uid)),
            // None of ours: the Milvus is refused while there is one.
            Kind::StatefulSet => Vec::new(),
        }
    }
}

/// Names of the records that `is` holds for.
fn names<T>(records: &BTreeMap<String, T>, is: impl Fn(&T) -> bool) -> Vec<String> {
    records.iter().filter(|(_, record)| is(record)).map(|(name, _)| name.clone()).collect()
}

impl Watched {
    /// Name of the Milvus.
    pub fn name(&self) -> &str {
        &self.milvus.name
    }

    /// The Deployments that belong to this very object, not to a former one of the same name.
    pub fn owned(&self) -> impl Iterator<Item = &DeploymentRecord> {
        self.deployments.values().filter(|d| d.owner_uid.as_deref() == Some(&self.milvus.uid))
    }

    /// Keys in `status.appliedGenerations` of what exists.
    pub fn applied_keys(&self) -> BTreeSet<String> {
        let entry = format!("{}-milvus", self.name());
        let deployments = self.deployments.values().filter(|d| !d.deleting).map(|d| &*d.name);
        let deployments = deployments.map(|name| Kind::Deployment.applied_key(name));
        let ingress = self.ingress.iter().map(|_| Kind::Ingress.applied_key(&entry));
        let monitor = self.pod_monitor.iter().map(|_| Kind::PodMonitor.applied_key(self.name()));
        let budgets = self.budgets.keys().map(|name| Kind::PodDisruptionBudget.applied_key(name));
        deployments.chain(ingress).chain(monitor).chain(budgets).collect()
    }

    /// A Deployment by name, unless it is on its way out.
    pub fn deployment(&self, name: &str) -> Option<&DeploymentRecord> {
        self.deployments.get(name).filter(|d| !d.deleting)
    }

    /// Something of this Milvus exists or has run: what it depends on can't be exchanged any more.
    pub fn started(&self) -> bool {
        self.has_run() || self.owned().next().is_some()
    }

    /// It was complete once, so what Milvus makes at its first start (the bucket) must exist.
    pub fn has_run(&self) -> bool {
        self.milvus.current_image().is_some()
    }
}
