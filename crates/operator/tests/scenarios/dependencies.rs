//! How a Milvus is told of its dependencies, and what the operator makes of it: TLS, a CA, the identity of pods, in-cluster releases, a
//! bucket that is missing, and a dependency that goes away in the middle of a roll.

use milvus_api::ConditionType::{EtcdReady, MilvusUpdated, MsgStreamReady, SpecSupported, StorageReady};
use milvus_testkit::etcd::{self, Etcd};
use milvus_testkit::minio::Minio;
use milvus_testkit::pki::Authority;
use serde_json::json;

use super::bad_input::calm;
use crate::world::{ACCESS_KEY, SECRET_KEY, World, observed, said};

#[tokio::test]
async fn etcd_with_tls_is_asked_with_the_certificates_that_pods_mount() {
    let story = World::story("dep-etcd-tls").await;
    let server = Etcd::start(etcd::Options { tls: true, ..Default::default() }).await.unwrap();
    let mut milvus = story.places.mix("2.4.9");
    milvus["spec"]["dependencies"]["etcd"]["endpoints"] = json!([server.address()]);
    milvus["spec"]["components"]["volumes"] =
        json!([{ "name": "etcd-tls", "secret": { "secretName": "etcd-tls" } }]);
    milvus["spec"]["components"]["volumeMounts"] =
        json!([{ "name": "etcd-tls", "mountPath": "/certs/etcd" }]);
    milvus["spec"]["config"]["etcd"]["ssl"] = json!({
        "enabled": true, "tlsCert": "/certs/etcd/tls.crt", "tlsKey": "/certs/etcd/tls.key", "tlsCACert": "/certs/etcd/ca.crt",
    });
    story.create(milvus).await;
    let message = story.until_condition(EtcdReady, "False", "SecretNotExist").await;
    assert!(
        message.contains("dep-etcd-tls/etcd-tls; create it with the keys ca.crt and tls.crt and tls.key"),
        "{message}"
    );

    let authority = server.authority().unwrap();
    let pair = authority.client("milvus").unwrap();
    let stranger = Authority::new("stranger").unwrap();
    let secret = async |ca: &Authority| {
        let data = [("ca.crt", ca.certificate()), ("tls.crt", &pair.certificate), ("tls.key", &pair.key)];
        story.secret("etcd-tls", &data).await;
        story.settle().await;
    };
    secret(&stranger).await;
    let message = story.until_condition(EtcdReady, "False", "EtcdNotReady").await;
    assert!(message.contains("not signed by a CA that is trusted"), "{message}");
    secret(authority).await;
    story.until_healthy("2.4.9").await;
    assert_eq!(story.until_condition(EtcdReady, "True", "EtcdReady").await, "Etcd endpoints is healthy");
}

#[tokio::test]
async fn certificates_that_only_pods_see_leave_a_connection_and_the_message_says_so() {
    let story = World::story("dep-etcd-dial").await;
    let server = Etcd::start(etcd::Options { tls: true, ..Default::default() }).await.unwrap();
    let mut milvus = story.places.mix("2.4.9");
    milvus["spec"]["dependencies"]["etcd"]["endpoints"] = json!([server.address()]);
    milvus["spec"]["config"]["etcd"]["ssl"] = json!({ "enabled": true, "tlsCACert": "/opt/ca.crt" });
    story.create(milvus).await;
    let message = story.until_condition(EtcdReady, "True", "ConnectionOK").await;
    assert!(message.contains("not checked") && message.contains("/opt/ca.crt"), "{message}");
    story.until_healthy("2.4.9").await;
}

#[tokio::test]
async fn a_ca_that_does_not_match_the_storage_is_said_until_it_does() {
    let story = World::story("dep-storage-ca").await;
    let authority = Authority::new("storage").unwrap();
    let server = Minio::start_tls(ACCESS_KEY, SECRET_KEY, "dep-storage-ca", &authority).await.unwrap();
    let mut milvus = story.places.mix("2.4.9");
    milvus["spec"]["dependencies"]["storage"]["endpoint"] = json!(server.address());
    milvus["spec"]["dependencies"]["storage"]["ssl"] =
        json!({ "enabled": true, "caCertificateRef": "storage-ca" });
    milvus["spec"]["config"]["minio"]["useSSL"] = json!(true);
    let stranger = Authority::new("stranger").unwrap();
    story.secret("storage-ca", &[("ca.crt", stranger.certificate())]).await;
    story.create(milvus).await;
    let message = story.until_condition(StorageReady, "False", "ClientError").await;
    assert!(message.contains("not signed by a CA that is trusted"), "{message}");
    calm(&story).await;
    assert!(story.history().workloads().is_empty(), "{}", story.history().lines());

    story.secret("storage-ca", &[("ca.crt", "no certificate")]).await;
    story.settle().await;
    let broken = |m: &milvus_api::Milvus| {
        said(m, StorageReady)
            .is_some_and(|[.., message]| message.starts_with("Failed to load CA certificate"))
    };
    story.until(broken).await;
    story.secret("storage-ca", &[("ca.crt", authority.certificate())]).await;
    story.until_healthy("2.4.9").await;
}

