//! The types against what the schema admits: nothing fails to decode, and nothing is lost on the way back.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a helper of a test fails as the test does")]

use k8s_openapi::api::core::v1::{Container, PersistentVolumeClaim};
use milvus_api::{
    ComponentName, ConditionType, Milvus, MilvusState, MilvusStatus, MilvusUpgrade, Mode, MsgStreamType, crd,
};
use serde_json::{Value, json};

fn taken_over() -> Value {
    serde_saphyr::from_str(include_str!("data/taken-over.yaml")).unwrap()
}

/// What the API means by an object: a null is an absent field, a quantity is its text.
fn meaning(value: &Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| {
                let value = match (name.as_str(), value) {
                    ("divisor" | "cpu", Value::Number(number)) => json!(number.to_string()),
                    (_, value) => meaning(value),
                };
                (name.clone(), value)
            })
            .collect(),
        Value::Array(items) => items.iter().map(meaning).collect(),
        other => other.clone(),
    }
}

#[test]
fn an_object_of_the_go_operator_goes_through_the_types_without_loss() {
    let written = taken_over();
    let milvus: Milvus = serde_json::from_value(written.clone()).unwrap();
    let back = serde_json::to_value(&milvus).unwrap();
    assert_eq!(meaning(&back), meaning(&written));
}

#[test]
fn what_a_user_writes_is_found_where_it_belongs() {
    let milvus: Milvus = serde_json::from_value(taken_over()).unwrap();
    let components = &milvus.spec.components;
    assert_eq!(milvus.spec.mode, Mode::Cluster);
    assert_eq!(components.global.probes, None);
    assert_eq!(components.component(ComponentName::Proxy).unwrap().replicas, Some(2));
    assert_eq!(components.service(ComponentName::Proxy).unwrap().port, Some(19531));
    assert!(components.service(ComponentName::MixCoord).is_none());
    let groups = components.groups(ComponentName::Proxy);
    assert_eq!(groups[0].node_selector.as_ref().map(std::collections::BTreeMap::len), Some(0), "cleared");
    assert_eq!(groups[1].node_selector, None, "inherited");
    let sidecar: Container =
        components.component(ComponentName::MixCoord).unwrap().sidecars[0].decode().unwrap();
    assert_eq!(sidecar.image.as_deref(), Some("busybox"));
    let query_node = components.component(ComponentName::QueryNode).unwrap();
    let autoscaler = query_node.hpa.as_ref().unwrap();
    assert_eq!((autoscaler.min_replicas, autoscaler.max_replicas), (Some(2), Some(20)));
    assert_eq!(autoscaler.metrics[0].get_path(&["resource", "name"]), Some(&json!("memory")));
    let stateful_set = components.stateful_set(ComponentName::QueryNode).unwrap();
    assert_eq!(stateful_set.enabled, Some(true));
    let claim: PersistentVolumeClaim = stateful_set.volume_claim_templates[0].decode().unwrap();
    assert_eq!(claim.metadata.name.as_deref(), Some("cache"));
    assert_eq!(components.stateful_set(ComponentName::Proxy), None);
    let dependencies = milvus.spec.dependencies.unwrap();
    assert_eq!(dependencies.msg_stream_type, Some(MsgStreamType::Pulsar));
    assert!(milvus.status.unwrap().is_true(ConditionType::MilvusReady));
}

#[test]
fn an_autoscaler_that_no_schema_has_checked_is_readable() {
    let component: milvus_api::Component =
        serde_json::from_value(json!({ "hpa": { "minReplicas": 2 } })).unwrap();
    assert_eq!(component.hpa.unwrap().max_replicas, None);
}

#[test]
fn budgets_for_pods_are_asked_for_in_the_upgrade_policy() {
    let written = json!({ "upgradePolicy": { "minReadySeconds": 1, "podDisruptionBudgets": true } });
    let spec: milvus_api::MilvusSpec = serde_json::from_value(written.clone()).unwrap();
    assert_eq!(spec.upgrade_policy.as_ref().unwrap().pod_disruption_budgets, Some(true));
    assert_eq!(serde_json::to_value(&spec).unwrap()["upgradePolicy"], written["upgradePolicy"]);
}

#[test]
fn a_state_that_nobody_knows_does_not_make_the_object_unreadable() {
    let status: MilvusStatus = serde_json::from_value(json!({ "status": "Sleeping" })).unwrap();
    assert_eq!(status.status, MilvusState::Other("Sleeping".to_owned()));
    assert_eq!(serde_json::to_value(&status).unwrap(), json!({ "status": "Sleeping" }));
}

#[test]
fn a_status_that_says_nothing_of_ours_looks_as_upstreams_does() {
    assert_eq!(serde_json::to_value(MilvusStatus::default()).unwrap(), json!({ "status": "Pending" }));
}

#[test]
fn defaults_of_the_types_are_those_of_the_schema() {
    let milvus: Milvus = serde_json::from_value(json!({
        "metadata": { "name": "a" },
        "spec": { "components": { "proxy": {}, "standalone": {} }, "dependencies": {
            "etcd": { "inCluster": {} }, "storage": { "ssl": {} }, "kafka": {}, "pulsar": {}, "woodpecker": {}, "tei": {},
        } },
    }))
    .unwrap();
    let spec = serde_json::to_value(&milvus.spec).unwrap();
    let schema = crd::milvus().unwrap();
    let schema = &schema["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"];
    let mut compared = 0;
    compare_defaults(schema, &spec, "spec", &mut compared);
    assert_eq!(compared, 15, "every default of upstream that these objects can have, each once");

    let upgrade: MilvusUpgrade = serde_json::from_value(json!({
        "metadata": { "name": "a" },
        "spec": { "milvus": { "name": "a" }, "sourceVersion": "2.1.4", "targetVersion": "2.2.16" },
    }))
    .unwrap();
    assert_eq!((upgrade.spec.max_retry, upgrade.spec.rollback_if_failed), (3, true));
}

/// The default image is the one exception: it is the API server's alone.
fn compare_defaults(schema: &Value, value: &Value, path: &str, compared: &mut usize) {
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}.{name}");
        let default = property.get("default").filter(|default| !default.is_object());
        if let Some(default) = default.filter(|_| path != "spec.components.image") {
            assert_eq!(value.get(name), Some(default), "{path}");
            *compared += 1;
        }
        if let Some(below) = value.get(name) {
            compare_defaults(property, below, &path, compared);
        }
    }
}
