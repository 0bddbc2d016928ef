//! An image that never gets ready: it can be replaced or taken back at any moment, and the cluster follows at once.

use milvus_api::{ConditionType, MilvusState, RolloutDirection, RolloutPhase};
use rstest::rstest;

use crate::world::{Demands, World, crs};

const STRICT: Demands = Demands { ordered: true, serving: true };

/// A cluster whose roll to `2.4.10` is stuck at a component: the image is broken from there on.
fn stuck_at(component: &str) -> World {
    let mut milvus = crs::mix("2.4.9");
    crs::replicas(&mut milvus, milvus_plan::Component::QueryNode, 3);
    let mut world = World::running(milvus);
    world.demands = STRICT;
    world.set_image("2.4.10");
    world.until("its turn", |w| w.order().iter().any(|c| c == component));
    world.behaviour.broken.insert(crs::image("2.4.10"));
    world.settle();
    world.history.changes.clear();
    world
}

/// It is stuck, says on which pod and why, everything keeps serving, and nothing else is touched.
#[rstest]
#[case("indexnode")]
#[case("querynode")]
fn a_broken_image_stops_the_roll_and_is_named(#[case] component: &str) {
    let world = stuck_at(component);
    assert_eq!(world.status().status, MilvusState::Healthy, "{}", world.describe());
    assert!(!world.updated());
    let rollout = world.status().upgrade.clone().unwrap();
    assert_eq!(rollout.phase, Some(RolloutPhase::Rolling));
    let waiting = rollout.waiting_for.unwrap();
    assert_eq!((waiting.step.as_deref(), waiting.reason.as_str()), (Some(component), "PodProblem"));
    assert!(waiting.message.contains("ImagePullBackOff"), "{}", waiting.message);
    assert_eq!(world.condition(ConditionType::UpgradeProgressing).2, "PodProblem");
    assert_eq!(world.events("PodProblem").len(), 1, "told once: {:?}", world.events("PodProblem"));
}

/// Fix forward: a third image takes the place of the broken one, in the same order, from the component that is stuck.
#[rstest]
#[case("indexnode")]
#[case("mixcoord")]
#[case("querynode")]
#[case("proxy")]
fn fix_forward(#[case] component: &str) {
    let mut world = stuck_at(component);
    world.demands.ordered = false;
    world.set_image("2.4.11");
    world.settle();
    assert!(world.updated(), "{}", world.describe());
    assert_eq!(world.order().join(" "), "indexnode mixcoord querynode datanode proxy");
    assert!(world.pods.values().all(|p| p.image == crs::image("2.4.11")));
    assert_eq!(world.status().current_image, Some(crs::image("2.4.11")));
    assert_eq!(world.status().upgrade.as_ref().unwrap().phase, Some(RolloutPhase::Done));
    assert_eq!(world.status().status, MilvusState::Healthy);
}

/// Revert: back to what ran before, the latest component first, and nothing that was not moved is restarted.
#[rstest]
#[case("indexnode", "indexnode")]
#[case("mixcoord", "mixcoord indexnode")]
// The old query nodes still run in their slot: they only get their number back.
#[case("querynode", "mixcoord indexnode")]
#[case("proxy", "proxy datanode querynode mixcoord indexnode")]
fn revert(#[case] component: &str, #[case] order: &str) {
    let mut world = stuck_at(component);
    world.set_image("2.4.9");
    world.settle();
    assert!(world.updated(), "{}", world.describe());
    assert!(world.pods.values().all(|p| p.image == crs::image("2.4.9")));
    assert_eq!(world.order().join(" "), order, "{:?}", world.history.changes);
    let rollout = world.status().upgrade.clone().unwrap();
    assert_eq!(rollout.direction, Some(RolloutDirection::Revert));
    assert_eq!(world.status().current_image, Some(crs::image("2.4.9")));
}

/// In the query-node step the old pods never stopped: a revert makes them whole again and starts no new one elsewhere.
#[test]
fn revert_of_query_nodes_keeps_the_pods_that_serve() {
    let mut world = stuck_at("querynode");
    let old: Vec<String> = querynodes(&world, "2.4.9");
    assert!(!old.is_empty());
    world.set_image("2.4.9");
    world.settle();
    let now = querynodes(&world, "2.4.9");
    assert!(old.iter().all(|name| now.contains(name)), "{old:?} {now:?}");
    assert_eq!(now.len(), 3);
}

fn querynodes(world: &World, tag: &str) -> Vec<String> {
    let pods = world.pods.values().filter(|p| p.component() == "querynode" && p.image == crs::image(tag));
    pods.map(|p| p.name.clone()).collect()
}

/// Changed one's mind twice, in the middle of a good roll.
#[test]
fn there_and_back_and_there_again() {
    let mut world = World::running(crs::mix("2.4.9"));
    world.demands.serving = true;
    world.set_image("2.4.10");
    world.until("query nodes", |w| w.order().iter().any(|c| c == "querynode"));
    world.set_image("2.4.9");
    for _ in 0..3 {
        world.step();
    }
    world.set_image("2.4.10");
    world.settle();
    assert!(world.updated(), "{}", world.describe());
    assert!(world.pods.values().all(|p| p.image == crs::image("2.4.10")));
}

/// The first image of all is broken: there is nothing to go back to, and any other image is taken at once.
#[test]
fn a_broken_first_image_is_replaced() {
    let mut world = World::new(crs::mix("2.4.9"));
    world.behaviour.broken.insert(crs::image("2.4.9"));
    world.settle();
    assert!(!world.updated());
    assert_eq!(world.status().status, MilvusState::Pending);
    world.set_image("2.4.10");
    world.settle();
    assert!(world.updated(), "{}", world.describe());
    assert_eq!(world.status().status, MilvusState::Healthy);
}
