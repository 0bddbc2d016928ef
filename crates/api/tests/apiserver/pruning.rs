//! What is written comes back: the API server drops every field that a schema does not have, without a word.

use kube::{Api, api::PostParams};
use milvus_api::{Milvus, MilvusStatus};
use milvus_testkit::control_plane::Version;
use rstest::rstest;
use serde_json::{Value, json};

use crate::{namespace, object, untyped};

/// Every field of every embedded Kubernetes type.
fn embedded() -> Value {
    let yaml = include_str!("../data/embedded.yaml");
    serde_saphyr::from_str(yaml).unwrap()
}

/// Asserts that everything of `sent` is in `stored`; what the API server adds does not matter.
fn assert_contains(path: &str, stored: &Value, sent: &Value) {
    match (stored, sent) {
        (Value::Object(stored), Value::Object(sent)) => {
            for (name, value) in sent {
                assert!(stored.contains_key(name), "{path}.{name} was dropped");
                assert_contains(&format!("{path}.{name}"), &stored[name], value);
            }
        }
        (Value::Array(stored), Value::Array(sent)) => {
            assert_eq!(stored.len(), sent.len(), "{path}");
            for (index, (stored, sent)) in stored.iter().zip(sent).enumerate() {
                assert_contains(&format!("{path}[{index}]"), stored, sent);
            }
        }
        _ => assert_eq!(stored, sent, "{path}"),
    }
}

#[rstest]
#[tokio::test]
async fn embedded_kubernetes_types_come_back_whole_and_the_types_read_them(
    #[values(Version::V1_34, Version::V1_37)] version: Version,
) {
    let (_, client) = namespace(version, "embedded").await;
    let all = embedded();
    let mut group = json!({ "name": "az1", "replicas": 1, "extraEnv": all["env"] });
    for field in ["affinity", "tolerations", "topologySpreadConstraints"] {
        group[field] = all[field].clone();
    }
    let mut components = all.clone();
    for name in
        ["mixCoord", "rootCoord", "dataCoord", "queryCoord", "indexCoord", "indexNode", "cdc", "standalone"]
    {
        components[name] = all.clone();
    }
    for name in ["proxy", "dataNode", "queryNode", "streamingNode"] {
        components[name] = all.clone();
        components[name]["groups"] = json!([group]);
    }
    let spec = json!({ "components": components });
    let api = untyped(client.clone(), "milvus.io", "embedded");
    let stored = api.create(&PostParams::default(), &object("milvus.io", "full", Some(&spec))).await.unwrap();
    assert_contains("spec", &stored.data["spec"], &spec);

    let milvus = Api::<Milvus>::namespaced(client, "embedded").get("full").await.unwrap();
    let read = milvus.spec.components.global;
    assert_eq!(read.resources.unwrap().limits.unwrap()["cpu"].0, "2");
    assert_eq!(read.tolerations[0].toleration_seconds, Some(8_000_000_000));
}

#[rstest]
#[tokio::test]
async fn free_parts_come_back_as_they_were_written(
    #[values(Version::V1_34, Version::V1_37)] version: Version,
) {
    let (_, client) = namespace(version, "free").await;
    let anything = json!({ "a": { "b": [1, 2.5, { "c": null }], "d": "x" }, "e": true });
    let containers = json!([{ "name": "a", "livenessProbe": { "exec": { "command": ["x"] } }, "future": 1 }]);
    let values = json!({ "inCluster": { "values": anything } });
    let claim = json!({ "persistence": { "persistentVolumeClaim": { "spec": anything } } });
    let spec = json!({
        "config": anything,
        "hookConfig": anything,
        "components": {
            "probes": anything,
            "securityContext": anything,
            "volumes": [{ "name": "v", "csi": { "driver": "d" } }],
            "queryNode": { "probes": anything, "sidecars": containers, "initContainers": containers },
        },
        "dependencies": {
            "customMsgStream": anything,
            "etcd": values, "storage": values, "pulsar": values, "kafka": values, "tei": values,
            "rocksmq": claim, "natsmq": claim, "woodpecker": claim,
        },
    });
    let api = untyped(client, "milvus.io", "free");
    let stored = api.create(&PostParams::default(), &object("milvus.io", "free", Some(&spec))).await.unwrap();
    assert_contains("spec", &stored.data["spec"], &spec);
}

