//! The upgrade of the cluster under traffic: what the operator says of it, what the client was answered, what
//! it cost.

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures::StreamExt as _;
use jiff::Timestamp;
use kube::runtime::{WatchStreamExt as _, watcher};
use milvus_api::{ConditionType, Milvus, StepState};
use milvus_testkit::{access::Output, process::ProcessId};
use tokio::{task::JoinHandle, time::sleep};

use super::{
    TO,
    client::{Client, ReadBack},
    place::{NAMESPACE, Place},
    say,
    traffic::{self, Request},
};
use crate::Failure;

/// The name of the cluster.
const NAME: &str = "my-release";
/// Traffic before the image is changed, and after everything is updated: the Go operator's table was measured
/// so.
const BEFORE: Duration = Duration::from_secs(15);
const AFTER: Duration = Duration::from_mins(1);
/// The Go operator took 362 s at most.
const UPDATED_WITHIN: Duration = Duration::from_mins(15);
/// How often the operator's memory is looked at.
const SAMPLE: Duration = Duration::from_secs(1);

/// What was seen.
pub(super) struct Roll {
    /// From the answer to the patch to `MilvusUpdated=True`, as a watch sees it.
    pub(super) took: Duration,
    /// When the patch was answered, in seconds since 1970.
    pub(super) patched: f64,
    pub(super) steps: Vec<Step>,
    pub(super) requests: Vec<Request>,
    pub(super) read_back: ReadBack,
    pub(super) memory: Memory,
}

/// A step of the upgrade, in time since the patch.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Step {
    pub(super) name: String,
    pub(super) begun: Option<Duration>,
    pub(super) done: Option<Duration>,
}

/// Resident memory of the operator, in bytes.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Memory {
    pub(super) before: u64,
    pub(super) most: u64,
    pub(super) after: u64,
}

/// Patches the image while traffic runs; returns when all is read back.
pub(super) async fn run(place: &Place, client: &Client, host: &str) -> Result<Roll, Failure> {
    let lines = place.directory.join("traffic.jsonl");
    let operator = place.operator().await?;
    let mut traffic = client.traffic(host, &lines)?;
    say("Traffic runs");
    sleep(BEFORE).await;
    let before = operator.resident_bytes()?;
    let (sampler, most) = sample(operator);
    let image = serde_json::json!({"spec": {"components": {"image": format!("milvusdb/milvus:v{TO}")}}});
    let patch = format!("-p={image}");
    let args = ["patch", "milvus", NAME, "--namespace", NAMESPACE, "--type=merge", &patch];
    place.access.kubectl(args).await.and_then(Output::success)?;
    let patched = Timestamp::now();
    say(&format!("kubectl {}", args.join(" ")));

    let mut steps = Vec::new();
    let updated = tokio::time::timeout(UPDATED_WITHIN, until_updated(place, patched, &mut steps)).await;
    let took = updated.map_err(|_| late(&steps))??;
    say(&format!("Updated after {:.0} s; the traffic goes on", took.as_secs_f64()));
    sleep(AFTER).await;
    sampler.abort();
    let memory = Memory { before, most: most.load(Ordering::Relaxed), after: operator.resident_bytes()? };
    drop(traffic.stdin.take());
    traffic.wait().await?;
    let read_back = client.verify(host, &lines).await?;
    let requests = traffic::parse(&std::fs::read_to_string(&lines)?)?;
    let patched = patched.as_duration().as_secs_f64();
    Ok(Roll { took, patched, steps, requests, read_back, memory })
}

/// The most memory that a process is seen to use, from now on.
fn sample(process: ProcessId) -> (JoinHandle<()>, Arc<AtomicU64>) {
    let most = Arc::new(AtomicU64::new(0));
    let seen = most.clone();
    let sampler = tokio::spawn(async move {
        while let Ok(bytes) = process.resident_bytes() {
            seen.fetch_max(bytes, Ordering::Relaxed);
            sleep(SAMPLE).await;
        }
    });
    (sampler, most)
}

/// Watches the Milvus until all of it is seen to be updated; notes when each step is seen to begin and to be
/// done.
async fn until_updated(
    place: &Place,
    patched: Timestamp,
    steps: &mut Vec<Step>,
) -> Result<Duration, Failure> {
    let mut states = pin!(watcher::watch_object(place.milvuses(), NAME).default_backoff());
    while let Some(state) = states.next().await {
        // A watch that fails is begun again; the time that it takes is the test's, not the operator's.
        let Ok(Some(milvus)) = state else { continue };
        let since = Timestamp::now().duration_since(patched).unsigned_abs();
        note(&milvus, since, steps);
        if is_updated(&milvus) {
            return Ok(since);
        }
    }
    Err("the watch of the Milvus has ended".into())
}

fn note(milvus: &Milvus, since: Duration, steps: &mut Vec<Step>) {
    let upgrade = milvus.status.as_ref().and_then(|status| status.upgrade.as_ref());
    for (index, step) in
        upgrade.map(|upgrade| upgrade.steps.as_slice()).unwrap_or_default().iter().enumerate()
    {
        if steps.len() <= index {
            steps.push(Step { name: step.name.clone(), ..Step::default() });
        }
        let seen = &mut steps[index];
        if seen.begun.is_none() && matches!(step.state, Some(StepState::Updating | StepState::Done)) {
            seen.begun = Some(since);
            say(&format!("{:.0} s: step {}", since.as_secs_f64(), step.name));
        }
        if seen.done.is_none() && step.state == Some(StepState::Done) {
            seen.done = Some(since);
        }
    }
}

/// For this generation, this image, and everywhere.
fn is_updated(milvus: &Milvus) -> bool {
    let Some(status) = &milvus.status else { return false };
    status.observed_generation == milvus.metadata.generation
        && status.current_image.as_deref() == Some(&format!("milvusdb/milvus:v{TO}"))
        && status.is_true(ConditionType::MilvusUpdated)
}

fn late(steps: &[Step]) -> Failure {
    format!("the Milvus was not updated within {UPDATED_WITHIN:?}; its steps: {steps:?}").into()
}
