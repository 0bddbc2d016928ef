//! POST, PUT and patches.

use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{ConfigMap, Service},
};
use kube::{
    Api, ResourceExt as _,
    api::{Patch, PatchParams, PostParams},
};
use milvus_api::Milvus;
use milvus_sim::server::Kind;
use serde_json::{Value, json};

use crate::{World, config_map, deployment};

fn code<T: std::fmt::Debug>(result: Result<T, kube::Error>) -> (u16, String) {
    match result {
        Err(kube::Error::Api(status)) => (status.code, status.reason),
        other => panic!("{other:?}"),
    }
}

fn typed<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

#[tokio::test]
async fn a_created_object_has_an_identity_and_defaults() {
    let world = World::new();
    let api: Api<Deployment> = Api::default_namespaced(world.client.clone());
    let created = api.create(&PostParams::default(), &typed(deployment("m:1"))).await.unwrap();
    assert_eq!(created.metadata.generation, Some(1));
    assert!(created.uid().is_some() && created.resource_version().is_some());
    let spec = created.spec.unwrap();
    assert_eq!((spec.replicas, spec.revision_history_limit), (Some(1), Some(10)));
    let pod = spec.template.spec.unwrap();
    assert_eq!(pod.restart_policy.as_deref(), Some("Always"));
    let container = &pod.containers[0];
    assert_eq!(container.image_pull_policy.as_deref(), Some("IfNotPresent"));
    assert_eq!(container.ports.as_ref().unwrap()[0].protocol.as_deref(), Some("TCP"));
    let time = &world.get(Kind::Deployment, "d")["metadata"]["creationTimestamp"];
    assert_eq!(time, "2023-11-14T22:13:20Z");
}

#[tokio::test]
async fn a_second_creation_and_a_missing_namespace_are_refused() {
    let world = World::new();
    let object: ConfigMap = typed(config_map("c", &json!({ "a": "1" })));
    let api = world.config_maps();
    api.create(&PostParams::default(), &object).await.unwrap();
    assert_eq!(code(api.create(&PostParams::default(), &object).await), (409, "AlreadyExists".to_owned()));
    let elsewhere: Api<ConfigMap> = Api::namespaced(world.client.clone(), "nowhere");
    let object: ConfigMap = typed(json!({ "metadata": { "name": "c" } }));
    assert_eq!(code(elsewhere.create(&PostParams::default(), &object).await), (404, "NotFound".to_owned()));
}

#[tokio::test]
async fn a_stale_version_is_a_conflict_and_the_newest_is_not() {
    let world = World::new();
    let api = world.config_maps();
    let first: ConfigMap = typed(config_map("c", &json!({ "a": "1" })));
    let first = api.create(&PostParams::default(), &first).await.unwrap();
    let mut second = first.clone();
    second.data.as_mut().unwrap().insert("a".to_owned(), "2".to_owned());
    let second = api.replace("c", &PostParams::default(), &second).await.unwrap();
    assert_ne!(first.resource_version(), second.resource_version());
    let mut third = first.clone();
    third.data.as_mut().unwrap().insert("a".to_owned(), "3".to_owned());
    assert_eq!(code(api.replace("c", &PostParams::default(), &third).await), (409, "Conflict".to_owned()));
    third.metadata.resource_version = second.resource_version();
    api.replace("c", &PostParams::default(), &third).await.unwrap();
}

#[tokio::test]
async fn a_write_that_changes_nothing_makes_no_revision() {
    let world = World::new();
    let api = world.config_maps();
    let object: ConfigMap = typed(config_map("c", &json!({ "a": "1" })));
    let created = api.create(&PostParams::default(), &object).await.unwrap();
    let revision = world.server.with(|store| store.revision());
    world.server.with(|store| store.set_now(store.now() + jiff::Span::new().hours(1)));
    let again = api.replace("c", &PostParams::default(), &created).await.unwrap();
    let patch = Patch::Merge(json!({ "data": { "a": "1" } }));
    api.patch("c", &PatchParams::default(), &patch).await.unwrap();
    assert_eq!(again.resource_version(), created.resource_version());
    assert_eq!(world.server.with(|store| store.revision()), revision);
}

