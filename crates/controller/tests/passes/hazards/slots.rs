//! Rolls over two Deployments, and what may be in their way.

use milvus_api::{ImageUpdateMode, Milvus};
use milvus_plan::Component;
use milvus_sim::cluster::Pods;
use serde_json::json;

use crate::world::{Demands, World, crs};

const SERVING: Demands = Demands { ordered: false, serving: true };

fn three_query_nodes() -> Milvus {
    let mut milvus = crs::mix("2.4.9");
    crs::replicas(&mut milvus, Component::QueryNode, 3);
    milvus
}

fn all_run(world: &World, tag: &str) -> bool {
    world.updated() && world.pods.values().all(|pod| pod.image == crs::image(tag))
}

/// Deployments of a component with their sizes, in order of name.
fn sizes(world: &World, component: &str) -> Vec<i32> {
    let of = world.deployments.iter().filter(|(name, _)| World::component_of(name) == component);
    of.map(|(_, live)| live.spec.as_ref().unwrap().replicas.unwrap()).collect()
}

#[test]
fn w01_a_stuck_roll_is_mended_by_the_image_in_mode_3() {
    let mut milvus = crs::mix("2.4.9");
    milvus.spec.components.rolling_mode = Some(3);
    let mut world = World::running(milvus);
    world.demands = SERVING;
    world.behaviour.broken.insert(crs::image("2.4.10"));
    world.set_image("2.4.10");
    world.settle();
    assert!(!world.updated(), "it is stuck");
    world.set_image("2.4.11");
    world.settle();
    assert!(all_run(&world, "2.4.11"), "{}", world.describe());
}

#[test]
fn w02_the_first_roll_is_taken_back_also_by_another_operator() {
    let mut world = World::running(three_query_nodes());
    world.demands = SERVING;
    let served: Vec<String> = world
        .pods
        .values()
        .filter(|pod| pod.component() == "querynode")
        .map(|pod| pod.name.clone())
        .collect();
    world.behaviour.crashing = vec![Pods::of("querynode").and_image(&crs::image("2.4.10"))];
    world.set_image("2.4.10");
    world.settle();
    assert!(!world.updated(), "it is stuck");
    world.tool.image = "operator:2".to_owned();
    world.restart();
    world.set_image("2.4.9");
    world.settle();
    assert!(all_run(&world, "2.4.9"), "{}", world.describe());
    assert!(served.iter().all(|pod| world.pods.contains_key(pod)), "those that served stay");
}

#[test]
fn w03_old_pods_that_fail_do_not_hold_up_a_roll() {
    for fails in ["crashing", "not ready"] {
        let mut world = World::running(three_query_nodes());
        let old = vec![Pods::of("querynode").and_image(&crs::image("2.4.9"))];
        match fails {
            "crashing" => world.behaviour.crashing = old,
            _ => world.behaviour.unready = old,
        }
        world.settle();
        world.set_image("2.4.10");
        world.settle();
        assert!(all_run(&world, "2.4.10"), "{fails}: {}", world.describe());
    }
}

#[test]
fn w04_more_memory_mends_a_stuck_roll() {
    let mut world = World::running(three_query_nodes());
    world.demands = SERVING;
    world.behaviour.crashing = vec![Pods::of("querynode").and_image(&crs::image("2.4.10"))];
    world.set_image("2.4.10");
    world.settle();
    assert!(!world.updated(), "it is stuck");
    let memory = json!({ "limits": { "memory": "64Gi" } });
    world.merge(&json!({ "spec": { "components": { "queryNode": { "resources": memory } } } }));
    world.settle();
    let asks = |world: &World| {
        let of = world.deployments.iter().filter(|(name, _)| World::component_of(name) == "querynode");
        of.filter_map(|(_, live)| {
            live.spec.clone()?.template.spec?.containers.first()?.resources.clone()?.limits
        })
        .any(|limits| limits.get("memory").is_some_and(|memory| memory.0 == "64Gi"))
    };
    assert!(asks(&world), "the stuck pods get it: {}", world.describe());
    world.behaviour.crashing.clear();
    world.settle();
    assert!(all_run(&world, "2.4.10"), "{}", world.describe());
}

#[test]
fn w11_there_and_back_leaves_nothing_behind() {
    let mut world = World::running(crs::mix("2.4.9"));
    world.demands = SERVING;
    for (mode, tag) in [(3, "2.4.10"), (2, "2.4.11"), (3, "2.4.12"), (2, "2.4.13")] {
        world.merge(&json!({ "spec": { "components": { "rollingMode": mode, "image": crs::image(tag) } } }));
        world.settle();
        assert!(all_run(&world, tag), "{mode}: {}", world.describe());
        for component in ["proxy", "mixcoord", "datanode", "indexnode", "querynode"] {
            let deployments = if mode == 3 || component == "querynode" { 2 } else { 1 };
            let sizes = sizes(&world, component);
            assert_eq!((sizes.len(), sizes.iter().sum()), (deployments, 1), "{mode}: {component}");
        }
    }
}

#[test]
fn w12_paused_at_creation_ends_with_the_pause() {
    let mut milvus = crs::mix("2.4.9");
    crs::component(&mut milvus.spec.components, Component::QueryNode).spec.paused = Some(true);
    let mut world = World::new(milvus);
    world.settle();
    world.edit(|m| crs::component(&mut m.spec.components, Component::QueryNode).spec.paused = None);
    world.settle();
    assert!(all_run(&world, "2.4.9"), "{}", world.describe());
    assert_eq!(sizes(&world, "querynode").iter().sum::<i32>(), 1);
}

#[test]
fn w13_all_at_once_keeps_an_autoscaled_size() {
    for mode in [ImageUpdateMode::All, ImageUpdateMode::Force] {
        let mut milvus = crs::mix("2.4.9");
        crs::replicas(&mut milvus, Component::QueryNode, -1);
        let mut world = World::running(milvus);
        let name = world.pods.values().find(|pod| pod.component() == "querynode").map(|pod| pod.name.clone());
        let slot = i32::from(name.is_some_and(|name| name.contains("querynode-1-")));
        world.autoscale(&format!("my-release-milvus-querynode-{slot}"), 3);
        world.settle();
        world.edit(|m| m.spec.components.image_update_mode = mode);
        world.set_image("2.4.10");
        world.settle();
        assert!(all_run(&world, "2.4.10"), "{}", world.describe());
        assert_eq!(sizes(&world, "querynode").iter().sum::<i32>(), 3, "{}", world.describe());
    }
}

#[test]
fn w16_a_deployment_comes_back_while_its_old_pods_end() {
    let mut world = World::running(crs::mix("2.4.9"));
    world.behaviour.ends_after = 10;
    world.delete_deployment("my-release-milvus-proxy");
    world.until("a new Deployment", |world| world.deployments.contains_key("my-release-milvus-proxy"));
    let ending = world.pods.values().filter(|pod| pod.component() == "proxy" && pod.ending).count();
    assert_eq!(ending, 1, "it did not wait: {}", world.describe());
    world.settle();
    assert!(all_run(&world, "2.4.9"), "{}", world.describe());
}
