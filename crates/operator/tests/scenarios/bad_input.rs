//! Bad input ends in a message at the right field: from the API server where it can never be right, in a condition and an
//! Event where it depends on what else exists. Nobody else is affected, and nothing spins.

use std::time::Duration;

use milvus_api::ConditionType::{EtcdReady, SpecAccepted, StorageReady};
use milvus_testkit::etcd::{self, Etcd};
use serde_json::{Value, json};

use crate::world::canary::{ACCESS_KEY, SECRET_KEY};
use crate::world::{NAME, Story, World, observed, said};

/// Requests of the operator about one Milvus in [`WATCHED`] that is waiting for something.
const CALM: usize = 8;
/// How long is counted.
const WATCHED: Duration = Duration::from_secs(6);

pub async fn calm(story: &Story) {
    story.until_probed().await;
    let before = story.requests().len();
    let written = story.quiet_for(WATCHED).await;
    let asked = story.requests().split_off(before);
    assert!(asked.len() <= CALM, "{} requests in {WATCHED:?}: {asked:#?}", asked.len());
    assert!(written.iter().all(|write| write.resource == "events"), "{written:#?}");
}

#[tokio::test]
async fn the_api_server_names_the_field_that_can_never_be_right() {
    let story = World::story("bad-fields").await;
    let cases = [
        ("/spec/mode", json!("clusters"), "spec.mode: Unsupported value: \"clusters\""),
        (
            "/spec/components/imageUpdateMode",
            json!("rolling"),
            "spec.components.imageUpdateMode: Unsupported value",
        ),
        ("/spec/components/mixCoord", json!({ "replicas": -2 }), "spec.components.mixCoord.replicas"),
        ("/spec/components/mixCoord", json!({ "replicas": "two" }), "spec.components.mixCoord.replicas"),
        ("/spec/dependencies/etcd", json!({ "external": true }), "set spec.dependencies.etcd.endpoints"),
        ("/spec/dependencies/storage", json!({ "external": true }), "set spec.dependencies.storage.endpoint"),
        ("/spec/dependencies/pulsar", json!({ "external": true }), "set spec.dependencies.pulsar.endpoint"),
        (
            "/spec/dependencies/msgStreamType",
            json!("rabbit"),
            "spec.dependencies.msgStreamType: Unsupported value",
        ),
    ];
    for (field, value, expected) in cases {
        let mut milvus = story.places.mix("2.4.9");
        *milvus.pointer_mut(field).unwrap_or(&mut Value::Null) = value.clone();
        if milvus.pointer(field).is_none() {
            milvus["spec"]["components"]["imageUpdateMode"] = value;
        }
        let refused = story.try_create(milvus).await.unwrap_err().to_string();
        assert!(refused.contains(expected), "{field}: {refused}");
    }
    assert!(story.history().milvus(0).is_empty());
}

/// A Milvus that can't start because of a dependency: nothing is created, the condition and an Event say why, and all is calm.
pub async fn waits(story: &Story, kind: milvus_api::ConditionType, reason: &str, words: &[&str]) {
    let message = story.until_condition(kind, "False", reason).await;
    for word in words {
        assert!(message.contains(word), "{word:?} is not in {message:?}");
    }
    let note = story.until_event(reason).await;
    assert!(note.contains(&message), "the Event says {note:?}, the condition {message:?}");
    calm(story).await;
    assert!(story.history().workloads().is_empty(), "{}", story.history().lines());
}

#[tokio::test]
async fn etcd_that_is_not_there_is_waited_for() {
    let story = World::story("bad-etcd").await;
    let mut server = Etcd::start(etcd::Options::default()).await.unwrap();
    server.stop().await.unwrap();
    let mut milvus = story.places.mix("2.4.9");
    milvus["spec"]["dependencies"]["etcd"]["endpoints"] = json!([server.address()]);
    story.create(milvus).await;
    waits(&story, EtcdReady, "EtcdNotReady", &["All etcd endpoints are unhealthy:", &server.address()]).await;
    server.restart().await.unwrap();
    story.until_healthy("2.4.9").await;
}

#[tokio::test]
async fn a_wrong_password_of_etcd_is_said_and_not_shown() {
    let story = World::story("bad-etcd-password").await;
    let auth = Some(("root".to_owned(), "right".to_owned()));
    let server = Etcd::start(etcd::Options { auth, ..etcd::Options::default() }).await.unwrap();
    let mut milvus = story.places.mix("2.4.9");
    milvus["spec"]["dependencies"]["etcd"]["endpoints"] = json!([server.address()]);
    milvus["spec"]["config"]["etcd"]["auth"] =
        json!({ "enabled": true, "userName": "root", "password": "canary-config-wrong" });
    story.create(milvus).await;
    waits(&story, EtcdReady, "EtcdNotReady", &["authentication failed"]).await;
    let right = json!({ "spec": { "config": { "etcd": { "auth": { "password": "right" } } } } });
    story.patch(right).await;
    story.until_healthy("2.4.9").await;
}

