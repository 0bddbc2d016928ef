//! A wait in which nothing moves: told once, with why, and gone when something moves.

use milvus_sim::cluster::Pods;
use std::time::Duration;

use jiff::Timestamp;
use kube::runtime::controller::Action;
use milvus_api::{ConditionType, Milvus};
use milvus_plan::{Component, STALLED_AFTER_SECONDS};
use rstest::rstest;

use crate::world::{World, crs};

/// When something moved last.
fn moved(world: &World) -> Timestamp {
    world.status().last_progress.as_ref().unwrap().time.as_ref().unwrap().0
}

/// What is left until the wait is a stall.
fn left(world: &World) -> Duration {
    let stalls = Timestamp::from_second(moved(world).as_second() + STALLED_AFTER_SECONDS).unwrap();
    stalls.duration_since(world.now).try_into().unwrap()
}

fn waits_for(world: &World, reason: &str) -> bool {
    let waiting = world.status().upgrade.as_ref().and_then(|upgrade| upgrade.waiting_for.as_ref());
    waiting.is_some_and(|waiting| waiting.reason == reason)
}

fn stalled(world: &World) -> Option<(String, String, String)> {
    let found = world.status().condition(ConditionType::Stalled);
    found.map(|c| (c.status.clone(), c.reason.clone(), c.message.clone()))
}

/// A cluster whose roll has come to an index node that crashes as soon as it starts.
fn crashing() -> World {
    let mut world = World::running(crs::mix("2.4.9"));
    assert_eq!(world.status().last_progress, None, "a settled Milvus has no mark of progress");
    world.behaviour.crashing.push(Pods::with(&crs::image("2.4.10")));
    world.set_image("2.4.10");
    world.until("the pod crashes", |w| waits_for(w, "PodProblem"));
    world.pass();
    world
}

/// The pass looks again at that very moment and not before, a restart of the operator changes nothing, and what is told
/// is told once.
#[test]
fn a_pod_that_crashes_for_ten_minutes_is_a_stall() {
    let mut world = crashing();
    let (began, rest) = (moved(&world), left(&world));
    assert_eq!(world.next, Some(Action::requeue(rest)), "nobody looks in between");
    world.sleep(Duration::from_mins(5));
    world.restart();
    world.pass();
    assert_eq!(moved(&world), began, "another process goes on from the same moment");
    world.sleep(left(&world).checked_sub(Duration::from_secs(1)).unwrap());
    world.pass();
    assert_eq!(stalled(&world), None);
    let message = world.condition(ConditionType::MilvusUpdated).1;
    world.sleep(Duration::from_secs(1));
    world.pass();
    let (status, reason, words) = stalled(&world).unwrap();
    assert_eq!((status.as_str(), reason.as_str()), ("True", "PodProblem"));
    assert!(words.starts_with(&format!("nothing has moved since {began}: indexnode: pod ")), "{words}");
    assert!(words.contains("CrashLoopBackOff"), "{words}");
    assert_eq!(world.events("Stalled").iter().map(|e| e.message.clone()).collect::<Vec<_>>(), [words]);
    assert_eq!(world.status().conditions[4].type_, "MilvusUpdated");
    assert_eq!(world.status().conditions[4].message, message, "the column of the guides stays");
    let written = world.history.statuses_written;
    world.restart();
    world.sleep(Duration::from_hours(1));
    world.pass();
    world.pass();
    assert_eq!(world.history.statuses_written, written, "nothing more is said while nothing moves");
    assert_eq!(world.events("Stalled").len(), 1, "{:?}", world.history.events);
}

/// Another image ends it at once; when all is done nothing of it is left.
#[test]
fn a_fix_ends_a_stall() {
    let mut world = crashing();
    world.sleep(Duration::from_mins(11));
    world.pass();
    assert!(stalled(&world).is_some());
    world.set_image("2.4.11");
    world.pass();
    assert_eq!(stalled(&world), None, "{}", world.describe());
    world.settle();
    assert!(world.updated(), "{}", world.describe());
    assert_eq!((stalled(&world), world.status().last_progress.clone()), (None, None));
}

