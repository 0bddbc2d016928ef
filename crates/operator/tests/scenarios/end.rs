//! The end of a Milvus: in the middle of a roll, and when another of the same name follows at once.

use k8s_openapi::api::{
    apps::v1::{Deployment, ReplicaSet},
    core::v1::{ConfigMap, Pod, Service},
};
use milvus_testkit::wait::wait_for;

use crate::world::{NAME, SOON, Story, World};

/// Everything that a Milvus makes is gone, as is the Milvus.
async fn nothing_left(story: &Story) {
    story.until_gone(NAME).await;
    story.until_none::<Deployment>().await;
    story.until_none::<ReplicaSet>().await;
    story.until_none::<Pod>().await;
    wait_for(story.api::<Service>(), &format!("{NAME}-milvus"), SOON, |s| s.is_none()).await.unwrap();
    wait_for(story.api::<ConfigMap>(), NAME, SOON, |c| c.is_none()).await.unwrap();
}

#[tokio::test]
async fn a_milvus_that_is_deleted_in_the_middle_of_a_roll_leaves_nothing() {
    let story = World::story("end-roll").await;
    story.running(story.places.mix("2.4.9"), "2.4.9").await;
    story.set_image("2.4.10").await;
    story.until_step("mixcoord").await;
    story.delete().await;
    nothing_left(&story).await;
    let history = story.history();
    assert!(
        history.milvus(0).iter().any(|m| m.is_terminating()),
        "the finalizer held it until its pods were gone"
    );
    history.assert_last("Milvus");
}

#[tokio::test]
async fn a_milvus_that_is_deleted_before_it_could_start_leaves_nothing() {
    let story = World::story("end-early").await;
    let mut milvus = story.places.mix("2.4.9");
    milvus["spec"]["dependencies"]["storage"]["secretRef"] = serde_json::json!("missing");
    story.create(milvus).await;
    story.until_condition(milvus_api::ConditionType::StorageReady, "False", "SecretNotExist").await;
    story.delete().await;
    nothing_left(&story).await;
}

#[tokio::test]
async fn a_milvus_of_the_same_name_waits_until_the_old_objects_are_gone() {
    let story = World::story("end-again").await;
    story.running(story.places.mix("2.4.9"), "2.4.9").await;
    let old = story.history().workloads();
    // Without the finalizer, as `kubectl patch` in despair does it: the object is gone at once, what it owned follows later.
    story.patch(serde_json::json!({ "metadata": { "finalizers": null } })).await;
    story.delete().await;
    story.until_gone(NAME).await;
    story.create(story.places.mix("2.4.10")).await;
    let done = story.until_healthy("2.4.10").await;
    story.caught_up(&done).await;
    let new = story.history().workloads();
    assert_eq!(new.len(), old.len(), "{}", story.history().lines());
    assert!(old.values().all(|was| new.values().all(|is| is.0 != was.0)), "nothing of the old one is left");
}

#[tokio::test]
async fn a_milvus_that_is_deleted_and_created_again_at_once_is_a_new_one() {
    let story = World::story("end-twice").await;
    story.running(story.places.standalone("2.4.9"), "2.4.9").await;
    story.delete().await;
    story.until_gone(NAME).await;
    // An older version than that of the one before is no downgrade.
    story.create(story.places.standalone("2.3.5")).await;
    let done = story.until_healthy("2.3.5").await;
    assert!(done.status.unwrap().upgrade.is_none());
}
