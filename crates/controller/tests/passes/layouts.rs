//! `rollingMode: 3`: every component in two Deployments, and the ways there and back.

use milvus_api::{ConditionType, Milvus};
use rstest::rstest;

use crate::world::{Demands, World, crs};

const STRICT: Demands = Demands { ordered: true, serving: true };
const ORDERED: Demands = Demands { ordered: true, serving: false };

fn mode(milvus: &mut Milvus, number: i64) {
    milvus.spec.components.rolling_mode = Some(number);
}

fn in_mode(mut milvus: Milvus, number: i64) -> Milvus {
    mode(&mut milvus, number);
    milvus
}

/// Names of Deployments without the common part, each with its number of pods.
fn sizes(world: &World, component: &str) -> Vec<(String, i32)> {
    let of = world.deployments.iter().filter(|(name, _)| World::component_of(name) == component);
    of.map(|(name, d)| {
        (name.trim_start_matches("my-release-milvus-").to_owned(), d.spec.as_ref().unwrap().replicas.unwrap())
    })
    .collect()
}

fn named(list: &[(&str, i32)]) -> Vec<(String, i32)> {
    list.iter().map(|(name, replicas)| ((*name).to_owned(), *replicas)).collect()
}

fn pods(world: &World) -> Vec<String> {
    world.pods.keys().cloned().collect()
}

/// Created so, it rolls from slot to slot in the order of every other roll, and as many pods as are asked for serve all the time.
#[rstest]
#[case(crs::mix("2.4.9"), "2.4.10")]
#[case(crs::four("2.3.1"), "2.3.2")]
#[case(crs::standalone("2.4.9"), "2.4.10")]
fn every_component_moves_to_its_other_slot(#[case] milvus: Milvus, #[case] to: &str) {
    let mut plain = World::running(milvus.clone());
    plain.set_image(to);
    plain.settle();
    let mut world = World::running(in_mode(milvus, 3));
    assert_eq!(world.status().rolling_mode_version, Some(3));
    let every = |slot: &str| world.deployments.keys().filter(|name| name.ends_with(slot)).count();
    assert_eq!((every("-0"), every("-1")), (world.deployments.len() / 2, world.deployments.len() / 2));
    world.demands = STRICT;
    world.set_image(to);
    world.settle();
    assert!(world.updated(), "{}", world.describe());
    assert_eq!(world.order(), plain.order());
    for (name, live) in &world.deployments {
        assert!(
            name.ends_with("-1") || live.spec.as_ref().unwrap().replicas == Some(0),
            "{}",
            world.describe()
        );
    }
}

/// Asked for later, it moves no pod; the next roll does, and takes the Deployment without a slot away.
#[test]
fn asked_for_later_it_begins_with_the_next_roll() {
    let mut world = World::running(crs::mix("2.4.9"));
    let before = pods(&world);
    world.demands = STRICT;
    world.edit(|m| mode(m, 3));
    world.settle();
    assert!(world.updated(), "{}", world.describe());
    assert_eq!(pods(&world), before, "no pod is restarted");
    assert_eq!(sizes(&world, "proxy"), named(&[("proxy", 1), ("proxy-0", 0)]));
    assert_eq!(world.status().rolling_mode_version, Some(2), "not reached");
    world.set_image("2.4.10");
    world.settle();
    assert!(world.updated(), "{}", world.describe());
    assert_eq!(sizes(&world, "proxy"), named(&[("proxy-0", 1), ("proxy-1", 0)]));
    assert_eq!(world.status().rolling_mode_version, Some(3));
    assert_eq!(world.condition(ConditionType::SpecSupported).0, "True");
}

