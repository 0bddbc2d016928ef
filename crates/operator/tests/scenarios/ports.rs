//! Ports of the Service that somebody else has written: by an edit of a number, or as the operator before this one. A
//! port is told from others by its number, so what is applied stands beside it, and the API server takes no two of
//! one name.

use k8s_openapi::api::core::v1::{Service, ServicePort};
use kube::{
    Api, ResourceExt as _,
    api::{DeleteParams, Patch, PatchParams, PostParams},
};
use milvus_testkit::wait::wait_for;
use serde_json::json;

use crate::world::{NAME, SOON, World};

fn ports(service: &Service) -> Vec<ServicePort> {
    service.spec.as_ref().and_then(|spec| spec.ports.clone()).unwrap_or_default()
}

#[tokio::test]
async fn a_port_whose_number_is_edited_is_as_before_and_keeps_its_node_port() {
    let story = World::story("ports-edit").await;
    let components = json!({ "standalone": { "serviceType": "NodePort" } });
    story.running(story.places.milvus("standalone", "2.4.9", components), "2.4.9").await;
    let api: Api<Service> = story.api();
    let name = format!("{NAME}-milvus");
    let mut before = ports(&api.get(&name).await.unwrap());
    assert!(before.iter().all(|port| port.node_port.is_some()), "{before:?}");
    let mut edited = api.get(&name).await.unwrap();
    edited.spec.as_mut().unwrap().ports.as_mut().unwrap()[0].port = 1;
    let params = PostParams { field_manager: Some("kubectl-edit".to_owned()), ..PostParams::default() };
    let edited = api.replace(&name, &params, &edited).await.unwrap();
    assert_eq!(ports(&edited)[0].port, 1);
    before.sort_by_key(|port| port.port);
    let as_before = |service: &Service| {
        let mut now = ports(service);
        now.sort_by_key(|port| port.port);
        now == before
    };
    wait_for(api, &name, SOON, |service| service.is_some_and(as_before)).await.unwrap();
    story.until_healthy("2.4.9").await;
}

#[tokio::test]
async fn a_port_that_the_go_operator_wrote_goes_with_a_change_of_the_spec() {
    let story = World::story("ports-takeover").await;
    story.running(story.places.mix("2.4.9"), "2.4.9").await;
    let pause =
        |value: &str| json!({ "metadata": { "annotations": { "milvus.io/pause-reconcile": value } } });
    let api: Api<Service> = story.api();
    let name = format!("{NAME}-milvus");
    story.patch(pause("true")).await;
    let mut written = api.get(&name).await.unwrap();
    api.delete(&name, &DeleteParams::default()).await.unwrap();
    // As the Go operator makes it: by an update, without anything of ours.
    written.metadata.managed_fields = None;
    written.metadata.resource_version = None;
    written.metadata.uid = None;
    written.metadata.annotations = None;
    let spec = written.spec.as_mut().unwrap();
    (spec.cluster_ip, spec.cluster_ips) = (None, None);
    let params = PostParams { field_manager: Some("manager".to_owned()), ..PostParams::default() };
    api.create(&params, &written).await.unwrap();
    story.patch(pause("false")).await;
    let applied = |service: &Service| service.annotations().keys().any(|key| key.ends_with("rendered-hash"));
    wait_for(api.clone(), &name, SOON, |service| service.is_some_and(applied)).await.unwrap();
    let others = |service: &Service| {
        let writers = service.metadata.managed_fields.iter().flatten();
        writers.filter(|entry| entry.operation.as_deref() == Some("Update")).count()
    };
    assert_eq!(others(&api.get(&name).await.unwrap()), 0, "all of it is ours");
    story.patch(json!({ "spec": { "components": { "proxy": { "port": 443 } } } })).await;
    let moved = |service: &Service| {
        let mut numbers: Vec<i32> = ports(service).iter().map(|port| port.port).collect();
        numbers.sort_unstable();
        numbers == [443, 9091]
    };
    wait_for(api, &name, SOON, |service| service.is_some_and(moved)).await.unwrap();
    story.until_healthy("2.4.9").await;
}

/// The same with a port that another manager has written beside ours: it stays, as none of ours has its name.
#[tokio::test]
async fn a_port_that_somebody_adds_stays() {
    let story = World::story("ports-added").await;
    story.running(story.places.mix("2.4.9"), "2.4.9").await;
    let api: Api<Service> = story.api();
    let name = format!("{NAME}-milvus");
    let port = json!({ "apiVersion": "v1", "kind": "Service", "spec": { "ports": [{ "name": "mine", "port": 7 }] } });
    api.patch(&name, &PatchParams::apply("somebody"), &Patch::Apply(&port)).await.unwrap();
    story.patch(json!({ "spec": { "components": { "proxy": { "port": 443 } } } })).await;
    let moved = |service: &Service| {
        let mut numbers: Vec<i32> = ports(service).iter().map(|port| port.port).collect();
        numbers.sort_unstable();
        numbers == [7, 443, 9091]
    };
    wait_for(api, &name, SOON, |service| service.is_some_and(moved)).await.unwrap();
}
