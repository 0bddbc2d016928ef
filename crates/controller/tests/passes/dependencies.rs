//! etcd, object storage or queue that can't be reached.

use milvus_api::{ConditionType, MilvusState, Reason};
use milvus_state::ProbeView;

use crate::world::{World, crs};

fn down(world: &mut World) {
    let message = "All etcd endpoints are unhealthy".to_owned();
    world.probes.etcd = Some(ProbeView { ready: false, reason: Reason::EtcdNotReady, message });
}

fn up(world: &mut World) {
    world.probes.etcd = Some(ProbeView { ready: true, reason: Reason::EtcdReady, message: String::new() });
}

/// Before the first start nothing is created, and it is said what is waited for.
#[test]
fn down_before_the_first_start() {
    let mut world = World::new(crs::mix("2.4.9"));
    down(&mut world);
    world.settle();
    assert!(world.deployments.is_empty());
    assert_eq!(world.condition(ConditionType::EtcdReady).0, "False");
    assert_eq!(world.condition(ConditionType::UpgradeProgressing).2, "WaitingForDependencies");
    assert_eq!(world.status().status, MilvusState::Pending);
    up(&mut world);
    world.settle();
    assert!(world.updated());
}

/// A probe that has not come back yet is not ready either.
#[test]
fn not_probed_yet() {
    let mut world = World::new(crs::mix("2.4.9"));
    world.probes.queue = None;
    world.settle();
    assert!(world.deployments.is_empty());
    assert_eq!(world.condition(ConditionType::MsgStreamReady).0, "Unknown");
}

/// In the middle of a roll: it goes on, and the condition says what is wrong.
#[test]
fn down_in_the_middle_of_a_roll() {
    let mut world = World::running(crs::mix("2.4.9"));
    world.demands.ordered = true;
    world.set_image("2.4.10");
    world.until("the coordinator's turn", |w| w.order().iter().any(|c| c == "mixcoord"));
    down(&mut world);
    world.settle();
    assert!(world.updated(), "{}", world.describe());
    assert_eq!(world.condition(ConditionType::EtcdReady).0, "False");
}

/// Before a new roll: it waits and says so; nothing is touched until the dependency is back.
#[test]
fn down_before_a_new_roll() {
    let mut world = World::running(crs::mix("2.4.9"));
    down(&mut world);
    world.settle();
    let written = world.history.objects_written;
    world.set_image("2.4.10");
    world.settle();
    assert_eq!(world.history.objects_written, written);
    assert!(!world.updated());
    assert_eq!(world.condition(ConditionType::UpgradeProgressing).2, "WaitingForDependencies");
    let waiting = world.status().upgrade.clone().unwrap().waiting_for.unwrap();
    assert!(waiting.message.contains("etcd: EtcdNotReady: All etcd"), "{}", waiting.message);
    up(&mut world);
    world.demands.ordered = true;
    world.settle();
    assert!(world.updated(), "{}", world.describe());
    assert_eq!(world.order().join(" "), "indexnode mixcoord querynode datanode proxy");
}

/// What runs is repaired and resized all the same.
#[test]
fn down_does_not_hold_up_a_repair() {
    let mut world = World::running(crs::mix("2.4.9"));
    down(&mut world);
    world.delete_deployment("my-release-milvus-proxy");
    world.settle();
    assert!(world.deployments.contains_key("my-release-milvus-proxy"));
    assert_eq!(world.status().status, MilvusState::Healthy);
    world.set_image("2.4.10");
    world.settle();
    world.delete_deployment("my-release-milvus-proxy");
    world.settle();
    assert!(world.pods.values().all(|p| p.image == crs::image("2.4.9")), "{}", world.describe());
}

/// Dependencies of upstream's own releases: the cluster rolls as any other, and what is not done is said.
#[test]
fn in_cluster_dependencies_are_used_and_the_cluster_rolls() {
    let mut milvus = crs::mix("2.4.9");
    milvus.spec.dependencies = None;
    let mut world = World::running(milvus);
    let (status, _, reason) = world.condition(ConditionType::SpecSupported);
    assert_eq!((status.as_str(), reason.as_str()), ("False", "NotYetSupported"));
    world.demands.ordered = true;
    world.set_image("2.4.10");
    world.settle();
    assert!(world.updated(), "{}", world.describe());
    assert_eq!(world.order().join(" "), "indexnode mixcoord querynode datanode proxy");
}

/// The Kafka Secret can't be read: whether it has a CA is not known, so the configuration stays as it is, also when the Milvus changes.
#[test]
fn nothing_is_rendered_from_a_secret_that_could_not_be_read() {
    let mut milvus = crs::mix("2.4.9");
    let kafka = r#"{"msgStreamType": "kafka", "kafka": {"external": true, "brokerList": ["k:9092"], "secretRef": "kafka"}}"#;
    milvus.spec.dependencies = Some(serde_json::from_str(kafka).unwrap());
    let mut world = World::new(milvus);
    world.kafka_ca = Some(true);
    world.settle();
    assert!(world.updated(), "{}", world.describe());
    let before = world.config_maps.clone();
    world.kafka_ca = None;
    world.edit(|milvus| {
        milvus.spec.config = Some(serde_json::from_str(r#"{"log": {"level": "debug"}}"#).unwrap());
    });
    world.settle();
    assert_eq!(world.config_maps, before);
    world.kafka_ca = Some(true);
    world.settle();
    assert_ne!(world.config_maps, before, "the change arrives when the Secret is back");
}
