//! How one Deployment holds new pods next to old ones, Ready and under one name, until it is told to go on.
//! Whoever builds a step of an upgrade on that relies on the Deployment controller for what is asserted here;
//! `docs/design/hold.md` says what.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::time::Duration;

use k8s_openapi::api::{
    apps::v1::{Deployment, DeploymentStatus, ReplicaSet, ReplicaSetSpec},
    core::v1::{Namespace, Pod},
};
use kube::{
    Api, Client,
    api::{DeleteParams, ListParams, Patch, PatchParams, PostParams},
};
use milvus_testkit::{
    ControlPlane,
    control_plane::Version,
    recorder::{Change, Recorder},
    wait::wait_for,
};
use rstest::rstest;
use serde_json::{Value, json};

const SOON: Duration = Duration::from_mins(1);
/// Seconds that no pod of a test, and of an upgrade, stays Ready for: 23 days.
const HELD: u32 = 2_000_000;
/// 30 days, as the operator writes it: it has to be more than `minReadySeconds`.
const DEADLINE: u32 = 2_592_000;
/// Keeps a pod that is to end from ending: it drains.
const DRAIN: &str = "example.com/drain";
const OLD: &str = "web:1";
const NEW: &str = "web:2";

/// A Deployment `web` with pods that are Ready, in a namespace of its own.
struct Stage {
    client: Client,
    deployments: Api<Deployment>,
    pods: Api<Pod>,
    replica_sets: Api<ReplicaSet>,
}

impl Stage {
    async fn begin(version: Version, name: &str, replicas: u32, surge: Value) -> Self {
        let client = ControlPlane::shared_of(version).await.unwrap().client().unwrap();
        let namespace = serde_json::from_value(json!({ "metadata": { "name": name } })).unwrap();
        Api::<Namespace>::all(client.clone()).create(&PostParams::default(), &namespace).await.unwrap();
        let stage = Self {
            deployments: Api::namespaced(client.clone(), name),
            pods: Api::namespaced(client.clone(), name),
            replica_sets: Api::namespaced(client.clone(), name),
            client,
        };
        let rolling = json!({ "maxSurge": surge, "maxUnavailable": 0 });
        let deployment = json!({
            "metadata": { "name": "web" },
            "spec": {
                "replicas": replicas,
                "progressDeadlineSeconds": DEADLINE,
                "selector": { "matchLabels": { "app": "web" } },
                "strategy": { "type": "RollingUpdate", "rollingUpdate": rolling },
                "template": {
                    "metadata": { "labels": { "app": "web" }, "finalizers": [DRAIN] },
                    "spec": { "containers": [{ "name": "main", "image": OLD }] },
                },
            },
        });
        let deployment = serde_json::from_value(deployment).unwrap();
        stage.deployments.create(&PostParams::default(), &deployment).await.unwrap();
        stage.until(|status| status.available_replicas == i32::try_from(replicas).ok()).await;
        stage
    }

    /// One patch of template and `minReadySeconds`.
    async fn patch(&self, image: &str, min_ready_seconds: u32) {
        let containers = json!([{ "name": "main", "image": image }]);
        let spec = json!({
            "minReadySeconds": min_ready_seconds,
            "template": { "spec": { "containers": containers } },
        });
        let patch = Patch::Strategic(json!({ "spec": spec }));
        self.deployments.patch("web", &PatchParams::default(), &patch).await.unwrap();
    }

    async fn let_go(&self) {
        let patch = Patch::Merge(json!({ "spec": { "minReadySeconds": 0 } }));
        self.deployments.patch("web", &PatchParams::default(), &patch).await.unwrap();
    }

    /// Waits for a status that belongs to the newest generation.
    async fn until(&self, expected: impl Fn(&DeploymentStatus) -> bool) -> Deployment {
        let holds = |found: Option<&Deployment>| {
            let Some((generation, status)) =
                found.and_then(|found| Some((found.metadata.generation?, found.status.as_ref()?)))
            else {
                return false;
            };
            status.observed_generation == Some(generation) && expected(status)
        };
        wait_for(self.deployments.clone(), "web", SOON, holds).await.unwrap().unwrap()
    }

    /// Makes the controller look once more at what is there, and returns when it has: what it has not done
    /// then, it does not do until something changes.
    async fn looked_again(&self) -> Deployment {
        let patch = Patch::Merge(json!({ "metadata": { "annotations": { "look": "again" } } }));
        let patched = self.deployments.patch("web", &PatchParams::default(), &patch).await.unwrap();
        let seen = self.until(|_| true).await;
        assert!(seen.metadata.generation >= patched.metadata.generation);
        seen
    }

