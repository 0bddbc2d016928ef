//! Long specs, and containers whose names collide.

use std::time::Duration;

use k8s_openapi::api::{apps::v1::Deployment, core::v1::Container};
use milvus_api::ConditionType::SpecAccepted;
use serde_json::{Value, json};

use crate::world::{NAME, Story, World};

async fn containers(story: &Story, component: &str) -> Vec<Container> {
    let deployment = story.api::<Deployment>().get(&format!("{NAME}-milvus-{component}")).await.unwrap();
    deployment.spec.unwrap().template.spec.unwrap().containers
}

fn named(names: &[&str]) -> Value {
    names.iter().map(|name| json!({ "name": name, "image": "sidecar:1" })).collect()
}

#[tokio::test]
async fn a_sidecar_whose_name_is_taken_is_refused_at_its_field_and_what_runs_is_left_alone() {
    let story = World::story("sidecar-names").await;
    story.running(story.places.mix("2.4.9"), "2.4.9").await;
    let before = story.history().workloads();
    let cases = [
        ("proxy", "sidecars", named(&["proxy"]), "spec.components.proxy.sidecars[0].name", "\"proxy\""),
        ("proxy", "sidecars", named(&["config"]), "spec.components.proxy.sidecars[0].name", "\"config\""),
        (
            "dataNode",
            "sidecars",
            named(&["log", "a", "log"]),
            "spec.components.dataNode.sidecars[2].name",
            "\"log\"",
        ),
        (
            "proxy",
            "initContainers",
            named(&["config"]),
            "spec.components.proxy.initContainers[0].name",
            "\"config\"",
        ),
    ];
    for (component, list, value, path, holder) in cases {
        story.patch(json!({ "spec": { "components": { component: { list: value } } } })).await;
        let message = story.until_condition(SpecAccepted, "False", "InvalidSpec").await;
        for word in [path, holder, "Give it another name."] {
            assert!(message.contains(word), "{word:?} is not in {message:?}");
        }
        story.patch(json!({ "spec": { "components": { component: { list: null } } } })).await;
    }
    story.until_event("InvalidSpec").await;
    let healthy = story.until_healthy("2.4.9").await;
    story.caught_up(&healthy).await;
    assert_eq!(story.history().workloads(), before);

    story.patch(json!({ "spec": { "components": { "proxy": { "sidecars": named(&["log"]) } } } })).await;
    story.until_healthy("2.4.9").await;
    let names: Vec<String> = containers(&story, "proxy").await.into_iter().map(|c| c.name).collect();
    assert_eq!(names, ["proxy", "log"]);
}

/// Variables that every component gets; each is two lines.
const VARIABLES: usize = 800;

/// A Milvus of more than 2,000 lines, as somebody generates it.
fn long(story: &Story, tag: &str) -> String {
    let mut milvus = story.places.standalone(tag);
    let env: Vec<Value> = (0..VARIABLES)
        .map(|i| json!({ "name": format!("VARIABLE_{i}"), "value": format!("value {i}") }))
        .collect();
    milvus["spec"]["components"]["env"] = json!(env);
    let annotations = (0..500).map(|i| (format!("example.com/note-{i}"), json!("a note")));
    milvus["spec"]["components"]["podAnnotations"] = Value::Object(annotations.collect());
    milvus["metadata"]["namespace"] = json!(story.namespace);
    serde_saphyr::to_string(&milvus).unwrap()
}

/// Applies it as a user does, waits until it runs, and sees to it that every variable has arrived in its order.
async fn applied(story: &Story, tag: &str) -> u64 {
    let yaml = long(story, tag);
    assert!(yaml.lines().count() > 2_000, "{}", yaml.lines().count());
    story.ground.plane.access().apply(&yaml).await.unwrap();
    let healthy = story.until_healthy(tag).await;
    let main = containers(story, "standalone").await.remove(0);
    let own: Vec<String> =
        main.env.unwrap().into_iter().map(|v| v.name).filter(|n| n.starts_with("VARIABLE_")).collect();
    let expected: Vec<String> = (0..VARIABLES).map(|i| format!("VARIABLE_{i}")).collect();
    assert_eq!(own, expected, "{tag}");
    story.caught_up(&healthy).await
}

#[tokio::test]
async fn a_milvus_of_two_thousand_lines_starts_and_rolls_with_every_line() {
    let story = World::story("two-thousand").await;
    let mark = applied(&story, "2.4.9").await;
    applied(&story, "2.4.10").await;
    story.history().assert_steps(mark, "2.4.10", &["standalone"]);
    story.settle().await;
    let mut written = story.quiet_for(Duration::from_secs(3)).await;
    written.retain(|write| write.resource != "events");
    assert!(written.is_empty(), "{written:#?}");
}
