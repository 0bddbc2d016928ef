//! What a cluster's own rules refuse: pods by a quota, the operator's writes by an admission policy. The words of whoever refuses get to
//! the user, nothing spins, nobody else is held up, and it goes on by itself when the rule goes.

use std::time::Duration;

use k8s_openapi::api::{
    admissionregistration::v1::{ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding},
    core::v1::{ConfigMap, ResourceQuota},
};
use kube::{
    Api,
    api::{DeleteParams, DynamicObject, PostParams},
    core::{ApiResource, GroupVersionKind},
};
use milvus_api::ConditionType::{MilvusReady, UpgradeProgressing};
use milvus_testkit::wait::wait_for;
use serde_json::{Value, json};

use crate::world::{NAME, SOON, Story, World, observed, said};

/// What the policies of these tests say.
const WORDS: &str = "the platform team does not allow it";
/// How long a refused Milvus is watched.
const WATCHED: Duration = Duration::from_secs(6);
/// Tries in that time, by a back-off that begins at 0.2 s and doubles.
const TRIES: usize = 8;

/// A policy that refuses writes of the operator in the story's namespace.
struct Policy<'s> {
    story: &'s Story,
    /// Group, version, kind and plural of what is refused.
    kind: [&'static str; 4],
}

impl<'s> Policy<'s> {
    /// In effect when this returns. `only`: a further condition in CEL.
    async fn begin(story: &'s Story, kind: [&'static str; 4], only: &str) -> Self {
        let [group, _, _, plural] = kind;
        let user = &story.user;
        let refused =
            format!("object.metadata.name == 'probe' || (request.userInfo.username == '{user}' && {only})");
        let policy = json!({
            "metadata": { "name": story.namespace },
            "spec": {
                "failurePolicy": "Fail",
                "matchConstraints": {
                    "namespaceSelector": { "matchLabels": { "kubernetes.io/metadata.name": story.namespace } },
                    "resourceRules": [{
                        "apiGroups": [group], "apiVersions": ["*"], "operations": ["CREATE", "UPDATE"],
                        "resources": [plural, format!("{plural}/status")],
                    }],
                },
                "validations": [{ "expression": format!("!({refused})"), "message": WORDS }],
            },
        });
        let binding = json!({
            "metadata": { "name": story.namespace },
            "spec": { "policyName": story.namespace, "validationActions": ["Deny"] },
        });
        let params = PostParams::default();
        let policies: Api<ValidatingAdmissionPolicy> = Api::all(story.client.clone());
        policies.create(&params, &serde_json::from_value(policy).unwrap()).await.unwrap();
        let bindings: Api<ValidatingAdmissionPolicyBinding> = Api::all(story.client.clone());
        bindings.create(&params, &serde_json::from_value(binding).unwrap()).await.unwrap();
        let policy = Self { story, kind };
        policy.until(true).await;
        policy
    }

    async fn end(self) {
        let bindings: Api<ValidatingAdmissionPolicyBinding> = Api::all(self.story.client.clone());
        bindings.delete(&self.story.namespace, &DeleteParams::default()).await.unwrap();
        self.until(false).await;
    }

    /// Nothing announces that a policy is in effect: an object that it would refuse is tried until it is.
    async fn until(&self, refuses: bool) {
        let [group, version, kind, plural] = self.kind;
        let resource =
            ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, kind), plural);
        let api: Api<DynamicObject> =
            Api::namespaced_with(self.story.client.clone(), &self.story.namespace, &resource);
        let probe = DynamicObject::new("probe", &resource).data(body(kind));
        let dry = PostParams { dry_run: true, ..PostParams::default() };
        let tried = async {
            loop {
                let answer = api.create(&dry, &probe).await;
                if answer.err().is_some_and(|error| error.to_string().contains(WORDS)) == refuses {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(SOON, tried).await.unwrap();
    }
}

/// An object that the schema takes.
fn body(kind: &str) -> Value {
    match kind {
        "Deployment" => json!({ "spec": {
            "selector": { "matchLabels": { "a": "b" } },
            "template": {
                "metadata": { "labels": { "a": "b" } },
                "spec": { "containers": [{ "name": "a", "image": "a" }] },
            },
        } }),
        "Service" => json!({ "spec": { "ports": [{ "port": 1 }] } }),
        "Milvus" => json!({ "spec": {} }),
        _ => json!({}),
    }
}

const DEPLOYMENT: [&str; 4] = ["apps", "v1", "Deployment", "deployments"];
const CONFIG_MAP: [&str; 4] = ["", "v1", "ConfigMap", "configmaps"];
const SERVICE: [&str; 4] = ["", "v1", "Service", "services"];
const MILVUS: [&str; 4] = ["milvus.io", "v1beta1", "Milvus", "milvuses"];

/// The refusal is in the condition and in an Event, with what was tried and since when; and tries get fewer.
async fn refused(story: &Story, what: &str) {
    let found = story
        .until(|m| said(m, UpgradeProgressing).is_some_and(|[_, reason, _]| reason == "WriteFailed"))
        .await;
    let condition = found.status.as_ref().unwrap().condition(UpgradeProgressing).unwrap();
    for word in [what, WORDS, "tried again", "Change what refuses it"] {
        assert!(condition.message.contains(word), "{word:?} is not in {:?}", condition.message);
    }
    assert!(condition.last_transition_time.is_some());
    let note = story.until_event("WriteFailed").await;
    assert!(note.contains(&condition.message), "the Event says {note:?}");
    let tries = story.quiet_for(WATCHED).await;
    let tries: Vec<_> = tries.iter().filter(|w| w.resource != "events").collect();
    assert!(tries.len() <= TRIES, "{} in {WATCHED:?}: {tries:#?}", tries.len());
}

/// A new Milvus whose objects of one kind are refused, and that gets healthy when the policy goes.
async fn new_one(name: &str, kind: [&'static str; 4], only: &str, what: &str) {
    let story = World::story(name).await;
    let policy = Policy::begin(&story, kind, only).await;
    story.create(story.places.standalone("2.4.9")).await;
    refused(&story, what).await;
    assert!(story.history().workloads().is_empty(), "{}", story.history().lines());
    policy.end().await;
    story.until_healthy("2.4.9").await;
}

#[tokio::test]
async fn what_a_policy_refuses_is_said_in_its_words_and_holds_up_nobody_else() {
    let neighbour = async {
        let story = World::story("denied-neighbour").await;
        story.running(story.places.standalone("2.4.9"), "2.4.9").await;
    };
    tokio::join!(
        new_one(
            "denied-deployment",
            DEPLOYMENT,
            "true",
            "apply Deployment denied-deployment/my-release-milvus-standalone"
        ),
        new_one("denied-service", SERVICE, "true", "apply Service denied-service/my-release-milvus"),
        new_one(
            "denied-metadata",
            MILVUS,
            "!has(request.subResource)",
            "apply Milvus denied-metadata/my-release"
        ),
        neighbour,
    );
}

#[tokio::test]
async fn a_change_that_a_policy_refuses_leaves_what_runs_and_arrives_when_it_may() {
    let story = World::story("denied-change").await;
    story.running(story.places.standalone("2.4.9"), "2.4.9").await;
    let before = story.history().workloads();
    let policy = Policy::begin(&story, CONFIG_MAP, "true").await;
    story.patch(json!({ "spec": { "config": { "log": { "level": "debug" } } } })).await;
    refused(&story, "apply ConfigMap denied-change/my-release").await;
    assert_eq!(story.history().workloads(), before);
    policy.end().await;
    let arrived = |c: Option<&ConfigMap>| {
        c.and_then(|c| c.data.as_ref()?.get("user.yaml")).is_some_and(|text| text.contains("debug"))
    };
    wait_for(story.api::<ConfigMap>(), NAME, SOON, arrived).await.unwrap();
    story.until_healthy("2.4.9").await;
    assert_eq!(story.history().workloads(), before, "a change of the configuration restarts nothing");
}

#[tokio::test]
async fn a_status_that_a_policy_refuses_is_told_in_an_event_and_nothing_is_done_unrecorded() {
    let story = World::story("denied-status").await;
    let mark = story.running(story.places.standalone("2.4.9"), "2.4.9").await;
    let before = story.history().workloads();
    let policy = Policy::begin(&story, MILVUS, "has(request.subResource)").await;
    story.set_image("2.4.10").await;
    let note = story.until_event("WriteFailed").await;
    for word in ["write the status of Milvus denied-status/my-release", WORDS, "Change what refuses it"] {
        assert!(note.contains(word), "{word:?} is not in {note:?}");
    }
    let tries = story.quiet_for(WATCHED).await;
    let refused = tries.iter().filter(|w| w.subresource == "status").count();
    assert!((1..=TRIES).contains(&refused), "{tries:#?}");
    assert_eq!(story.told("WriteFailed").await.len(), 1, "the same words are one Event with a count");
    assert_eq!(story.history().workloads(), before);
    policy.end().await;
    let done = story.until_healthy("2.4.10").await;
    story.caught_up(&done).await;
    story.history().assert_steps(mark, "2.4.10", &["standalone"]);
}

/// A quota of so many pods, in effect when this returns.
async fn quota(story: &Story, pods: usize) {
    let quota = json!({ "metadata": { "name": "team" }, "spec": { "hard": { "pods": pods.to_string() } } });
    let api = story.api::<ResourceQuota>();
    api.create(&PostParams::default(), &serde_json::from_value(quota).unwrap()).await.unwrap();
    let counted = |quota: Option<&ResourceQuota>| {
        quota.and_then(|q| q.status.as_ref()?.used.as_ref()).is_some_and(|used| used.contains_key("pods"))
    };
    wait_for(api, "team", SOON, counted).await.unwrap();
}

async fn without_quota(story: &Story) {
    story.api::<ResourceQuota>().delete("team", &DeleteParams::default()).await.unwrap();
}

#[tokio::test]
async fn a_quota_that_refuses_a_pod_of_a_roll_is_what_the_step_waits_for() {
    let story = World::story("quota-roll").await;
    let mark = story.running(story.places.mix("2.4.9"), "2.4.9").await;
    quota(&story, 5).await;
    story.set_image("2.4.10").await;
    let waits = |m: &milvus_api::Milvus| {
        m.status
            .as_ref()
            .and_then(|s| s.upgrade.as_ref()?.waiting_for.clone())
            .filter(|w| w.reason == "PodsRefused")
    };
    let milvus = story.until(|m| observed(m) && waits(m).is_some()).await;
    let waiting = waits(&milvus).unwrap();
    assert_eq!(waiting.step.as_deref(), Some("indexnode"));
    assert!(waiting.since.is_some());
    for word in ["indexnode: its pods can't be created: FailedCreate", "exceeded quota: team", "used: pods=5"]
    {
        assert!(waiting.message.contains(word), "{word:?} is not in {:?}", waiting.message);
    }
    let note = story.until_event("PodsRefused").await;
    assert!(note.contains(&waiting.message), "{note}");
    without_quota(&story).await;
    let done = story.until_healthy("2.4.10").await;
    story.caught_up(&done).await;
    let history = story.history();
    history.assert_steps(mark, "2.4.10", &["indexnode", "mixcoord", "querynode", "datanode", "proxy"]);
    history.assert_always_served(mark);
}

#[tokio::test]
async fn a_quota_that_refuses_the_pods_of_a_new_one_is_why_it_is_not_ready() {
    let story = World::story("quota-new").await;
    quota(&story, 0).await;
    story.create(story.places.standalone("2.4.9")).await;
    let refused = "exceeded quota: team";
    let milvus =
        story.until(|m| said(m, MilvusReady).is_some_and(|[_, _, message]| message.contains(refused))).await;
    let message = said(&milvus, MilvusReady).unwrap()[2];
    assert!(
        message.starts_with("[standalone] not ready, detail: component[standalone]: its pods"),
        "{message}"
    );
    let note = story.until_event("PodsRefused").await;
    assert!(note.contains(refused), "{note}");
    without_quota(&story).await;
    let healthy = story.until_healthy("2.4.9").await;
    story.caught_up(&healthy).await;
    assert_eq!(story.history().pods().len(), 1);
}
