//! Manual mode and pause: what the operator keeps its hands off.

use milvus_api::{ConditionType, Milvus};
use milvus_plan::Component;

use crate::world::{World, crs};

fn manual(milvus: &mut Milvus) {
    milvus.spec.components.enable_manual_mode = Some(true);
}

fn sizes(world: &World, component: &str) -> Vec<i32> {
    let of = world.deployments.iter().filter(|(name, _)| World::component_of(name) == component);
    of.map(|(_, d)| d.spec.as_ref().unwrap().replicas.unwrap()).collect()
}

/// The numbers of pods are the user's, whatever the spec says and whatever else is written.
#[test]
fn in_manual_mode_nothing_is_scaled() {
    let mut world = World::running(crs::mix("2.4.9"));
    world.edit(manual);
    world.settle();
    assert!(world.updated(), "{}", world.describe());
    world.meddle("my-release-milvus-proxy", |spec| spec.replicas = Some(3));
    world.meddle("my-release-milvus-datanode", |spec| spec.replicas = Some(0));
    world.edit(|m| crs::replicas(m, Component::Proxy, 7));
    world.settle();
    world.edit(|m| m.spec.components.global.pod_labels = [("a".to_owned(), "b".to_owned())].into());
    world.settle();
    assert_eq!((sizes(&world, "proxy"), sizes(&world, "datanode")), (vec![3], vec![0]));
    let proxy = &world.deployments["my-release-milvus-proxy"].spec.clone().unwrap();
    let labels = proxy.template.metadata.clone().unwrap().labels.unwrap();
    assert_eq!(labels.get("a").map(String::as_str), Some("b"), "templates still follow the spec");
    let strategy = proxy.strategy.clone().unwrap().rolling_update.unwrap();
    assert_eq!(
        serde_json::to_value(strategy).unwrap(),
        serde_json::json!({"maxSurge": "100%", "maxUnavailable": "100%"})
    );
}

/// Query nodes: a Deployment that has pods keeps its template, and what is waited for is said; emptied by the user, it gets the new one.
#[test]
fn in_manual_mode_query_nodes_are_moved_by_the_user() {
    let mut world = World::running(crs::mix("2.4.9"));
    world.edit(manual);
    world.settle();
    world.edit(|m| m.spec.components.global.pod_labels = [("a".to_owned(), "b".to_owned())].into());
    world.settle();
    assert!(!world.updated());
    let ready = world.condition(ConditionType::MilvusUpdated).1;
    assert_eq!(ready, "Milvus components[querynode] are updating");
    let pods: Vec<String> =
        world.pods.values().filter(|p| p.component() == "querynode").map(|p| p.name.clone()).collect();
    assert_eq!(sizes(&world, "querynode"), [1, 0]);
    world.meddle("my-release-milvus-querynode-0", |spec| spec.replicas = Some(0));
    world.settle();
    world.meddle("my-release-milvus-querynode-0", |spec| spec.replicas = Some(2));
    world.settle();
    assert!(world.updated(), "{}", world.describe());
    assert!(pods.iter().all(|pod| !world.pods.contains_key(pod)));
    assert_eq!(sizes(&world, "querynode"), [2, 0]);
}

/// An image that is changed in manual mode waits at the query nodes and says why.
#[test]
fn a_roll_in_manual_mode_waits_for_the_user() {
    let mut world = World::running(crs::mix("2.4.9"));
    world.edit(manual);
    world.settle();
    world.set_image("2.4.10");
    world.settle();
    let waiting = world.status().upgrade.clone().unwrap().waiting_for.unwrap();
    assert_eq!(waiting.reason, "WaitingForManualMode");
    assert!(waiting.message.contains("my-release-milvus-querynode-0"), "{}", waiting.message);
    world.meddle("my-release-milvus-querynode-0", |spec| spec.replicas = Some(0));
    world.settle();
    assert!(world.updated(), "{}", world.describe());
    assert_eq!(world.status().current_image, Some(crs::image("2.4.10")));
}

/// Paused query nodes stay in their Deployment; a new template waits, and it is said for what.
#[test]
fn paused_query_nodes_do_not_move() {
    let mut world = World::running(crs::mix("2.4.9"));
    world.demands.serving = true;
    world.edit(|m| crs::component(&mut m.spec.components, Component::QueryNode).spec.paused = Some(true));
    world.settle();
    world.set_image("2.4.10");
    world.settle();
    assert_eq!(sizes(&world, "querynode"), [1, 0], "{}", world.describe());
    let waiting = world.status().upgrade.clone().unwrap().waiting_for.unwrap();
    assert_eq!(waiting.reason, "WaitingForUnpause");
    world.edit(|m| crs::component(&mut m.spec.components, Component::QueryNode).spec.paused = None);
    world.settle();
    assert!(world.updated(), "{}", world.describe());
    assert_eq!(world.status().current_image, Some(crs::image("2.4.10")));
}
