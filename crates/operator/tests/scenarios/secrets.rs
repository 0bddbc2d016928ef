//! Secrets: when they are read, and what happens when they are rotated, removed or not what they should be. With a real Kafka,
//! whose Secret is the one that decides most.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::api::{DeleteParams, Patch, PatchParams};
use milvus_api::ConditionType::{MsgStreamReady, StorageReady};
use milvus_testkit::audit;
use milvus_testkit::kafka::Kafka;
use milvus_testkit::pki::Authority;
use serde_json::json;

use crate::world::{NAME, SECRETS_PERIOD, Story, World, said};

/// Passwords of two users; neither may be seen anywhere but in the Secret.
const FIRST: &str = "canary-first";
const SECOND: &str = "canary-second";

/// When the operator read the Secrets of this namespace.
fn reads(story: &Story, events: &[audit::Event]) -> Vec<Timestamp> {
    let mine = |event: &&audit::Event| {
        event.user == story.user && event.resource == "secrets" && event.namespace == story.namespace
    };
    events.iter().filter(mine).map(|event| event.received).collect()
}

#[tokio::test]
async fn a_secret_is_read_by_name_when_there_is_a_reason_and_else_once_in_a_period() {
    let story = World::story("secret-reads").await;
    story.running(story.places.mix("2.4.9"), "2.4.9").await;
    let before = Timestamp::now();
    story.settle().await;
    let changed = reads(&story, &story.requests());
    let after_change = changed.iter().filter(|at| **at >= before).count();
    assert!((1..=2).contains(&after_change), "read {after_change} times for a change of the Milvus");

    let last = *changed.last().unwrap();
    let next = story.until_audited(|events| reads(&story, events).into_iter().find(|at| *at > last)).await;
    let shortest = SignedDuration::try_from(SECRETS_PERIOD * 3 / 4).unwrap();
    assert!(next.duration_since(last) >= shortest, "read again after {}", next.duration_since(last));

    let all = story.ground.plane.audit().unwrap();
    let other = |event: &&audit::Event| {
        event.user == story.user
            && event.resource == "secrets"
            && (event.verb != "get" || event.name.is_empty())
    };
    let others: Vec<_> = all.iter().filter(other).collect();
    assert!(others.is_empty(), "never listed, never watched, never written: {others:#?}");
}

/// A Milvus on that Kafka, with TLS and a log-in.
async fn create(story: &Story, kafka: &Kafka) {
    let mut milvus = story.places.mix("2.4.9");
    milvus["spec"]["dependencies"]["msgStreamType"] = json!("kafka");
    milvus["spec"]["dependencies"]["kafka"] =
        json!({ "external": true, "brokerList": [kafka.sasl_tls()], "secretRef": "kafka" });
    milvus["spec"]["config"]["kafka"] =
        json!({ "securityProtocol": "SASL_SSL", "saslMechanisms": "SCRAM-SHA-512" });
    story.create(milvus).await;
}

async fn credentials(story: &Story, user: &str, password: &str, ca: &Authority) {
    story.secret("kafka", &[("username", user), ("password", password), ("ca.pem", ca.certificate())]).await;
}

async fn config_map(story: &Story) -> ConfigMap {
    story.api::<ConfigMap>().get(NAME).await.unwrap()
}

#[tokio::test]
async fn the_secret_of_kafka_is_said_to_be_wrong_until_it_is_right() {
    let story = World::story("secret-kafka").await;
    let kafka = Kafka::start(&[("milvus", FIRST)]).await.unwrap();
    create(&story, &kafka).await;
    let message = story.until_condition(MsgStreamReady, "False", "SecretNotExist").await;
    assert!(
        message.contains("secret-kafka/kafka; create it with the keys password and username"),
        "{message}"
    );

    story.secret("kafka", &[("tls.crt", "x"), ("tls.key", "y")]).await;
    let kind = "password and username not exist in secret secret-kafka/kafka, which has tls.crt, tls.key";
    story.until(|m| said(m, MsgStreamReady).is_some_and(|[.., message]| message == kind)).await;

    story.api::<Secret>().delete("kafka", &DeleteParams::default()).await.unwrap();
    credentials(&story, "milvus", "canary-wrong", kafka.authority()).await;
    story.settle().await;
    let message = story.until_condition(MsgStreamReady, "False", "MsgStreamNotReady").await;
    assert!(message.contains("SaslAuthenticationFailed") && !message.contains("canary"), "{message}");

    credentials(&story, "milvus", FIRST, &Authority::new("stranger").unwrap()).await;
    story.settle().await;
    let stranger = |m: &milvus_api::Milvus| {
        said(m, MsgStreamReady)
            .is_some_and(|[.., message]| message.contains("not signed by a CA that is trusted"))
    };
    story.until(stranger).await;
    assert!(story.history().workloads().is_empty(), "{}", story.history().lines());

    credentials(&story, "milvus", FIRST, kafka.authority()).await;
    story.until_healthy("2.4.9").await;
}

#[tokio::test]
async fn a_rotated_broken_or_removed_secret_takes_nothing_down() {
    let story = World::story("secret-rotated").await;
    let kafka = Kafka::start(&[("milvus", FIRST), ("second", SECOND)]).await.unwrap();
    credentials(&story, "milvus", FIRST, kafka.authority()).await;
    create(&story, &kafka).await;
    let healthy = story.until_healthy("2.4.9").await;
    story.caught_up(&healthy).await;
    let (pods, config) = (story.history().pods(), config_map(&story).await);
    assert!(config.data.as_ref().unwrap()["user.yaml"].contains("tlsCaCert"), "{config:?}");

    // Rotated: seen within a period, told once, nothing restarted.
    credentials(&story, "second", SECOND, kafka.authority()).await;
    let note = story.until_event("CredentialsChanged").await;
    assert!(note.contains("secret-rotated/kafka") && note.contains("rollout restart"), "{note}");
    story.until_condition(MsgStreamReady, "True", "MsgStreamReady").await;

    // Binary.
    let binary = json!({ "data": { "password": "/w==" } });
    story.api::<Secret>().patch("kafka", &PatchParams::default(), &Patch::Merge(&binary)).await.unwrap();
    let message = story.until_condition(MsgStreamReady, "False", "SecretDecodeError").await;
    assert!(message.contains("password in secret secret-rotated/kafka is not text"), "{message}");

    // Removed, and the Milvus changed meanwhile.
    story.api::<Secret>().delete("kafka", &DeleteParams::default()).await.unwrap();
    story.settle().await;
    story.until_condition(MsgStreamReady, "False", "SecretNotExist").await;
    story.until_condition(StorageReady, "True", "StorageReady").await;
    let now = config_map(&story).await;
    assert_eq!(
        now.metadata.resource_version, config.metadata.resource_version,
        "nothing is rendered without it"
    );
    assert_eq!(story.history().pods(), pods, "no pod was restarted");

    credentials(&story, "second", SECOND, kafka.authority()).await;
    story.until_condition(MsgStreamReady, "True", "MsgStreamReady").await;
    assert_eq!(story.history().pods(), pods);
    let log = std::fs::read_to_string(World::shared().await.operator.log()).unwrap();
    assert!(!log.contains(FIRST) && !log.contains(SECOND), "a password is in the log");
}
