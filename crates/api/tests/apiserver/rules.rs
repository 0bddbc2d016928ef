//! Each rule with objects that it admits and one that it refuses.

use kube::api::PostParams;
use milvus_api::crd::RULES;
use serde_json::{Value, json};

use crate::{namespace, object, untyped};

/// Object and beginning of the message of a rule, a spec that it refuses, and specs that look alike and are right.
fn cases() -> Vec<(&'static str, &'static str, Value, Vec<Value>)> {
    let dependencies = |dependencies: Value| json!({ "dependencies": dependencies });
    let rolling = |queue: &str| json!({ "components": { "enableRollingUpdate": true }, "dependencies": { "msgStreamType": queue } });
    vec![
        (
            ".spec.dependencies.etcd",
            "external etcd",
            dependencies(json!({ "etcd": { "external": true, "endpoints": [] } })),
            vec![
                dependencies(json!({ "etcd": { "external": true, "endpoints": ["etcd:2379"] } })),
                dependencies(json!({ "etcd": {} })),
            ],
        ),
        (
            ".spec.dependencies.storage",
            "external storage",
            dependencies(json!({ "storage": { "external": true } })),
            vec![
                dependencies(json!({ "storage": { "external": true, "endpoint": "minio:9000" } })),
                dependencies(json!({ "storage": { "endpoint": "" } })),
            ],
        ),
        (
            ".spec.dependencies",
            "external Kafka",
            dependencies(json!({ "msgStreamType": "kafka", "kafka": { "external": true } })),
            vec![
                dependencies(
                    json!({ "msgStreamType": "kafka", "kafka": { "external": true, "brokerList": ["k:9092"] } }),
                ),
                dependencies(json!({ "msgStreamType": "pulsar", "kafka": { "external": true } })),
                dependencies(json!({ "kafka": { "external": true } })),
            ],
        ),
        (
            ".spec.dependencies",
            "external Woodpecker",
            dependencies(json!({ "msgStreamType": "woodpecker", "woodpecker": {
                "external": true, "quorumBufferPools": [{ "name": "a", "seeds": ["w:1"] }, { "name": "b", "seeds": [] }],
            } })),
            vec![
                dependencies(json!({ "msgStreamType": "woodpecker", "woodpecker": {
                    "external": true, "quorumBufferPools": [{ "name": "a", "seeds": ["w:1"] }],
                } })),
                dependencies(json!({ "msgStreamType": "woodpecker", "woodpecker": {} })),
                dependencies(json!({ "msgStreamType": "kafka", "woodpecker": { "external": true } })),
            ],
        ),
        (
            ".spec",
            "external Pulsar",
            // Pulsar is what a cluster gets when it names no queue.
            json!({ "mode": "cluster", "dependencies": { "msgStreamType": "", "pulsar": { "external": true } } }),
            vec![
                json!({ "mode": "cluster", "dependencies": { "pulsar": { "external": true, "endpoint": "p:6650" } } }),
                json!({ "mode": "cluster", "dependencies": { "msgStreamType": "kafka", "pulsar": { "external": true } } }),
                json!({ "mode": "standalone", "dependencies": { "pulsar": { "external": true } } }),
            ],
        ),
        (
            ".spec",
            "a standalone with rocksmq",
            rolling("rocksmq"),
            vec![rolling("kafka"), rolling(""), json!({ "components": { "enableRollingUpdate": true } })],
        ),
        (
            ".spec.components",
            "rollingMode",
            json!({ "components": { "rollingMode": 1 } }),
            vec![
                json!({ "components": { "rollingMode": 0 } }),
                json!({ "components": { "rollingMode": 3 } }),
            ],
        ),
    ]
}

#[tokio::test]
async fn every_rule_refuses_what_can_not_be_right_and_admits_what_may_be() {
    let (_, client) = namespace("rules").await;
    let api = untyped(client, "milvus.io", "rules");
    let dry = PostParams { dry_run: true, ..PostParams::default() };
    let cases = cases();
    for rule in RULES {
        let matching = cases
            .iter()
            .filter(|(path, message, ..)| *path == rule.path && rule.message.starts_with(message));
        let (_, _, refused, admitted) = matching.clone().next().unwrap();
        assert_eq!(matching.count(), 1, "one case for {}", rule.message);

        let error = api.create(&dry, &object("milvus.io", "m", Some(refused))).await.unwrap_err().to_string();
        assert!(error.contains(rule.message), "{error}");
        for spec in admitted {
            api.create(&dry, &object("milvus.io", "m", Some(spec))).await.unwrap();
        }
    }
}

#[tokio::test]
async fn the_upgrade_guide_works_on_a_standalone_with_rocksmq() {
    let (plane, client) = namespace("guide").await;
    let api = untyped(client, "milvus.io", "guide");
    let spec = json!({ "components": { "enableRollingUpdate": false }, "dependencies": { "msgStreamType": "rocksmq" } });
    api.create(&PostParams::default(), &object("milvus.io", "my-release", Some(&spec))).await.unwrap();
    let patch = r#"{"spec":{"components":{"enableRollingUpdate":true,"image":"milvusdb/milvus:v2.4.23"}}}"#;
    let patch = ["-n", "guide", "patch", "milvus", "my-release", "--type", "merge", "--patch", patch];
    plane.access().kubectl(patch).await.unwrap().success().unwrap();
}

#[tokio::test]
async fn values_that_kubernetes_would_refuse_later_are_refused_now() {
    let (_, client) = namespace("values").await;
    let api = untyped(client, "milvus.io", "values");
    let dry = PostParams { dry_run: true, ..PostParams::default() };
    for (components, field) in [
        (json!({ "resources": { "limits": { "cpu": "much" } } }), "spec.components.resources.limits.cpu"),
        (json!({ "proxy": { "replicas": -2 } }), "spec.components.proxy.replicas"),
        (
            json!({ "proxy": { "groups": [{ "name": "Az", "replicas": 1 }] } }),
            "spec.components.proxy.groups[0].name",
        ),
        (
            json!({ "proxy": { "groups": [{ "name": "a", "replicas": 1 }, { "name": "a", "replicas": 2 }] } }),
            "spec.components.proxy.groups[1]: Duplicate value",
        ),
        (json!({ "imageUpdateMode": "some" }), "spec.components.imageUpdateMode"),
        (json!({ "metricInterval": "often" }), "spec.components.metricInterval"),
    ] {
        let spec = json!({ "components": components });
        let error = api.create(&dry, &object("milvus.io", "m", Some(&spec))).await.unwrap_err().to_string();
        assert!(error.contains(field), "{error}");
    }
}
