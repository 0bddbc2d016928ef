//! GET, LIST and discovery.

use k8s_openapi::api::core::v1::ConfigMap;
use kube::{
    Api, ResourceExt,
    api::{ListParams, PartialObjectMeta},
    core::GroupVersionKind,
    discovery,
};
use milvus_sim::server::Kind;
use serde_json::json;

use crate::{World, config_map};

fn filled() -> World {
    let world = World::new();
    world.server.with(|store| {
        for (name, label) in [("a", "x"), ("b", "y"), ("c", "x")] {
            let mut object = config_map(name, &json!({ "k": name }));
            object["metadata"]["labels"] = json!({ "l": label });
            store.create("test", Kind::ConfigMap, object).unwrap();
        }
    });
    world
}

#[tokio::test]
async fn collections_are_selected_by_labels_and_names() {
    let world = filled();
    for (params, expected) in [
        (ListParams::default(), vec!["a", "b", "c"]),
        (ListParams::default().labels("l=x"), vec!["a", "c"]),
        (ListParams::default().labels("l notin (x)"), vec!["b"]),
        (ListParams::default().fields("metadata.name=b"), vec!["b"]),
    ] {
        let names: Vec<_> =
            world.config_maps().list(&params).await.unwrap().iter().map(ResourceExt::name_any).collect();
        assert_eq!(names, expected);
    }
}

#[tokio::test]
async fn pages_show_one_revision_and_expire_when_it_is_compacted() {
    let world = filled();
    let api = world.config_maps();
    let first = api.list(&ListParams::default().limit(2)).await.unwrap();
    assert_eq!(first.items.len(), 2);
    assert_eq!(first.metadata.remaining_item_count, Some(1));
    let token = first.metadata.continue_.unwrap();
    world.server.with(|store| {
        store
            .patch_merge("test", Kind::ConfigMap.at("default", "c"), &json!({ "data": { "k": "new" } }))
            .unwrap();
    });
    let next = ListParams::default().limit(2).continue_token(&token);
    let second = api.list(&next).await.unwrap();
    assert_eq!(second.items[0].data.as_ref().unwrap()["k"], "c");
    assert_eq!(second.metadata.resource_version, first.metadata.resource_version);
    world.server.with(|store| store.compact(store.revision()));
    let expired = api.list(&next).await.unwrap_err();
    assert!(matches!(expired, kube::Error::Api(status) if status.code == 410 && status.reason == "Expired"));
}

#[tokio::test]
async fn metadata_can_be_had_alone() {
    let world = filled();
    let api: Api<PartialObjectMeta<ConfigMap>> = Api::default_namespaced(world.client.clone());
    assert_eq!(api.list_metadata(&ListParams::default()).await.unwrap().items.len(), 3);
    assert_eq!(api.get_metadata("a").await.unwrap().labels()["l"], "x");
    let raw = world.client.request_text(
        http::Request::get("/api/v1/namespaces/default/configmaps/a")
            .header("accept", "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1")
            .body(Vec::new())
            .unwrap(),
    );
    assert!(!raw.await.unwrap().contains("\"data\""));
}

#[tokio::test]
async fn a_kind_can_be_absent_and_come() {
    let world = World::new();
    let kind = GroupVersionKind::gvk("monitoring.coreos.com", "v1", "PodMonitor");
    world.server.with(|store| store.remove_kind(Kind::PodMonitor));
    assert!(discovery::pinned_kind(&world.client, &kind).await.is_err());
    let path = "/apis/monitoring.coreos.com/v1/podmonitors";
    assert_eq!(world.send("GET", path, &json!(null)).await.unwrap_err().code, 404);
    world.server.with(|store| store.add_kind(Kind::PodMonitor));
    assert!(discovery::pinned_kind(&world.client, &kind).await.is_ok());
    assert_eq!(world.send("GET", path, &json!(null)).await.unwrap()["items"], json!([]));
    let version = world.client.apiserver_version().await.unwrap();
    assert_eq!((version.major.as_str(), version.minor.as_str()), ("1", "34"));
}
