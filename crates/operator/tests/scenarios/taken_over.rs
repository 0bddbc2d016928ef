//! A Milvus of the Go operator is taken over: no pod restarts and no ReplicaSet is made, whatever order, doublets and
//! fields of others its templates have; a difference that is meant makes exactly one.

use std::collections::BTreeMap;

use fastrand::Rng;
use k8s_openapi::api::apps::v1::Deployment;
use kube::{ResourceExt as _, api::ListParams};
use milvus_api::{ConditionType, Milvus};
use serde_json::{Value, json};

use crate::world::{
    Story, World, all_is_wanted, observed,
    old_cluster::{self, OLD},
    said,
};

/// What the Go operator, an admission webhook or a user may have made of a template: it means what it meant.
fn disturb(template: &mut Value, random: &mut Rng) {
    let pod = &mut template["spec"];
    pod["tolerations"] = json!([{ "key": "a", "operator": "Exists" }, { "key": "b", "operator": "Exists" }]);
    pod["volumes"].as_array_mut().unwrap().push(json!({ "name": "foreign", "emptyDir": {} }));
    random.shuffle(pod["volumes"].as_array_mut().unwrap());
    for list in ["initContainers", "containers"] {
        let container = &mut pod[list][0];
        let mounts = container["volumeMounts"].as_array_mut().unwrap();
        if random.bool() {
            mounts.push(json!({ "name": "foreign", "mountPath": "/foreign" }));
        }
        random.shuffle(mounts);
    }
    let main = &mut pod["containers"][0];
    let env = main["env"].as_array_mut().unwrap();
    if random.bool() {
        env.push(json!({ "name": "FOREIGN", "value": "1" }));
    }
    random.shuffle(env);
    if random.bool() {
        // The last of two variables of one name counts.
        let shadowed = env[random.usize(..env.len())]["name"].clone();
        env.insert(0, json!({ "name": shadowed, "value": "shadowed" }));
    }
    random.shuffle(main["ports"].as_array_mut().unwrap());
    if random.bool() {
        let restarted = "2026-01-01T00:00:00Z";
        template["metadata"]["annotations"]["kubectl.kubernetes.io/restartedAt"] = json!(restarted);
    }
    if random.bool() {
        let sidecar = json!({ "name": "foreign", "image": "foreign:1" });
        template["spec"]["containers"].as_array_mut().unwrap().push(sidecar);
    }
}

/// Creates what the Go operator has left, in part after a change, and disturbed.
async fn left_by_go(story: &Story, random: &mut Rng) {
    let changed = old_cluster::after_update();
    old_cluster::begin(story, true, |deployment| {
        let labels = &deployment["metadata"]["labels"];
        let component = labels["app.kubernetes.io/component"].as_str().unwrap();
        if let Some(template) = changed.get(component).filter(|_| random.bool()) {
            deployment["spec"]["template"] = template.clone();
        }
        disturb(&mut deployment["spec"]["template"], random);
    })
    .await;
}

/// Waits until all of it is ours and at an image.
async fn until_ours(story: &Story, image: &str) {
    let is = |milvus: &Milvus, kind| said(milvus, kind).is_some_and(|condition| condition[0] == "True");
    let kinds = [ConditionType::SpecAccepted, ConditionType::MilvusReady, ConditionType::MilvusUpdated];
    let image = Some(image.to_owned());
    let done = story
        .until_named(OLD, |milvus| {
            let current = milvus.status.as_ref().and_then(|status| status.current_image.clone());
            observed(milvus) && current == image && kinds.iter().all(|kind| is(milvus, *kind))
        })
        .await;
    story.caught_up(&done).await;
    for deployment in story.api::<Deployment>().list(&ListParams::default()).await.unwrap() {
        let has_pods = deployment.spec.as_ref().unwrap().replicas != Some(0);
        let ours = deployment.annotations().contains_key("milvus.io/rendered-hash");
        assert!(ours || !has_pods, "{} is not taken over", deployment.name_any());
    }
}

/// One ReplicaSet more for every component.
fn one_more(before: &BTreeMap<String, usize>) -> BTreeMap<String, usize> {
    before.iter().map(|(name, count)| (name.clone(), count + 1)).collect()
}

#[tokio::test]
async fn a_template_that_means_the_same_restarts_nothing_and_a_change_makes_one_replica_set() {
    let seeds = if all_is_wanted() { 0..12 } else { 0..3 };
    for seed in seeds {
        println!("seed {seed}");
        let story = World::story(&format!("taken-over-{seed}")).await;
        let mut random = Rng::with_seed(seed);
        left_by_go(&story, &mut random).await;
        let before = (old_cluster::pods(&story).await, old_cluster::templates(&story).await);
        old_cluster::hand_over(&story).await;
        until_ours(&story, "milvusdb/milvus:v2.3.0").await;
        assert_eq!(
            before,
            (old_cluster::pods(&story).await, old_cluster::templates(&story).await),
            "seed {seed}"
        );

        // Something around the templates changes, so that all of them are sent again.
        change(&story, json!({ "upgradePolicy": { "minReadySeconds": 1 } })).await;
        until_ours(&story, "milvusdb/milvus:v2.3.0").await;
        assert_eq!(
            before,
            (old_cluster::pods(&story).await, old_cluster::templates(&story).await),
            "seed {seed}"
        );

        change(&story, json!({ "components": { "image": "milvusdb/milvus:v2.3.1" } })).await;
        until_ours(&story, "milvusdb/milvus:v2.3.1").await;
        assert_eq!(one_more(&before.1), old_cluster::templates(&story).await, "seed {seed}");
    }
}

async fn change(story: &Story, spec: Value) {
    let patch = json!({ "spec": spec }).to_string();
    story.kubectl(&["patch", "milvus", OLD, "--type=merge", "-p", &patch]).await;
}
