//! Server-side apply.

use milvus_sim::server::Kind;
use serde_json::{Value, json};

use crate::{DEPLOYMENT, World, config_map, deployment};

const CONFIG_MAP: &str = "/api/v1/namespaces/default/configmaps/c";

fn owner<'a>(object: &'a Value, manager: &str) -> Option<&'a Value> {
    let all = object["metadata"]["managedFields"].as_array().map_or(&[][..], Vec::as_slice);
    all.iter().find(|owner| owner["manager"] == manager).map(|owner| &owner["fieldsV1"])
}

#[tokio::test]
async fn what_is_no_longer_applied_goes_unless_another_applies_it() {
    let world = World::new();
    let apply = async |manager: &str, data: Value| {
        world.apply(manager, true, CONFIG_MAP, &config_map("c", &data)).await.unwrap()
    };
    apply("one", json!({ "a": "1", "b": "1", "c": "1" })).await;
    apply("two", json!({ "b": "1" })).await;
    let left = apply("one", json!({ "c": "1" })).await;
    assert_eq!(left["data"], json!({ "b": "1", "c": "1" }));
    assert_eq!(owner(&left, "one"), Some(&json!({ "f:data": { "f:c": {} } })));
    assert_eq!(owner(&left, "two"), Some(&json!({ "f:data": { "f:b": {} } })));
}

#[tokio::test]
async fn a_field_of_another_is_a_conflict_unless_it_is_forced() {
    let world = World::new();
    world.apply("one", false, CONFIG_MAP, &config_map("c", &json!({ "a": "1" }))).await.unwrap();
    let changed = config_map("c", &json!({ "a": "2" }));
    let refused = world.apply("two", false, CONFIG_MAP, &changed).await.unwrap_err();
    assert_eq!((refused.code, refused.reason.as_str()), (409, "Conflict"));
    assert!(refused.message.contains("conflict with \"one\": .data.a"), "{}", refused.message);
    let taken = world.apply("two", true, CONFIG_MAP, &changed).await.unwrap();
    assert_eq!(taken["data"]["a"], "2");
    assert_eq!(owner(&taken, "one"), None);
    // The same value is no conflict: both own it.
    let shared = world.apply("one", false, CONFIG_MAP, &changed).await.unwrap();
    assert!(owner(&shared, "one").is_some() && owner(&shared, "two").is_some());
}

#[tokio::test]
async fn items_of_lists_are_told_apart_by_their_keys() {
    let world = World::new();
    let with_env = |env: Value| {
        let mut object = deployment("m:1");
        object["spec"]["template"]["spec"]["containers"][0]["env"] = env;
        object
    };
    let object = with_env(json!([{ "name": "A", "value": "1" }, { "name": "B", "value": "1" }]));
    world.apply("one", true, DEPLOYMENT, &object).await.unwrap();
    let mut other = deployment("m:1");
    other["spec"]["template"]["spec"]["containers"] = json!([
        { "name": "m", "env": [{ "name": "C", "value": "1" }] },
        { "name": "side", "image": "s:1" },
    ]);
    world.apply("two", true, DEPLOYMENT, &other).await.unwrap();
    let object = with_env(json!([{ "name": "B", "value": "2" }]));
    let left = world.apply("one", true, DEPLOYMENT, &object).await.unwrap();
    let containers = left["spec"]["template"]["spec"]["containers"].as_array().unwrap();
    assert_eq!(containers.len(), 2);
    let env = &containers[0]["env"];
    assert_eq!(env, &json!([{ "name": "B", "value": "2" }, { "name": "C", "value": "1" }]));
    assert_eq!(left["metadata"]["generation"], 3);
}

#[tokio::test]
async fn the_same_apply_again_makes_no_revision() {
    let world = World::new();
    world.apply("one", true, DEPLOYMENT, &deployment("m:1")).await.unwrap();
    let revision = world.server.with(|store| store.revision());
    world.server.with(|store| store.set_now(store.now() + jiff::Span::new().hours(1)));
    world.apply("one", true, DEPLOYMENT, &deployment("m:1")).await.unwrap();
    assert_eq!(world.server.with(|store| store.revision()), revision);
}

#[tokio::test]
async fn an_apply_that_does_not_fit_is_an_error_without_a_reason() {
    let world = World::new();
    let mut unknown = deployment("m:1");
    unknown["spec"]["replicass"] = json!(1);
    let mut double = deployment("m:1");
    let env = json!([{ "name": "A", "value": "1" }, { "name": "A", "value": "2" }]);
    double["spec"]["template"]["spec"]["containers"][0]["env"] = env;
    let mut wrong = deployment("m:1");
    wrong["spec"]["replicas"] = json!("1");
    for (object, words) in [
        (unknown, "field not declared in schema"),
        (double, "duplicate entries for key"),
        (wrong, "expected numeric"),
    ] {
        let refused = world.apply("one", true, DEPLOYMENT, &object).await.unwrap_err();
        assert_eq!((refused.code, refused.reason.as_str()), (500, ""));
        assert!(refused.message.contains(words), "{}", refused.message);
    }
}

#[tokio::test]
async fn a_put_takes_fields_and_their_owner_loses_them() {
    let world = World::new();
    world.apply("one", true, DEPLOYMENT, &deployment("m:1")).await.unwrap();
    let mut object = world.get(Kind::Deployment, "d");
    object["spec"]["template"]["spec"]["containers"][0]["image"] = json!("m:2");
    let written = world.send("PUT", &format!("{DEPLOYMENT}?fieldManager=human"), &object).await.unwrap();
    let image = "/f:spec/f:template/f:spec/f:containers/k:{\"name\":\"m\"}/f:image";
    assert!(owner(&written, "human").unwrap().pointer(image).is_some(), "{written}");
    assert!(owner(&written, "one").unwrap().pointer(image).is_none());
    let refused = world.apply("one", false, DEPLOYMENT, &deployment("m:3")).await.unwrap_err();
    assert_eq!(refused.code, 409);
}

#[tokio::test]
async fn an_object_that_nobody_applied_belongs_to_whom_was_before() {
    let world = World::new();
    let mut object = config_map("c", &json!({ "a": "1" }));
    object["metadata"]["managedFields"] = json!([]);
    world.send("POST", "/api/v1/namespaces/default/configmaps?fieldManager=maker", &object).await.unwrap();
    world.server.with(|store| {
        let mut object = store.get(Kind::ConfigMap, "default", "c").unwrap().clone();
        object["metadata"]["managedFields"] = json!([{}]);
        store.update("maker", Kind::ConfigMap, object).unwrap();
    });
    let applied = config_map("c", &json!({ "b": "1" }));
    let object = world.apply("one", false, CONFIG_MAP, &applied).await.unwrap();
    assert!(owner(&object, "before-first-apply").is_some(), "{object}");
    assert_eq!(object["data"], json!({ "a": "1", "b": "1" }));
}
