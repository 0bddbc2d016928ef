//! Each rule with objects that it admits and one that it refuses.

use kube::api::PostParams;
use milvus_api::crd::RULES;
use milvus_testkit::control_plane::Version;
use rstest::rstest;
use serde_json::{Value, json};

use crate::{namespace, object, untyped};

/// A rule by its object and the beginning of its message.
struct Case {
    path: &'static str,
    message: &'static str,
    refused: Value,
    /// Specs that look alike and are right.
    admitted: Vec<Value>,
}

fn dependency(path: &'static str, message: &'static str, refused: &Value, admitted: &[Value]) -> Case {
    let spec = |dependencies: &Value| json!({ "dependencies": dependencies });
    Case { path, message, refused: spec(refused), admitted: admitted.iter().map(spec).collect() }
}

fn cases_of_addresses() -> Vec<Case> {
    let woodpecker = |pools: Value| json!({ "msgStreamType": "woodpecker", "woodpecker": { "external": true, "quorumBufferPools": pools } });
    vec![
        dependency(
            ".spec.dependencies.etcd",
            "external etcd",
            &json!({ "etcd": { "external": true, "endpoints": [] } }),
            &[json!({ "etcd": { "external": true, "endpoints": ["etcd:2379"] } }), json!({ "etcd": {} })],
        ),
        dependency(
            ".spec.dependencies.storage",
            "external storage",
            &json!({ "storage": { "external": true } }),
            &[
                json!({ "storage": { "external": true, "endpoint": "minio:9000" } }),
                json!({ "storage": { "endpoint": "" } }),
            ],
        ),
        dependency(
            ".spec.dependencies",
            "external Kafka",
            &json!({ "msgStreamType": "kafka", "kafka": { "external": true } }),
            &[
                json!({ "msgStreamType": "kafka", "kafka": { "external": true, "brokerList": ["k:9092"] } }),
                json!({ "msgStreamType": "pulsar", "kafka": { "external": true } }),
                json!({ "kafka": { "external": true } }),
            ],
        ),
        dependency(
            ".spec.dependencies",
            "external Woodpecker",
            &woodpecker(json!([{ "name": "a", "seeds": ["w:1"] }, { "name": "b", "seeds": [] }])),
            &[
                woodpecker(json!([{ "name": "a", "seeds": ["w:1"] }])),
                json!({ "msgStreamType": "woodpecker", "woodpecker": {} }),
                json!({ "msgStreamType": "kafka", "woodpecker": { "external": true } }),
            ],
        ),
    ]
}

fn cases_of_modes() -> Vec<Case> {
    let pulsar = |mode: &str, dependencies: Value| json!({ "mode": mode, "dependencies": dependencies });
    let rolling = |queue: &str| json!({ "components": { "enableRollingUpdate": true }, "dependencies": { "msgStreamType": queue } });
    let rolling_mode = |number: i64| json!({ "components": { "rollingMode": number } });
    vec![
        Case {
            path: ".spec",
            message: "external Pulsar",
            // Pulsar is what a cluster gets when it names no queue.
            refused: pulsar("cluster", json!({ "msgStreamType": "", "pulsar": { "external": true } })),
            admitted: vec![
                pulsar("cluster", json!({ "pulsar": { "external": true, "endpoint": "p:6650" } })),
                pulsar("cluster", json!({ "msgStreamType": "kafka", "pulsar": { "external": true } })),
                pulsar("standalone", json!({ "pulsar": { "external": true } })),
            ],
        },
        Case {
            path: ".spec",
            message: "a standalone with rocksmq",
            refused: rolling("rocksmq"),
            admitted: vec![
                rolling("kafka"),
                rolling(""),
                json!({ "components": { "enableRollingUpdate": true } }),
            ],
        },
        Case {
            path: ".spec.components",
            message: "rollingMode",
            refused: rolling_mode(1),
            admitted: [0, 2, 3].map(rolling_mode).to_vec(),
        },
    ]
}

