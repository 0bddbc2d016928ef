//! A small Kubernetes for tests of passes: the real pass, with the production client, watches, cache and writer, on the
//! simulated API server, a step at a time; what must hold is checked after every step.
//!
//! Fields show what is stored. A test may change them: what differs is sent to the server, as a user's doing, before the
//! next pass.
#![allow(dead_code, reason = "each test binary uses its own part")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper of tests")]

mod check;
#[path = "../../../state/tests/support/crs.rs"]
pub mod crs;
mod gate;
mod mirror;
#[path = "../support/nobody.rs"]
mod nobody;
mod operator;
#[path = "../support/told.rs"]
pub mod told;
mod users;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Service};
use kube::runtime::controller::Action;
use milvus_api::{ConditionType, Milvus, MilvusStatus, Reason};
use milvus_sim::cluster::{Behaviour as PodBehaviour, Cluster, Pods};
use milvus_sim::server::{ApiServer, Kind};
use milvus_state::manifests::Tool;
use milvus_state::records::MonitorKind;
use milvus_state::{ProbeView, Probes, Snapshot};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};
use tokio::task::LocalSet;

pub use check::{History, News};
pub use gate::Fault;
use mirror::Mirror;
pub use mirror::SimPod;
use operator::Operator;

/// Steps after which a test that has not come to rest is given up.
const LIMIT: usize = 600;
/// Steps without any change after which the world is at rest.
const QUIET: usize = 3;
/// Looks of the cluster's controllers in a step, at most.
const LOOKS: usize = 40;

/// How pods behave. A step is a second.
#[derive(Clone, Debug, PartialEq)]
pub struct Behaviour {
    /// Steps from the start of a pod until it is ready and available.
    pub ready_after: u32,
    /// Steps from the end of a pod until it is gone.
    pub ends_after: u32,
    /// Images that can't be pulled.
    pub broken: BTreeSet<String>,
    /// A component and an image whose pods a quota refuses.
    pub refused: Option<(String, String)>,
    /// Pods whose containers end again and again.
    pub crashing: Vec<Pods>,
    /// Pods that run and are not ready.
    pub unready: Vec<Pods>,
    /// Steps until the operator's watch brings what a Deployment's status says. Pods are listed, so they are never late.
    pub watch_lag: usize,
}

impl Behaviour {
    fn of_pods(&self) -> PodBehaviour {
        let refused = self.refused.iter();
        PodBehaviour {
            ready_after: Duration::from_secs(self.ready_after.into()),
            ends_after: Duration::from_secs(self.ends_after.into()),
            broken: self.broken.clone(),
            crash_loops: self.crashing.clone(),
            unready: self.unready.clone(),
            refused: refused.map(|(component, image)| Pods::of(component).and_image(image)).collect(),
            ..PodBehaviour::default()
        }
    }
}

