//! What the chart grants is what the operator uses: nothing is refused, and a right that no request shows has its reason beside it in the
//! role. And what happens when one is taken away.

use std::collections::BTreeSet;

use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::Service,
    networking::v1::Ingress,
    policy::v1::PodDisruptionBudget,
    rbac::v1::{ClusterRole, ClusterRoleBinding, PolicyRule, Role, RoleBinding, RoleRef, Subject},
};
use kube::{
    Api, ResourceExt as _,
    api::{ListParams, PostParams},
};
use milvus_api::{
    ConditionType::{SpecAccepted, StorageReady},
    MilvusUpgrade, PodMonitor,
};
use milvus_testkit::{
    audit::Event,
    operator::{NAME as OPERATOR, Operator},
    wait::wait_for,
};
use serde_json::json;

use super::lease::{ground, install};
use crate::world::{Ground, NAME, SOON, Story, image, monitors};

/// How a comment in a role begins to say why a right is needed that is in no audit log.
const UNSEEN: &str = "No request shows it";

/// A group, a resource with its subresource, and a verb.
type Right = (String, String, String);

fn rights(rule: &PolicyRule) -> Vec<Right> {
    let mut found = Vec::new();
    for group in rule.api_groups.iter().flatten() {
        for resource in rule.resources.iter().flatten() {
            found.extend(rule.verbs.iter().map(|verb| (group.clone(), resource.clone(), verb.clone())));
        }
    }
    found
}

/// All rules that are bound to the operator's ServiceAccount.
async fn granted(ground: &Ground, user: &str) -> Vec<PolicyRule> {
    let client = ground.plane.client().unwrap();
    let all = ListParams::default();
    let mine = |subjects: &Option<Vec<Subject>>| {
        let name = |s: &Subject| {
            format!("system:serviceaccount:{}:{}", s.namespace.as_deref().unwrap_or(""), s.name)
        };
        subjects.iter().flatten().any(|s| s.kind == "ServiceAccount" && name(s) == user)
    };
    let mut roles: Vec<(RoleRef, Option<String>)> = Vec::new();
    for binding in Api::<ClusterRoleBinding>::all(client.clone()).list(&all).await.unwrap() {
        roles.extend(mine(&binding.subjects).then(|| (binding.role_ref.clone(), None)));
    }
    for binding in Api::<RoleBinding>::all(client.clone()).list(&all).await.unwrap() {
        roles.extend(mine(&binding.subjects).then(|| (binding.role_ref.clone(), binding.namespace())));
    }
    let mut rules = Vec::new();
    for (role, namespace) in roles {
        let found = match (role.kind.as_str(), namespace) {
            ("Role", Some(namespace)) => {
                Api::<Role>::namespaced(client.clone(), &namespace).get(&role.name).await.unwrap().rules
            }
            _ => Api::<ClusterRole>::all(client.clone()).get(&role.name).await.unwrap().rules,
        };
        rules.extend(found.into_iter().flatten());
    }
    rules
}

/// The rules of the chart beside which stands why no request shows them.
async fn explained(ground: &Ground) -> BTreeSet<Right> {
    let manifest = ground.plane.access().helm(["get", "manifest", OPERATOR, "-n", OPERATOR]).await.unwrap();
    let manifest = manifest.success().unwrap();
    let (mut comment, mut rule, mut found) = (String::new(), String::new(), BTreeSet::new());
    for line in manifest.lines().chain(["---"]) {
        let ends = !line.starts_with("  ");
        if ends && !rule.is_empty() {
            let read: Vec<PolicyRule> = serde_saphyr::from_str(&rule).unwrap();
            if comment.contains(UNSEEN) {
                found.extend(read.iter().flat_map(rights));
            }
            (comment, rule) = (String::new(), String::new());
        }
        match line {
            line if line.starts_with("- apiGroups:") || (!ends && !rule.is_empty()) => {
                rule.push_str(line);
                rule.push('\n');
            }
            line if line.starts_with('#') => comment.push_str(line),
            _ => comment.clear(),
        }
    }
    found
}

