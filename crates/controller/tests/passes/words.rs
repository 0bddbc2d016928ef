//! The words about a spec: warnings, refusals at their field, the address for clients.

use milvus_api::{ConditionType, FreeForm, Milvus, MilvusState};
use milvus_state::Parsed;
use milvus_state::manifests::Tool;
use milvus_state::refusal::Refusal;
use rstest::rstest;
use serde_json::{Value, json};

use crate::world::{World, crs};

fn free(value: Value) -> FreeForm {
    serde_json::from_value(value).unwrap()
}

fn parse(milvus: &Milvus) -> Result<Parsed, Vec<Refusal>> {
    let tool = Tool { image: "operator:1".to_owned(), pull_policy: "IfNotPresent".to_owned() };
    Parsed::of(milvus, &tool).unwrap()
}

fn with_config(config: Value) -> Milvus {
    let mut milvus = crs::mix("2.4.9");
    milvus.spec.config = Some(free(config));
    milvus.metadata.uid = Some("u".to_owned());
    milvus
}

/// A key that Milvus does not know is told with the one that was meant; one that it knows, however it is written, is not.
#[rstest]
#[case::section(json!({"rootcord": {}}), &["spec.config.rootcord", "`rootCoord`"])]
#[case::far_off(json!({"kubernetes": {}}), &["spec.config.kubernetes: Milvus has no such section"])]
#[case::key(json!({"queryNode": {"gracefulStopTimout": 1}}), &["spec.config.queryNode.gracefulStopTimout", "`gracefulStopTimeout`"])]
#[case::flat(json!({"dataCoord.enableCompacton": false}), &["dataCoord.enableCompacton", "`enableCompaction`"])]
#[case::misplaced(json!({"common": {"internaltls": {}}}), &["spec.config.common.internaltls", "`spec.config.internaltls`"])]
#[case::known(json!({"common": {"security": {"authorizationEnabled": true}}}), &[])]
#[case::case_does_not_matter(json!({"ROOTCOORD": {"dml_channel_num": 16}, "rootCoord.maxPartitionNum": 1}), &[])]
#[case::unknown_but_unlike(json!({"proxy": {"somethingThatOnlyTheCodeKnows": 1}, "credential": {"mine": {}}}), &[])]
fn keys_of_the_configuration(#[case] config: Value, #[case] words: &[&str]) {
    let warnings = parse(&with_config(config)).unwrap().spec.warnings;
    assert_eq!(warnings.len(), usize::from(!words.is_empty()), "{warnings:?}");
    for word in words {
        assert!(warnings[0].contains(word), "{word}: {warnings:?}");
    }
}

/// A warning refuses nothing, is told once, and goes when its cause does.
#[test]
fn a_warning_stops_nothing() {
    let mut world = World::new(with_config(json!({"rootcord": {}})));
    world.settle();
    assert!(world.updated(), "{}", world.describe());
    assert_eq!(world.status().status, MilvusState::Healthy);
    let (status, message, reason) = world.condition(ConditionType::SpecAccepted);
    assert_eq!((status.as_str(), reason.as_str()), ("True", "AcceptedWithWarnings"));
    let told = world.events("AcceptedWithWarnings");
    assert_eq!((told.len(), &told[0].message), (1, &message));
    world.edit(|m| m.spec.config = None);
    world.settle();
    assert_eq!(world.condition(ConditionType::SpecAccepted).2, "Accepted");
}

/// More than a ConfigMap holds is refused at its field, and what runs stays; just what it holds is not.
#[test]
fn a_configuration_that_is_too_large_is_refused() {
    let text = |bytes: usize| json!({"log": {"file": {"rootPath": "x".repeat(bytes)}}});
    assert!(parse(&with_config(text((1 << 20) - 1000))).is_ok());
    let mut world = World::running(crs::mix("2.4.9"));
    let before = world.config_maps.clone();
    world.edit(|m| m.spec.config = Some(free(text(1 << 20))));
    world.settle();
    let (status, message, reason) = world.condition(ConditionType::SpecAccepted);
    assert_eq!((status.as_str(), reason.as_str()), ("False", "InvalidSpec"));
    assert!(message.starts_with("spec.config: as YAML the configuration has 1049"), "{message}");
    assert_eq!(world.config_maps, before);
    world.edit(|m| {
        m.spec.config = None;
        m.spec.hook_config = Some(free(text(1 << 20)));
    });
    world.settle();
    assert!(world.condition(ConditionType::SpecAccepted).1.starts_with("spec.hookConfig:"));
}