#[tokio::test]
async fn a_dry_run_checks_and_stores_nothing() {
    let world = World::new();
    let api = world.config_maps();
    let object: ConfigMap = typed(config_map("c", &json!({ "a": "1" })));
    let dry = PostParams { dry_run: true, ..PostParams::default() };
    api.create(&dry, &object).await.unwrap();
    assert!(api.get_opt("c").await.unwrap().is_none());
    api.create(&PostParams::default(), &object).await.unwrap();
    assert_eq!(code(api.create(&dry, &object).await).0, 409);
}

#[tokio::test]
async fn merge_patches_remove_with_null_and_json_patches_test() {
    let world = World::new();
    let api = world.config_maps();
    let object: ConfigMap = typed(config_map("c", &json!({ "a": "1", "b": "2" })));
    api.create(&PostParams::default(), &object).await.unwrap();
    let patch = Patch::Merge(json!({ "data": { "a": null, "c": "3" } }));
    api.patch("c", &PatchParams::default(), &patch).await.unwrap();
    assert_eq!(world.get(Kind::ConfigMap, "c")["data"], json!({ "b": "2", "c": "3" }));
    let json_patch = |operations: Value| Patch::<()>::Json(typed(operations));
    let good = json_patch(json!([
        { "op": "test", "path": "/data/b", "value": "2" },
        { "op": "replace", "path": "/data/b", "value": "4" },
    ]));
    api.patch("c", &PatchParams::default(), &good).await.unwrap();
    assert_eq!(world.get(Kind::ConfigMap, "c")["data"]["b"], "4");
    assert_eq!(code(api.patch("c", &PatchParams::default(), &good).await).0, 422);
    let missing = api.patch("x", &PatchParams::default(), &patch).await;
    assert_eq!(code(missing), (404, "NotFound".to_owned()));
}

#[tokio::test]
async fn what_can_not_change_and_what_is_double_is_refused() {
    let world = World::new();
    let deployments: Api<Deployment> = Api::default_namespaced(world.client.clone());
    deployments.create(&PostParams::default(), &typed(deployment("m:1"))).await.unwrap();
    let selector = Patch::Merge(json!({ "spec": {
        "selector": { "matchLabels": { "app": "e" } },
        "template": { "metadata": { "labels": { "app": "e" } } },
    }}));
    let refused = deployments.patch("d", &PatchParams::default(), &selector).await;
    assert_eq!(code(refused), (422, "Invalid".to_owned()));
    let services: Api<Service> = Api::default_namespaced(world.client.clone());
    let port = json!({ "name": "a", "port": 1 });
    let service: Service = typed(json!({
        "metadata": { "name": "s" },
        "spec": { "ports": [port, { "name": "b", "port": 1 }] },
    }));
    assert_eq!(code(services.create(&PostParams::default(), &service).await), (422, "Invalid".to_owned()));
    let service: Service = typed(json!({ "metadata": { "name": "s" }, "spec": { "ports": [port] } }));
    let created = services.create(&PostParams::default(), &service).await.unwrap().spec.unwrap();
    assert!(created.cluster_ip.unwrap().starts_with("10.96."));
    assert_eq!(created.type_.as_deref(), Some("ClusterIP"));
}

#[tokio::test]
async fn a_custom_resource_gets_defaults_loses_unknown_fields_and_needs_a_version() {
    let world = World::new();
    let path = "/apis/milvus.io/v1beta1/namespaces/default/milvuses";
    let object = json!({
        "apiVersion": "milvus.io/v1beta1",
        "kind": "Milvus",
        "metadata": { "name": "m" },
        "spec": { "mode": "cluster", "nonsense": 1, "config": { "free": { "x": 1 } } },
        "status": { "status": "Healthy" },
    });
    let created = world.send("POST", path, &object).await.unwrap();
    assert_eq!(created["spec"].get("nonsense"), None);
    assert_eq!(created.get("status"), None);
    assert_eq!(created["spec"]["config"]["free"]["x"], 1);
    let milvuses: Api<Milvus> = Api::default_namespaced(world.client.clone());
    assert!(milvuses.get("m").await.unwrap().spec.components.global.image.is_some());
    let wrong = json!({ "metadata": { "name": "n" }, "spec": { "mode": "sideways" } });
    let refused = world.send("POST", path, &wrong).await.unwrap_err();
    assert_eq!((refused.code, refused.reason.as_str()), (422, "Invalid"));
    let mut blind = created.clone();
    blind["metadata"]["resourceVersion"] = Value::Null;
    let refused = world.send("PUT", &format!("{path}/m"), &blind).await.unwrap_err();
    assert_eq!(refused.code, 422);
}
