//! Dependencies that swallow every packet: who has one waits alone.

use std::time::{Duration, Instant};

use futures::future::join_all;
use k8s_openapi::api::apps::v1::Deployment;
use milvus_api::ConditionType::{self, EtcdReady, MsgStreamReady, StorageReady};
use milvus_testkit::blackhole::{Dropping, Silent};
use milvus_testkit::wait::wait_for;
use serde_json::{Value, json};

use crate::world::{SOON, Story, World, said};

/// How many have dependencies that answer.
const SOUND: usize = 15;
/// What a pass or a watch may take more on a busy machine; a probe of a hole takes 5 s.
const NOISE: Duration = Duration::from_millis(2_500);
/// Requests about the five that wait, in [`WATCHED`]: each reads its Secret every 10 s and tells an Event or two.
const CALM: usize = 25;
const WATCHED: Duration = Duration::from_secs(6);

fn named(story: &Story, name: &str) -> Value {
    let mut milvus = story.places.standalone("2.4.9");
    milvus["metadata"]["name"] = json!(name);
    milvus
}

/// Creates so many at the same time; how long the slowest took to its first Deployment, and the median.
async fn first_deployments(story: &Story, prefix: &str) -> (Duration, Duration) {
    let one = async |n: usize| {
        let name = format!("{prefix}-{n}");
        let begun = Instant::now();
        story.create(named(story, &name)).await;
        let there = |found: Option<&Deployment>| found.is_some();
        wait_for(story.api::<Deployment>(), &format!("{name}-milvus-standalone"), SOON, there).await.unwrap();
        begun.elapsed()
    };
    let mut took = join_all((0..SOUND).map(one)).await;
    took.sort();
    (took[SOUND - 1], took[SOUND / 2])
}

/// Waits until a condition of a Milvus is False because nobody answers.
async fn until_no_answer(story: &Story, name: &str, kind: ConditionType) {
    let silent = |message: &str| message.contains("no answer within 5 s");
    story
        .until_named(name, |milvus| {
            said(milvus, kind).is_some_and(|[s, _, message]| s == "False" && silent(message))
        })
        .await;
}

#[tokio::test]
async fn of_twenty_five_that_are_black_holed_slow_down_no_other() {
    let story = World::story("dep-holes").await;
    let (silent, dropping) = (Silent::start().await.unwrap(), Dropping::start().await.unwrap());
    let alone = first_deployments(&story, "alone").await;

    let begun = Instant::now();
    for n in 0..3 {
        let mut holed = named(&story, &format!("etcd-{n}"));
        holed["spec"]["dependencies"]["etcd"]["endpoints"] = json!([silent.address()]);
        story.create(holed).await;
    }
    let mut holed = named(&story, "storage-0");
    holed["spec"]["dependencies"]["storage"]["endpoint"] = json!(dropping.address());
    story.create(holed).await;
    let mut holed = named(&story, "queue-0");
    holed["spec"]["dependencies"]["msgStreamType"] = json!("kafka");
    holed["spec"]["dependencies"]["kafka"] = json!({ "external": true, "brokerList": [dropping.address()] });
    story.create(holed).await;
    let beside = first_deployments(&story, "beside").await;

    println!("slowest and median to the first Deployment: alone {alone:?}, beside five holes {beside:?}");
    assert!(beside.0 <= alone.0 + NOISE, "slowest: alone {alone:?}, beside five holes {beside:?}");
    assert!(beside.1 <= alone.1 + NOISE, "median: alone {alone:?}, beside five holes {beside:?}");

    for n in 0..3 {
        until_no_answer(&story, &format!("etcd-{n}"), EtcdReady).await;
    }
    // Three of them share a target. Probes of it take 5 s and follow each other after 1 s at least.
    let probes = usize::try_from(begun.elapsed().as_secs() / 5).unwrap() + 1;
    assert!(silent.accepted() <= probes, "{} connections in {:?}", silent.accepted(), begun.elapsed());
    until_no_answer(&story, "storage-0", StorageReady).await;
    until_no_answer(&story, "queue-0", MsgStreamReady).await;

    for n in 0..SOUND {
        let healthy =
            |m: &milvus_api::Milvus| m.status.as_ref().is_some_and(|s| s.status.to_string() == "Healthy");
        story.until_named(&format!("beside-{n}"), healthy).await;
        story.until_named(&format!("alone-{n}"), healthy).await;
    }
    let before = story.requests().len();
    let written = story.quiet_for(WATCHED).await;
    let asked = story.requests().split_off(before);
    let about_secrets = asked.iter().filter(|event| event.resource == "secrets").count();
    assert!(asked.len() - about_secrets <= CALM, "{} requests in {WATCHED:?}: {asked:#?}", asked.len());
    assert!(written.iter().all(|write| write.resource == "events"), "{written:#?}");
    let holed = ["etcd-", "storage-", "queue-"];
    assert!(
        story.history().workloads().keys().all(|name| !holed.iter().any(|prefix| name.starts_with(prefix)))
    );
}
