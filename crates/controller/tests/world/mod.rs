//! A Kubernetes that fits into a test: it takes what a pass renders, moves pods a step at a time, and checks after every
//! step what must hold at all times.
//!
//! It is a model, and is kept small: the real API server is the business of the scenario tests. What it has of it is what a
//! pass can see: generations, observed generations, counts, pods that get ready or never do, pods that end slowly.
#![allow(dead_code, reason = "each test binary uses its own part")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper of tests")]

mod api;
mod check;
mod controller;
pub mod crs;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::apps::v1::{Deployment, DeploymentStatus};
use k8s_openapi::api::core::v1::{ConfigMap, PersistentVolumeClaim, Service};
use k8s_openapi::api::networking::v1::Ingress;
use milvus_api::{ConditionType, Milvus, MilvusStatus, PodMonitor};
use milvus_state::fold::Applied;
use milvus_state::records::{
    ClaimRecord, ConfigMapRecord, DeploymentRecord, IngressRecord, MetaRecord, MonitorKind, PodRecord,
    ServiceRecord,
};
use milvus_state::render::{MetaWrite, Tool};
use milvus_state::snapshot::ProbeView;
use milvus_state::{Core, Decided, Note, Probes, Snapshot, decide, fold, needs};

use serde::de::DeserializeOwned;
use serde_json::Value;

pub use check::{Change, History};
pub use controller::SimPod;

/// Passes after which a test that has not come to rest is given up.
const LIMIT: usize = 600;
/// Steps without any change after which the world is at rest.
const QUIET: usize = 3;

/// How pods behave.
#[derive(Clone, Debug)]
pub struct Behaviour {
    /// Steps from the start of a pod until it is ready and available.
    pub ready_after: u32,
    /// Steps from the end of a pod until it is gone.
    pub ends_after: u32,
    /// Images that can't be pulled.
    pub broken: BTreeSet<String>,
    /// A component and an image whose pods a quota refuses.
    pub refused: Option<(String, String)>,
    /// Steps until the operator's watch brings what a Deployment's status says. Pods are listed, so they are never late.
    pub watch_lag: usize,
}

/// What goes wrong at the n-th write (from 1), counted over all writes of all passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The write happens; then the process dies.
    DiesAfter(usize),
    /// The API server refuses the write.
    Refused(usize),
}

/// What must hold besides what always does.
#[derive(Clone, Copy, Debug, Default)]
pub struct Demands {
    /// Components go one after the other; those of a pair may go together.
    pub ordered: bool,
    /// As many pods as asked for are available all the time.
    pub serving: bool,
}

/// The cluster, the operator and a clock.
#[derive(Clone)]
pub struct World {
    /// The moment.
    pub now: Timestamp,
    /// The custom resource; `None` once it is gone.
    pub milvus: Option<Milvus>,
    /// By name.
    pub deployments: BTreeMap<String, Deployment>,
    /// By name.
    pub config_maps: BTreeMap<String, ConfigMap>,
    /// Volume claim, Ingress and PodMonitor, by `KIND/NAME`.
    pub beside: BTreeMap<String, Value>,
    /// Whether there can be PodMonitors.
    pub monitor_kind: MonitorKind,
    /// The one Service.
    pub service: Option<Service>,
    /// By name.
    pub pods: BTreeMap<String, SimPod>,
    /// What the probes of the dependencies say.
    pub probes: Probes,
    /// Whether the Kafka Secret has a CA, if that is known.
    pub kafka_ca: Option<bool>,
    /// How pods behave.
    pub behaviour: Behaviour,
    /// What goes wrong.
    pub fault: Option<Fault>,
    /// What the API server says when it refuses.
    pub refusal: String,
    /// What must hold.
    pub demands: Demands,
    /// What was seen and done.
    pub history: History,
    /// The last decision.
    pub decided: Option<Decided>,
    /// The tool image of the operator.
    pub tool: Tool,
    /// The status of every Deployment, by UID, after each of the last steps, the newest first.
    pub(crate) watched: VecDeque<BTreeMap<String, DeploymentStatus>>,
    pub(crate) meta: MetaWrite,
    pub(crate) serial: u64,
    pub(crate) writes: usize,
}

