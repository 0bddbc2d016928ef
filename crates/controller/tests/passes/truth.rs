//! What the status says while a roll goes on.

use milvus_api::{ConditionType, StepState};

use crate::world::{World, crs};

/// The lines that the on-premises guide shows, in the order in which they appear.
#[test]
fn messages_of_a_roll_are_the_guides() {
    let mut world = World::running(crs::mix("2.4.9"));
    world.set_image("2.4.10");
    world.settle();
    assert_eq!(
        world.history.messages,
        [
            "Milvus components[mixcoord,datanode,querynode,indexnode,proxy] are updating",
            "Milvus components[mixcoord,datanode,querynode,proxy] are updating",
            "Milvus components[datanode,querynode,proxy] are updating",
            "Milvus components[datanode,proxy] are updating",
            "Milvus components[proxy] are updating",
            "Milvus components are all updated",
        ]
    );
}

/// The reason is upstream's, and tells the direction.
#[test]
fn reason_tells_the_direction() {
    let mut world = World::running(crs::mix("2.4.9"));
    world.set_image("2.4.10");
    world.pass();
    assert_eq!(world.condition(ConditionType::MilvusUpdated).2, "MilvusUpgradingImage");
    world.settle();
    assert_eq!(world.condition(ConditionType::MilvusUpdated).2, "MilvusComponentsUpdated");
    world.edit(|m| {
        m.spec.components.image_update_mode = milvus_api::ImageUpdateMode::RollingDowngrade;
    });
    world.set_image("2.4.9");
    world.pass();
    assert_eq!(world.condition(ConditionType::MilvusUpdated).2, "MilvusDowngradingImage");
}

/// The first pass only records: what will be done can be read before anything is touched.
#[test]
fn plan_is_recorded_before_the_first_write() {
    let mut world = World::running(crs::mix("2.4.9"));
    world.set_image("2.4.10");
    let written = world.history.objects_written;
    world.pass();
    assert_eq!(world.history.objects_written, written, "nothing but the status is written");
    assert_eq!(world.condition(ConditionType::MilvusUpdated).0, "False");
    assert_eq!(world.status().observed_generation, world.cr().metadata.generation);
    let rollout = world.status().upgrade.clone().unwrap();
    assert_eq!(
        rollout.message,
        "Upgrade from 2.4.9 to 2.4.10 in 5 steps: indexnode, mixcoord, querynode, datanode, proxy"
    );
    assert!(rollout.steps.iter().all(|s| s.state == Some(StepState::Pending)));
    world.pass();
    assert!(world.history.objects_written > written);
}

/// The state of each step at each moment: at most one is under way, those before it are done, those after it wait.
#[test]
fn steps_go_from_pending_over_updating_to_done() {
    let mut world = World::running(crs::mix("2.4.9"));
    world.set_image("2.4.10");
    world.pass();
    while !world.updated() {
        world.step();
        let states: Vec<_> =
            world.status().upgrade.iter().flat_map(|u| &u.steps).map(|s| s.state.unwrap()).collect();
        let rank = |state: &StepState| match state {
            StepState::Done | StepState::Stays => 0,
            StepState::Updating => 1,
            StepState::Pending => 2,
        };
        assert!(states.is_sorted_by_key(rank), "{states:?}");
        assert!(states.iter().filter(|s| **s == StepState::Updating).count() <= 1, "{states:?}");
    }
    let rollout = world.status().upgrade.clone().unwrap();
    for step in &rollout.steps {
        assert!(step.started_at.is_some() && step.finished_at.is_some(), "{step:?}");
        assert!(step.started_at.as_ref().unwrap().0 <= step.finished_at.as_ref().unwrap().0, "{step:?}");
    }
    assert!(rollout.waiting_for.is_none());
}

/// One Event for every transition, and none twice.
#[test]
fn events_tell_every_step_once() {
    let mut world = World::running(crs::mix("2.4.9"));
    world.history.events.clear();
    world.set_image("2.4.10");
    world.settle();
    let words = |reason: &str| world.events(reason).iter().map(|n| n.message.clone()).collect::<Vec<_>>();
    assert_eq!(words("UpgradeRecorded").len(), 1);
    let started = ["indexnode", "mixcoord", "querynode", "datanode", "proxy"];
    assert_eq!(words("StepStarted"), started.map(|c| format!("{c} goes to 2.4.10")));
    assert_eq!(words("StepDone"), started.map(|c| format!("{c} is at 2.4.10")));
    assert_eq!(words("UpgradeDone").len(), 1);
}

/// A pod that ends slowly is waited for, and is named as what is waited for.
#[test]
fn an_old_pod_that_ends_slowly_holds_its_step() {
    let mut world = World::running(crs::mix("2.4.9"));
    world.behaviour.ends_after = 10;
    world.set_image("2.4.10");
    world.until("waits for old pods", |w| {
        w.status()
            .upgrade
            .as_ref()
            .and_then(|u| u.waiting_for.as_ref())
            .is_some_and(|w| w.reason == "WaitingForPodsGone")
    });
    let waiting = world.status().upgrade.clone().unwrap().waiting_for.unwrap();
    assert_eq!(waiting.step.as_deref(), Some("indexnode"));
    assert_eq!(waiting.message, "indexnode: 1 old pod has not ended yet");
    let since = waiting.since.unwrap();
    world.step();
    let later = world.status().upgrade.clone().unwrap().waiting_for.unwrap();
    assert_eq!(later.since, Some(since), "since the wait began");
    world.settle();
    assert!(world.updated());
}