#[rstest]
#[tokio::test]
async fn every_rule_refuses_what_can_not_be_right_and_admits_what_may_be(
    #[values(Version::V1_34, Version::V1_37)] version: Version,
) {
    let (_, client) = namespace(version, "rules").await;
    let api = untyped(client, "milvus.io", "rules");
    let dry = PostParams { dry_run: true, ..PostParams::default() };
    let cases: Vec<_> = cases_of_addresses().into_iter().chain(cases_of_modes()).collect();
    assert_eq!(cases.len(), RULES.len());
    for Case { path, message, refused, admitted } in &cases {
        let mut matching =
            RULES.iter().filter(|rule| rule.path == *path && rule.message.starts_with(message));
        let rule = matching.next().unwrap();
        assert_eq!(matching.next(), None, "one case for each rule");

        let error = api.create(&dry, &object("milvus.io", "m", Some(refused))).await.unwrap_err().to_string();
        assert!(error.contains(rule.message), "{error}");
        for spec in admitted {
            api.create(&dry, &object("milvus.io", "m", Some(spec))).await.unwrap();
        }
    }
}

#[rstest]
#[tokio::test]
async fn the_upgrade_guide_works_on_a_standalone_with_rocksmq(
    #[values(Version::V1_34, Version::V1_37)] version: Version,
) {
    let (plane, client) = namespace(version, "guide").await;
    let api = untyped(client, "milvus.io", "guide");
    let spec = json!({ "components": { "enableRollingUpdate": false }, "dependencies": { "msgStreamType": "rocksmq" } });
    api.create(&PostParams::default(), &object("milvus.io", "my-release", Some(&spec))).await.unwrap();
    let patch = r#"{"spec":{"components":{"enableRollingUpdate":true,"image":"milvusdb/milvus:v2.4.23"}}}"#;
    let patch = ["-n", "guide", "patch", "milvus", "my-release", "--type", "merge", "--patch", patch];
    plane.access().kubectl(patch).await.unwrap().success().unwrap();
}

#[rstest]
#[tokio::test]
async fn values_that_kubernetes_would_refuse_later_are_refused_now(
    #[values(Version::V1_34, Version::V1_37)] version: Version,
) {
    let (_, client) = namespace(version, "values").await;
    let api = untyped(client, "milvus.io", "values");
    let dry = PostParams { dry_run: true, ..PostParams::default() };
    for (components, field) in [
        (json!({ "resources": { "limits": { "cpu": "much" } } }), "spec.components.resources.limits.cpu"),
        (json!({ "proxy": { "replicas": -2 } }), "spec.components.proxy.replicas"),
        // The types hold 32 bits: what does not fit must not be admitted.
        (json!({ "proxy": { "replicas": 3_000_000_000_u32 } }), "spec.components.proxy.replicas"),
        (
            json!({ "proxy": { "serviceRestfulPort": 3_000_000_000_u32 } }),
            "spec.components.proxy.serviceRestfulPort",
        ),
        (
            json!({ "rollingUpdate": { "maxSurge": 3_000_000_000_u32 } }),
            "spec.components.rollingUpdate.maxSurge",
        ),
        (
            json!({ "proxy": { "groups": [{ "name": "Az", "replicas": 1 }] } }),
            "spec.components.proxy.groups[0].name",
        ),
        (
            json!({ "proxy": { "groups": [{ "name": "a", "replicas": 1 }, { "name": "a", "replicas": 2 }] } }),
            "spec.components.proxy.groups[1]: Duplicate value",
        ),
        (json!({ "cdc": { "hpa": {} } }), "spec.components.cdc.hpa.maxReplicas: Required value"),
        (json!({ "cdc": { "hpa": { "maxReplicas": 0 } } }), "spec.components.cdc.hpa.maxReplicas"),
        (
            json!({ "cdc": { "hpa": { "maxReplicas": 1, "minReplicas": 0 } } }),
            "spec.components.cdc.hpa.minReplicas",
        ),
        (
            json!({ "dataNode": { "statefulSet": { "enabled": "yes" } } }),
            "spec.components.dataNode.statefulSet.enabled",
        ),
        (json!({ "imageUpdateMode": "some" }), "spec.components.imageUpdateMode"),
        (json!({ "metricInterval": "often" }), "spec.components.metricInterval"),
    ] {
        let spec = json!({ "components": components });
        let error = api.create(&dry, &object("milvus.io", "m", Some(&spec))).await.unwrap_err().to_string();
        assert!(error.contains(field), "{error}");
    }
}
