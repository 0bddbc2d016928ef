//! Numbers of pods: resized, autoscaled, stopped and started.

use milvus_api::{Milvus, MilvusState};
use milvus_plan::Component;
use rstest::rstest;

use crate::world::{World, crs};

fn count(world: &World, component: &str) -> usize {
    world.pods.values().filter(|p| p.component() == component).count()
}

/// A component that waits for its turn is resized at once, at the image that it runs.
#[rstest]
#[case::waits(Component::Proxy, "proxy")]
#[case::under_way(Component::MixCoord, "mixcoord")]
#[case::done(Component::IndexNode, "indexnode")]
fn resize_during_a_roll(#[case] role: Component, #[case] name: &str) {
    let mut world = World::running(crs::mix("2.4.9"));
    world.demands.ordered = true;
    world.set_image("2.4.10");
    world.until("the coordinator's turn", |w| w.order().iter().any(|c| c == "mixcoord"));
    world.edit(|m| crs::replicas(m, role, 3));
    world.pass();
    world.tick();
    world.tick();
    assert!(count(&world, name) >= 3, "{}", world.describe());
    world.settle();
    assert!(world.updated(), "{}", world.describe());
    assert_eq!(count(&world, name), 3);
    assert_eq!(world.order().join(" "), "indexnode mixcoord querynode datanode proxy");
}

/// A component without pods that waits for its turn gets pods at the image that it ran.
#[rstest]
#[case(Component::QueryNode, "querynode")]
#[case(Component::DataNode, "datanode")]
fn started_before_its_turn(#[case] role: Component, #[case] name: &str) {
    let mut milvus = crs::mix("2.4.9");
    crs::replicas(&mut milvus, role, 0);
    let mut world = World::running(milvus);
    world.demands.ordered = true;
    world.behaviour.broken.insert(crs::image("2.4.10"));
    world.set_image("2.4.10");
    world.settle();
    world.edit(|m| crs::replicas(m, role, 2));
    world.settle();
    let images = world.pods.values().filter(|p| p.component() == name).map(|p| p.image.clone());
    assert_eq!(
        images.collect::<Vec<_>>(),
        [crs::image("2.4.9"), crs::image("2.4.9")],
        "{}",
        world.describe()
    );
    world.behaviour.broken.clear();
    world.settle();
    assert!(world.updated(), "{}", world.describe());
}

/// `replicas: -1`: the number is the autoscaler's, also across a roll.
#[test]
fn an_autoscaled_component_keeps_its_number() {
    let mut milvus = crs::mix("2.4.9");
    crs::replicas(&mut milvus, Component::Proxy, -1);
    let mut world = World::running(milvus);
    assert_eq!(count(&world, "proxy"), 1);
    world.autoscale("my-release-milvus-proxy", 4);
    world.settle();
    assert_eq!(count(&world, "proxy"), 4);
    assert!(world.updated(), "{}", world.describe());
    world.set_image("2.4.10");
    world.settle();
    assert!(world.updated(), "{}", world.describe());
    assert_eq!(count(&world, "proxy"), 4);
    let records = world.observe().unwrap().watched.deployments;
    assert!(records["my-release-milvus-proxy"].scaled_by_other, "the autoscaler still owns it");
}

fn all(milvus: &mut Milvus, number: i32) {
    for role in [
        Component::MixCoord,
        Component::DataNode,
        Component::QueryNode,
        Component::IndexNode,
        Component::Proxy,
    ] {
        crs::replicas(milvus, role, number);
    }
}

/// All replicas 0: stopped. Started again with another image: the new one from the first pod.
#[test]
fn stop_and_start_with_a_new_image() {
    let mut world = World::running(crs::mix("2.4.9"));
    world.edit(|m| all(m, 0));
    world.settle();
    assert_eq!(world.status().status, MilvusState::Stopped);
    assert!(world.pods.is_empty(), "{}", world.describe());
    world.edit(|m| {
        m.spec.components.global.image = Some(crs::image("2.4.10"));
        all(m, 1);
    });
    for _ in 0..100 {
        world.step();
        assert!(world.pods.values().all(|p| p.image == crs::image("2.4.10")), "{}", world.describe());
    }
    assert!(world.updated(), "{}", world.describe());
    assert_eq!(world.status().status, MilvusState::Healthy);
    assert_eq!(world.status().current_image, Some(crs::image("2.4.10")));
}

/// Stopped, then another image, then started.
#[test]
fn a_stopped_milvus_takes_a_new_image() {
    let mut world = World::running(crs::mix("2.4.9"));
    world.edit(|m| all(m, 0));
    world.settle();
    world.set_image("2.4.10");
    world.settle();
    assert!(world.updated(), "{}", world.describe());
    assert_eq!(world.status().status, MilvusState::Stopped);
    world.edit(|m| all(m, 1));
    world.settle();
    assert_eq!(world.pods.len(), 5, "{}", world.describe());
    assert!(world.pods.values().all(|p| p.image == crs::image("2.4.10")));
}

/// While stopped, a path is judged as ever: the data is what matters.
#[test]
fn a_stopped_milvus_is_not_moved_along_a_refused_path() {
    let mut world = World::running(crs::mix("2.1.4"));
    world.edit(|m| all(m, 0));
    world.settle();
    world.edit(|m| {
        m.spec.components.global.image = Some(crs::image("2.2.16"));
        all(m, 1);
    });
    world.settle();
    assert_eq!(world.pods.len(), 5, "it starts at the version that the data is of\n{}", world.describe());
    assert!(world.pods.values().all(|p| p.image == crs::image("2.1.4")), "{}", world.describe());
    assert!(!world.updated());
}