#[tokio::test]
async fn with_the_identity_of_pods_no_more_is_claimed_than_was_seen() {
    let story = World::story("dep-iam").await;
    let mut milvus = story.places.mix("2.4.9");
    milvus["spec"]["dependencies"]["storage"].as_object_mut().unwrap().remove("secretRef");
    milvus["spec"]["config"]["minio"]["useIAM"] = json!(true);
    milvus["spec"]["config"]["minio"]["cloudProvider"] = json!("aws");
    story.create(milvus).await;
    story.until_healthy("2.4.9").await;
    let message = story.until_condition(StorageReady, "True", "StorageReady").await;
    assert!(message.contains("rights are not checked") && message.contains("useIAM"), "{message}");
    assert!(story.requests().iter().all(|request| request.resource != "secrets"), "no Secret is named");
}

#[tokio::test]
async fn a_bucket_may_be_missing_before_the_first_start_and_not_after_it() {
    let story = World::story("dep-bucket").await;
    let mut milvus = story.places.mix("2.4.9");
    milvus["spec"]["config"]["minio"]["bucketName"] = json!("dep-bucket-later");
    story.create(milvus).await;
    let fresh = story.until(|m| said(m, StorageReady).is_some_and(|[s, ..]| s == "True")).await;
    let [_, reason, message] = said(&fresh, StorageReady).unwrap();
    assert_eq!(reason, "StorageReady");
    assert!(message.contains("Milvus creates it"), "{message}");
    // Nobody makes it: no Milvus runs in the pods.
    story.until(|m| m.status.as_ref().is_some_and(|s| s.current_image.is_some())).await;
    let message = story.until_condition(StorageReady, "False", "BucketMissing").await;
    assert!(message.contains("this Milvus has run"), "{message}");
    let before = story.history().pods();
    calm(&story).await;
    assert_eq!(story.history().pods(), before, "what runs is left alone");
    story.ground.minio.create_bucket("dep-bucket-later").await.unwrap();
    story.until_condition(StorageReady, "True", "StorageReady").await;
}

#[tokio::test]
async fn in_cluster_dependencies_are_looked_for_at_the_services_of_upstreams_releases() {
    let story = World::story("dep-in-cluster").await;
    let mut milvus = story.places.mix("2.4.9");
    milvus["spec"]["dependencies"] = json!({ "msgStreamType": "pulsar" });
    milvus["spec"]["config"] = json!({});
    story.create(milvus).await;
    let etcd = story.until_condition(EtcdReady, "False", "EtcdNotReady").await;
    for n in 0..3 {
        let member = format!("[my-release-etcd-{n}.my-release-etcd-headless.dep-in-cluster:2379:");
        assert!(etcd.contains(&member), "{etcd}");
    }
    let queue = story.until_condition(MsgStreamReady, "False", "ConnectionFailed").await;
    assert!(queue.contains("my-release-pulsar-proxy.dep-in-cluster:6650"), "{queue}");
    let secret = story.until_condition(StorageReady, "False", "SecretNotExist").await;
    assert!(secret.contains("dep-in-cluster/my-release-minio"), "{secret}");
    story.secret("my-release-minio", &[("accesskey", "minioadmin"), ("secretkey", "minioadmin")]).await;
    story.settle().await;
    let storage = story.until_condition(StorageReady, "False", "ClientError").await;
    assert!(storage.contains("my-release-minio.dep-in-cluster:9000"), "{storage}");
    let supported = story.until_condition(SpecSupported, "False", "NotYetSupported").await;
    assert!(supported.contains("not installed; an existing release is used"), "{supported}");

    let kafka = json!({ "spec": { "dependencies": { "msgStreamType": "kafka" } } });
    story.patch(kafka).await;
    let queue = story.until_condition(MsgStreamReady, "False", "MsgStreamNotReady").await;
    assert!(queue.contains("my-release-kafka.dep-in-cluster:9092"), "{queue}");
}

#[tokio::test]
async fn a_dependency_that_goes_away_in_the_middle_of_a_roll_does_not_stop_it() {
    let story = World::story("dep-mid-roll").await;
    let mut server = Etcd::start(etcd::Options::default()).await.unwrap();
    let mut milvus = story.places.mix("2.4.9");
    milvus["spec"]["dependencies"]["etcd"]["endpoints"] = json!([server.address()]);
    milvus["spec"]["upgradePolicy"]["minReadySeconds"] = json!(15);
    story.running(milvus, "2.4.9").await;
    let generation = story.set_image("2.4.10").await;
    story.until_step("indexnode").await;
    server.stop().await.unwrap();
    // The probe of what was ready is half a minute apart; the roll has five steps of 15 s.
    story.until_condition(EtcdReady, "False", "EtcdNotReady").await;
    let still = story.until(observed).await;
    assert_eq!(said(&still, MilvusUpdated).unwrap()[0], "False", "it was in the middle");
    story.patch(json!({ "spec": { "upgradePolicy": { "minReadySeconds": 1 } } })).await;
    let done =
        story.until(|m| observed(m) && said(m, MilvusUpdated).is_some_and(|[s, ..]| s == "True")).await;
    assert!(done.metadata.generation.unwrap() > generation);
    assert_eq!(said(&done, EtcdReady).unwrap()[0], "False");
    server.restart().await.unwrap();
    story.until_condition(EtcdReady, "True", "EtcdReady").await;
}