#[rstest]
#[tokio::test]
async fn fields_of_the_go_operators_newest_release_and_main_come_back_as_they_were_written(
    #[values(Version::V1_34, Version::V1_37)] version: Version,
) {
    let (_, client) = namespace(version, "newest").await;
    let anything = json!({ "a": { "b": [1, 2.5, { "c": null }] }, "d": true });
    let component = json!({
        "hpa": { "minReplicas": 1, "maxReplicas": 20, "metrics": [anything], "behavior": anything },
        "rollingUpdate": { "maxSurge": "25%", "maxUnavailable": 0 },
    });
    let stateful_set = json!({ "enabled": true, "volumeClaimTemplates": [anything] });
    let mut components = json!({ "rollingUpdate": { "maxSurge": 2, "maxUnavailable": "10%" } });
    for name in [
        "proxy",
        "mixCoord",
        "rootCoord",
        "dataCoord",
        "queryCoord",
        "indexCoord",
        "indexNode",
        "dataNode",
        "queryNode",
        "streamingNode",
        "standalone",
        "cdc",
    ] {
        components[name] = component.clone();
    }
    for name in ["indexNode", "dataNode", "queryNode"] {
        components[name]["statefulSet"] = stateful_set.clone();
    }
    let spec = json!({ "components": components, "upgradePolicy": { "podDisruptionBudgets": true } });
    let api = untyped(client, "milvus.io", "newest");
    let stored = api.create(&PostParams::default(), &object("milvus.io", "m", Some(&spec))).await.unwrap();
    assert_contains("spec", &stored.data["spec"], &spec);

    // Upstream writes an empty behavior as null.
    let spec = json!({ "components": { "proxy": { "hpa": { "maxReplicas": 2, "behavior": null } } } });
    let stored = api.create(&PostParams::default(), &object("milvus.io", "null", Some(&spec))).await.unwrap();
    assert_contains("spec", &stored.data["spec"], &spec);
}

#[rstest]
#[tokio::test]
async fn what_is_in_no_schema_is_dropped(#[values(Version::V1_34, Version::V1_37)] version: Version) {
    let (_, client) = namespace(version, "unknown").await;
    let spec = json!({ "component": {}, "components": { "proxy": { "replica": 1, "statefulSet": {} }, "env": [{ "name": "A", "from": 1 }] } });
    let api = untyped(client, "milvus.io", "unknown");
    let stored =
        api.create(&PostParams::default(), &object("milvus.io", "typos", Some(&spec))).await.unwrap();
    let stored = &stored.data["spec"];
    assert!(stored.get("component").is_none(), "{stored}");
    assert_eq!(stored["components"]["proxy"], json!({ "serviceType": "ClusterIP" }));
    assert_eq!(stored["components"]["env"], json!([{ "name": "A" }]));
}

#[rstest]
#[tokio::test]
async fn nulls_of_the_go_operator_are_read(#[values(Version::V1_34, Version::V1_37)] version: Version) {
    let (plane, client) = namespace(version, "nulls").await;
    let manifest = include_str!("../data/taken-over.yaml").replace("namespace: default", "namespace: nulls");
    plane.access().apply(&manifest).await.unwrap();
    let milvus = Api::<Milvus>::namespaced(client.clone(), "nulls").get("my-release").await.unwrap();
    assert_eq!(milvus.spec.components.global.probes, None);

    // Where null is not allowed the API server reads it as absent, so the types never see it.
    let spec = json!({ "components": { "env": null, "affinity": null, "paused": null, "proxy": { "groups": null } } });
    let api = untyped(client.clone(), "milvus.io", "nulls");
    api.create(&PostParams::default(), &object("milvus.io", "absent", Some(&spec))).await.unwrap();
    let milvus = Api::<Milvus>::namespaced(client, "nulls").get("absent").await.unwrap();
    assert_eq!(milvus.spec.components.global.env, []);
}

