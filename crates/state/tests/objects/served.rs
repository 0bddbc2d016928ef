//! Milvus gets what is said: ports, addresses, components that exist; and what it can't get is told.

use milvus_api::Milvus;
use milvus_state::manifests::config::user_yaml;
use milvus_state::refusal::Refusal;
use milvus_state::spec::Spec;
use milvus_state::spec::dependencies::each_broker;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{self, crs};

/// A Milvus with these parts merged into its spec.
fn milvus(mode: &str, tag: &str, more: &Value) -> Milvus {
    let base = match mode {
        "cluster" => crs::mix(tag),
        _ => crs::standalone(tag),
    };
    let mut object = serde_json::to_value(support::created(base)).unwrap();
    milvus_state::manifests::config::merge(&mut object["spec"], more);
    serde_json::from_value(object).unwrap()
}

fn parsed(mode: &str, more: &Value) -> Result<Spec, Vec<Refusal>> {
    support::parse(&milvus(mode, "2.4.9", more)).map(|parsed| parsed.spec)
}

#[test]
fn milvus_listens_on_the_port_of_its_component() {
    for (mode, component) in [("cluster", "proxy"), ("standalone", "standalone")] {
        let port = |port: i32| parsed(mode, &json!({"components": {component: {"port": port}}})).unwrap();
        assert_eq!(user_yaml(&port(29530), false)["proxy"], json!({"port": 29530}), "{mode}");
        assert!(port(29530).warnings.is_empty());
        assert_eq!(user_yaml(&port(19530), false)["proxy"], Value::Null, "Milvus listens there by itself");
    }
    let both = json!({"components": {"proxy": {"port": 29530}}, "config": {"proxy": {"Port": "29530"}}});
    assert_eq!(user_yaml(&parsed("cluster", &both).unwrap(), false)["proxy"], json!({"Port": "29530"}));
}

#[rstest]
#[case::differ(json!({"components": {"proxy": {"port": 1}}, "config": {"proxy.port": 2}}), "spec.components.proxy.port: ")]
#[case::metrics(json!({"components": {"proxy": {"port": 9091}}}), "spec.components.proxy.port: 9091 is the port of the metrics")]
#[case::rest_metrics(json!({"components": {"proxy": {"serviceRestfulPort": 9091}}}), "spec.components.proxy.serviceRestfulPort: 9091")]
#[case::rest_clients(json!({"components": {"proxy": {"serviceRestfulPort": 19530}}}), "spec.components.proxy.serviceRestfulPort: the")]
fn ports_that_cannot_be(#[case] more: Value, #[case] words: &str) {
    let refusals = parsed("cluster", &more).unwrap_err();
    assert_eq!(refusals.len(), 1, "{refusals:?}");
    assert!(
        refusals[0].reason.as_str() == "InvalidSpec" && refusals[0].message.starts_with(words),
        "{refusals:?}"
    );
}

#[rstest]
#[case::only_config(json!({"config": {"proxy": {"port": 29530}}}), "spec.config.proxy.port: Milvus listens on 29530")]
#[case::only_http(json!({"config": {"proxy": {"http": {"port": 8080}}}}), "spec.config.proxy.http.port: no port of pods")]
#[case::only_rest(json!({"components": {"proxy": {"serviceRestfulPort": 8080}}}), "spec.components.proxy.serviceRestfulPort: Milvus answers REST on its port for clients")]
#[case::rest_elsewhere(json!({"components": {"proxy": {"serviceRestfulPort": 1}}, "config": {"proxy.http.port": 2}}), "spec.components.proxy.serviceRestfulPort: Milvus answers REST on 2")]
#[case::other_component(json!({"components": {"standalone": {"replicas": 1}}}), "spec.components.standalone.replicas: a standalone beside")]
#[case::no_standby(json!({"components": {"enableRollingUpdate": false, "mixCoord": {"replicas": 2}}}), "spec.components.mixCoord.replicas: without active standby")]
#[case::four_beside_one(json!({"components": {"rootCoord": {"replicas": 2}}}), "spec.components.rootCoord: Milvus 2.4.9 with these coordinators has none")]
#[case::misplaced(json!({"dependencies": {"msgStreamType": "kafka", "kafka": {"external": true, "brokerList": ["k:1"]}}, "config": {"kafka": {"tlsCaCert": "/x"}}}), "spec.config.kafka.tlsCaCert: Milvus reads `spec.config.kafka.ssl.tlsCaCert`")]
fn what_a_cluster_does_not_get_is_said(#[case] more: Value, #[case] words: &str) {
    let said = parsed("cluster", &more).unwrap().warnings;
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].starts_with(words), "{said:?}");
}