    /// Waits until so many old and new pods are Ready and none is missing.
    async fn ready(&self, old: i32, new: i32) -> Deployment {
        let expected = (Some(old + new), Some(old + new), Some(new));
        self.until(|status| (status.replicas, status.ready_replicas, status.updated_replicas) == expected)
            .await
    }

    /// How many old and new pods the Deployment controller wants: it writes that before it says what it has
    /// seen.
    async fn wanted(&self) -> (i32, i32) {
        let sets = self.replica_sets.list(&ListParams::default()).await.unwrap().items;
        assert_eq!(sets.len(), 2, "one ReplicaSet for each template");
        let of = |image: &str| {
            let specs = sets.iter().filter_map(|set| set.spec.as_ref());
            let is = |set: &&ReplicaSetSpec| {
                let pod = set.template.as_ref().and_then(|template| template.spec.as_ref());
                pod.unwrap().containers[0].image.as_deref() == Some(image)
            };
            specs.filter(is).filter_map(|set| set.replicas).sum()
        };
        (of(OLD), of(NEW))
    }

    /// The pods with an image, each with whether it was told to end.
    async fn pods(&self, image: &str) -> Vec<(String, bool)> {
        let pods = self.pods.list(&ListParams::default()).await.unwrap().items;
        let of = |pod: &Pod| pod.spec.as_ref().unwrap().containers[0].image.as_deref() == Some(image);
        let told = |pod: Pod| (pod.metadata.name.unwrap(), pod.metadata.deletion_timestamp.is_some());
        pods.into_iter().filter(of).map(told).collect()
    }

    /// Lets a pod that drains end.
    async fn drained(&self, name: &str) {
        let patch = Patch::Merge(json!({ "metadata": { "finalizers": null } }));
        self.pods.patch(name, &PatchParams::default(), &patch).await.unwrap();
        wait_for(self.pods.clone(), name, SOON, |pod| pod.is_none()).await.unwrap();
    }
}

/// All pods that are there, none of which was told to end.
fn alive(pods: &[(String, bool)]) -> Vec<(String, bool)> {
    pods.iter().map(|(name, _)| (name.clone(), false)).collect()
}

/// The same pods, each told to end.
fn told_to_end(pods: &[(String, bool)]) -> Vec<(String, bool)> {
    pods.iter().map(|(name, _)| (name.clone(), true)).collect()
}

fn condition(deployment: &Deployment, kind: &str) -> String {
    let conditions = deployment.status.as_ref().and_then(|status| status.conditions.as_ref()).unwrap();
    conditions.iter().find(|condition| condition.type_ == kind).unwrap().status.clone()
}

#[rstest]
#[tokio::test]
async fn the_new_pod_stands_ready_next_to_the_old_one_until_it_is_let_go(
    #[values(Version::V1_34, Version::V1_37)] version: Version,
) {
    let stage = Stage::begin(version, "held", 1, json!(1)).await;
    let before = stage.deployments.get("web").await.unwrap();
    stage.patch(NEW, HELD).await;
    stage.ready(1, 1).await;
    let held = stage.looked_again().await;
    let (old, new) = (stage.pods(OLD).await, stage.pods(NEW).await);
    assert_eq!(stage.wanted().await, (1, 1), "both stay");
    assert_eq!(held.status.as_ref().unwrap().available_replicas, Some(1));
    assert_eq!(
        condition(&held, "Available"),
        "True",
        "for the old pod the seconds of its own template count"
    );

    stage.let_go().await;
    let complete = |status: &DeploymentStatus| {
        let counts = [status.replicas, status.updated_replicas, status.available_replicas];
        counts == [Some(1); 3]
    };
    // That a Deployment is complete does not say that the old pods are gone; from 1.35 on another field does.
    let terminating = match version {
        Version::V1_34 => None,
        Version::V1_37 => Some(1),
    };
    let released = stage.until(|status| complete(status) && status.terminating_replicas == terminating).await;
    assert_eq!(stage.pods(OLD).await, told_to_end(&old), "the old pod still drains");
    assert_eq!(stage.pods(NEW).await, alive(&new), "the pod that was held is the one that stays");
    stage.drained(&old[0].0).await;

    assert_eq!(stage.wanted().await, (0, 1));
    assert_eq!(released.metadata.uid, before.metadata.uid);
    assert_eq!(released.spec.unwrap().selector, before.spec.unwrap().selector);
}

