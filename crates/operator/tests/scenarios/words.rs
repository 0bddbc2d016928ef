//! The users' words, as guides print them, through the real kubectl.

use milvus_api::ConditionType::SpecAccepted;
use serde_json::{Value, json};

use crate::world::{NAME, Story, World, image, observed, said};

/// What the guide for operators calls `milvusupdate.yaml`.
fn guide(tag: &str) -> String {
    format!(
        "apiVersion: milvus.io/v1beta1
kind: Milvus
metadata:
  name: {NAME}
spec:
  components:
    enableRollingUpdate: true
    imageUpdateMode: rollingUpgrade
    image: {}
",
        image(tag)
    )
}

/// Runs the guide's patch command with that file.
async fn patched(story: &Story, yaml: &str) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("milvusupdate.yaml");
    std::fs::write(&file, yaml).unwrap();
    let file = file.to_str().unwrap();
    let said = story.kubectl(&["patch", "-f", file, "--patch-file", file, "--type", "merge"]).await;
    assert!(said.contains("patched"), "{said}");
}

#[tokio::test]
async fn the_guides_patch_command_rolls_a_running_release() {
    let story = World::story("words-patch").await;
    let mark = story.running(story.places.mix("2.2.10"), "2.2.10").await;
    patched(&story, &guide("2.2.14")).await;
    let done = story.until_healthy("2.2.14").await;
    story.caught_up(&done).await;
    story.history().assert_steps(
        mark,
        "2.2.14",
        &["indexnode", "mixcoord", "querynode", "datanode", "proxy"],
    );
    assert!(done.spec.dependencies.is_some(), "what the file does not name is kept");
}

#[tokio::test]
async fn a_stray_top_level_field_in_the_guides_file_is_ignored() {
    let story = World::story("words-stray").await;
    story.running(story.places.standalone("2.2.10"), "2.2.10").await;
    patched(&story, &format!("labels:\n  app: milvus\n{}", guide("2.2.14"))).await;
    story.until_healthy("2.2.14").await;
}

#[tokio::test]
async fn a_json_patch_replaces_the_image_that_the_schema_filled_in() {
    let story = World::story("words-empty").await;
    let empty = json!({
        "apiVersion": "milvus.io/v1beta1", "kind": "Milvus", "metadata": { "name": NAME }, "spec": {},
    });
    let created = story.create(empty).await;
    assert_eq!(created.spec.components.global.image.as_deref(), Some(milvus_api::milvus::DEFAULT_IMAGE));
    let patch = r#"[{"op":"replace","path":"/spec/components/image","value":"milvusdb/milvus:v2.4.10"}]"#;
    story.kubectl(&["patch", "milvus", NAME, "--type=json", "-p", patch]).await;
    let milvus = story.until(|milvus| observed(milvus) && milvus.metadata.generation == Some(2)).await;
    assert_eq!(milvus.spec.components.global.image.as_deref(), Some("milvusdb/milvus:v2.4.10"));
}

#[tokio::test]
async fn a_json_patch_of_the_image_rolls_a_running_release() {
    let story = World::story("words-json").await;
    let mark = story.running(story.places.mix("2.4.9"), "2.4.9").await;
    let patch = r#"[{"op":"replace","path":"/spec/components/image","value":"milvusdb/milvus:v2.4.10"}]"#;
    story.kubectl(&["patch", "milvus", NAME, "--type=json", "-p", patch]).await;

    let lines = "custom-columns=name:.metadata.name,updated:.status.conditions[4].status,message:.status.conditions[4].message";
    story.until(|m| observed(m) && m.metadata.generation == Some(2)).await;
    let during = cells(&story.kubectl(&["get", "milvus", "-o", lines]).await);
    assert_eq!(during[0], ["name", "updated", "message"]);
    assert_eq!(during[1][..2], [NAME, "False"]);
    assert!(during[1][2].starts_with("Milvus components["), "{during:?}");

    let done = story.until_healthy("2.4.10").await;
    story.caught_up(&done).await;
    assert_eq!(story.history().steps(mark, "2.4.10").len(), 5);
    let after = cells(&story.kubectl(&["get", "milvus", "-o", lines]).await);
    assert_eq!(after[1], [NAME, "True", "Milvus components are all updated"]);
}

#[tokio::test]
async fn kubectl_get_milvus_shows_the_columns_of_the_guides() {
    let story = World::story("words-columns").await;
    let mut milvus = story.places.standalone("2.4.9");
    milvus["spec"]["components"]["enableRollingUpdate"] = json!(true);
    story.running(milvus, "2.4.9").await;
    let table = cells(&story.kubectl(&["get", "milvus"]).await);
    assert_eq!(table[0], ["NAME", "MODE", "STATUS", "UPDATED", "AGE"]);
    assert_eq!(table[1][..4], [NAME, "standalone", "Healthy", "True"]);

    let columns = "custom-columns=name:.metadata.name,image:.spec.components.image,rollingUpdate:.spec.components.enableRollingUpdate";
    let table = cells(&story.kubectl(&["get", "milvus", "-o", columns]).await);
    assert_eq!(table[0], ["name", "image", "rollingUpdate"]);
    assert_eq!(table[1], [NAME, "milvusdb/milvus:v2.4.9", "true"]);
}

/// The cells of what kubectl prints: columns are at least two spaces apart, or three where it pads.
fn cells(table: &str) -> Vec<Vec<String>> {
    let row =
        |line: &str| line.split("  ").map(str::trim).filter(|c| !c.is_empty()).map(str::to_owned).collect();
    table.lines().map(row).collect()
}

#[tokio::test]
async fn a_short_yaml_applied_over_a_full_one_changes_no_workload() {
    let story = World::story("words-short").await;
    let full = story.places.mix("2.4.9");
    applied(&story, &full).await;
    let healthy = story.until_healthy("2.4.9").await;
    story.caught_up(&healthy).await;
    let before = story.history().workloads();

    let short: Value = serde_saphyr::from_str(&guide("2.4.10")).unwrap();
    applied(&story, &short).await;
    let milvus = story.until(|m| observed(m) && m.metadata.generation == Some(2)).await;
    assert!(milvus.spec.dependencies.is_none(), "this is what a plain apply does");
    let message = said(&milvus, SpecAccepted).unwrap();
    assert_eq!(message[..2], ["False", "ModeChangeRefused"]);
    for word in
        ["standalone", "kubectl patch milvus my-release -n words-short --type merge", &image("2.4.10")]
    {
        assert!(message[2].contains(word), "{word:?} is not in {message:?}");
    }
    story.until_event("ModeChangeRefused").await;
    story.settle().await;
    assert_eq!(story.history().workloads(), before);

    applied(&story, &full).await;
    let healthy = story.until_healthy("2.4.9").await;
    story.caught_up(&healthy).await;
    assert_eq!(story.history().workloads(), before);
}

/// A plain `kubectl apply` in the story's namespace.
async fn applied(story: &Story, object: &Value) {
    let mut object = object.clone();
    object["metadata"]["namespace"] = json!(story.namespace);
    story.ground.plane.access().apply(&object.to_string()).await.unwrap();
}
