//! PodDisruptionBudgets, which a Milvus may ask for: an eviction takes one pod of a component, and the next waits until
//! its successor is there.

use k8s_openapi::api::{
    core::v1::{Pod, ResourceQuota},
    policy::v1::PodDisruptionBudget,
};
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, ListParams, PostParams},
};
use milvus_testkit::{access, tools::Tool, wait::wait_for};
use serde_json::json;

use crate::world::{NAME, SOON, Story, World};

/// Evicts a pod as `kubectl drain` does, once; what the API server said against it.
async fn evict(story: &Story, pod: &str) -> Result<(), String> {
    let mut kubectl = story.ground.plane.access().command(Tool::Kubectl).await.unwrap();
    kubectl.args(["create", "--raw"]);
    kubectl.arg(format!("/api/v1/namespaces/{}/pods/{pod}/eviction", story.namespace)).args(["-f", "-"]);
    let eviction = json!({ "apiVersion": "policy/v1", "kind": "Eviction", "metadata": { "name": pod } });
    let output = access::run(kubectl, Some(&eviction.to_string())).await.unwrap();
    output.success().map(|_| ()).map_err(|error| error.to_string())
}

async fn until_one_may_go(story: &Story) {
    let budgets: Api<PodDisruptionBudget> = story.api();
    let allows = |budget: &PodDisruptionBudget| {
        budget.status.as_ref().is_some_and(|status| {
            status.disruptions_allowed == 1 && status.observed_generation == budget.metadata.generation
        })
    };
    let name = format!("{NAME}-milvus-querynode");
    wait_for(budgets, &name, SOON, |budget| budget.is_some_and(allows)).await.unwrap();
}

#[tokio::test]
async fn an_eviction_takes_one_pod_of_a_component_at_a_time() {
    let story = World::story("evictions").await;
    let mut milvus =
        story.places.milvus("cluster", "2.4.9", json!({ "mixCoord": {}, "queryNode": { "replicas": 2 } }));
    milvus["spec"]["upgradePolicy"]["podDisruptionBudgets"] = json!(true);
    story.running(milvus, "2.4.9").await;
    until_one_may_go(&story).await;
    let pods: Api<Pod> = story.api();
    let nodes = ListParams::default().labels("app.kubernetes.io/component=querynode");
    let names: Vec<String> = pods.list(&nodes).await.unwrap().iter().map(ResourceExt::name_any).collect();
    let [first, second] = &names[..] else { panic!("{names:?}") };
    // No pod can be made, so the first has no successor for as long as the test wants.
    let quota: ResourceQuota = serde_json::from_value(
        json!({ "metadata": { "name": "none" }, "spec": { "hard": { "pods": "0" } } }),
    )
    .unwrap();
    let quotas: Api<ResourceQuota> = story.api();
    quotas.create(&PostParams::default(), &quota).await.unwrap();
    let enforced = |quota: &ResourceQuota| quota.status.as_ref().is_some_and(|status| status.used.is_some());
    wait_for(quotas.clone(), "none", SOON, |quota| quota.is_some_and(enforced)).await.unwrap();

    evict(&story, first).await.unwrap();
    let refused = evict(&story, second).await.unwrap_err();
    assert!(refused.contains("TooManyRequests") && refused.contains("disruption budget"), "{refused}");
    assert!(pods.get(second).await.unwrap().metadata.deletion_timestamp.is_none(), "it serves");

    quotas.delete("none", &DeleteParams::default()).await.unwrap();
    until_one_may_go(&story).await;
    evict(&story, second).await.unwrap();
    story.until_healthy("2.4.9").await;
}
