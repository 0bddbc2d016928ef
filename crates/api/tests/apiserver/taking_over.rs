//! Objects that an older definition admitted. Each test has a definition of its own, in a group of its own.

use std::pin::pin;

use futures::{Stream, StreamExt as _};
use kube::{
    Api,
    api::{DynamicObject, Patch, PatchParams, PostParams},
    runtime::{
        WatchStreamExt as _,
        watcher::{self, Event, watcher},
    },
};
use milvus_api::{crd, milvus::DEFAULT_IMAGE};
use milvus_testkit::{ControlPlane, control_plane::Version};
use rstest::rstest;
use serde_json::{Value, json};
use tokio::time::timeout;

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

/// Waits for an event of a watch that is repeated when it fails.
async fn next(
    events: &mut (impl Stream<Item = watcher::Result<Event<DynamicObject>>> + Unpin),
    expected: impl Fn(&Event<DynamicObject>) -> bool,
) {
    let found = async { while !matches!(events.next().await, Some(Ok(event)) if expected(&event)) {} };
    timeout(SOON, found).await.unwrap();
}

/// Applies a definition that is new, and returns when its objects can be listed: some time after it is
/// established.
async fn install(plane: &ControlPlane, api: &Api<DynamicObject>, definition: &Value) {
    apply(plane, definition).await;
    let mut events = pin!(watcher(api.clone(), watcher::Config::default()).default_backoff());
    next(&mut events, |event| matches!(event, Event::InitDone)).await;
}

/// Applies a definition over another one, and returns when the API server judges by it: it ends every watch
/// of the objects then, and has them listed anew.
async fn replace(plane: &ControlPlane, api: &Api<DynamicObject>, definition: &Value) {
    let mut events = pin!(watcher(api.clone(), watcher::Config::default()).default_backoff());
    next(&mut events, |event| matches!(event, Event::InitDone)).await;
    apply(plane, definition).await;
    next(&mut events, |event| matches!(event, Event::Init)).await;
}

#[rstest]
#[tokio::test]
async fn an_object_that_breaks_a_rule_still_takes_a_status_and_annotations_and_can_be_corrected(
    #[values(Version::V1_34, Version::V1_37)] version: Version,
) {
    const GROUP: &str = "rules.example.com";
    let (plane, client) = namespace(version, "broken-rules").await;
    let api = untyped(client, GROUP, "broken-rules");
    install(plane, &api, &without_rules(definition(GROUP))).await;
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
    replace(plane, &api, &definition(GROUP)).await;

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

#[rstest]
#[tokio::test]
async fn a_newer_default_image_changes_no_object_that_exists(
    #[values(Version::V1_34, Version::V1_37)] version: Version,
) {
    const GROUP: &str = "image.example.com";
    let (plane, client) = namespace(version, "newer-image").await;
    let mut newer = definition(GROUP);
    let api = untyped(client, GROUP, "newer-image");
    install(plane, &api, &newer).await;
    api.create(&PostParams::default(), &object(GROUP, "older", Some(&json!({})))).await.unwrap();

    let image = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/components/properties/image/default";
    *newer.pointer_mut(image).unwrap() = json!("milvusdb/milvus:v9.9.9");
    replace(plane, &api, &newer).await;
    api.create(&PostParams::default(), &object(GROUP, "newer", Some(&json!({})))).await.unwrap();
    let image = |name: &'static str| {
        let api = api.clone();
        async move { api.get(name).await.unwrap().data["spec"]["components"]["image"].clone() }
    };
    assert_eq!(image("newer").await, "milvusdb/milvus:v9.9.9");
    assert_eq!(image("older").await, DEFAULT_IMAGE);
}

#[rstest]
#[tokio::test]
async fn the_definition_replaces_the_one_of_the_go_operator(
    #[values(Version::V1_34, Version::V1_37)] version: Version,
) {
    const GROUP: &str = "go.example.com";
    let (plane, client) = namespace(version, "go-operator").await;
    // v1alpha1 was the stored version once, both are served, and a webhook that nobody runs converts between them.
    let mut old = without_rules(definition(GROUP));
    let webhook = json!({ "conversionReviewVersions": ["v1"], "clientConfig": {
        "service": { "namespace": "milvus-operator", "name": "milvus-operator-webhook-service", "path": "/convert" },
    } });
    old["spec"]["conversion"] = json!({ "strategy": "Webhook", "webhook": webhook });
    old["spec"]["versions"][1]["served"] = json!(true);
    old["spec"]["versions"][1]["storage"] = json!(true);
    old["spec"]["versions"][0]["storage"] = json!(false);
    let api = untyped(client, GROUP, "go-operator");
    install(plane, &api, &old).await;
    old["spec"]["versions"][1]["storage"] = json!(false);
    old["spec"]["versions"][0]["storage"] = json!(true);
    replace(plane, &api, &old).await;

    replace(plane, &api, &definition(GROUP)).await;
    let name = format!("milvuses.{GROUP}");
    let facts = "jsonpath={.spec.conversion} {.status.storedVersions}";
    let facts = plane.access().kubectl(["get", "crd", &name, "-o", facts]).await.unwrap().success().unwrap();
    assert_eq!(facts, r#"{"strategy":"None"} ["v1alpha1","v1beta1"]"#);
    let old_version = plane.access().kubectl(["get", &format!("milvuses.v1alpha1.{GROUP}")]).await.unwrap();
    assert!(old_version.stderr.contains("the server doesn't have a resource type"), "{old_version:?}");
    api.create(&PostParams::default(), &object(GROUP, "m", None)).await.unwrap();
}
