//! The order of the components, for every change that is allowed.

use std::time::Duration;

use k8s_openapi::api::apps::v1::Deployment;
use kube::{ResourceExt, api::ListParams};
use milvus_testkit::{
    ControlPlane,
    control_plane::{Options, Version},
    etcd::{self, Etcd},
    minio::Minio,
    operator::Operator,
    stages::Delays,
};
use serde_json::json;
use tokio::sync::OnceCell;

use crate::world::{ACCESS_KEY, Ground, History, SECRET_KEY, Story, World, listed, monitors};

/// A world of its own on the newest Kubernetes; the other tests share one on the default line.
static NEWEST: OnceCell<World> = OnceCell::const_new();

async fn newest() -> &'static World {
    let start = async || {
        let delays = Delays { ready: Duration::from_millis(400), delete: Duration::from_millis(200) };
        let options = Options { version: Version::V1_37, delays, ..Options::default() };
        let ground = Ground {
            plane: ControlPlane::start(options).await.unwrap(),
            etcd: Etcd::start(etcd::Options::default()).await.unwrap(),
            minio: Minio::start(ACCESS_KEY, SECRET_KEY).await.unwrap(),
        };
        monitors::install(&ground).await;
        let operator = Operator::install(ground.plane.access(), &Ground::operator_options()).await.unwrap();
        World { ground, operator }
    };
    NEWEST.get_or_init(async || Box::pin(start()).await).await
}

/// Changes the image, waits for the end, and asserts the steps that were taken.
async fn rolled(story: &Story, mark: u64, tag: &str, steps: &[&str]) {
    let generation = story.set_image(tag).await;
    let done = story.until_healthy(tag).await;
    story.caught_up(&done).await;
    let history = story.history();
    history.assert_true_updated(generation, tag);
    told(&history, mark, generation);
    history.assert_steps(mark, tag, steps);
}

/// Asserts what `conditions[4]` said: a list that only gets shorter, then that all is updated.
fn told(history: &History, mark: u64, generation: i64) {
    let fifth = |milvus: &&milvus_testkit::recorder::Change| {
        milvus.at_path("/status/conditions/4/type") == "MilvusUpdated"
    };
    assert!(history.milvus(mark).iter().all(fifth), "conditions[4] is MilvusUpdated");
    let mut messages = history.messages(mark, "MilvusUpdated", generation);
    assert_eq!(messages.pop().as_deref(), Some("Milvus components are all updated"));
    let lists: Vec<Vec<String>> =
        messages.iter().map(|m| listed(m).unwrap_or_else(|| panic!("{m}"))).collect();
    assert!(!lists.is_empty(), "nothing was said during the roll");
    for pair in lists.windows(2) {
        assert!(pair[1].iter().all(|name| pair[0].contains(name)), "{pair:?}");
    }
}

#[tokio::test]
async fn a_patch_release_of_a_cluster_with_a_mixcoord_goes_in_the_order_of_the_guide() {
    follows_the_guide(World::story("order-mix").await).await;
}

#[tokio::test]
async fn it_goes_in_the_same_order_on_the_newest_kubernetes() {
    let world = newest().await;
    let version = world.ground.plane.client().unwrap().apiserver_version().await.unwrap();
    assert_eq!((version.major.as_str(), version.minor.as_str()), ("1", "37"));
    let story = Story::begin(&world.ground, world.operator.user(), "order-newest").await;
    follows_the_guide(story.with_log(world.operator.log())).await;
}

async fn follows_the_guide(story: Story) {
    let mark = story.running(story.places.mix("2.4.9"), "2.4.9").await;
    let steps = ["indexnode", "mixcoord", "querynode", "datanode", "proxy"];
    rolled(&story, mark, "2.4.10", &steps).await;

    // An Event for each, with its own words: what says something else is not the same Event once more.
    story.until_event("UpgradeDone").await;
    assert_eq!(story.told("StepStarted").await, steps.map(|step| format!("{step} goes to 2.4.10")));
    assert_eq!(story.told("StepDone").await, steps.map(|step| format!("{step} is at 2.4.10")));

    // In upstream's order of components.
    let messages = story.history().messages(mark, "MilvusUpdated", 2);
    assert_eq!(
        messages.first().map(String::as_str),
        Some("Milvus components[mixcoord,datanode,querynode,indexnode,proxy] are updating")
    );
    assert_eq!(
        messages.iter().rev().nth(1).map(String::as_str),
        Some("Milvus components[proxy] are updating")
    );
}