#[tokio::test]
async fn storage_that_is_not_there_is_named() {
    let story = World::story("bad-storage").await;
    let mut milvus = story.places.mix("2.4.9");
    let nobody = milvus_testkit::ports::Port::free().unwrap();
    milvus["spec"]["dependencies"]["storage"]["endpoint"] = json!(nobody.address());
    story.create(milvus).await;
    waits(&story, StorageReady, "ClientError", &[&nobody.address()]).await;
}

#[tokio::test]
async fn wrong_keys_of_the_storage_are_said() {
    let story = World::story("bad-keys").await;
    story.secret("storage", &[("accesskey", ACCESS_KEY), ("secretkey", "canary-secret-wrong")]).await;
    story.create(story.places.mix("2.4.9")).await;
    waits(&story, StorageReady, "ClientError", &["SignatureDoesNotMatch"]).await;
    story.secret("storage", &[("accesskey", ACCESS_KEY), ("secretkey", SECRET_KEY)]).await;
    story.until_healthy("2.4.9").await;
}

#[tokio::test]
async fn a_secret_that_is_missing_or_incomplete_is_named_until_it_is_there() {
    let story = World::story("bad-secret").await;
    let mut milvus = story.places.mix("2.4.9");
    milvus["spec"]["dependencies"]["storage"]["secretRef"] = json!("later");
    story.create(milvus).await;
    waits(&story, StorageReady, "SecretNotExist", &["bad-secret/later", "accesskey and secretkey"]).await;
    story.secret("later", &[("accesskey", ACCESS_KEY)]).await;
    let lacks = "secretkey not exist in secret bad-secret/later, which has accesskey";
    story.until(|m| said(m, StorageReady).is_some_and(|[_, _, message]| message == lacks)).await;
    story.secret("later", &[("accesskey", ACCESS_KEY), ("secretkey", SECRET_KEY)]).await;
    story.until_healthy("2.4.9").await;
}

#[tokio::test]
async fn a_tag_without_a_version_starts_nothing_until_the_version_is_said() {
    let story = World::story("bad-tag").await;
    let mut milvus = story.places.mix("2.4.9");
    milvus["spec"]["components"]["image"] = json!("milvusdb/milvus:nightly");
    story.create(milvus).await;
    let message = story.until_condition(SpecAccepted, "False", "UnknownVersion").await;
    assert!(
        message.contains("spec.components.image") && message.contains("spec.components.version"),
        "{message}"
    );
    calm(&story).await;
    assert!(story.history().workloads().is_empty());
    story.patch(json!({ "spec": { "components": { "version": "2.4.9" } } })).await;
    story.until(|m| observed(m) && m.status.as_ref().unwrap().status.to_string() == "Healthy").await;
}

#[tokio::test]
async fn of_two_edits_of_the_same_version_the_second_is_refused_and_the_first_is_done() {
    let story = World::story("bad-conflict").await;
    story.running(story.places.mix("2.4.9"), "2.4.9").await;
    story.settle().await;
    let read = story.raw().await;
    let edit = |tag: &str| {
        let mut edited = read.clone();
        edited["spec"]["components"]["image"] = json!(crate::world::image(tag));
        edited
    };
    let (first, second) = tokio::join!(story.try_replace(edit("2.4.10")), story.try_replace(edit("2.4.11")));
    let won = match (&first, &second) {
        (Ok(()), Err(error)) | (Err(error), Ok(())) => {
            assert!(error.to_string().contains("the object has been modified"), "{error}");
            if first.is_ok() { "2.4.10" } else { "2.4.11" }
        }
        both => panic!("one of them is too old: {both:?}"),
    };
    story.until_healthy(won).await;
}

#[tokio::test]
async fn a_name_at_the_limit_works_and_one_over_it_is_refused_in_words() {
    let story = World::story("bad-names").await;
    for (length, fits) in [(56, true), (57, false), (64, false)] {
        let name = "m".repeat(length);
        let mut milvus = story.places.mix("2.4.9");
        milvus["metadata"]["name"] = json!(name);
        story.create(milvus).await;
        let found =
            story.until_named(&name, |milvus| observed(milvus) && said(milvus, SpecAccepted).is_some()).await;
        let [status, reason, message] = said(&found, SpecAccepted).unwrap();
        assert_eq!(status == "True", fits, "{length}: {message}");
        if !fits {
            assert_eq!(reason, "InvalidSpec");
            assert!(message.contains("metadata.name"), "{message}");
            continue;
        }
        story
            .until_named(&name, |m| m.status.as_ref().is_some_and(|s| s.status.to_string() == "Healthy"))
            .await;
    }
}

#[tokio::test]
async fn a_milvus_that_can_not_start_holds_up_no_other() {
    let story = World::story("bad-neighbour").await;
    let mut bad = story.places.mix("2.4.9");
    bad["metadata"]["name"] = json!("bad-one");
    bad["spec"]["dependencies"]["storage"]["secretRef"] = json!("missing");
    story.create(bad).await;
    story.until_named("bad-one", |m| said(m, StorageReady).is_some_and(|[s, ..]| s == "False")).await;
    story.running(story.places.standalone("2.4.9"), "2.4.9").await;
    assert_eq!(NAME, "my-release");
}
