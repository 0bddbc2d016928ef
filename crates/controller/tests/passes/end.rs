//! The end of a Milvus, and a new one of the same name.

use milvus_api::{Milvus, MilvusState};

use crate::world::{Pass, World, crs};

fn delete(world: &mut World) {
    let now = k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(world.now);
    world.milvus.as_mut().unwrap().metadata.deletion_timestamp = Some(now);
}

/// The pods go first, then the finalizer: whoever waits for the object to be gone knows that nothing of it runs.
#[test]
fn pods_go_before_the_finalizer() {
    let mut world = World::running(crs::mix("2.4.9"));
    delete(&mut world);
    world.pass();
    assert_eq!(world.status().status, MilvusState::Deleting);
    assert!(world.deployments.is_empty());
    assert!(world.milvus.is_some(), "pods are still ending");
    for _ in 0..20 {
        if world.milvus.is_some() {
            assert!(world.pass() != Pass::Gone || world.pods.is_empty());
        }
        world.tick();
    }
    assert!(world.milvus.is_none() && world.pods.is_empty());
}

/// In the middle of a roll too, and half of it refused.
#[test]
fn deleted_in_the_middle_of_a_roll() {
    let mut world = World::running(crs::mix("2.4.9"));
    world.set_image("2.4.10");
    world.until("query nodes", |w| w.order().iter().any(|c| c == "querynode"));
    world.set_image("2.6.11");
    world.step();
    delete(&mut world);
    world.settle();
    assert!(world.milvus.is_none() && world.pods.is_empty() && world.deployments.is_empty());
}

/// A new object of the same name waits until what the old one left is gone, and touches none of it.
#[test]
fn a_new_object_of_the_same_name_waits_for_the_old_ones_objects() {
    let mut world = World::running(crs::mix("2.4.9"));
    world.milvus = None;
    world.create(crs::mix("2.4.10"));
    let before: Vec<_> = world.deployments.values().map(|d| d.spec.clone()).collect();
    for _ in 0..5 {
        world.pass();
    }
    assert_eq!(world.deployments.values().map(|d| d.spec.clone()).collect::<Vec<_>>(), before);
    let (status, message, _) = world.condition(milvus_api::ConditionType::MilvusUpdated);
    assert_eq!(status, "False");
    assert!(message.contains("my-release-milvus-proxy"), "{message}");
    // The garbage collector takes them.
    world.settle();
    assert!(world.updated(), "{}", world.describe());
    assert!(world.pods.values().all(|p| p.image == crs::image("2.4.10")));
}

/// `milvus.io/pause-reconcile: "true"`: nothing is written, whatever changes; without it everything is caught up with.
#[test]
fn paused_means_hands_off() {
    let mut world = World::running(crs::mix("2.4.9"));
    let pause = |milvus: &mut Milvus, value: &str| {
        let annotations = milvus.metadata.annotations.get_or_insert_default();
        annotations.insert("milvus.io/pause-reconcile".to_owned(), value.to_owned());
    };
    world.edit(|m| pause(m, "true"));
    world.set_image("2.4.10");
    world.delete_deployment("my-release-milvus-proxy");
    let (objects, statuses) = (world.history.objects_written, world.history.statuses_written);
    for _ in 0..5 {
        world.pass();
        world.tick();
    }
    assert_eq!((world.history.objects_written, world.history.statuses_written), (objects, statuses));
    world.edit(|m| pause(m, "false"));
    world.settle();
    assert!(world.updated(), "{}", world.describe());
}