#[tokio::test]
async fn four_coordinators_go_one_by_one_from_2_3_to_2_4() {
    let story = World::story("order-four").await;
    let mark = story.running(story.places.four("2.3.5"), "2.3.5").await;
    let order =
        ["indexnode", "rootcoord", "datacoord", "indexcoord", "querycoord", "querynode", "datanode", "proxy"];
    rolled(&story, mark, "2.4.10", &order).await;
}

#[tokio::test]
async fn datacoord_and_indexcoord_are_one_step_from_2_2_to_2_3() {
    let story = World::story("order-two-two").await;
    let mark = story.running(story.places.four("2.2.16"), "2.2.16").await;
    let expected =
        ["indexnode", "rootcoord", "datacoord+indexcoord", "querycoord", "querynode", "datanode", "proxy"];
    rolled(&story, mark, "2.3.5", &expected).await;
}

#[tokio::test]
async fn from_2_6_on_streaming_nodes_follow_the_mixcoord() {
    let story = World::story("order-streaming").await;
    let mark = story.running(story.places.mix("2.6.4"), "2.6.4").await;
    rolled(&story, mark, "2.6.5", &["mixcoord", "streamingnode", "querynode", "datanode", "proxy"]).await;
}

#[tokio::test]
async fn a_standalone_rolls_in_one_step() {
    let story = World::story("order-standalone").await;
    let mark = story.running(story.places.standalone("2.4.9"), "2.4.9").await;
    rolled(&story, mark, "2.5.16", &["standalone"]).await;
}

#[tokio::test]
async fn a_downgrade_within_a_minor_goes_in_the_reverse_order() {
    let story = World::story("order-down").await;
    let mut milvus = story.places.mix("2.4.10");
    milvus["spec"]["components"]["imageUpdateMode"] = json!("rollingDowngrade");
    let mark = story.running(milvus, "2.4.10").await;
    rolled(&story, mark, "2.4.9", &["proxy", "datanode", "querynode", "mixcoord", "indexnode"]).await;
}

#[tokio::test]
async fn mode_all_changes_everything_at_once_and_is_updated_only_at_the_end() {
    let story = World::story("order-all").await;
    let mut milvus = story.places.mix("2.4.9");
    milvus["spec"]["components"]["imageUpdateMode"] = json!("all");
    let mark = story.running(milvus, "2.4.9").await;
    rolled(&story, mark, "2.4.10", &["datanode+indexnode+mixcoord+proxy+querynode"]).await;
}

#[tokio::test]
async fn without_rolling_update_everything_changes_at_once() {
    let story = World::story("order-off").await;
    let mut milvus = story.places.mix("2.4.9");
    milvus["spec"]["components"]["enableRollingUpdate"] = json!(false);
    let mark = story.running(milvus, "2.4.9").await;
    rolled(&story, mark, "2.4.10", &["datanode+indexnode+mixcoord+proxy+querynode"]).await;
}

#[tokio::test]
async fn rolling_mode_3_is_reached_by_a_roll_and_left_by_the_next() {
    const STEPS: [&str; 5] = ["indexnode", "mixcoord", "querynode", "datanode", "proxy"];
    let story = World::story("order-two-deployments").await;
    let mut mark = story.running(story.places.mix("2.4.9"), "2.4.9").await;
    for (mode, from, to, proxies) in [
        (3, "2.4.9", "2.4.10", ["my-release-milvus-proxy-0", "my-release-milvus-proxy-1"].as_slice()),
        (2, "2.4.10", "2.4.11", &["my-release-milvus-proxy"]),
    ] {
        let pods = story.history().pods();
        story.patch(json!({ "spec": { "components": { "rollingMode": mode } } })).await;
        let done = story.until_healthy(from).await;
        story.settle().await;
        assert_eq!(story.history().pods(), pods, "a change of the mode restarts no pod");
        story.caught_up(&done).await;
        rolled(&story, mark, to, &STEPS).await;
        story.history().assert_always_served(mark);
        story.settle().await;
        let labels = "app.kubernetes.io/component=proxy";
        let found = story.api::<Deployment>().list(&ListParams::default().labels(labels)).await.unwrap();
        let names: Vec<String> = found.iter().map(ResourceExt::name_any).collect();
        assert_eq!(names, proxies);
        let status = story.until_healthy(to).await.status.unwrap();
        assert_eq!(status.rolling_mode_version, Some(mode));
        mark = story.history().mark();
    }
}
