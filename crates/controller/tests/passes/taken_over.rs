//! What another operator has left is taken over as it is.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::Deployment;
use milvus_api::{ConditionType, Milvus};
use rstest::rstest;
use serde_json::json;

use crate::world::{World, crs};

/// Names and UIDs of Deployments, and of pods.
fn there(world: &World) -> (BTreeMap<String, Option<String>>, Vec<String>) {
    let uids = world.deployments.iter().map(|(name, live)| (name.clone(), live.metadata.uid.clone()));
    (uids.collect(), world.pods.keys().cloned().collect())
}

fn accepted(world: &World) -> (String, String) {
    let condition = world.status().condition(ConditionType::SpecAccepted).unwrap().clone();
    (condition.status, condition.reason)
}

/// Deployments of a group are not deleted for one of the whole component, and nothing else changes either.
#[test]
fn deployment_groups_of_another_operator_are_left_alone() {
    let mut world = World::running(crs::mix("2.4.9"));
    let proxy = "my-release-milvus-proxy";
    let mut grouped: Deployment = world.deployments[proxy].clone();
    grouped.metadata.name = Some(format!("{proxy}-gold"));
    (grouped.metadata.uid, grouped.metadata.resource_version, grouped.metadata.managed_fields) =
        (None, None, None);
    grouped.metadata.annotations = None;
    let labels = json!({ "app.kubernetes.io/component": "proxy", "milvus.io/deployment-group": "gold" });
    let spec = grouped.spec.as_mut().unwrap();
    for (key, value) in labels.as_object().unwrap() {
        let value = value.as_str().unwrap().to_owned();
        spec.selector.match_labels.as_mut().unwrap().insert(key.clone(), value.clone());
        spec.template.metadata.as_mut().unwrap().labels.as_mut().unwrap().insert(key.clone(), value);
    }
    let groups = json!({ "groups": [{ "name": "gold", "replicas": 1 }] });
    world.edit(|milvus| milvus.spec.components.proxy = serde_json::from_value(groups).unwrap());
    world.write_deployment(&grouped);
    world.settle();
    let before = there(&world);
    assert!(before.0.contains_key(&format!("{proxy}-gold")), "{}", world.describe());
    assert_eq!(accepted(&world), ("False".to_owned(), "NotYetSupported".to_owned()));
    world.set_image("2.4.10");
    world.settle();
    assert_eq!(before, there(&world), "{}", world.describe());

    // Without groups in the spec, each component has one Deployment, and what is left of the groups goes.
    world.edit(|milvus| {
        milvus.spec.components.proxy = None;
        milvus.spec.components.global.image = Some(crs::image("2.4.9"));
    });
    world.settle();
    assert!(world.updated(), "{}", world.describe());
    assert!(!world.deployments.contains_key(&format!("{proxy}-gold")), "{}", world.describe());
}

/// Everything is as another operator leaves it that dies here: no trace of ours, in the objects and in the status.
fn hand_over(world: &mut World) {
    for mut live in world.deployments.clone().into_values() {
        let ours = |key: &String| key.starts_with("milvus.io/rendered");
        live.metadata.annotations.get_or_insert_default().retain(|key, _| !ours(key));
        world.write_deployment(&live);
    }
    world.edit_status(|status| {
        (status.upgrade, status.resolved) = (None, None);
        status.applied_generations.clear();
    });
    assert_eq!(world.status().upgrade, None);
}

/// Names of the pods that run an image.
fn at(world: &World, image: &str) -> Vec<String> {
    let of = world.pods.iter().filter(|(_, pod)| pod.image == image && !pod.ending);
    of.map(|(name, _)| name.clone()).collect()
}

/// What has the new image when the roll is taken over keeps its pods, in place and in the other slot.
#[rstest]
#[case(crs::mix("2.4.9"))]
#[case(crs::four("2.3.1"))]
fn a_roll_is_taken_over_where_it_is(#[case] milvus: Milvus, #[values(2, 5, 6, 7)] done: usize) {
    let mut milvus = milvus;
    crs::replicas(&mut milvus, milvus_plan::Component::QueryNode, 3);
    let mut world = World::running(milvus);
    let new = crs::image("2.4.10");
    let (tag, new) = match world.cr().spec.components.global.image.as_deref() {
        Some("milvusdb/milvus:v2.3.1") => ("2.3.2", crs::image("2.3.2")),
        _ => ("2.4.10", new),
    };
    // The other operator has its mounts in another order.
    for name in world.deployments.keys().cloned().collect::<Vec<_>>() {
        world.meddle(&name, |spec| {
            spec.template.spec.as_mut().unwrap().containers[0].volume_mounts.as_mut().unwrap().reverse();
        });
    }
    world.settle();
    world.set_image(tag);
    world.until("so many pods are new", |world| at(world, &new).len() >= done);
    hand_over(&mut world);
    let before = at(&world, &new);
    world.settle();
    assert!(world.updated(), "{}", world.describe());
    let after = at(&world, &new);
    assert!(before.iter().all(|pod| after.contains(pod)), "{before:?} {after:?} {}", world.describe());
}

/// A roll that another operator has begun and that is refused here: what runs is said, with the ways back and on;
/// nothing restarts before one is taken.
#[test]
fn a_roll_that_is_refused_half_way_says_what_runs_and_both_ways_on() {
    let mut world = World::running(crs::mix("2.5.16"));
    world.edit(|milvus| {
        let pause = ("milvus.io/pause-reconcile".to_owned(), "true".to_owned());
        milvus.metadata.annotations.get_or_insert_default().extend([pause]);
    });
    let (old, new) = (crs::image("2.5.16"), crs::image("2.6.4"));
    world.set_image("2.6.4");
    world.meddle("my-release-milvus-mixcoord", |spec| {
        spec.template.spec.as_mut().unwrap().containers[0].image = Some(new.clone());
    });
    world.settle();
    hand_over(&mut world);
    let before = there(&world);
    world.edit(|milvus| {
        milvus.metadata.annotations.as_mut().unwrap().remove("milvus.io/pause-reconcile");
    });
    world.settle();
    let (status, message, _) = world.condition(ConditionType::SpecAccepted);
    assert_eq!(status, "False", "{}", world.describe());
    for part in [
        format!("mixcoord run {new}"),
        format!("datanode, indexnode, proxy, querynode run {old}"),
        format!("To go back, set spec.components.image to {old}"),
        "milvus.io/allow-upgrade".to_owned(),
    ] {
        assert!(message.contains(&part), "{part}: {message}");
    }
    assert_eq!(before, there(&world), "{}", world.describe());
    world.set_image("2.5.16");
    world.settle();
    assert!(world.updated() && at(&world, &new).is_empty(), "{}", world.describe());
}
