//! Query nodes: new pods up before old ones go.

use milvus_plan::Component;
use rstest::rstest;

use crate::world::{Demands, World, crs};

const STRICT: Demands = Demands { ordered: true, serving: true };
const ZERO: &str = "my-release-milvus-querynode-0";
const ONE: &str = "my-release-milvus-querynode-1";

fn with(replicas: i32) -> World {
    let mut milvus = crs::mix("2.4.9");
    crs::replicas(&mut milvus, Component::QueryNode, replicas);
    World::running(milvus)
}

fn size(world: &World, name: &str) -> i32 {
    world.deployments[name].spec.as_ref().unwrap().replicas.unwrap()
}

fn querynodes(world: &World) -> usize {
    world.pods.values().filter(|p| p.component() == "querynode").count()
}

fn annotation(world: &World) -> Option<String> {
    world.cr().metadata.annotations.as_ref()?.get("milvus.io/querynode-current-group-id").cloned()
}

/// The pods move to the other slot, never more than one too many, never one too few.
#[rstest]
#[case(1)]
#[case(3)]
fn pods_move_to_the_other_slot(#[case] number: usize) {
    let mut world = with(i32::try_from(number).unwrap());
    assert_eq!((annotation(&world).as_deref(), size(&world, ONE)), (Some("0"), 0));
    world.demands = STRICT;
    world.set_image("2.4.10");
    let mut most = 0;
    for _ in 0..200 {
        world.step();
        most = most.max(querynodes(&world));
    }
    assert!(world.updated(), "{}", world.describe());
    assert_eq!(most, number + 1, "one more than asked for, ending ones counted");
    assert_eq!((size(&world, ZERO), size(&world, ONE)), (0, i32::try_from(number).unwrap()));
    assert_eq!(annotation(&world).as_deref(), Some("1"));
    let labels = world.cr().metadata.labels.clone().unwrap_or_default();
    assert!(!labels.contains_key("milvus.io/querynode-rolling-id"), "{labels:?}");
}

/// The next roll comes back.
#[test]
fn two_rolls_use_both_slots() {
    let mut world = with(2);
    world.demands = STRICT;
    for (tag, current) in [("2.4.10", "1"), ("2.4.11", "0"), ("2.4.12", "1")] {
        world.set_image(tag);
        world.settle();
        assert!(world.updated(), "{}", world.describe());
        assert_eq!(annotation(&world).as_deref(), Some(current));
    }
}

/// While it rolls the label of upstream is there, with the generation that began it.
#[test]
fn the_rolling_label_is_there_while_it_rolls() {
    let mut world = with(2);
    world.set_image("2.4.10");
    let generation = world.cr().metadata.generation.unwrap().to_string();
    world.until("it rolls", |w| size(w, ONE) > 0);
    world.step();
    let labels = world.cr().metadata.labels.clone().unwrap();
    assert_eq!(labels.get("milvus.io/querynode-rolling-id"), Some(&generation));
}

/// Without pods there is nothing to move, and the roll is not held up.
#[test]
fn no_query_nodes_at_all() {
    let mut world = with(0);
    world.demands = STRICT;
    world.set_image("2.4.10");
    world.settle();
    assert!(world.updated(), "{}", world.describe());
    assert_eq!(querynodes(&world), 0);
    world.demands.serving = false;
    world.edit(|m| crs::replicas(m, Component::QueryNode, 2));
    world.settle();
    assert_eq!(querynodes(&world), 2);
    assert!(world.pods.values().all(|p| p.image == crs::image("2.4.10")), "{}", world.describe());
}

/// An autoscaler owns the number: it is taken over to the other slot.
#[test]
fn autoscaled_query_nodes_keep_their_number() {
    let mut world = with(-1);
    assert_eq!(querynodes(&world), 1);
    world.autoscale(ZERO, 3);
    world.settle();
    assert_eq!(querynodes(&world), 3, "{}", world.describe());
    world.set_image("2.4.10");
    world.settle();
    assert!(world.updated(), "{}", world.describe());
    assert_eq!(querynodes(&world), 3, "{}", world.describe());
    assert_eq!(size(&world, ZERO), 0);
}

/// The number changes in the middle of the move.
#[rstest]
#[case::more(3, 5)]
#[case::fewer(3, 1)]
#[case::none(3, 0)]
fn resized_in_the_middle(#[case] from: i32, #[case] to: i32) {
    let mut world = with(from);
    world.demands.ordered = true;
    world.set_image("2.4.10");
    world.until("half-way", |w| size(w, ONE) > 1);
    world.edit(|m| crs::replicas(m, Component::QueryNode, to));
    world.settle();
    assert!(world.updated(), "{}", world.describe());
    assert_eq!(querynodes(&world), usize::try_from(to).unwrap());
}

/// The idle slot was deleted by hand: it comes back, idle, and no pod is touched.
#[test]
fn a_deleted_idle_slot_comes_back_idle() {
    let mut world = with(2);
    let pods: Vec<String> = world.pods.keys().cloned().collect();
    world.delete_deployment(ONE);
    world.settle();
    assert_eq!(size(&world, ONE), 0);
    assert_eq!(world.pods.keys().cloned().collect::<Vec<_>>(), pods);
    assert!(world.updated());
}

/// The slot that serves was deleted by hand: it comes back with its pods.
#[test]
fn a_deleted_serving_slot_comes_back() {
    let mut world = with(2);
    world.delete_deployment(ZERO);
    world.settle();
    assert_eq!(querynodes(&world), 2, "{}", world.describe());
    assert!(world.updated());
    assert!(world.pods.values().all(|p| p.image == crs::image("2.4.9")));
}

/// The pointer to the slot is a hint: lost, or wrong, it is put right and no pod is touched.
#[rstest]
#[case::lost(None)]
#[case::nonsense(Some("7"))]
#[case::wrong(Some("0"))]
fn a_lost_pointer_is_put_right(#[case] value: Option<&str>) {
    let mut world = with(2);
    world.set_image("2.4.10");
    world.settle();
    assert_eq!(annotation(&world).as_deref(), Some("1"));
    let pods: Vec<String> = world.pods.keys().cloned().collect();
    world.edit(|m| {
        let all = m.metadata.annotations.as_mut().unwrap();
        all.remove("milvus.io/querynode-current-group-id");
        all.extend(value.map(|v| ("milvus.io/querynode-current-group-id".to_owned(), v.to_owned())));
    });
    world.settle();
    assert_eq!(annotation(&world).as_deref(), Some("1"), "{}", world.describe());
    assert_eq!(world.pods.keys().cloned().collect::<Vec<_>>(), pods);
    assert!(world.updated(), "{}", world.describe());
}

/// The pointer is lost in the middle of a move.
#[test]
fn a_pointer_lost_in_the_middle_changes_nothing() {
    let mut world = with(3);
    world.demands = STRICT;
    world.set_image("2.4.10");
    world.until("half-way", |w| size(w, ONE) > 1);
    world.edit(|m| {
        m.metadata.annotations.as_mut().unwrap().remove("milvus.io/querynode-current-group-id");
    });
    world.settle();
    assert!(world.updated(), "{}", world.describe());
    assert_eq!((size(&world, ZERO), size(&world, ONE)), (0, 3));
    assert_eq!(annotation(&world).as_deref(), Some("1"));
}
