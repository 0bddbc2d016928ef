//! One process of the operator: the production context, with its watches, on the simulated server.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::StreamExt as _;
use jiff::{SignedDuration, Timestamp};
use kube::Client;
use kube::runtime::controller::Action;
use milvus_api::Milvus;
use milvus_cluster::optional::{self, News};
use milvus_cluster::scope::Scope;
use milvus_cluster::watch::Watching;
use milvus_cluster::write::Writer;
use milvus_cluster::{Key, Stored};
use milvus_controller::context::Parts;
use milvus_controller::credentials::Credentials;
use milvus_controller::pass::observe::{Observed, observe};
use milvus_controller::pass::reconcile;
use milvus_controller::upgrades::answer;
use milvus_controller::{Clock, Context, Dependencies};
use milvus_sim::server::ApiServer;
use milvus_state::manifests::Tool;
use milvus_state::spec::Spec;
use milvus_state::{Probes, Snapshot};
use serde_json::Value;
use tokio::runtime::{Handle, Runtime};
use tokio::sync::Notify;
use tokio::task::{JoinHandle, LocalSet};
use tokio::time::Instant;

use super::gate::{Fault, Gate, Shared};
use super::nobody::Nobody;

/// Turns that everything which can go on gets before a pass: what a watch brings is there then.
const TURNS: usize = 300;

/// Answers as the test says.
#[derive(Default)]
struct Answers(Mutex<Probes>);

impl Dependencies for Answers {
    fn healthy(&self, _: &Spec) -> bool {
        true
    }

    fn probes(&self, _: &Spec, _: &Credentials, _: bool) -> Probes {
        self.0.lock().unwrap().clone()
    }

    fn forget(&self, _: &str, _: &str) {}
}

/// The process died.
pub struct Died;

/// A process.
pub struct Operator {
    ctx: Arc<Context>,
    shared: Arc<Mutex<Shared>>,
    died: Arc<Notify>,
    answers: Arc<Answers>,
    wrong_by: Arc<AtomicI64>,
    time: Time,
    tasks: Vec<JoinHandle<()>>,
}

impl Operator {
    /// Starts it: its watches list what exists.
    pub fn start(
        runtime: &Runtime,
        local: &LocalSet,
        server: &ApiServer,
        start: Timestamp,
        tool: &Tool,
        lag: usize,
    ) -> Operator {
        let time = Time::from(runtime, start);
        let wrong_by = Arc::new(AtomicI64::new(0));
        let shared = Arc::new(Mutex::new(Shared {
            lag: Duration::from_secs(u64::try_from(lag).unwrap()),
            ..Shared::default()
        }));
        let died = Arc::new(Notify::new());
        let gate = Gate { shared: shared.clone(), died: died.clone(), server: server.service() };
        let answers = Arc::new(Answers::default());
        let (clock, dependencies, tool) = (clock(&time, &wrong_by), answers.clone(), tool.clone());
        let (ctx, tasks) = local.block_on(runtime, async move {
            let client = Client::new(gate, "default");
            let ctx = Arc::new(Context::new(Parts {
                writer: Writer::new(client.clone(), Arc::new(|_| true)),
                client,
                clock,
                dependencies,
                observer: Arc::new(Nobody),
                tool,
                version: "test".to_owned(),
                instance: "operator-0".to_owned(),
                secrets_period: Duration::from_hours(1),
            }));
            let tasks = watches(&ctx);
            turns().await;
            (ctx, tasks)
        });
        Operator { ctx, shared, died, answers, wrong_by, time, tasks }
    }

    /// Ends it.
    pub fn stop(&mut self) {
        self.tasks.drain(..).for_each(|task| task.abort());
    }

    /// The next process goes on with the counts and the clock of the one before.
    pub fn carry_on(&mut self, writes: usize, counts: (usize, usize), wrong_by: i64, probes: &Probes) {
        let mut shared = self.shared.lock().unwrap();
        shared.writes = writes;
        (shared.objects, shared.statuses) = counts;
        drop(shared);
        self.wrong_by.store(wrong_by, Ordering::Relaxed);
        self.answer(probes);
    }

    /// What the probes say.
    pub fn answer(&self, probes: &Probes) {
        *self.answers.0.lock().unwrap() = probes.clone();
    }

    /// What goes wrong from now on.
    pub fn expect(&self, fault: Option<Fault>, refusal: &str) {
        let mut shared = self.shared.lock().unwrap();
        shared.fault = fault;
        refusal.clone_into(&mut shared.refusal);
    }

