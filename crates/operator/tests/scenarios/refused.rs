//! Changes that are refused: nothing that runs is touched, condition and Event say why and what to do, and the way back is
//! to put the spec back.

use milvus_api::ConditionType::SpecAccepted;
use serde_json::{Value, json};

use crate::world::{Story, World, image};

/// Runs a Milvus, makes the change, and expects a refusal that has all of `words`; then puts the spec back.
async fn refused(name: &str, milvus: Value, from: &str, change: Value, reason: &str, words: &[&str]) {
    let story = World::story(name).await;
    let back = milvus["spec"].clone();
    let mark = story.running(milvus, from).await;
    let before = story.history().workloads();

    story.patch(change).await;
    let message = story.until_condition(SpecAccepted, "False", reason).await;
    for word in words {
        assert!(message.contains(word), "{word:?} is not in {message:?}");
    }
    let note = story.until_event(reason).await;
    assert!(note.contains(&message), "the Event says {note:?}, the condition {message:?}");
    untouched(&story, &before).await;

    story.patch(json!({ "spec": back })).await;
    let healthy = story.until_healthy(from).await;
    story.caught_up(&healthy).await;
    untouched(&story, &before).await;
    story.history().assert_no_new_pods(mark);
}

async fn untouched(story: &Story, before: &std::collections::BTreeMap<String, (String, i64)>) {
    // What the operator has asked for by now is in the API; the recorder has it when it has this write.
    story.settle().await;
    assert_eq!(story.history().workloads(), *before, "{}", story.history().lines());
}

fn to(tag: &str) -> Value {
    json!({ "spec": { "components": { "image": image(tag) } } })
}

#[tokio::test]
async fn from_2_4_to_2_6_needs_2_5_16_in_between() {
    let milvus = World::places("refused-gap").await.mix("2.4.10");
    let words = ["2.4.10", "2.6.4", "2.5.16", "milvus.io/allow-upgrade: \"2.4.10->2.6.4\""];
    refused("refused-gap", milvus, "2.4.10", to("2.6.4"), "NeedsIntermediateVersion", &words).await;
}

#[tokio::test]
async fn from_2_5_16_to_2_6_is_not_done_yet() {
    let milvus = World::places("refused-two-six").await.mix("2.5.16");
    let words = ["later release of this operator", "Stay on 2.5"];
    refused("refused-two-six", milvus, "2.5.16", to("2.6.4"), "UpgradeNotSupportedYet", &words).await;
}

#[tokio::test]
async fn from_2_1_to_2_2_needs_a_migration_of_the_metadata() {
    let milvus = World::places("refused-migration").await.four("2.1.4");
    let words = ["metadata", "MilvusUpgrade"];
    refused("refused-migration", milvus, "2.1.4", to("2.2.16"), "NeedsMetadataMigration", &words).await;
}

#[tokio::test]
async fn an_older_minor_is_refused_in_either_mode() {
    let milvus = World::places("refused-minor").await.mix("2.4.10");
    let mut change = to("2.3.5");
    change["spec"]["components"]["imageUpdateMode"] = json!("rollingDowngrade");
    let words = ["2.4.10", "2.3.5", "backup"];
    refused("refused-minor", milvus, "2.4.10", change, "MinorDowngrade", &words).await;
}

#[tokio::test]
async fn an_older_patch_release_is_refused_under_rolling_upgrade() {
    let milvus = World::places("refused-older").await.mix("2.4.10");
    let words = ["older", "rollingDowngrade"];
    refused("refused-older", milvus, "2.4.10", to("2.4.9"), "OlderUnderRollingUpgrade", &words).await;
}

#[tokio::test]
async fn a_tag_without_a_version_is_refused_until_the_version_is_said() {
    let milvus = World::places("refused-tag").await.mix("2.4.9");
    let change = json!({ "spec": { "components": { "image": "milvusdb/milvus:nightly" } } });
    let words = ["nightly", "spec.components.version"];
    refused("refused-tag", milvus, "2.4.9", change, "UnknownVersion", &words).await;
}

#[tokio::test]
async fn an_annotation_that_names_the_path_overrides_the_refusal() {
    let story = World::story("refused-override").await;
    let mut milvus = story.places.mix("2.4.10");
    milvus["spec"]["components"]["imageUpdateMode"] = json!("rollingDowngrade");
    let mark = story.running(milvus, "2.4.10").await;
    story.set_image("2.3.5").await;
    story.until_condition(SpecAccepted, "False", "MinorDowngrade").await;

    // Another path than the one that is asked for allows nothing.
    story
        .patch(json!({ "metadata": { "annotations": { "milvus.io/allow-upgrade": "2.4.9->2.3.5" } } }))
        .await;
    story.settle().await;
    story.until_condition(SpecAccepted, "False", "MinorDowngrade").await;

    story
        .patch(json!({ "metadata": { "annotations": { "milvus.io/allow-upgrade": "2.4.10->2.3.5" } } }))
        .await;
    let done = story.until_healthy("2.3.5").await;
    story.caught_up(&done).await;
    story.history().assert_steps(mark, "2.3.5", &["proxy", "datanode", "querynode", "mixcoord", "indexnode"]);
}