#[rstest]
#[tokio::test]
async fn a_status_comes_back_whole(#[values(Version::V1_34, Version::V1_37)] version: Version) {
    let (_, client) = namespace(version, "status").await;
    let api = Api::<Milvus>::namespaced(client, "status");
    let milvus = serde_json::from_value(json!({ "metadata": { "name": "m" }, "spec": {} })).unwrap();
    let mut milvus: Milvus = api.create(&PostParams::default(), &milvus).await.unwrap();
    let written: MilvusStatus = serde_json::from_value(full_status()).unwrap();
    assert_eq!(serde_json::to_value(&written).unwrap(), full_status(), "the types know every field");
    milvus.status = Some(written.clone());
    let stored = api.replace_status("m", &PostParams::default(), &milvus).await.unwrap();
    assert_eq!(stored.status, Some(written));
}

fn full_status() -> Value {
    let time = "2026-11-21T04:08:00Z";
    let deployment = json!({
        "generation": 7, "image": "milvusdb/milvus:v2.6.11",
        "status": {
            "observedGeneration": 7, "replicas": 2, "updatedReplicas": 2, "readyReplicas": 2, "availableReplicas": 2,
            "unavailableReplicas": 1, "terminatingReplicas": 1, "collisionCount": 1,
            "conditions": [{
                "type": "Available", "status": "True", "reason": "r", "message": "m",
                "lastTransitionTime": time, "lastUpdateTime": time,
            }],
        },
    });
    json!({
        "status": "Healthy",
        "conditions": [{ "type": "EtcdReady", "status": "True", "lastTransitionTime": time, "reason": "EtcdReady", "message": "m" }],
        "endpoint": "m-milvus.status:19530",
        "ingress": { "loadBalancer": { "ingress": [
            { "ip": "10.0.0.1", "hostname": "h", "ports": [{ "port": 80, "protocol": "TCP" }, { "port": 81, "protocol": "TCP", "error": "E" }] },
        ] } },
        "componentsDeployStatus": { "proxy": deployment },
        "deploymentGroupsDeployStatus": { "proxy": { "az1": deployment } },
        "rollingModeVersion": 2,
        "observedGeneration": 3,
        "currentImage": "milvusdb/milvus:v2.5.16",
        "currentVersion": "2.5.16",
        "upgrade": {
            "from": { "image": "milvusdb/milvus:v2.5.16", "version": "2.5.16" },
            "to": { "image": "milvusdb/milvus:v2.6.11", "version": "2.6.11" },
            "mode": "rollingUpgrade", "direction": "upgrade", "generation": 3,
            "startedAt": time, "finishedAt": time, "phase": "Rolling",
            "steps": [{
                "name": "mixcoord", "components": ["mixcoord"], "state": "Updating", "from": "2.5.16", "to": "2.6.11",
                "startedAt": time, "finishedAt": time,
            }],
            "waitingFor": { "step": "mixcoord", "reason": "WaitingForPodsReady", "message": "m", "since": time },
            "reason": "r", "message": "m",
        },
        "resolved": {
            "mode": "cluster", "msgStreamType": "pulsar", "coordinators": "mix", "etcdRootPath": "m", "bucket": "m",
            "etcdEndpoints": ["etcd:2379"], "storageEndpoint": "minio:9000", "queueClaim": "my-release-data",
        },
        "appliedGenerations": { "m-milvus-proxy": 7 },
    })
}
