//! The process dies at any write, or a write is refused: the end is the same, and the order is never broken.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::DeploymentSpec;
use milvus_api::Milvus;
use rstest::rstest;

use crate::world::{Demands, Fault, Pass, World, crs};

/// What the end is judged by: everything but times and counters.
#[derive(Debug, PartialEq)]
struct End {
    specs: BTreeMap<String, DeploymentSpec>,
    pods: Vec<(String, String)>,
    status: String,
    meta: String,
}

fn end(world: &World) -> End {
    let specs = world.deployments.iter().map(|(name, d)| (name.clone(), d.spec.clone().unwrap())).collect();
    let mut pods: Vec<_> = world.pods.values().map(|p| (p.deployment.clone(), p.image.clone())).collect();
    pods.sort();
    let mut status = world.status().clone();
    status.applied_generations.clear();
    for condition in &mut status.conditions {
        condition.last_transition_time = None;
    }
    for deployed in status.components_deploy_status.values_mut() {
        deployed.generation = 0;
        deployed.status.observed_generation = None;
    }
    if let Some(rollout) = status.upgrade.as_mut() {
        rollout.started_at = None;
        rollout.finished_at = None;
        for step in &mut rollout.steps {
            step.started_at = None;
            step.finished_at = None;
        }
    }
    let meta = &world.cr().metadata;
    let meta = format!("{:?} {:?} {:?}", meta.labels, meta.annotations, meta.finalizers);
    End { specs, pods, status: format!("{status:?}"), meta }
}

/// Two that go together are two writes, and a process can die between them.
fn one_by_one(order: &[String]) -> Vec<String> {
    order.iter().flat_map(|step| step.split('+')).map(str::to_owned).collect()
}

/// Settles through deaths: a process that died is started again.
fn settle(world: &mut World) {
    for _ in 0..400 {
        let pass = world.pass();
        let moved = world.tick();
        if pass == Pass::Wrote(0) && !moved && world.pass() == Pass::Wrote(0) {
            return;
        }
    }
    panic!("does not come to rest\n{}", world.describe());
}

/// Goes the way without a fault; at every pass on it, a twin of the world goes on from there with a fault at each of the
/// writes of that pass. (Dying before a write is dying after the one before it.)
fn every_write(mut world: World) {
    world.behaviour.ready_after = 1;
    let clean = {
        let mut clean = world.clone();
        settle(&mut clean);
        assert!(clean.updated(), "{}", clean.describe());
        clean
    };
    let (wanted, order) = (end(&clean), one_by_one(&clean.order()));
    while world.writes() < clean.writes() {
        let (fork, first) = (world.clone(), world.writes());
        world.pass();
        world.tick();
        for number in first + 1..=world.writes() {
            for fault in [Fault::DiesAfter(number), Fault::Refused(number)] {
                let mut twin = fork.clone();
                twin.fault = Some(fault);
                settle(&mut twin);
                assert_eq!(one_by_one(&twin.order()), order, "{fault:?}");
                assert_eq!(end(&twin), wanted, "{fault:?}");
            }
        }
    }
}

#[rstest]
#[case::mix(crs::mix("2.4.9"))]
#[case::standalone(crs::standalone("2.6.11"))]
fn create(#[case] milvus: Milvus) {
    every_write(World::new(milvus));
}

#[rstest]
#[case::four_joins_two(crs::four("2.2.16"), "2.3.5")]
#[case::streaming(crs::mix("2.6.10"), "2.6.11")]
fn roll(#[case] milvus: Milvus, #[case] to: &str) {
    let mut world = World::running(milvus);
    world.demands = Demands { ordered: true, serving: true };
    world.set_image(to);
    every_write(world);
}

/// Three query nodes are handed over pod by pod.
#[test]
fn hand_over_of_query_nodes() {
    let mut milvus = crs::mix("2.4.9");
    crs::replicas(&mut milvus, milvus_plan::Component::QueryNode, 3);
    let mut world = World::running(milvus);
    world.demands = Demands { ordered: true, serving: true };
    world.set_image("2.4.10");
    every_write(world);
}

/// A revert in the query-node step.
#[test]
fn revert() {
    let mut world = World::running(crs::mix("2.4.9"));
    world.set_image("2.4.10");
    world.until("query nodes", |w| w.order().iter().any(|c| c == "querynode"));
    world.set_image("2.4.9");
    world.history.changes.clear();
    world.demands = Demands { ordered: true, serving: true };
    every_write(world);
}
