//! Everything one pass has read, and the time, as plain data.
//!
//! [`Core`] is read first, from the watches and for free; [`needs`] says, from that alone, what else the pass must ask
//! for. A [`Snapshot`] is both together. Nothing after it reads anything.

use std::collections::BTreeMap;

use jiff::Timestamp;
use milvus_api::Milvus;
use serde_json::Value;

use crate::layout::Layout;
use crate::records::{
    ClaimRecord, ConfigMapRecord, DeploymentRecord, IngressRecord, MetaRecord, MonitorKind, PodRecord,
    ServiceRecord,
};
use crate::render::Tool;
use crate::survey;
use crate::target;
use crate::validate::{DataVolume, validate};

/// What the watches hold about one Milvus.
#[derive(Clone, Debug)]
pub struct Core {
    /// The moment of the pass: every "since" comes from here.
    pub now: Timestamp,
    /// The object as the API server stores it.
    pub milvus: Milvus,
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
    /// A Service named `minio` is in the namespace.
    pub minio_link: bool,
    /// What the operator gives to pods.
    pub tool: Tool,
    /// Version of the operator, for the label on a new Milvus.
    pub operator_version: String,
}

/// What the pass must ask the API server for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// The pods of the Milvus: something moves, so old pods, problems and running images count.
    pub pods: bool,
    /// Live pod templates of these Deployments, to change their size without changing their template.
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
    pub reason: String,
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
    pub core: Core,
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
        self.core.owned().next().is_none() && self.pods.as_ref().is_none_or(Vec::is_empty)
    }
}

/// Says what else a pass must read.
///
/// Pods are listed only while something moves: a settled Milvus costs no request.
pub fn needs(core: &Core, kafka_has_ca: bool) -> Needs {
    let milvus = validate(&core.milvus, kafka_has_ca);
    if core.milvus.metadata.deletion_timestamp.is_some() {
        // Its finalizer goes when its last pod has gone, and with that the claim, if it is to go too.
        let claim = milvus.ok().and_then(|m| m.claim_to_delete().map(str::to_owned));
        return Needs { pods: true, claim, ..Needs::default() };
    }
    let Ok(milvus) = milvus else { return Needs::default() };
    let claim = milvus.data.as_ref().and_then(DataVolume::claim_name).map(str::to_owned);
    let settled = survey::settled(core);
    let Ok(targets) = target::targets(&milvus, core, None) else { return Needs::default() };
    let mut templates = Vec::new();
    let mut all_at_target = true;
    for target in &targets {
        let mine = target.records(core);
        all_at_target &= mine.iter().all(|record| target.matches(record) || record.replicas == 0);
        all_at_target &= !mine.is_empty();
        if target.layout != Layout::Single {
            // Pods of an old template are moved away, or started again where all were stopped.
            let stopped = !mine.iter().any(|r| target.matches(r) || r.replicas > 0);
            let resized =
                mine.iter().filter(|r| !target.matches(r) && (stopped || r.replicas > 0 || r.current() > 0));
            templates.extend(resized.map(|r| r.name.clone()));
        }
    }
    Needs { pods: !(settled && all_at_target), templates, claim }
}

impl Core {
    /// Name of the Milvus.
    pub fn name(&self) -> &str {
        self.milvus.metadata.name.as_deref().unwrap_or_default()
    }

    /// The Deployments that belong to this very object, not to a former one of the same name.
    pub fn owned(&self) -> impl Iterator<Item = &DeploymentRecord> {
        let uid = self.milvus.metadata.uid.as_deref();
        self.deployments.values().filter(move |d| d.owner_uid.as_deref() == uid)
    }

    /// Names of objects that a former Milvus of the same name left and that are not gone yet. An object without an
    /// owner (orphaned by `kubectl delete --cascade=orphan`) is not among them: it is taken over.
    pub fn leftovers(&self) -> Vec<String> {
        let uid = self.milvus.metadata.uid.as_deref();
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
        let ran = self.milvus.status.as_ref().and_then(|s| s.current_image.as_ref());
        ran.is_some_and(|image| !image.is_empty())
    }
}