/// What must hold besides what always does.
#[derive(Clone, Copy, Debug, Default)]
pub struct Demands {
    /// Components go one after the other; those of a pair may go together.
    pub ordered: bool,
    /// As many pods as asked for are available all the time.
    pub serving: bool,
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

/// The cluster, the operator and a clock.
pub struct World {
    /// The moment by the operator's clock.
    pub now: Timestamp,
    /// The custom resource; `None` once it is gone.
    pub milvus: Option<Milvus>,
    /// By name.
    pub deployments: BTreeMap<String, Deployment>,
    /// By name.
    pub config_maps: BTreeMap<String, ConfigMap>,
    /// Volume claim, Ingress, PodMonitor and PodDisruptionBudget, by `KIND/NAME`.
    pub others: BTreeMap<String, Value>,
    /// Whether there can be PodMonitors.
    pub monitor_kind: MonitorKind,
    /// The one Service.
    pub service: Option<Service>,
    /// By name.
    pub pods: BTreeMap<String, SimPod>,
    /// What the probes of the dependencies say.
    pub probes: Probes,
    /// Whether the Kafka Secret has a CA; without a value there is no such Secret.
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
    /// When the last pass wants to be followed by another although nothing happens; `None` if it failed.
    pub next: Option<Action>,
    /// The tool image of the operator.
    pub tool: Tool,
    server: ApiServer,
    cluster: Cluster,
    mirror: Mirror,
    operator: Operator,
    local: LocalSet,
    runtime: Runtime,
}

fn ready(reason: Reason) -> ProbeView {
    ProbeView { ready: true, reason, message: String::new() }
}

impl World {
    /// A world with one Milvus in it, before the first pass. All dependencies are ready.
    pub fn new(milvus: Milvus) -> World {
        let start = Timestamp::from_second(1_800_000_000).unwrap();
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let local = LocalSet::new();
        let tool = Tool { image: "operator:1".to_owned(), pull_policy: "IfNotPresent".to_owned() };
        let behaviour = Behaviour {
            ready_after: 2,
            ends_after: 2,
            broken: BTreeSet::new(),
            refused: None,
            crashing: Vec::new(),
            unready: Vec::new(),
            watch_lag: 0,
        };
        let probes = Probes {
            etcd: Some(ready(Reason::EtcdReady)),
            storage: Some(ready(Reason::StorageReady)),
            queue: Some(ready(Reason::MsgStreamReady)),
        };
        let server = {
            let _guard = runtime.enter();
            ApiServer::new(start)
        };
        let operator = Operator::start(&runtime, &local, &server, start, &tool, 0);
        let mut world = World {
            now: start,
            milvus: None,
            deployments: BTreeMap::new(),
            config_maps: BTreeMap::new(),
            others: BTreeMap::new(),
            monitor_kind: MonitorKind::Present,
            service: None,
            pods: BTreeMap::new(),
            probes,
            kafka_ca: Some(false),
            cluster: Cluster::new(behaviour.of_pods()),
            behaviour,
            fault: None,
            refusal: "refused".to_owned(),
            demands: Demands::default(),
            history: History::default(),
            next: None,
            tool,
            server,
            mirror: Mirror::default(),
            operator,
            local,
            runtime,
        };
        world.secret("minio", &["accesskey", "secretkey"]);
        world.refresh();
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

    /// One pass of the operator.
    pub fn pass(&mut self) -> Pass {
        self.flush();
        let before = self.operator.writes();
        let Some(stored) = self.stored() else { return Pass::Gone };
        self.operator.expect(self.fault, &self.refusal);
        let ended = self.operator.pass(&self.runtime, &self.local, &stored);
        self.refresh();
        let Ok(next) = ended else {
            self.restart();
            return Pass::Died;
        };
        self.next = next;
        if self.milvus.is_none() {
            return Pass::Gone;
        }
        self.history.add_message(self.condition(ConditionType::MilvusUpdated).1);
        Pass::Wrote(self.operator.writes() - before)
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
    /// A pass that has written is followed by another before the cluster moves: the write itself wakes the operator, and
    /// what it then sees has a new generation and the counts of the old one.
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

    /// One step: a second passes, then the controllers of the cluster look until they have nothing to do. Whether
    /// anything changed, or will by itself.
    pub fn tick(&mut self) -> bool {
        self.flush();
        self.history.steps += 1;
        self.advance(Duration::from_secs(1));
        let before = self.server.with(|store| store.revision());
        let mut due = None;
        for _ in 0..LOOKS {
            let round = self.server.with(|store| self.cluster.step(store)).unwrap();
            due = round.due;
            if !round.wrote {
                break;
            }
        }
        self.refresh();
        let soon = self.operator.server_time().checked_add(self.patience()).unwrap();
        self.server.with(|store| store.revision()) != before || due.is_some_and(|due| due <= soon)
    }

    /// How long a pod that does well may take for its next change. What takes longer is a timer of the cluster, which
    /// does not keep the world from being at rest.
    fn patience(&self) -> Duration {
        let pods = self.behaviour.ready_after.max(self.behaviour.ends_after) + 1;
        let settles = |deployment: &&Deployment| {
            let status = deployment.status.clone().unwrap_or_default();
            status.ready_replicas.unwrap_or_default() > status.available_replicas.unwrap_or_default()
        };
        let settling = self.deployments.values().filter(settles);
        let seconds = settling.filter_map(|d| d.spec.as_ref()?.min_ready_seconds).max().unwrap_or_default();
        Duration::from_secs(u64::from(pods) + u64::try_from(seconds).unwrap())
    }

    /// Time goes by, and nobody wakes the operator.
    pub fn sleep(&mut self, time: Duration) {
        self.flush();
        self.advance(time);
        self.refresh();
    }

    fn advance(&mut self, time: Duration) {
        self.local.block_on(&self.runtime, tokio::time::advance(time));
        self.now = self.operator.now();
        self.mirror.now = self.now;
        let now = self.operator.server_time();
        self.server.with(|store| store.set_now(now));
    }

    /// A new process of the operator, which knows nothing of the one before.
    pub fn restart(&mut self) {
        self.operator.stop();
        let (time, wrong_by) = (self.operator.server_time(), self.operator.wrong_by());
        let (writes, counts) = (self.operator.writes(), self.operator.counts());
        let lag = self.behaviour.watch_lag;
        self.operator = Operator::start(&self.runtime, &self.local, &self.server, time, &self.tool, lag);
        self.operator.carry_on(writes, counts, wrong_by, &self.probes);
    }

    /// What the operator reads.
    pub fn observe(&mut self) -> Option<Snapshot> {
        self.flush();
        let stored = self.stored()?;
        Some(self.operator.observe(&self.runtime, &self.local, &stored))
    }

    fn stored(&self) -> Option<Value> {
        self.server.with(|store| store.list(Kind::Milvus).next().cloned())
    }

    /// The one object of a kind.
    pub fn live<T: DeserializeOwned>(&self, kind: &str) -> Option<T> {
        let found = self.others.iter().find(|(key, _)| key.split('/').next() == Some(kind));
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
    pub fn events(&self, reason: &str) -> Vec<&News> {
        self.history.events.iter().filter(|n| n.reason == reason).collect()
    }

    /// Writes that were attempted so far.
    pub fn writes(&self) -> usize {
        self.operator.writes()
    }
}
