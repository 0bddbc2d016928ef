//! Specs that the Go operator stumbles over.

use k8s_openapi::api::core::v1::PodTemplateSpec;
use milvus_api::ConditionType;
use milvus_plan::Component;
use rstest::rstest;
use serde_json::{Value, json};

use crate::world::{World, crs};

const PROXY: &str = "my-release-milvus-proxy";

fn template(world: &World, deployment: &str) -> PodTemplateSpec {
    world.deployments[deployment].spec.clone().unwrap().template
}

fn components(patch: &Value) -> Value {
    json!({ "spec": { "components": patch } })
}

#[test]
fn w06_an_empty_list_of_endpoints_is_refused_and_freezes_nothing() {
    let mut world = World::running(crs::mix("2.4.9"));
    let etcd =
        |endpoints: &[&str]| json!({ "spec": { "dependencies": { "etcd": { "endpoints": endpoints } } } });
    world.merge(&etcd(&[]));
    world.settle();
    let (accepted, message, _) = world.condition(ConditionType::SpecAccepted);
    assert_eq!(accepted, "False");
    assert!(message.contains("etcd.endpoints"), "{message}");
    assert_eq!(world.status().observed_generation, world.cr().metadata.generation, "the status goes on");
    assert_eq!(world.pods.len(), 5);
    world.merge(&etcd(&["etcd.infra:2379"]));
    world.settle();
    assert!(world.updated(), "{}", world.describe());
}

/// Values that the API server completes: nothing is written again, by the same operator or the next one.
#[test]
fn w07_defaults_of_the_api_server_are_no_change() {
    let mut milvus = serde_json::to_value(crs::mix("2.4.9")).unwrap();
    let components = &mut milvus["spec"]["components"];
    components["env"] =
        json!([{ "name": "NODE", "valueFrom": { "fieldRef": { "fieldPath": "spec.nodeName" } } }]);
    components["volumes"] = json!([
        { "name": "host", "hostPath": { "path": "/mnt" } },
        { "name": "info", "downwardAPI": { "items": [{ "path": "l", "fieldRef": { "fieldPath": "metadata.labels" } }] } },
        { "name": "token", "projected": { "sources": [{ "serviceAccountToken": { "path": "token" } }] } },
        { "name": "keys", "secret": { "secretName": "keys" } },
    ]);
    components["volumeMounts"] = json!([{ "name": "host", "mountPath": "/mnt" }]);
    let probe = json!({ "httpGet": { "port": 80 } });
    components["queryNode"] = json!({
        "sidecars": [{ "name": "side", "image": "side:1", "livenessProbe": probe }],
        "initContainers": [{ "name": "init", "image": "init:1", "env": [{ "name": "A" }] }],
    });
    let mut world = World::running(serde_json::from_value(milvus).unwrap());
    let generations = |world: &World| -> Vec<Option<i64>> {
        world.deployments.values().map(|live| live.metadata.generation).collect()
    };
    let (before, pods) = (generations(&world), world.pods.keys().cloned().collect::<Vec<_>>());
    for _ in 0..2 {
        world.settle();
        assert!(world.history.changes.is_empty(), "{:?}", world.history.changes);
        world.restart();
    }
    assert_eq!(generations(&world), before);
    assert!(world.pods.keys().eq(&pods), "{}", world.describe());
}

#[test]
fn w08_an_image_of_its_own_is_no_obstacle() {
    let mut milvus = crs::mix("2.4.9");
    let own = "registry.example/milvus-proxy:patched".to_owned();
    crs::component(&mut milvus.spec.components, Component::Proxy).spec.image = Some(own.clone());
    let mut world = World::running(milvus);
    world.set_image("2.4.10");
    world.settle();
    assert!(world.updated(), "{}", world.describe());
    assert_eq!(world.status().current_image, Some(crs::image("2.4.10")));
    for pod in world.pods.values() {
        let wanted = if pod.component() == "proxy" { own.clone() } else { crs::image("2.4.10") };
        assert_eq!(pod.image, wanted, "{}", pod.name);
    }
}

#[test]
fn w10_cdc_stays_beside_a_standalone() {
    let mut milvus = crs::standalone("2.4.9");
    crs::replicas(&mut milvus, Component::Cdc, 1);
    let mut world = World::running(milvus);
    let cdc = |world: &World| {
        let found = world.deployments.iter().find(|(name, _)| World::component_of(name) == "cdc");
        found.map(|(_, live)| live.metadata.uid.clone())
    };
    let before = cdc(&world);
    assert!(before.is_some());
    world.set_image("2.4.10");
    world.settle();
    assert!(world.updated(), "{}", world.describe());
    assert_eq!(cdc(&world), before, "the same Deployment, never deleted");
}

#[test]
fn w14_a_component_can_roll_without_one_pod_more() {
    let mut milvus = crs::mix("2.4.9");
    crs::replicas(&mut milvus, Component::Proxy, 3);
    let mut world = World::running(milvus);
    let update = json!({ "maxSurge": 0, "maxUnavailable": 1 });
    world.merge(&components(&json!({ "image": crs::image("2.4.10"), "proxy": { "rollingUpdate": update } })));
    for _ in 0..120 {
        world.step();
        let proxies = world.pods.values().filter(|pod| pod.component() == "proxy" && !pod.ending).count();
        assert!((2..=3).contains(&proxies), "{}", world.describe());
    }
    assert!(world.updated(), "{}", world.describe());
}

/// What is added comes, and when it is taken out again, the template is what it was before.
#[rstest]
#[case::env("env", json!([{ "name": "A", "value": "b" }]))]
#[case::labels("podLabels", json!({ "a": "b" }))]
#[case::annotations("podAnnotations", json!({ "a": "b" }))]
#[case::volumes("volumes", json!([{ "name": "a", "emptyDir": {} }]))]
#[case::sidecars("sidecars", json!([{ "name": "a", "image": "a:1" }]))]
#[case::init_containers("initContainers", json!([{ "name": "a", "image": "a:1" }]))]
#[case::service_account("serviceAccountName", json!("mine"))]
#[case::probes("probes", json!({ "livenessProbe": { "tcpSocket": { "port": 1 } } }))]
fn w20_what_is_taken_out_of_the_spec_goes(#[case] field: &str, #[case] value: Value) {
    let mut world = World::running(crs::mix("2.4.9"));
    let before = template(&world, PROXY);
    world.merge(&components(&json!({ "proxy": { field: value } })));
    world.settle();
    assert!(world.updated(), "{}", world.describe());
    let with = template(&world, PROXY);
    assert_ne!(with.spec, before.spec.clone().filter(|_| !field.starts_with("pod")), "{field} comes");
    world.merge(&components(&json!({ "proxy": { field: null } })));
    world.settle();
    assert!(world.updated(), "{}", world.describe());
    assert_eq!(template(&world, PROXY), before, "{field} goes");
    assert_ne!(with, before);
}
