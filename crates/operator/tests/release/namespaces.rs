//! An operator of two namespaces, with Roles there and nowhere else; and what a log collector gets of it.

use std::time::Duration;

use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding};
use kube::{Api, ResourceExt as _, api::ListParams};
use milvus_testkit::{audit::Event, recorder::Recorder};
use serde_json::Value;

use crate::{
    USER, ground, install,
    world::{NAME, Story},
};

#[tokio::test]
async fn an_operator_of_two_namespaces_works_there_without_a_right_elsewhere() {
    let (ground, _turn) = ground().await;
    let (mut one, mut two) =
        (Story::begin(ground, USER, "team-a").await, Story::begin(ground, USER, "team-b").await);
    let other = Story::begin(ground, USER, "team-c").await;
    let before = ground.plane.audit().unwrap().len();
    let mut operator = install(ground, &["watchNamespaces={team-a,team-b}", "logFormat=json"]).await;
    let client = ground.plane.client().unwrap();
    // The chart needs the namespaces, and the recorders need its definitions: they begin anew.
    for story in [&mut one, &mut two] {
        story.recorder = Recorder::start(client.clone(), &story.namespace).await.unwrap();
    }
    let ours = |name: String| name.starts_with("milvus-operator");
    let roles = Api::<ClusterRole>::all(client.clone()).list(&ListParams::default()).await.unwrap();
    assert!(!roles.into_iter().any(|role| ours(role.name_any())), "there is no ClusterRole");
    let bindings = Api::<ClusterRoleBinding>::all(client).list(&ListParams::default()).await.unwrap();
    assert!(!bindings.into_iter().any(|binding| ours(binding.name_any())));

    other.create(other.places.standalone("2.4.9")).await;
    one.running(one.places.standalone("2.4.9"), "2.4.9").await;
    two.running(two.places.standalone("2.4.9"), "2.4.9").await;
    one.set_image("2.4.10").await;
    one.until_healthy("2.4.10").await;
    // Whole passes: what a watch of one namespace lists does not hide what the other has.
    two.settle().await;
    two.until_healthy("2.4.9").await;
    assert!(other.raw().await["status"].is_null(), "nobody looks at the third");
    assert!(operator.terminate().await.unwrap().success());
    let log = std::fs::read_to_string(operator.log()).unwrap();
    let asked: Vec<Event> = ground.plane.audit().unwrap().split_off(before);
    let asked: Vec<&Event> = asked.iter().filter(|event| event.user == USER).collect();
    let forbidden: Vec<_> = asked.iter().filter(|event| event.is_forbidden()).collect();
    assert!(forbidden.is_empty(), "{forbidden:#?}");
    let known = ["team-a", "team-b", "milvus-operator", ""];
    let elsewhere: Vec<_> = asked.iter().filter(|event| !known.contains(&event.namespace.as_str())).collect();
    assert!(elsewhere.is_empty(), "{elsewhere:#?}");
    let wide: Vec<_> = asked.iter().filter(|e| e.namespace.is_empty() && !e.resource.is_empty()).collect();
    assert!(wide.is_empty(), "{wide:#?}");
    assert_log(&log);
}

#[tokio::test]
async fn an_operator_whose_reconcilers_are_stopped_leads_and_does_nothing() {
    let (ground, _turn) = ground().await;
    let story = Story::begin(ground, USER, "stopped").await;
    let mut operator = install(ground, &["extraArgs={--stop-reconcilers=all}"]).await;
    story.create(story.places.standalone("2.4.9")).await;
    let asked = story.quiet_for(Duration::from_secs(3)).await;
    assert!(asked.is_empty() && story.requests().is_empty(), "{asked:#?}");
    assert!(operator.metrics().await.unwrap().lines().any(|line| line == "milvus_operator_leader 1"));
    assert!(operator.terminate().await.unwrap().success());
}

/// Every line is JSON with time, level and message, and those of passes name the Milvus.
fn assert_log(log: &str) {
    let mut of_passes = 0;
    for line in log.lines() {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        for field in ["timestamp", "level", "message", "target"] {
            assert!(line[field].is_string(), "{line}");
        }
        if line["span"]["name"] == "pass" {
            of_passes += 1;
            assert_eq!(line["span"]["milvus"], NAME, "{line}");
            assert!(["team-a", "team-b"].contains(&line["span"]["namespace"].as_str().unwrap()), "{line}");
        } else {
            let about = ["pass", "pass::apply", "pass::events", "pass::observe", "pass::report"];
            let target = line["target"].as_str().unwrap();
            let of_a_pass = about.iter().any(|module| target == format!("milvus_controller::{module}"));
            assert!(!of_a_pass || line["name"] == NAME, "a line of a pass without its Milvus: {line}");
        }
    }
    assert!(of_passes > 0, "no pass was logged:\n{log}");
}