#[rstest]
#[tokio::test]
async fn a_hold_that_is_longer_than_the_deadline_of_the_deployment_is_refused(
    #[values(Version::V1_34, Version::V1_37)] version: Version,
) {
    let stage = Stage::begin(version, "deadline", 1, json!(1)).await;
    let patch = Patch::Merge(json!({ "spec": { "minReadySeconds": DEADLINE } }));
    let refused = stage.deployments.patch("web", &PatchParams::default(), &patch).await.unwrap_err();
    assert!(refused.to_string().contains("must be greater than minReadySeconds"), "{refused}");
}

#[rstest]
#[tokio::test]
async fn a_revert_that_lets_go_keeps_the_old_pod(#[values(Version::V1_34, Version::V1_37)] version: Version) {
    let stage = Stage::begin(version, "reverted", 1, json!(1)).await;
    stage.patch(NEW, HELD).await;
    stage.ready(1, 1).await;
    let old = stage.pods(OLD).await;
    stage.patch(OLD, 0).await;
    let back = stage.ready(0, 1).await;
    assert_eq!(condition(&back, "Available"), "True");
    assert_eq!(stage.wanted().await, (1, 0));
    assert_eq!(stage.pods(OLD).await, alive(&old));
}

#[rstest]
#[tokio::test]
async fn a_revert_that_does_not_let_go_counts_the_seconds_of_the_old_pod(
    #[values(Version::V1_34, Version::V1_37)] version: Version,
) {
    let stage = Stage::begin(version, "still-held", 1, json!(1)).await;
    stage.patch(NEW, HELD).await;
    stage.ready(1, 1).await;
    let old = stage.pods(OLD).await;
    stage.patch(OLD, HELD).await;
    stage.until(|status| status.available_replicas.unwrap_or_default() == 0).await;
    let held = stage.looked_again().await;
    assert_eq!(condition(&held, "Available"), "False");
    let (wanted, _) = stage.wanted().await;
    // The new pod can be gone by now: the Deployment controller may have looked between the write of the
    // seconds to the old ReplicaSet and the count that follows from them.
    assert_eq!(wanted, 1, "the old pod stays, whatever becomes of the new one");

    stage.let_go().await;
    stage.until(|status| (status.replicas, status.available_replicas) == (Some(1), Some(1))).await;
    assert_eq!(stage.wanted().await, (1, 0));
    assert_eq!(stage.pods(OLD).await, alive(&old));
}

#[rstest]
#[tokio::test]
async fn with_several_replicas_the_surge_says_how_many_new_pods_are_held(
    #[values(Version::V1_34, Version::V1_37)] version: Version,
) {
    let one = Stage::begin(version, "surge-of-one", 2, json!(1)).await;
    one.patch(NEW, HELD).await;
    one.ready(2, 1).await;
    one.looked_again().await;
    assert_eq!(one.wanted().await, (2, 1), "no second new pod before an old one has gone");

    let all = Stage::begin(version, "surge-of-all", 2, json!("100%")).await;
    all.patch(NEW, HELD).await;
    all.ready(2, 2).await;
    all.looked_again().await;
    assert_eq!(all.wanted().await, (2, 2));
    let new = all.pods(NEW).await;
    all.let_go().await;
    all.ready(0, 2).await;
    assert_eq!(all.wanted().await, (0, 2));
    assert_eq!(all.pods(NEW).await, alive(&new));
}

#[rstest]
#[tokio::test]
async fn an_old_pod_that_is_lost_while_held_is_replaced_by_an_old_one(
    #[values(Version::V1_34, Version::V1_37)] version: Version,
) {
    let stage = Stage::begin(version, "lost", 1, json!(1)).await;
    stage.patch(NEW, HELD).await;
    stage.ready(1, 1).await;
    let (lost, new) = (stage.pods(OLD).await.remove(0).0, stage.pods(NEW).await);
    let recorder = Recorder::start(stage.client.clone(), "lost").await.unwrap();
    stage.pods.delete(&lost, &DeleteParams::default()).await.unwrap();
    let missing = |changes: &[Change]| {
        changes.iter().any(|change| change.kind == "Deployment" && change.count("readyReplicas") == 1)
    };
    recorder.wait(SOON, missing).await.unwrap();
    stage.drained(&lost).await;
    stage.ready(1, 1).await;
    stage.looked_again().await;
    assert_eq!(stage.wanted().await, (1, 1));
    assert_ne!(stage.pods(OLD).await[0].0, lost);
    assert_eq!(stage.pods(NEW).await, alive(&new));
}
