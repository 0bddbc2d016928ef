//! A roll that a user holds at a step, and lets go on.

use milvus_plan::Component;
use rstest::rstest;

use crate::world::{World, crs};

fn hold(world: &mut World, at: Option<&str>) {
    let at = at.map(str::to_owned);
    world.edit(|m| {
        let annotations = m.metadata.annotations.get_or_insert_default();
        annotations.remove("milvus.io/hold-before");
        annotations.extend(at.map(|at| ("milvus.io/hold-before".to_owned(), at)));
    });
}

fn waits_for(world: &World) -> (Option<String>, String, String) {
    let waiting = world.status().upgrade.clone().unwrap().waiting_for.unwrap();
    (waiting.step, waiting.reason, waiting.message)
}

fn pods(world: &World, component: &str, tag: &str) -> usize {
    let of = world.pods.values().filter(|p| p.component() == component && p.image == crs::image(tag));
    of.filter(|p| !p.ending).count()
}

/// What comes before is done, nothing of it or after it begins, and it is said why and told once.
#[rstest]
#[case("querynode", "querynode")]
#[case(" proxy ", "proxy")]
fn a_roll_stands_still_before_a_component_until_it_is_let_go(#[case] at: &str, #[case] component: &str) {
    let mut world = World::running(crs::mix("2.4.9"));
    hold(&mut world, Some(at));
    world.settle();
    assert!(world.updated(), "nothing is held while nothing rolls: {}", world.describe());
    world.set_image("2.4.10");
    world.settle();
    let (step, reason, message) = waits_for(&world);
    assert_eq!((step.as_deref(), reason.as_str()), (Some(component), "HeldByAnnotation"));
    assert!(message.contains("Remove the annotation milvus.io/hold-before"), "{message}");
    assert_eq!(world.events("HeldByAnnotation").len(), 1, "{:?}", world.history.events);
    assert_eq!((pods(&world, component, "2.4.9"), pods(&world, component, "2.4.10")), (1, 0));
    assert_eq!(pods(&world, "mixcoord", "2.4.10"), 1, "{}", world.describe());
    hold(&mut world, None);
    world.settle();
    assert!(world.updated(), "{}", world.describe());
    assert!(world.pods.values().all(|p| p.image == crs::image("2.4.10")));
}

/// Two query nodes of four move; the roll stands still with both kinds serving.
#[test]
fn a_roll_stands_still_after_two_query_nodes() {
    let mut milvus = crs::mix("2.4.9");
    crs::replicas(&mut milvus, Component::QueryNode, 4);
    let mut world = World::running(milvus);
    world.demands.serving = true;
    hold(&mut world, Some("querynode/2"));
    world.set_image("2.4.10");
    world.settle();
    let (step, reason, message) = waits_for(&world);
    assert_eq!((step.as_deref(), reason.as_str()), (Some("querynode"), "HeldByAnnotation"), "{message}");
    assert_eq!(pods(&world, "querynode", "2.4.10"), 2, "{}", world.describe());
    assert!(pods(&world, "querynode", "2.4.9") >= 2, "{}", world.describe());
    hold(&mut world, None);
    world.settle();
    assert!(world.updated(), "{}", world.describe());
}

/// The way back is not held, and what can't be read holds what has not begun.
#[test]
fn the_way_back_is_open_and_a_slip_of_the_pen_holds() {
    let mut world = World::running(crs::mix("2.4.9"));
    hold(&mut world, Some("querynodes"));
    world.set_image("2.4.10");
    world.settle();
    let (_, reason, message) = waits_for(&world);
    assert_eq!(reason, "HeldByAnnotation");
    assert!(message.contains("querynodes"), "{message}");
    assert!(world.pods.values().all(|p| p.image == crs::image("2.4.9")), "{}", world.describe());
    hold(&mut world, Some("querynode"));
    world.settle();
    assert_eq!(pods(&world, "mixcoord", "2.4.10"), 1, "{}", world.describe());
    world.set_image("2.4.9");
    world.settle();
    assert!(world.updated(), "{}", world.describe());
    assert!(world.pods.values().all(|p| p.image == crs::image("2.4.9")));
}