/// Four query nodes that take eight minutes each to hand over their work.
#[test]
fn a_drain_that_goes_on_is_no_stall() {
    let mut milvus = crs::mix("2.4.9");
    crs::replicas(&mut milvus, Component::QueryNode, 4);
    let mut world = World::running(milvus);
    world.behaviour.ends_after = 480;
    world.set_image("2.4.10");
    for _ in 0..200 {
        world.sleep(Duration::from_secs(50));
        world.step();
        assert_eq!(stalled(&world), None, "{}", world.describe());
        if world.updated() {
            return;
        }
    }
    panic!("never done\n{}", world.describe());
}

/// Old pods that do not end are no drain.
#[test]
fn a_drain_that_stands_still_is_a_stall() {
    let mut world = World::running(crs::mix("2.4.9"));
    world.behaviour.ends_after = 7200;
    world.set_image("2.4.10");
    world.until("old pods", |w| waits_for(w, "WaitingForPodsGone"));
    world.sleep(Duration::from_mins(11));
    world.pass();
    assert_eq!(stalled(&world).unwrap().1, "WaitingForPodsGone", "{}", world.describe());
}

fn annotated(milvus: &mut Milvus, key: &str, value: &str) {
    milvus.metadata.annotations.get_or_insert_default().insert(key.to_owned(), value.to_owned());
}

/// What the user holds stands for as long as the user wants.
#[rstest]
#[case::held(|m: &mut Milvus| annotated(m, "milvus.io/hold-before", "querynode"))]
#[case::paused(|m: &mut Milvus| {
    crs::component(&mut m.spec.components, Component::QueryNode).spec.paused = Some(true);
})]
#[case::manual(|m: &mut Milvus| m.spec.components.enable_manual_mode = Some(true))]
fn what_the_user_holds_is_no_stall(#[case] hold: fn(&mut Milvus)) {
    let mut world = World::running(crs::mix("2.4.9"));
    world.edit(hold);
    world.settle();
    world.set_image("2.4.10");
    world.settle();
    assert!(!world.updated(), "it is held");
    world.sleep(Duration::from_hours(2));
    world.pass();
    assert_eq!(stalled(&world), None, "{}", world.describe());
    world.edit(|m| {
        m.metadata.annotations.get_or_insert_default().remove("milvus.io/hold-before");
        crs::component(&mut m.spec.components, Component::QueryNode).spec.paused = None;
        m.spec.components.enable_manual_mode = None;
    });
    world.settle();
    assert!(world.updated(), "{}", world.describe());
    assert_eq!(world.events("Stalled").len(), 0, "{:?}", world.history.events);
}

/// A change of anything else stalls as a change of image does.
#[test]
fn a_change_without_another_image_stalls_too() {
    let mut world = World::running(crs::mix("2.4.9"));
    world.behaviour.refused = Some(("proxy".to_owned(), crs::image("2.4.9")));
    world.edit(|m| m.spec.components.global.pod_labels = [("a".to_owned(), "b".to_owned())].into());
    world.settle();
    assert_eq!(world.condition(ConditionType::UpgradeProgressing).2, "NoUpgrade");
    world.sleep(left(&world));
    world.pass();
    let (_, reason, words) = stalled(&world).unwrap();
    assert_eq!(reason, "PodsRefused");
    assert!(words.contains("exceeded quota"), "{words}");
    world.behaviour.refused = None;
    world.settle();
    assert!(world.updated() && stalled(&world).is_none(), "{}", world.describe());
}

/// The end of a Milvus is no wait of a change.
#[test]
fn a_stall_goes_with_the_change_when_the_milvus_is_deleted() {
    let mut world = crashing();
    world.sleep(Duration::from_mins(11));
    world.pass();
    assert!(stalled(&world).is_some());
    let now = k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(world.now);
    world.milvus.as_mut().unwrap().metadata.deletion_timestamp = Some(now);
    world.pass();
    assert_eq!(stalled(&world), None);
}