/// What requests show. An apply that creates asks for both `patch` and `create`.
fn used(audit: &[Event], user: &str) -> BTreeSet<Right> {
    let mut found = BTreeSet::new();
    for event in audit.iter().filter(|event| event.user == user && !event.resource.is_empty()) {
        let resource = match event.subresource.as_str() {
            "" => event.resource.clone(),
            subresource => format!("{}/{subresource}", event.resource),
        };
        let right = |verb: &str| (event.group.clone(), resource.clone(), verb.to_owned());
        found.insert(right(&event.verb));
        if event.verb == "patch" && event.code == 201 {
            found.insert(right("create"));
        }
    }
    found
}

/// Everything that an operator does for a Milvus, from its creation to its end.
async fn everything(story: &Story) {
    story.running(story.places.mix("2.4.9"), "2.4.9").await;
    let upgrade = json!({ "metadata": { "name": "later" },
        "spec": { "milvus": { "name": NAME }, "sourceVersion": "2.1.4", "targetVersion": "2.2.16" } });
    let upgrades = story.api::<MilvusUpgrade>();
    upgrades.create(&PostParams::default(), &serde_json::from_value(upgrade).unwrap()).await.unwrap();
    story.set_image("2.4.10").await;
    story.until_healthy("2.4.10").await;
    story.recreated::<Service>(&format!("{NAME}-milvus")).await;
    // The same Event a second time is counted on the first.
    for _ in 0..2 {
        story.patch(json!({ "spec": { "components": { "image": "milvusdb/milvus:nightly" } } })).await;
        story.until_condition(SpecAccepted, "False", "UnknownVersion").await;
        story.patch(json!({ "spec": { "components": { "image": image("2.4.10") } } })).await;
        story.until_healthy("2.4.10").await;
    }
    let said = |upgrade: Option<&MilvusUpgrade>| {
        upgrade.and_then(|u| u.status.as_ref()).is_some_and(|status| !status.conditions.is_empty())
    };
    wait_for(upgrades, "later", SOON, said).await.unwrap();
    beside(story).await;
    story.delete().await;
    story.until_gone(NAME).await;
    Box::pin(story.until_none::<Deployment>()).await;
    let mut milvus = story.places.standalone("2.4.9");
    milvus["spec"]["dependencies"]["msgStreamType"] = json!("rocksmq");
    milvus["spec"]["dependencies"]["rocksmq"] =
        json!({ "persistence": { "enabled": true, "pvcDeletion": true } });
    story.running(milvus, "2.4.9").await;
    story.delete().await;
    story.until_gone(NAME).await;
}

/// An Ingress and budgets that come and go, and a PodMonitor that goes.
async fn beside(story: &Story) {
    let name = format!("{NAME}-milvus");
    wait_for(story.api::<PodMonitor>(), NAME, SOON, |m| m.is_some()).await.unwrap();
    let ingress = json!({ "hosts": ["milvus.example"] });
    story.patch(json!({ "spec": { "components": { "proxy": { "ingress": ingress } } } })).await;
    wait_for(story.api::<Ingress>(), &name, SOON, |i| i.is_some()).await.unwrap();
    let budget = format!("{NAME}-milvus-querynode");
    story
        .patch(json!({ "spec": { "upgradePolicy": { "podDisruptionBudgets": true },
        "components": { "queryNode": { "replicas": 2 } } } }))
        .await;
    wait_for(story.api::<PodDisruptionBudget>(), &budget, SOON, |b| b.is_some()).await.unwrap();
    let nothing = json!({ "disableMetric": true, "proxy": { "ingress": null } });
    story
        .patch(
            json!({ "spec": { "components": nothing, "upgradePolicy": { "podDisruptionBudgets": false } } }),
        )
        .await;
    wait_for(story.api::<PodDisruptionBudget>(), &budget, SOON, |b| b.is_none()).await.unwrap();
    wait_for(story.api::<Ingress>(), &name, SOON, |i| i.is_none()).await.unwrap();
    wait_for(story.api::<PodMonitor>(), NAME, SOON, |m| m.is_none()).await.unwrap();
}

