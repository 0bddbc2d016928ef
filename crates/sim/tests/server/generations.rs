//! Generations, status and scale.

use k8s_openapi::api::apps::v1::Deployment;
use kube::{
    Api,
    api::{Patch, PatchParams, PostParams},
};
use milvus_api::Milvus;
use milvus_sim::server::Kind;
use serde_json::json;

use crate::{DEPLOYMENT, World, deployment};

#[tokio::test]
async fn only_what_is_desired_counts_as_a_generation() {
    let world = World::new();
    let api: Api<Deployment> = Api::default_namespaced(world.client.clone());
    let object = serde_json::from_value(deployment("m:1")).unwrap();
    api.create(&PostParams::default(), &object).await.unwrap();
    let merge = PatchParams::default();
    for (patch, expected) in [
        (json!({ "metadata": { "labels": { "x": "y" } } }), 1),
        (json!({ "status": { "replicas": 3 } }), 1),
        (json!({ "spec": { "replicas": 2 } }), 2),
        (json!({ "spec": { "replicas": 2 } }), 2),
        (json!({ "metadata": { "annotations": { "x": "y" } } }), 3),
    ] {
        let patched = api.patch("d", &merge, &Patch::Merge(&patch)).await.unwrap();
        assert_eq!(patched.metadata.generation, Some(expected), "{patch}");
    }
    assert_eq!(world.get(Kind::Deployment, "d")["status"], json!({}));
}

#[tokio::test]
async fn status_is_written_by_its_own_path_only() {
    let world = World::new();
    let api: Api<Deployment> = Api::default_namespaced(world.client.clone());
    let object = serde_json::from_value(deployment("m:1")).unwrap();
    api.create(&PostParams::default(), &object).await.unwrap();
    let patch = Patch::Merge(json!({
        "metadata": { "labels": { "no": "no" }, "annotations": { "yes": "yes" } },
        "spec": { "replicas": 9 },
        "status": { "replicas": 1 },
    }));
    let patched = api.patch_status("d", &PatchParams::default(), &patch).await.unwrap();
    assert_eq!(patched.spec.unwrap().replicas, Some(1));
    assert_eq!(patched.status.unwrap().replicas, Some(1));
    assert_eq!(patched.metadata.generation, Some(1));
    assert_eq!(patched.metadata.annotations.unwrap()["yes"], "yes");
    assert!(!patched.metadata.labels.unwrap().contains_key("no"));
}

#[tokio::test]
async fn the_status_of_a_custom_resource_takes_nothing_else_along() {
    let world = World::new();
    let api: Api<Milvus> = Api::default_namespaced(world.client.clone());
    let milvus = serde_json::from_value(json!({ "metadata": { "name": "m" }, "spec": {} })).unwrap();
    let mut milvus: Milvus = api.create(&PostParams::default(), &milvus).await.unwrap();
    milvus.status = Some(serde_json::from_value(json!({ "status": "Healthy" })).unwrap());
    milvus.metadata.labels = Some([("no".to_owned(), "no".to_owned())].into());
    let written = api.replace_status("m", &PostParams::default(), &milvus).await.unwrap();
    assert!(written.metadata.labels.is_none());
    assert_eq!(written.metadata.generation, Some(1));
    let stale = api.replace_status("m", &PostParams::default(), &milvus).await.unwrap_err();
    assert!(matches!(stale, kube::Error::Api(status) if status.code == 409));
    assert_eq!(world.get(Kind::Milvus, "m")["status"]["status"], "Healthy");
}

#[tokio::test]
async fn a_scale_is_read_and_written() {
    let world = World::new();
    let api: Api<Deployment> = Api::default_namespaced(world.client.clone());
    let object = serde_json::from_value(deployment("m:1")).unwrap();
    api.create(&PostParams::default(), &object).await.unwrap();
    let scale = api.get_scale("d").await.unwrap();
    assert_eq!(scale.spec.unwrap().replicas, Some(1));
    let patch = Patch::Merge(json!({ "spec": { "replicas": 5 } }));
    api.patch_scale("d", &PatchParams::default(), &patch).await.unwrap();
    let object = world.get(Kind::Deployment, "d");
    assert_eq!((&object["spec"]["replicas"], &object["metadata"]["generation"]), (&json!(5), &json!(2)));
    let owners = object["metadata"]["managedFields"].as_array().unwrap();
    assert!(owners.iter().any(|owner| owner["subresource"] == "scale"), "{owners:?}");
    assert!(world.send("GET", &format!("{DEPLOYMENT}/status"), &json!(null)).await.is_ok());
}