#[rstest]
#[case(json!({"proxy": {"serviceType": "LoadBalancer"}}), "spec.components.proxy: a standalone has none; did you mean spec.mode: cluster?")]
#[case(json!({"queryNode": {"replicas": 3}}), "spec.components.queryNode: a standalone has none")]
#[case(json!({"mixCoord": {"replicas": 1}}), "spec.components.mixCoord: a standalone has none")]
#[case(json!({"dataNode": {"resources": {"limits": {"cpu": "1"}}}}), "spec.components.dataNode: a standalone has none")]
fn components_that_a_standalone_does_not_have_are_said(#[case] components: Value, #[case] words: &str) {
    let said = parsed("standalone", &json!({"components": components})).unwrap().warnings;
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].starts_with(words), "{said:?}");
}

/// What the Go operator writes into every Milvus, and what has no pods, is no mistake of anybody.
#[test]
fn components_without_settings_are_not_spoken_of() {
    let quiet =
        json!({"components": {"standalone": {"replicas": 0}, "indexNode": {"replicas": 1}, "rootCoord": {}}});
    let parsed = support::parse(&milvus("cluster", "2.6.11", &quiet)).unwrap();
    assert_eq!(parsed.spec.warnings, Vec::<String>::new());
    let quiet = json!({"components": {"proxy": {}, "queryNode": {"replicas": 0}}});
    assert_eq!(self::parsed("standalone", &quiet).unwrap().warnings, Vec::<String>::new());
}

#[test]
fn a_second_standalone_on_one_queue_is_said() {
    let more =
        json!({"components": {"standalone": {"replicas": 2}}, "dependencies": {"msgStreamType": "rocksmq"}});
    let said = parsed("standalone", &more).unwrap().warnings;
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(
        said[0].starts_with("spec.components.standalone.replicas: each pod of a standalone with rocksmq"),
        "{said:?}"
    );
}

#[rstest]
#[case("pulsar.infra:6650", "pulsar.infra", 6650)]
#[case("pulsar.infra", "pulsar.infra", 80)]
#[case("pulsar+ssl://pulsar.infra:6651", "pulsar+ssl://pulsar.infra:6651", 6651)]
fn an_address_with_a_scheme_keeps_its_port(#[case] endpoint: &str, #[case] address: &str, #[case] port: u16) {
    let more = json!({"dependencies": {"pulsar": {"endpoint": endpoint}}});
    let written = user_yaml(&parsed("cluster", &more).unwrap(), false);
    assert_eq!(written["pulsar"], json!({"address": address, "port": port}));
}

#[rstest]
#[case("https://s3.example:443", "without https://. Leave it out, and set spec.config.minio.useSSL to true")]
#[case("http://minio.infra:9000", "without a scheme")]
#[case("minio.infra:9000/milvus", "without a path. Leave it out; the bucket is spec.config.minio.bucketName")]
fn an_endpoint_of_the_storage_is_a_host_and_a_port(#[case] endpoint: &str, #[case] words: &str) {
    let more = json!({"dependencies": {"storage": {"endpoint": endpoint}}});
    let refusals = parsed("cluster", &more).unwrap_err();
    assert_eq!(refusals.len(), 1, "{refusals:?}");
    assert!(refusals[0].message.starts_with("spec.dependencies.storage.endpoint: "), "{refusals:?}");
    assert!(refusals[0].message.contains(words), "{refusals:?}");
    let azure = json!({"dependencies": {"storage": {"endpoint": endpoint, "type": "Azure"}}});
    assert!(parsed("cluster", &azure).is_ok(), "Azure's is a name");
}

#[test]
fn brokers_in_one_text_are_several() {
    let list = ["kafka-0:9092, kafka-1:9092".to_owned(), "kafka-2:9092,".to_owned()];
    assert_eq!(each_broker(&list), ["kafka-0:9092", "kafka-1:9092", "kafka-2:9092"]);
}
