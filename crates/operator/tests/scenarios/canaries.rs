//! A credential in every field that can hold one, with dependencies that are away or refuse it: that is when secrets get into words.
//! What is found where it does not belong is told by the end of the story.

use k8s_openapi::api::{apps::v1::Deployment, core::v1::ConfigMap};
use milvus_api::{
    ConditionType::{self, EtcdReady, MsgStreamReady, SpecAccepted, StorageReady},
    Milvus,
};
use milvus_testkit::etcd::{self, Etcd};
use serde_json::{Value, json};

use crate::world::{NAME, Story, World, canary, observed, said};

fn named(story: &Story, name: &str) -> Value {
    let mut milvus = story.places.standalone("2.4.9");
    milvus["metadata"]["name"] = json!(name);
    milvus
}

/// Everything that a running Milvus may be told, in `config`, `hookConfig` and variables.
fn told(story: &Story) -> Value {
    let mut milvus = named(story, NAME);
    let spec = &mut milvus["spec"];
    spec["config"]["minio"]["accessKeyID"] = json!("canary-config-access-key");
    spec["config"]["minio"]["secretAccessKey"] = json!("canary-config-secret-key");
    // A log-in that the operator does not speak, so it only looks whether somebody listens.
    spec["config"]["pulsar"]["authPlugin"] = json!("org.apache.pulsar.client.impl.auth.AuthenticationAthenz");
    spec["config"]["pulsar"]["authParams"] = json!("token:canary-config-pulsar-token");
    spec["config"]["common"] = json!({ "security": { "defaultRootPassword": "canary-config-root" } });
    spec["hookConfig"] = json!({ "license": "canary-config-license" });
    spec["components"]["env"] = json!([{ "name": "API_TOKEN", "value": "canary-env-token" }]);
    milvus
}

/// Nothing of it can be used: etcd and Kafka refuse or don't answer, the storage does not know the keys.
fn refused(story: &Story, etcd: &Etcd) -> Value {
    let mut milvus = named(story, "refused");
    let nobody = milvus_testkit::ports::Port::free().unwrap();
    let dependencies = &mut milvus["spec"]["dependencies"];
    dependencies["etcd"]["endpoints"] = json!([etcd.address()]);
    dependencies["storage"]["secretRef"] = json!("wrong");
    dependencies["msgStreamType"] = json!("kafka");
    dependencies["kafka"] =
        json!({ "external": true, "brokerList": [nobody.address()], "secretRef": "kafka" });
    let config = &mut milvus["spec"]["config"];
    config["etcd"]["auth"] = json!({ "enabled": true, "userName": "root", "password": "canary-config-etcd" });
    config["kafka"] = json!({ "securityProtocol": "SASL_SSL", "saslMechanisms": "PLAIN",
        "saslUsername": "canary-config-kafka-user", "saslPassword": "canary-config-kafka" });
    milvus
}

/// Credentials in fields that nothing is made of, and one where a list belongs.
fn misplaced(story: &Story) -> Value {
    let mut milvus = named(story, "misplaced");
    let values = json!({ "auth": { "rbac": { "rootPassword": "canary-lost-etcd" } }, "secretKey": "canary-lost-minio" });
    for dependency in ["etcd", "storage", "pulsar"] {
        milvus["spec"]["dependencies"][dependency]["inCluster"] = json!({ "values": values });
    }
    milvus["spec"]["components"]["standalone"] = json!({
        "sidecars": [{ "name": "log", "image": "log:1", "env": "canary-lost-variables" }],
        "securityContext": { "runAsUser": "canary-lost-user" },
    });
    milvus
}

async fn until_said(story: &Story, name: &str, kind: ConditionType, status: &str) {
    let is = |m: &Milvus| observed(m) && said(m, kind).is_some_and(|[s, ..]| s == status);
    story.until_named(name, is).await;
}

#[tokio::test]
async fn no_credential_gets_to_where_it_does_not_belong() {
    let story = World::story("secrets").await;
    let auth = Some(("root".to_owned(), "another".to_owned()));
    let etcd = Etcd::start(etcd::Options { auth, ..etcd::Options::default() }).await.unwrap();
    story.secret("wrong", &[("accesskey", canary::ACCESS_KEY), ("secretkey", "canary-secret-storage")]).await;
    let pem = "-----BEGIN CERTIFICATE-----\ncanary-secret-ca\n-----END CERTIFICATE-----\n";
    let kafka =
        [("username", "canary-secret-kafka-user"), ("password", "canary-secret-kafka"), ("ca.pem", pem)];
    story.secret("kafka", &kafka).await;
    story.secret("authority", &[("ca.crt", "canary-secret-no-certificate")]).await;
    let mut no_certificate = named(&story, "no-certificate");
    no_certificate["spec"]["config"]["minio"]["useSSL"] = json!(true);
    no_certificate["spec"]["dependencies"]["storage"]["ssl"] =
        json!({ "enabled": true, "caCertificateRef": "authority" });
    for milvus in [told(&story), refused(&story, &etcd), misplaced(&story), no_certificate] {
        story.create(milvus).await;
    }
    for kind in [EtcdReady, StorageReady, MsgStreamReady] {
        until_said(&story, "refused", kind, "False").await;
    }
    until_said(&story, "no-certificate", StorageReady, "False").await;
    until_said(&story, "misplaced", SpecAccepted, "False").await;
    story.until_healthy("2.4.9").await;
    story.settle().await;

    // They are where they belong, so what looks for them elsewhere would find them.
    let config = story.api::<ConfigMap>().get(NAME).await.unwrap();
    let text = format!("{:?}", config.data);
    assert!(!canary::in_text(&text, &[]).is_empty() && canary::in_text(&text, &[canary::CONFIG]).is_empty());
    let workload = story.api::<Deployment>().get(&format!("{NAME}-milvus-standalone")).await.unwrap();
    let text = serde_json::to_string(&workload).unwrap();
    assert!(!canary::in_text(&text, &[]).is_empty() && canary::in_text(&text, &[canary::ENV]).is_empty());

    let metrics = World::shared().await.operator.metrics().await.unwrap();
    assert!(metrics.contains("milvus_status"));
    assert_eq!(canary::in_text(&metrics, &[]), Vec::<String>::new());
}