/// While components move to another layout, what `MilvusUpdated` lists only gets shorter: one that has moved is not listed again, also
/// when the list of pods is ahead of the watch.
#[rstest]
fn what_is_told_only_gets_shorter(#[values(0, 1, 2, 3)] lag: usize) {
    let mut world = World::running(crs::mix("2.4.9"));
    world.behaviour.watch_lag = lag;
    world.edit(|m| mode(m, 3));
    world.settle();
    world.history.messages.clear();
    world.set_image("2.4.10");
    world.settle();
    let lists: Vec<&str> =
        world.history.messages.iter().filter(|m| m.contains('[')).map(String::as_str).collect();
    assert!(lists.len() > 3 && lists.windows(2).all(|pair| pair[1].len() < pair[0].len()), "{lists:#?}");
}

/// Taken back, it moves no pod either; the next roll goes to the Deployment without a slot, and both others go.
#[rstest]
#[case(0)]
#[case(1)]
fn taken_back_it_ends_with_the_next_roll(#[case] rolls: usize) {
    let mut world = World::running(in_mode(crs::mix("2.4.9"), 3));
    for tag in ["2.4.10"].iter().take(rolls) {
        world.set_image(tag);
        world.settle();
    }
    let before = pods(&world);
    world.demands = STRICT;
    world.edit(|m| mode(m, 2));
    world.settle();
    assert!(world.updated(), "{}", world.describe());
    assert_eq!(pods(&world), before, "no pod is restarted");
    world.set_image("2.4.11");
    world.settle();
    assert!(world.updated(), "{}", world.describe());
    assert_eq!(sizes(&world, "proxy"), named(&[("proxy", 1)]));
    assert_eq!(sizes(&world, "querynode").len(), 2, "query nodes always have two");
    assert_eq!(world.status().rolling_mode_version, Some(2));
}

/// Changed in the middle of a roll, in either direction, the roll ends, and so does the change.
#[rstest]
#[case(2, 3)]
#[case(3, 2)]
fn changed_in_the_middle_the_roll_ends(
    #[case] from: i64,
    #[case] to: i64,
    #[values(3, 9, 15, 21, 27, 33)] at: usize,
) {
    let mut world = World::running(in_mode(crs::mix("2.4.9"), from));
    world.demands = STRICT;
    world.set_image("2.4.10");
    for _ in 0..at {
        world.step();
    }
    world.edit(|m| mode(m, to));
    world.settle();
    assert!(world.updated(), "{}", world.describe());
    world.set_image("2.4.11");
    world.settle();
    assert!(world.updated(), "{}", world.describe());
    assert_eq!(sizes(&world, "proxy").len(), if to == 3 { 2 } else { 1 }, "{}", world.describe());
    assert_eq!(world.status().rolling_mode_version, Some(to));
}

/// A standalone whose queue lies on its volume, and coordinators that can't stand by: the old pod has gone before the new one starts.
#[rstest]
#[case(crs::rocksmq("2.4.9"), "2.4.10", "standalone")]
#[case(crs::four("2.1.3"), "2.1.4", "rootcoord")]
fn what_must_not_run_twice_does_not(
    #[case] milvus: Milvus,
    #[case] to: &str,
    #[case] component: &str,
    #[values((3, 3), (2, 3), (3, 2))] modes: (i64, i64),
) {
    let mut world = World::running(in_mode(milvus, modes.0));
    world.edit(|m| mode(m, modes.1));
    world.settle();
    world.demands = ORDERED;
    world.set_image(to);
    let mut most = 0;
    for _ in 0..200 {
        world.step();
        most = most.max(world.pods.values().filter(|p| p.component() == component).count());
    }
    assert!(world.updated(), "{}", world.describe());
    assert_eq!(most, 1);
    assert_eq!(sizes(&world, component).iter().map(|(_, n)| *n).sum::<i32>(), 1);
}

/// A Deployment that was deleted by hand comes back where it was.
#[test]
fn a_deleted_slot_comes_back() {
    let mut world = World::running(in_mode(crs::mix("2.4.9"), 3));
    world.delete_deployment("my-release-milvus-proxy-0");
    world.settle();
    assert!(world.updated(), "{}", world.describe());
    assert_eq!(sizes(&world, "proxy"), named(&[("proxy-0", 1), ("proxy-1", 0)]));
}
