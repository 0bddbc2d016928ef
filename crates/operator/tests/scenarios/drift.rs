//! What users change or delete by hand is put right at once, and who has nothing to do writes nothing.

use std::time::Duration;

use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{ConfigMap, Service},
};
use kube::{
    Api, ResourceExt as _,
    api::{Patch, PatchParams},
};
use milvus_testkit::{audit, wait::wait_for};
use serde_json::{Value, json};

use crate::world::{NAME, SOON, Story, World, image};

/// Within which drift must be repaired; on an idle machine it takes milliseconds, and the test may share its cores.
const AT_ONCE: Duration = Duration::from_secs(5);

/// Prints and judges the time between the user's last write to an object and the operator's answer to it.
async fn repaired_in(story: &Story, resource: &str, name: &str) {
    let about = |event: &&audit::Event| {
        let object = event.namespace == story.namespace && event.resource == resource && event.name == name;
        object && event.is_write() && event.subresource.is_empty()
    };
    let answered = |all: &[audit::Event]| {
        let mine: Vec<&audit::Event> = all.iter().filter(about).collect();
        let drift = mine.iter().rev().find(|event| event.user == "admin")?.received;
        let repair = mine.iter().find(|event| event.user == story.user && event.received > drift)?.received;
        Duration::try_from(repair.duration_since(drift)).ok()
    };
    let took = story.until_audited(answered).await;
    println!("{resource} {name}: repaired {took:?} after the user's write");
    assert!(took < AT_ONCE, "{resource} {name}: {took:?}");
}

/// Changes a Deployment as a user would and waits until it is as it was.
async fn edited(story: &Story, name: &str, change: Value) {
    let api: Api<Deployment> = story.api();
    let before = api.get(name).await.unwrap();
    let params = PatchParams { field_manager: Some("kubectl-edit".to_owned()), ..PatchParams::default() };
    let changed = api.patch(name, &params, &Patch::Merge(&change)).await.unwrap();
    assert_ne!(changed.metadata.resource_version, before.metadata.resource_version, "a change: {change}");
    let template = |d: &Deployment| d.spec.as_ref().unwrap().template.clone();
    let same = |live: Option<&Deployment>| {
        live.is_some_and(|d| {
            let (spec, was) = (d.spec.as_ref().unwrap(), before.spec.as_ref().unwrap());
            template(d) == template(&before) && spec.replicas == was.replicas && d.labels() == before.labels()
        })
    };
    wait_for(api, name, SOON, same).await.unwrap();
    repaired_in(story, "deployments", name).await;
}

#[tokio::test]
async fn a_deployment_that_is_edited_is_as_before_at_once() {
    let story = World::story("drift-edit").await;
    story.running(story.places.mix("2.4.9"), "2.4.9").await;
    let name = format!("{NAME}-milvus-proxy");
    let container = json!({ "name": "proxy", "image": image("2.3.0") });
    edited(&story, &name, json!({ "spec": { "template": { "spec": { "containers": [container] } } } })).await;
    edited(&story, &name, json!({ "spec": { "replicas": 3 } })).await;
    let labels = json!({ "app.kubernetes.io/managed-by": "somebody" });
    edited(&story, &name, json!({ "metadata": { "labels": labels } })).await;
    let query = format!("{NAME}-milvus-querynode-0");
    edited(&story, &query, json!({ "spec": { "replicas": 0 } })).await;
    let idle = format!("{NAME}-milvus-querynode-1");
    edited(&story, &idle, json!({ "spec": { "replicas": 1 } })).await;
    story.until_healthy("2.4.9").await;
}

#[tokio::test]
async fn what_is_deleted_is_made_anew_at_once() {
    let story = World::story("drift-delete").await;
    story.running(story.places.mix("2.4.9"), "2.4.9").await;
    let mixcoord = format!("{NAME}-milvus-mixcoord");
    story.recreated::<Deployment>(&mixcoord).await;
    repaired_in(&story, "deployments", &mixcoord).await;
    let service = format!("{NAME}-milvus");
    story.recreated::<Service>(&service).await;
    repaired_in(&story, "services", &service).await;
    let old = story.api::<ConfigMap>().get(NAME).await.unwrap();
    let new = story.recreated::<ConfigMap>(NAME).await;
    repaired_in(&story, "configmaps", NAME).await;
    assert_eq!(new.data, old.data);
    story.until_healthy("2.4.9").await;
}

#[tokio::test]
async fn service_and_configuration_that_are_edited_are_as_before_at_once() {
    let story = World::story("drift-others").await;
    story.running(story.places.standalone("2.4.9"), "2.4.9").await;
    let service: Api<Service> = story.api();
    let name = format!("{NAME}-milvus");
    let before = service.get(&name).await.unwrap();
    let change = json!({ "spec": { "selector": { "app.kubernetes.io/name": "other" } } });
    service.patch(&name, &PatchParams::default(), &Patch::Merge(&change)).await.unwrap();
    let selector = |s: &Service| s.spec.as_ref().unwrap().selector.clone();
    wait_for(service, &name, SOON, |s| s.is_some_and(|s| selector(s) == selector(&before))).await.unwrap();
    repaired_in(&story, "services", &name).await;

    let config: Api<ConfigMap> = story.api();
    let before = config.get(NAME).await.unwrap();
    let change = json!({ "data": { "user.yaml": "etcd: {}" } });
    config.patch(NAME, &PatchParams::default(), &Patch::Merge(&change)).await.unwrap();
    wait_for(config, NAME, SOON, |c| c.is_some_and(|c| c.data == before.data)).await.unwrap();
    repaired_in(&story, "configmaps", NAME).await;
}

#[tokio::test]
async fn an_object_of_somebody_else_with_the_right_name_is_not_taken() {
    let story = World::story("drift-foreign").await;
    let config = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "mine" }, "data": {"a": "b"} });
    story
        .api::<ConfigMap>()
        .patch("mine", &PatchParams::apply("user"), &Patch::Apply(&config))
        .await
        .unwrap();
    story.running(story.places.standalone("2.4.9"), "2.4.9").await;
    assert!(story.writes().iter().all(|write| write.name != "mine"));
}

#[tokio::test]
async fn who_has_nothing_to_do_writes_nothing() {
    let story = World::story("drift-idle").await;
    story.running(story.places.mix("2.4.9"), "2.4.9").await;
    story.settle().await;
    let mut written = story.quiet_for(Duration::from_secs(20)).await;
    // An Event is written after the status that it tells of, so the last one may come now.
    written.retain(|write| write.resource != "events");
    assert!(written.is_empty(), "{written:#?}");
    let asked = story.requests();
    let forbidden: Vec<&audit::Event> = asked.iter().filter(|event| event.is_forbidden()).collect();
    assert!(forbidden.is_empty(), "the chart grants too little: {forbidden:#?}");
}
