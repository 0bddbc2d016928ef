//! DELETE, finalizers, and what owners leave.

use k8s_openapi::api::core::v1::ConfigMap;
use kube::{
    Api,
    api::{DeleteParams, Preconditions, PropagationPolicy},
};
use milvus_sim::server::{Kind, Preconditions as Held, Propagation, Store};
use serde_json::{Value, json};

use crate::{World, config_map};

fn create(store: &mut Store, name: &str, metadata: &Value) -> Value {
    let mut object = config_map(name, &json!({ "a": "1" }));
    for (field, value) in metadata.as_object().unwrap() {
        object["metadata"][field] = value.clone();
    }
    store.create("test", Kind::ConfigMap, object).unwrap()
}

fn owned_by(owner: &Value) -> Value {
    let metadata = &owner["metadata"];
    json!({ "ownerReferences": [{
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "name": metadata["name"],
        "uid": metadata["uid"],
        "blockOwnerDeletion": true,
        "controller": true,
    }]})
}

fn there(world: &World) -> Vec<String> {
    let name = |object: &Value| object["metadata"]["name"].as_str().unwrap().to_owned();
    world.server.with(|store| store.list(Kind::ConfigMap).map(name).collect())
}

#[tokio::test]
async fn preconditions_protect_a_successor() {
    let world = World::new();
    world.server.with(|store| create(store, "c", &json!({})));
    let api: Api<ConfigMap> = world.config_maps();
    let other = Preconditions { uid: Some("other".to_owned()), resource_version: None };
    let params = DeleteParams { preconditions: Some(other), ..DeleteParams::default() };
    let refused = api.delete("c", &params).await.unwrap_err();
    assert!(matches!(refused, kube::Error::Api(status) if status.code == 409 && status.reason == "Conflict"));
    assert!(api.delete("c", &DeleteParams::default()).await.unwrap().is_right());
    let gone = api.delete("c", &DeleteParams::default()).await.unwrap_err();
    assert!(matches!(gone, kube::Error::Api(status) if status.code == 404));
}

#[tokio::test]
async fn a_finalizer_holds_an_object_until_it_is_removed() {
    let world = World::new();
    world.server.with(|store| create(store, "c", &json!({ "finalizers": ["test.io/hold"] })));
    let api: Api<ConfigMap> = world.config_maps();
    let held = api.delete("c", &DeleteParams::default()).await.unwrap().left().unwrap();
    assert!(held.metadata.deletion_timestamp.is_some());
    assert_eq!(held.metadata.deletion_grace_period_seconds, Some(0));
    let revision = world.server.with(|store| store.revision());
    api.delete("c", &DeleteParams::default()).await.unwrap();
    assert_eq!(world.server.with(|store| store.revision()), revision);
    world.server.with(|store| {
        let refused = store.patch_merge(
            "test",
            Kind::ConfigMap.at("default", "c"),
            &json!({ "metadata": { "finalizers": ["test.io/hold", "test.io/more"] } }),
        );
        assert_eq!(refused.unwrap_err().code, 422);
        let target = Kind::ConfigMap.at("default", "c");
        store.patch_merge("test", target, &json!({ "metadata": { "finalizers": null } })).unwrap();
    });
    assert!(api.get_opt("c").await.unwrap().is_none());
}

#[tokio::test]
async fn dependents_go_after_before_or_not_at_all() {
    for (policy, first, last) in [
        (PropagationPolicy::Background, vec!["dependent"], vec![]),
        (PropagationPolicy::Foreground, vec!["dependent", "owner"], vec![]),
        (PropagationPolicy::Orphan, vec!["dependent", "owner"], vec!["dependent"]),
    ] {
        let world = World::new();
        world.server.with(|store| {
            let owner = create(store, "owner", &json!({}));
            create(store, "dependent", &owned_by(&owner));
        });
        let params = DeleteParams { propagation_policy: Some(policy.clone()), ..DeleteParams::default() };
        world.config_maps().delete("owner", &params).await.unwrap();
        assert_eq!(there(&world), first, "{policy:?}");
        world.server.with(|store| while store.collect_garbage() {});
        assert_eq!(there(&world), last, "{policy:?}");
    }
}

#[tokio::test]
async fn a_dependent_of_two_stays_with_the_one_that_is_left() {
    let world = World::new();
    world.server.with(|store| {
        let (one, two) = (create(store, "one", &json!({})), create(store, "two", &json!({})));
        let mut owners = owned_by(&one);
        let mut second = owned_by(&two)["ownerReferences"][0].clone();
        second["controller"] = json!(false);
        owners["ownerReferences"].as_array_mut().unwrap().push(second);
        create(store, "dependent", &owners);
    });
    world.config_maps().delete("one", &DeleteParams::default()).await.unwrap();
    world.server.with(|store| while store.collect_garbage() {});
    assert_eq!(there(&world), ["dependent", "two"]);
    let owners = &world.get(Kind::ConfigMap, "dependent")["metadata"]["ownerReferences"];
    assert_eq!(owners.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_pod_on_a_node_ends_and_one_without_is_gone() {
    let world = World::new();
    let pod = |name: &str| {
        json!({
            "metadata": { "name": name, "namespace": "default" },
            "spec": { "containers": [{ "name": "m", "image": "m:1" }] },
        })
    };
    world.server.with(|store| {
        for name in ["placed", "waiting"] {
            store.create("test", Kind::Pod, pod(name)).unwrap();
        }
        let mut placed = store.get(Kind::Pod, "default", "placed").unwrap().clone();
        placed["spec"]["nodeName"] = json!("node");
        store.update("scheduler", Kind::Pod, placed).unwrap();
        for name in ["placed", "waiting"] {
            let target = Kind::Pod.at("default", name);
            store.delete("test", target, &Held::default(), Propagation::Background).unwrap();
        }
        assert!(store.get(Kind::Pod, "default", "waiting").is_none());
        let ending = store.get(Kind::Pod, "default", "placed").unwrap();
        assert_eq!(ending["metadata"]["deletionGracePeriodSeconds"], 30);
        store.finish("kubelet", Kind::Pod.at("default", "placed")).unwrap();
        assert!(store.get(Kind::Pod, "default", "placed").is_none());
    });
}