    /// One pass, and when it wants to be made again; an error if the process died in it.
    pub fn pass(&self, runtime: &Runtime, local: &LocalSet, stored: &Value) -> Result<Option<Action>, Died> {
        let object: Stored<Milvus> = serde_json::from_value(stored.clone()).unwrap();
        local.block_on(runtime, async {
            turns().await;
            tokio::select! {
                biased;
                () = self.died.notified() => Err(Died),
                outcome = reconcile(Arc::new(object), self.ctx.clone()) => {
                    turns().await;
                    // What a pass could not write it has reported; the next one tries again.
                    Ok(outcome.ok())
                }
            }
        })
    }

    /// Answers the `MilvusUpgrade` objects that name a Milvus which does not exist.
    pub fn answer_orphans(&self, runtime: &Runtime, local: &LocalSet, key: &Key) {
        local.block_on(runtime, async {
            turns().await;
            answer(&self.ctx, key, false).await.unwrap();
            turns().await;
        });
    }

    /// What a pass reads.
    pub fn observe(&self, runtime: &Runtime, local: &LocalSet, stored: &Value) -> Snapshot {
        let object: Stored<Milvus> = serde_json::from_value(stored.clone()).unwrap();
        local.block_on(runtime, async {
            turns().await;
            let Observed { snapshot, .. } =
                Box::pin(observe(&self.ctx, object.decode().unwrap())).await.unwrap();
            snapshot
        })
    }

    /// Whether the cluster has PodMonitors is found out by looking every half a minute.
    pub fn look_for_kinds(runtime: &Runtime, local: &LocalSet) {
        local.block_on(runtime, async {
            tokio::time::sleep(optional::LOOK_AGAIN).await;
            turns().await;
        });
    }

    /// Writes that were attempted.
    pub fn writes(&self) -> usize {
        self.shared.lock().unwrap().writes
    }

    /// Writes of objects and of statuses that were attempted.
    pub fn counts(&self) -> (usize, usize) {
        let shared = self.shared.lock().unwrap();
        (shared.objects, shared.statuses)
    }

    /// The moment by its clock.
    pub fn now(&self) -> Timestamp {
        self.ctx.parts.clock.now()
    }

    /// The right time.
    pub fn server_time(&self) -> Timestamp {
        self.time.now()
    }

    /// Sets its clock.
    pub fn jump(&self, by: SignedDuration) {
        self.wrong_by.fetch_add(i64::try_from(by.as_millis()).unwrap(), Ordering::Relaxed);
    }

    /// How wrong its clock is, in milliseconds.
    pub fn wrong_by(&self) -> i64 {
        self.wrong_by.load(Ordering::Relaxed)
    }
}

/// The virtual time of the runtime. Outside of it tokio tells the real one.
#[derive(Clone)]
struct Time {
    start: Timestamp,
    began: Instant,
    runtime: Handle,
}

impl Time {
    fn from(runtime: &Runtime, start: Timestamp) -> Time {
        let _inside = runtime.enter();
        Time { start, began: Instant::now(), runtime: runtime.handle().clone() }
    }

    fn now(&self) -> Timestamp {
        let _inside = self.runtime.enter();
        self.start.checked_add(self.began.elapsed()).unwrap()
    }
}

fn clock(time: &Time, wrong_by: &Arc<AtomicI64>) -> Clock {
    let (time, wrong_by) = (time.clone(), wrong_by.clone());
    Clock::new(move || {
        let right = time.now();
        right.checked_add(SignedDuration::from_millis(wrong_by.load(Ordering::Relaxed))).unwrap()
    })
}

/// Runs the production watches; what they bring is kept in the records.
fn watches(ctx: &Context) -> Vec<JoinHandle<()>> {
    let watching =
        Watching { client: ctx.parts.client.clone(), scope: Scope::All, records: ctx.records.clone() };
    let (one, _) = futures::channel::mpsc::unbounded();
    let (all, _) = futures::channel::mpsc::unbounded();
    let (optional, _) = optional::watch(watching.clone(), News::new(one, all));
    let mut tasks = vec![tokio::task::spawn_local(optional)];
    for (stream, _) in watching.all(true) {
        tasks.push(tokio::task::spawn_local(stream.for_each(|_| std::future::ready(()))));
    }
    tasks
}

/// Everything that can go on goes on.
async fn turns() {
    for _ in 0..TURNS {
        tokio::task::yield_now().await;
    }
}