/// What became of a pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pass {
    /// It wrote this often.
    Wrote(usize),
    /// The process died in it.
    Died,
    /// There is nothing to reconcile.
    Gone,
}

fn ready(reason: &str) -> ProbeView {
    ProbeView { ready: true, reason: reason.to_owned(), message: String::new() }
}

impl World {
    /// A world with one Milvus in it, before the first pass. All dependencies are ready.
    pub fn new(milvus: Milvus) -> World {
        let probes = Probes {
            etcd: Some(ready("EtcdReady")),
            storage: Some(ready("StorageReady")),
            queue: Some(ready("MsgStreamReady")),
        };
        let mut world = World {
            now: Timestamp::from_second(1_800_000_000).unwrap(),
            milvus: None,
            deployments: BTreeMap::new(),
            config_maps: BTreeMap::new(),
            beside: BTreeMap::new(),
            monitor_kind: MonitorKind::Present,
            service: None,
            pods: BTreeMap::new(),
            probes,
            behaviour: Behaviour {
                ready_after: 2,
                ends_after: 2,
                broken: BTreeSet::new(),
                refused: None,
                watch_lag: 0,
            },
            watched: VecDeque::new(),
            kafka_ca: Some(false),
            fault: None,
            refusal: "refused".to_owned(),
            demands: Demands::default(),
            history: History::default(),
            decided: None,
            tool: Tool { image: "operator:1".to_owned(), pull_policy: "IfNotPresent".to_owned() },
            meta: MetaWrite::default(),
            serial: 0,
            writes: 0,
        };
        world.create(milvus);
        world
    }

    /// A world in which the Milvus is healthy and at rest.
    pub fn running(milvus: Milvus) -> World {
        let mut world = World::new(milvus);
        world.settle();
        assert!(world.updated(), "{}", world.describe());
        world.history.changes.clear();
        world.history.messages.clear();
        world
    }

    /// The Milvus, which must exist.
    pub fn cr(&self) -> &Milvus {
        self.milvus.as_ref().unwrap()
    }

    /// Its status, which must exist.
    pub fn status(&self) -> &MilvusStatus {
        self.cr().status.as_ref().unwrap()
    }

    /// Changes the Milvus as a user does: the generation moves when the spec does.
    pub fn edit(&mut self, change: impl FnOnce(&mut Milvus)) {
        let milvus = self.milvus.as_mut().unwrap();
        let before = milvus.spec.clone();
        change(milvus);
        if milvus.spec != before {
            milvus.metadata.generation = milvus.metadata.generation.map(|g| g + 1);
        }
    }

    /// Sets the image that the spec asks for.
    pub fn set_image(&mut self, tag: &str) {
        self.edit(|m| m.spec.components.global.image = Some(crs::image(tag)));
    }

    /// One pass of the operator.
    pub fn pass(&mut self) -> Pass {
        let Some(snapshot) = self.observe() else { return Pass::Gone };
        let decided = decide(&snapshot).unwrap();
        let before = self.writes;
        let mut applied = Applied::default();
        let outcome = self.carry_out(&decided, &mut applied);
        self.history.objects_written += self.writes - before;
        if outcome.is_none() {
            return Pass::Died;
        }
        let folded = fold(&snapshot, &decided, &applied);
        self.decided = Some(decided);
        self.history.notes.extend(folded.notes.clone());
        let status = round_trip(&folded.status);
        if self.cr().status.as_ref() != Some(&status)
            && self.write(|world| world.put_status(status)).is_none()
        {
            return Pass::Died;
        }
        if folded.released {
            self.milvus = None;
            return Pass::Gone;
        }
        self.history.note_message(self.condition(ConditionType::MilvusUpdated).1);
        Pass::Wrote(self.writes - before)
    }

    /// Passes and steps until nothing changes any more.
    pub fn settle(&mut self) {
        let mut quiet = 0;
        for _ in 0..LIMIT {
            quiet = if self.step() { 0 } else { quiet + 1 };
            if quiet >= QUIET {
                return;
            }
        }
        panic!("does not come to rest\n{}", self.describe());
    }

    /// Passes and steps until `there`, which must come.
    pub fn until(&mut self, what: &str, there: impl Fn(&World) -> bool) {
        for _ in 0..LIMIT {
            if there(self) {
                return;
            }
            self.step();
        }
        panic!("never: {what}\n{}", self.describe());
    }