#[tokio::test]
async fn what_the_chart_grants_is_used_or_explained_and_is_enough() {
    let (ground, _turn) = ground().await;
    // Refusals before are those of another test of this ground, which takes a right away.
    let before = ground.plane.audit().unwrap().len();
    monitors::install(ground).await;
    let mut operator = install(ground).await;
    let user = operator.user().to_owned();
    let story = Story::begin(ground, &user, "rights").await.with_log(operator.log());
    Box::pin(everything(&story)).await;
    // A watch is in the audit log when it has ended.
    assert!(operator.terminate().await.unwrap().success());
    let ended = |all: &[Event]| {
        let watched = |e: &&Event| e.user == user && e.verb == "watch";
        let kinds: BTreeSet<&str> = all.iter().filter(watched).map(|e| e.resource.as_str()).collect();
        (kinds.contains("milvuses") && kinds.contains("pods")).then_some(())
    };
    story.until_audited(ended).await;
    story.quiet_for(std::time::Duration::from_secs(1)).await;

    let audit = ground.plane.audit().unwrap();
    let refused: Vec<&Event> =
        audit[before..].iter().filter(|e| e.user == user && e.is_forbidden()).collect();
    assert!(refused.is_empty(), "the chart grants too little: {refused:#?}");
    let granted: BTreeSet<Right> = granted(ground, &user).await.iter().flat_map(rights).collect();
    assert!(granted.len() > 20, "{granted:?}");
    let (used, explained) = (used(&audit, &user), explained(ground).await);
    let unused: Vec<&Right> = granted.difference(&used).filter(|right| !explained.contains(*right)).collect();
    assert!(unused.is_empty(), "granted and neither used nor explained by {UNSEEN:?}: {unused:#?}");
    let idle: Vec<&Right> = explained.intersection(&used).collect();
    assert!(idle.is_empty(), "a request shows it: {idle:#?}");
}

/// The rights of the ClusterRole without the one to read Secrets, or with it again.
async fn may_read_secrets(ground: &Ground, allowed: bool) {
    let roles: Api<ClusterRole> = Api::all(ground.plane.client().unwrap());
    let all = roles.list(&ListParams::default()).await.unwrap();
    let reads = |rule: &PolicyRule| rule.resources.iter().flatten().any(|resource| resource == "secrets");
    let ours = |role: &ClusterRole| role.name_any().starts_with(OPERATOR);
    let rule = || PolicyRule {
        api_groups: Some(vec![String::new()]),
        resources: Some(vec!["secrets".to_owned()]),
        verbs: vec!["get".to_owned()],
        ..PolicyRule::default()
    };
    for mut role in all.into_iter().filter(ours) {
        let rules = role.rules.get_or_insert_default();
        rules.retain(|rule| !reads(rule));
        rules.extend(allowed.then(rule));
        roles.replace(&role.name_any(), &PostParams::default(), &role).await.unwrap();
    }
}

#[tokio::test]
async fn a_secret_that_may_not_be_read_is_named_and_takes_nothing_down() {
    let (ground, _turn) = ground().await;
    let mut options = Ground::operator_options();
    options.args.push("--secrets-period=5s".to_owned());
    let mut operator = Box::pin(Operator::install(ground.plane.access(), &options)).await.unwrap();
    let story = Story::begin(ground, operator.user(), "forbidden").await.with_log(operator.log());
    let story = story.without_right_to("secrets");
    story.running(story.places.mix("2.4.9"), "2.4.9").await;
    let pods = story.history().pods();

    may_read_secrets(ground, false).await;
    let message = story.until_condition(StorageReady, "False", "SecretError").await;
    assert!(message.starts_with("can't read Secret forbidden/"), "{message}");
    assert!(message.contains("cannot get resource \"secrets\""), "{message}");
    story.settle().await;
    assert_eq!(story.history().pods(), pods, "no pod was restarted");

    may_read_secrets(ground, true).await;
    story.until_condition(StorageReady, "True", "StorageReady").await;
    assert_eq!(story.history().pods(), pods);
    assert!(operator.terminate().await.unwrap().success());
}
