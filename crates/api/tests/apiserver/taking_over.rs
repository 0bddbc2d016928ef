//! Objects that an older definition admitted. Each test has a definition of its own, in a group of its own.

use std::time::Instant;

use kube::{
    Api, Client,
    api::{DynamicObject, Patch, PatchParams, PostParams},
};
use milvus_api::{crd, milvus::DEFAULT_IMAGE};
use milvus_testkit::ControlPlane;
use serde_json::{Value, json};

use crate::{SOON, established, manifest, namespace, object, untyped};

/// The definition of `Milvus` in another group, without short names: those belong to the real one.
fn definition(group: &str) -> Value {
    let mut definition = crd::milvus().unwrap();
    definition["metadata"]["name"] = json!(format!("milvuses.{group}"));
    definition["spec"]["group"] = json!(group);
    definition["spec"]["names"]["shortNames"] = json!([]);
    definition["spec"]["names"]["categories"] = json!([]);
    definition
}

fn without_rules(mut definition: Value) -> Value {
    fn strip(schema: &mut Value) {
        if let Some(fields) = schema.as_object_mut() {
            fields.remove("x-kubernetes-validations");
            fields.values_mut().for_each(strip);
        }
    }
    strip(&mut definition["spec"]["versions"][0]["schema"]);
    definition
}

async fn apply(plane: &ControlPlane, definition: &Value) {
    plane.access().apply(&manifest(std::slice::from_ref(definition))).await.unwrap();
    established(plane, definition["metadata"]["name"].as_str().unwrap()).await;
}

/// Waits until the API server judges by what was applied last; there is no event for that.
async fn in_force(
    client: &Client,
    group: &str,
    namespace: &str,
    accepts: impl Fn(&kube::Result<DynamicObject>) -> bool,
) {
    let api = untyped(client.clone(), group, namespace);
    let dry = PostParams { dry_run: true, ..PostParams::default() };
    let probe = object(group, "probe", Some(&json!({ "components": { "rollingMode": 1 } })));
    let started = Instant::now();
    let mut tick = tokio::time::interval(std::time::Duration::from_millis(100));
    loop {
        tick.tick().await;
        let answer = api.create(&dry, &probe).await;
        if accepts(&answer) {
            return;
        }
        assert!(started.elapsed() < SOON, "the definition is not in force: {answer:?}");
    }
}

#[tokio::test]
async fn an_object_that_breaks_a_rule_still_takes_a_status_and_annotations_and_can_be_corrected() {
    const GROUP: &str = "rules.example.com";
    let (plane, client) = namespace("broken-rules").await;
    apply(plane, &without_rules(definition(GROUP))).await;
    in_force(&client, GROUP, "broken-rules", Result::is_ok).await;
    let api = untyped(client.clone(), GROUP, "broken-rules");
    let spec = json!({
        "mode": "standalone",
        "components": { "rollingMode": 1, "enableRollingUpdate": true },
        "dependencies": {
            "msgStreamType": "rocksmq",
            "etcd": { "external": true },
            "storage": { "external": true },
        },
    });
    api.create(&PostParams::default(), &object(GROUP, "m", Some(&spec))).await.unwrap();
    apply(plane, &definition(GROUP)).await;
    in_force(&client, GROUP, "broken-rules", Result::is_err).await;

    let mut milvus = api.get("m").await.unwrap();
    milvus.data["status"] = json!({ "status": "Unhealthy", "observedGeneration": 1 });
    let stored = api.replace_status("m", &PostParams::default(), &milvus).await.unwrap();
    assert_eq!(stored.data["status"]["status"], "Unhealthy");

    let merge = |patch: Value| {
        let api = api.clone();
        async move { api.patch("m", &PatchParams::default(), &Patch::Merge(patch)).await }
    };
    merge(
        json!({ "metadata": { "annotations": { "a": "b" }, "finalizers": ["milvus.milvus.io/finalizer"] } }),
    )
    .await
    .unwrap();
    merge(json!({ "metadata": { "finalizers": null } })).await.unwrap();
    // A part that was right may not become wrong; what was wrong may stay while something else is corrected.
    merge(json!({ "spec": { "dependencies": { "etcd": { "endpoints": ["etcd:2379"] } } } })).await.unwrap();
    merge(json!({ "spec": { "components": { "rollingMode": 4 } } })).await.unwrap_err();
}

#[tokio::test]
async fn a_newer_default_image_changes_no_object_that_exists() {
    const GROUP: &str = "image.example.com";
    let (plane, client) = namespace("newer-image").await;
    let mut newer = definition(GROUP);
    apply(plane, &newer).await;
    in_force(
        &client,
        GROUP,
        "newer-image",
        |answer| matches!(answer, Err(error) if error.to_string().contains("rollingMode")),
    )
    .await;
    let api = untyped(client.clone(), GROUP, "newer-image");
    api.create(&PostParams::default(), &object(GROUP, "older", Some(&json!({})))).await.unwrap();

    let image = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/components/properties/image/default";
    *newer.pointer_mut(image).unwrap() = json!("milvusdb/milvus:v9.9.9");
    apply(plane, &without_rules(newer)).await;
    in_force(&client, GROUP, "newer-image", Result::is_ok).await;
    api.create(&PostParams::default(), &object(GROUP, "newer", Some(&json!({})))).await.unwrap();
    let image = |name: &'static str| {
        let api = api.clone();
        async move { api.get(name).await.unwrap().data["spec"]["components"]["image"].clone() }
    };
    assert_eq!(image("newer").await, "milvusdb/milvus:v9.9.9");
    assert_eq!(image("older").await, DEFAULT_IMAGE);
}

#[tokio::test]
async fn the_definition_replaces_the_one_of_the_go_operator() {
    const GROUP: &str = "go.example.com";
    let (plane, client) = namespace("go-operator").await;
    // v1alpha1 was the stored version once, both are served, and a webhook that nobody runs converts between them.
    let mut old = without_rules(definition(GROUP));
    let webhook = json!({ "conversionReviewVersions": ["v1"], "clientConfig": {
        "service": { "namespace": "milvus-operator", "name": "milvus-operator-webhook-service", "path": "/convert" },
    } });
    old["spec"]["conversion"] = json!({ "strategy": "Webhook", "webhook": webhook });
    old["spec"]["versions"][1]["served"] = json!(true);
    old["spec"]["versions"][1]["storage"] = json!(true);
    old["spec"]["versions"][0]["storage"] = json!(false);
    apply(plane, &old).await;
    old["spec"]["versions"][1]["storage"] = json!(false);
    old["spec"]["versions"][0]["storage"] = json!(true);
    apply(plane, &old).await;

    apply(plane, &definition(GROUP)).await;
    in_force(&client, GROUP, "go-operator", Result::is_err).await;
    let name = format!("milvuses.{GROUP}");
    let facts = "jsonpath={.spec.conversion} {.status.storedVersions}";
    let facts = plane.access().kubectl(["get", "crd", &name, "-o", facts]).await.unwrap().success().unwrap();
    assert_eq!(facts, r#"{"strategy":"None"} ["v1alpha1","v1beta1"]"#);
    let old_version = plane.access().kubectl(["get", &format!("milvuses.v1alpha1.{GROUP}")]).await.unwrap();
    assert!(old_version.stderr.contains("the server doesn't have a resource type"), "{old_version:?}");
    let api: Api<DynamicObject> = untyped(client, GROUP, "go-operator");
    api.create(&PostParams::default(), &object(GROUP, "m", None)).await.unwrap();
}
