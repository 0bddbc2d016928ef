//! Everything one pass has read, and the time, as plain data.
//!
//! [`Watched`] is read first, from the watches and for free; [`crate::needs`] says, from that and the parsed
//! spec, what else the pass must ask for. A [`Snapshot`] is both together. Nothing after it reads anything.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use milvus_api::Reason;
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

    /// Names of objects that a former Milvus of the same name left and that are not gone yet. An object without an
    /// owner (orphaned by `kubectl delete --cascade=orphan`) is not among them: it is taken over.
    pub fn leftovers(&self) -> Vec<String> {
        let uid = Some(self.milvus.uid.as_str());
        let foreign = |owner: &Option<String>| owner.is_some() && owner.as_deref() != uid;
        let mut left: Vec<String> = self
            .deployments
            .values()
            .filter(|d| foreign(&d.owner_uid))
            .map(|d| format!("Deployment {}", d.name))
            .collect();
        let maps = self.config_maps.iter().filter(|(_, map)| foreign(&map.owner_uid));
        left.extend(maps.map(|(name, _)| format!("ConfigMap {name}")));
        let name = self.name();
        let others = [
            (self.service.as_ref().map(|s| &s.owner_uid), format!("Service {name}-milvus")),
            (self.ingress.as_ref().map(|i| &i.meta.owner_uid), format!("Ingress {name}-milvus")),
            (self.pod_monitor.as_ref().map(|m| &m.owner_uid), format!("PodMonitor {name}")),
        ];
        left.extend(others.into_iter().filter(|(owner, _)| owner.is_some_and(foreign)).map(|(_, what)| what));
        left
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
