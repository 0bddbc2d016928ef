//! What scripts and people read.

use milvus_api::{ConditionType, MilvusState};
use serde_json::json;

use crate::world::{World, crs};

/// After a change MilvusUpdated speaks of the new spec or says which one it speaks of; MilvusReady holds all the
/// time, also while pods wait to be available.
#[test]
fn w27_updated_ends_with_the_change_and_ready_holds_in_the_roll() {
    let mut world = World::running(crs::mix("2.4.9"));
    world.merge(&json!({ "spec": { "upgradePolicy": { "minReadySeconds": 30 } } }));
    world.settle();
    world.set_image("2.4.10");
    let mut done = false;
    for _ in 0..400 {
        world.step();
        let current = world.status().observed_generation == world.cr().metadata.generation;
        let runs = world.pods.values().all(|pod| pod.image == crs::image("2.4.10"));
        done = world.updated() && current;
        assert!(!done || runs, "{}", world.describe());
        assert_eq!(world.condition(ConditionType::MilvusReady).0, "True", "{}", world.describe());
        assert_eq!(world.status().status, MilvusState::Healthy, "{}", world.describe());
    }
    assert!(done, "{}", world.describe());
}

#[test]
fn w28_stopping_is_told_before_stopped() {
    let mut world = World::running(crs::mix("2.4.9"));
    world.behaviour.ends_after = 10;
    let none = json!({ "replicas": 0 });
    world.merge(&json!({ "spec": { "components": {
        "proxy": none, "mixCoord": none, "queryNode": none, "dataNode": none, "indexNode": none,
    } } }));
    let mut told = Vec::new();
    for _ in 0..60 {
        world.step();
        let (_, _, reason) = world.condition(ConditionType::MilvusReady);
        let run = world.pods.values().any(|pod| !pod.ending);
        assert!(reason != "MilvusStopped" || !run, "{}", world.describe());
        if told.last() != Some(&reason) {
            told.push(reason);
        }
    }
    let end: Vec<&str> =
        told.iter().map(String::as_str).filter(|reason| reason.starts_with("MilvusStop")).collect();
    assert_eq!(end, ["MilvusStopping", "MilvusStopped"], "{told:?}");
}
