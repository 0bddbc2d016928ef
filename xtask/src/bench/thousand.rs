//! What it costs to look after very many Milvus objects, and how fast the operator is beside them.

use std::time::Duration;

use jiff::Timestamp;
use kube::{ResourceExt, api::ListParams};
use milvus_testkit::audit::Event;
use snafu::{OptionExt as _, ResultExt as _};

use super::{
    error::{AskSnafu, Error, NoRequestSnafu, OperatorSnafu},
    figures::{CROWD, image, join_crowd},
    numbers::{Samples, between},
    process::processor_time,
    world::World,
};

/// How many are created at once.
const BATCH: usize = 100;
/// How long the operator is watched after it has looked at everything.
const AFTER_RESTART: Duration = Duration::from_secs(20);
/// How long it may take to look at everything.
const RECONCILED_WITHIN: Duration = Duration::from_mins(2);

/// Creates standalones until there are `count` in the crowd, a batch at a time, each settled before the next;
/// how long that took.
pub(super) async fn grow(world: &World, from: usize, count: usize) -> Result<Duration, Error> {
    let begun = Timestamp::now();
    let mut last = begun;
    for first in (from..count).step_by(BATCH) {
        last = join_crowd(world, first..count.min(first + BATCH)).await?.unwrap_or(last);
    }
    Ok(between(begun, last))
}

/// From the change of an image to the operator's first write about it, for `count` of the crowd, one after
/// the other.
pub(super) async fn reactions(world: &World, count: usize) -> Result<Samples, Error> {
    let from = Timestamp::now();
    let all = world.milvus(CROWD).list_metadata(&ListParams::default()).await;
    let all = all.context(AskSnafu { action: "listing the crowd" })?;
    let names: Vec<String> = all.items.iter().take(count).map(ResourceExt::name_any).collect();
    for name in &names {
        world.set_image(CROWD, name, &image(1)).await?;
        // One at a time: the rest of the crowd is to be idle, and so are the API server and the played pods.
        world.settled(CROWD, name, &image(1)).await?;
    }
    let audit: Vec<Event> = world.audit()?.into_iter().filter(|event| event.received >= from).collect();
    let of = |name: &String| {
        let about =
            |event: &&Event| event.resource == "milvuses" && event.namespace == CROWD && event.name == *name;
        let asked =
            audit.iter().filter(about).find(|event| !world.is_operators(event) && event.is_write())?;
        let later = |event: &&Event| world.wrote(event) && event.received >= asked.received;
        Some(between(asked.received, audit.iter().filter(about).find(later)?.received))
    };
    let samples: Option<Samples> = names.iter().map(of).collect();
    samples.context(NoRequestSnafu { what: "first write after a change of image" })
}

/// What a new process does with what is there.
pub(super) struct Restarted {
    /// From its start until it has looked at every Milvus.
    pub(super) reconciled: Duration,
    /// What it wrote meanwhile and in the 20 s after, but for its Lease.
    pub(super) written: Vec<String>,
    /// What it had of a processor until it had looked at all, of further starts.
    pub(super) processor: Samples,
}

/// Ends the operator and starts it again, `1 + starts` times; `crs` is how many Milvus objects there are.
///
/// # Errors
///
/// When the operator can't be started, or has not looked at every Milvus after 2 minutes.
pub(super) async fn restart(world: &mut World, crs: usize, starts: usize) -> Result<Restarted, Error> {
    const EVERY: Duration = Duration::from_millis(25);
    // Its answer has a series for each Milvus and costs it some milliseconds: the processor's time is to be
    // that of the start.
    const SELDOM: Duration = Duration::from_millis(500);
    let from = Timestamp::now();
    let reconciled = start(world, crs, EVERY).await?;
    // That nothing is written can't be waited for in any other way than by waiting.
    tokio::time::sleep(AFTER_RESTART).await;
    let written = world.written_since(from)?;
    let mut processor = Vec::new();
    for _ in 0..starts {
        start(world, crs, SELDOM).await?;
        processor.push(processor_time(world.operator.id())?);
    }
    Ok(Restarted { reconciled, written, processor: processor.into_iter().collect() })
}

/// Ends the operator and starts it again; how long it took until it had looked at every Milvus, asked for
/// that often.
async fn start(world: &mut World, crs: usize, every: Duration) -> Result<Duration, Error> {
    world.operator.terminate().await.context(OperatorSnafu)?;
    let from = Timestamp::now();
    world.operator.start_again().await.context(OperatorSnafu)?;
    let looked = async {
        // Its metrics have a series for each Milvus that it has looked at; nothing announces a new one.
        loop {
            let seen = world.operator.metrics().await.unwrap_or_default();
            if seen.lines().filter(|line| line.starts_with("milvus_status{")).count() >= crs {
                return Timestamp::now();
            }
            tokio::time::sleep(every).await;
        }
    };
    let looked = tokio::time::timeout(RECONCILED_WITHIN, looked).await.ok();
    let looked = looked.context(NoRequestSnafu { what: "pass over every Milvus after a restart" })?;
    Ok(between(from, looked))
}