    /// One pass and one step of the cluster; whether anything changed, or will by itself.
    ///
    /// A pass that has written is followed by another before the cluster moves: the write itself wakes the operator, and what
    /// it then sees has a new generation and the counts of the old one.
    pub fn step(&mut self) -> bool {
        let pass = self.pass();
        self.check();
        if !matches!(pass, Pass::Wrote(0) | Pass::Gone) {
            self.pass();
            self.check();
        }
        let moved = self.tick();
        self.check();
        moved || !matches!(pass, Pass::Wrote(0) | Pass::Gone)
    }

    /// What the operator reads.
    pub fn observe(&self) -> Option<Snapshot> {
        let milvus = self.milvus.clone()?;
        let earlier = self.watched.get(self.behaviour.watch_lag);
        let deployments = self.deployments.values().map(|live| {
            let late = earlier.and_then(|all| all.get(live.metadata.uid.as_ref()?)).cloned();
            DeploymentRecord::of(&Deployment { status: late.or_else(|| live.status.clone()), ..live.clone() })
        });
        let core = Core {
            now: self.now,
            milvus,
            deployments: deployments.map(|d| (d.name.clone(), d)).collect(),
            config_maps: self.config_maps.iter().map(|(n, m)| (n.clone(), ConfigMapRecord::of(m))).collect(),
            service: self.service.as_ref().map(ServiceRecord::of),
            ingress: self.live("Ingress").map(|i: Ingress| IngressRecord::of(&i)),
            pod_monitor: self.live("PodMonitor").map(|m: PodMonitor| MetaRecord::of(&m.metadata)),
            monitor_kind: self.monitor_kind,
            minio_link: false,
            tool: self.tool.clone(),
            operator_version: "test".to_owned(),
        };
        let needs = needs(&core, false);
        let pods =
            needs.pods.then(|| self.pods.values().filter_map(|p| PodRecord::of(&p.object())).collect());
        let templates = needs.templates.iter().filter_map(|name| {
            let template = &self.deployments.get(name)?.spec.as_ref()?.template;
            Some((name.clone(), serde_json::to_value(template).unwrap()))
        });
        let templates = templates.collect();
        let claim = needs.claim.and_then(|name| {
            let found = self.beside.get(&format!("PersistentVolumeClaim/{name}"))?;
            let claim: PersistentVolumeClaim = serde_json::from_value(found.clone()).unwrap();
            Some(ClaimRecord::of(&claim))
        });
        Some(Snapshot {
            core,
            pods,
            templates,
            claim,
            probes: self.probes.clone(),
            kafka_ca: self.kafka_ca,
            changed_secrets: Vec::new(),
        })
    }

    /// The one object of a kind.
    pub fn live<T: DeserializeOwned>(&self, kind: &str) -> Option<T> {
        let found = self.beside.iter().find(|(key, _)| key.split('/').next() == Some(kind));
        found.map(|(_, object)| serde_json::from_value(object.clone()).unwrap())
    }

    /// Status, message and reason of a condition.
    pub fn condition(&self, type_: ConditionType) -> (String, String, String) {
        let status = self.milvus.as_ref().and_then(|m| m.status.as_ref());
        let found = status.and_then(|s| s.condition(type_)).cloned().unwrap_or_default();
        (found.status, found.message, found.reason)
    }

    /// `MilvusUpdated` is True.
    pub fn updated(&self) -> bool {
        self.condition(ConditionType::MilvusUpdated).0 == "True"
    }

    /// Events of one reason.
    pub fn notes(&self, reason: &str) -> Vec<&Note> {
        self.history.notes.iter().filter(|n| n.reason == reason).collect()
    }

    /// Writes that were attempted so far.
    pub fn writes(&self) -> usize {
        self.writes
    }

    fn advance_clock(&mut self) {
        self.now = self.now.checked_add(SignedDuration::from_secs(1)).unwrap();
    }
}

/// A status as it is read back: what does not survive that is written again and again.
fn round_trip(status: &MilvusStatus) -> MilvusStatus {
    serde_json::from_value(serde_json::to_value(status).unwrap()).unwrap()
}
