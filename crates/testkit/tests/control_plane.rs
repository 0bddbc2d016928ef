//! The control plane as a test uses it.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::time::{Duration, Instant};

use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{Namespace, Pod},
};
use kube::{
    Api,
    api::{ListParams, PostParams},
};
use milvus_testkit::{ControlPlane, wait::wait_for};
use serde_json::json;

const SOON: Duration = Duration::from_mins(1);

fn deployment(name: &str, image: &str, replicas: u32) -> Deployment {
    serde_json::from_value(json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": { "name": name },
        "spec": {
            "replicas": replicas,
            "selector": { "matchLabels": { "app": name } },
            "template": {
                "metadata": { "labels": { "app": name } },
                "spec": {
                    "initContainers": [{ "name": "config", "image": "config:1" }],
                    "containers": [{ "name": "main", "image": image }],
                },
            },
        },
    }))
    .unwrap()
}

async fn namespace(plane: &ControlPlane, name: &str) -> kube::Client {
    let client = plane.client().unwrap();
    let namespace = serde_json::from_value(json!({ "metadata": { "name": name } })).unwrap();
    Api::<Namespace>::all(client.clone()).create(&PostParams::default(), &namespace).await.unwrap();
    client
}

#[tokio::test]
async fn a_deployment_becomes_available_and_its_pods_end_with_it() {
    let started = Instant::now();
    let plane = ControlPlane::shared().await.unwrap();
    eprintln!("control plane up after {:?}", started.elapsed());
    let client = namespace(plane, "available").await;
    let deployments: Api<Deployment> = Api::namespaced(client.clone(), "available");
    deployments.create(&PostParams::default(), &deployment("web", "web:1", 2)).await.unwrap();
    let is_available = |found: Option<&Deployment>| {
        found
            .and_then(|found| found.status.as_ref())
            .is_some_and(|status| status.available_replicas == Some(2))
    };
    wait_for(deployments.clone(), "web", SOON, is_available).await.unwrap();
    eprintln!("deployment available after {:?}", started.elapsed());

    let pods: Api<Pod> = Api::namespaced(client, "available");
    let pod = pods.list(&ListParams::default()).await.unwrap().items.remove(0);
    let status = pod.status.unwrap();
    assert_eq!(status.container_statuses.unwrap()[0].image, "web:1");
    assert!(status.init_container_statuses.unwrap()[0].state.as_ref().unwrap().terminated.is_some());
    assert!(status.pod_ip.unwrap().starts_with("10.200."));

    let deleted = plane.access().kubectl(["-n", "available", "delete", "deployment", "web"]).await.unwrap();
    assert_eq!(deleted.success().unwrap(), "deployment.apps \"web\" deleted from available namespace\n");
    wait_for(pods, &pod.metadata.name.unwrap(), SOON, |pod| pod.is_none()).await.unwrap();
}