/// What Kubernetes would refuse in a Deployment is refused at the field that the user wrote.
#[rstest]
#[case(json!({"sidecars": [{"name": "proxy", "image": "a"}]}), "spec.components.proxy.sidecars[0].name")]
#[case(json!({"sidecars": [{"name": "a"}, {"name": "a"}]}), "spec.components.proxy.sidecars[1].name")]
#[case(json!({"sidecars": [{"image": "a"}]}), "spec.components.proxy.sidecars[0].name: a container needs a name")]
#[case(json!({"initContainers": [{"name": "config"}]}), "spec.components.proxy.initContainers[0].name")]
#[case(json!({"volumes": [{"name": "a"}, {"name": "a"}]}), "spec.components.proxy.volumes[1].name")]
#[case(json!({"rollingUpdate": {"maxSurge": 0, "maxUnavailable": "0%"}}), "spec.components.proxy.rollingUpdate")]
#[case(json!({"rollingUpdate": {"maxSurge": 0}}), "spec.components.proxy.rollingUpdate")]
#[case(json!({"rollingUpdate": {"maxUnavailable": "some"}}), "spec.components.proxy.rollingUpdate.maxUnavailable")]
#[case(json!({"rollingUpdate": {"maxSurge": "5"}}), "spec.components.proxy.rollingUpdate.maxSurge")]
fn collisions(#[case] proxy: Value, #[case] place: &str) {
    let mut milvus = crs::mix("2.4.9");
    milvus.spec.components.proxy = Some(serde_json::from_value(proxy).unwrap());
    let refusals = parse(&milvus).unwrap_err();
    assert_eq!(refusals.len(), 1, "{refusals:?}");
    assert!(refusals[0].message.starts_with(place), "{}", refusals[0].message);
}

/// The address is right for every type of Service and every port.
#[rstest]
#[case("ClusterIP", json!({}), "my-release-milvus.default:8080")]
#[case("NodePort", json!({}), "my-release-milvus.default:8080")]
#[case("LoadBalancer", json!({}), "")]
#[case("LoadBalancer", json!({"loadBalancer": {"ingress": [{"ip": "192.0.2.7"}]}}), "192.0.2.7:8080")]
#[case("LoadBalancer", json!({"loadBalancer": {"ingress": [{"hostname": "lb.example"}]}}), "lb.example:8080")]
fn endpoint(#[case] kind: &str, #[case] status: Value, #[case] expected: &str) {
    let mut milvus = crs::mix("2.4.9");
    milvus.spec.components.proxy =
        Some(serde_json::from_value(json!({"serviceType": kind, "port": 8080})).unwrap());
    let mut world = World::running(milvus);
    world.service.as_mut().unwrap().status = serde_json::from_value(status).unwrap();
    world.settle();
    assert_eq!(world.status().endpoint.as_deref(), Some(expected));
}

/// Ports of sidecars are ports of the Service; one without a name gets one, one that is taken is left out.
#[test]
fn ports_of_sidecars() {
    let mut milvus = crs::mix("2.4.9");
    let ports = json!([{"containerPort": 80}, {"name": "metrics", "containerPort": 81}, {"name": "again", "containerPort": 9091},
        {"name": "dns", "containerPort": 9091, "protocol": "UDP"}, {"containerPort": 8000}]);
    let sidecar = json!({"name": "side", "image": "side:1", "ports": ports});
    milvus.spec.components.proxy =
        Some(serde_json::from_value(json!({"sidecars": [sidecar], "serviceRestfulPort": 8000})).unwrap());
    let world = World::running(milvus);
    let spec = world.service.clone().unwrap().spec.unwrap();
    let names: Vec<String> =
        spec.ports.unwrap().into_iter().map(|p| format!("{} {}", p.name.unwrap(), p.port)).collect();
    assert_eq!(names, ["milvus 19530", "metrics 9091", "side-80 80", "dns 9091", "restful 8000"]);
}

/// A field that is none of Kubernetes' is lost in a Deployment: it is said once, at the place where it was written.
#[test]
fn a_field_that_kubernetes_does_not_have() {
    let mut milvus = crs::mix("2.4.9");
    milvus.metadata.uid = Some("u".to_owned());
    milvus.spec.components.global.volumes =
        vec![free(json!({"name": "v", "emptyDir": {"sizeLimits": "1Gi"}}))];
    let side = json!({"name": "side", "image": "side:1", "ports": [{"containerPort": 1}, {"port": 2, "containerPort": 2}]});
    milvus.spec.components.proxy = Some(serde_json::from_value(json!({"sidecars": [side]})).unwrap());
    let said = parse(&milvus).unwrap().spec.warnings;
    let left_out = "Kubernetes has no such field there, and it is left out";
    let expected = [
        format!("spec.components.volumes[0].emptyDir.sizeLimits: {left_out}"),
        format!("spec.components.proxy.sidecars[0].ports[1].port: {left_out}"),
    ];
    assert_eq!(said, expected);
}
