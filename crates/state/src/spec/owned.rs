//! What the operator itself writes into the configuration of Milvus, over what the user wrote.

use serde_json::{Value, json};

use super::config::{self, Config};
use super::dependencies::{Dependencies, Queue, split_port};
use super::model::Spec;

/// Where the data is: the name of the Milvus, unless the user says something else.
pub const ROOTS: [&str; 3] = [ETCD_ROOT, BUCKET, "msgChannel.chanNamePrefix.cluster"];
/// Below which key the metadata is in etcd.
pub const ETCD_ROOT: &str = "etcd.rootPath";
/// The bucket of the object storage.
pub const BUCKET: &str = "minio.bucketName";

/// Coordinators that take over from each other (Milvus ≥ 2.2.3). 2.6's mixcoord falls back to rootCoord's value.
pub const ACTIVE_STANDBY: [&str; 4] = [
    "rootCoord.enableActiveStandby",
    "dataCoord.enableActiveStandby",
    "indexCoord.enableActiveStandby",
    "queryCoord.enableActiveStandby",
];

/// Port of a Pulsar whose endpoint names none: upstream's default.
const PULSAR_PORT: u16 = 80;

/// A key that the operator writes.
#[derive(Clone, Debug, PartialEq)]
pub struct Owned {
    /// As Milvus documents it.
    pub key: &'static str,
    /// What the operator writes.
    pub value: Value,
    /// The field that says it.
    pub from: &'static str,
}

/// Every key that the operator writes for a Milvus.
pub fn all(deps: &Dependencies, rolling: bool) -> Vec<Owned> {
    let own = |key, value, from| Owned { key, value, from };
    let storage = "spec.dependencies.storage.endpoint";
    let mut all = vec![
        own("etcd.endpoints", json!(deps.etcd.endpoints), "spec.dependencies.etcd.endpoints"),
        own("minio.address", json!(deps.storage.host), storage),
        own("minio.port", json!(deps.storage.port), storage),
    ];
    let standby = |key| own(key, json!(true), "spec.components.enableRollingUpdate");
    all.extend(ACTIVE_STANDBY.into_iter().filter(|_| rolling).map(standby));
    match &deps.queue {
        Queue::Pulsar { endpoint, .. } => {
            let (host, port) = split_port(endpoint, PULSAR_PORT);
            // Milvus takes an address with a `:` as it is, without the port.
            let host = if endpoint.contains("://") { endpoint } else { host };
            let from = "spec.dependencies.pulsar.endpoint";
            all.push(own("pulsar.address", json!(host), from));
            all.push(own("pulsar.port", json!(port), from));
        }
        Queue::Kafka { brokers, .. } => {
            all.push(own("kafka.brokerList", json!(brokers), "spec.dependencies.kafka.brokerList"));
        }
        Queue::Woodpecker { pools: Some(pools) } => {
            let text = json!(pools).to_string();
            let from = "spec.dependencies.woodpecker.quorumBufferPools";
            all.push(own(
                "woodpecker.storage.type",
                json!("service"),
                "spec.dependencies.woodpecker.external",
            ));
            all.push(own("woodpecker.client.quorum.quorumBufferPools", json!(text), from));
        }
        Queue::Woodpecker { pools: None } | Queue::Rocksmq | Queue::Natsmq | Queue::Custom => {}
    }
    if deps.queue != Queue::Custom {
        for key in ["mq.type", "messageQueue"] {
            all.push(own(key, json!(deps.queue.name()), "spec.dependencies.msgStreamType"));
        }
    }
    all
}

/// Sections of other queues, which are left out.
pub fn dropped(queue: &Queue) -> &'static [&'static str] {
    match queue {
        Queue::Pulsar { .. } => &["kafka", "rocksmq"],
        Queue::Kafka { .. } => &["pulsar", "rocksmq"],
        Queue::Rocksmq => &["pulsar", "kafka"],
        Queue::Woodpecker { .. } => &["pulsar", "kafka", "rocksmq"],
        Queue::Natsmq | Queue::Custom => &[],
    }
}

/// What the user wrote and the operator replaces or leaves out.
pub fn warnings(spec: &Spec) -> Vec<String> {
    let config = Config::of(&spec.config);
    let queue = &spec.dependencies.queue;
    let dropped = dropped(queue);
    let is_dropped = |path: &str| dropped.contains(&config::section(path).as_str());
    let mut found = Vec::new();
    for owned in all(&spec.dependencies, spec.rolling_enabled) {
        let written = config::text(&owned.value).unwrap_or_default();
        let other = config.each(owned.key).iter().filter(|entry| entry.text() != written);
        found.extend(other.map(|entry| {
            let from = owned.from;
            format!("spec.config.{}: the operator writes it from {from}, and ignores this", entry.path)
        }));
    }
    let left_out = |path: &str| {
        let name = queue.name();
        format!("spec.config.{path}: it is left out, because spec.dependencies.msgStreamType is {name}")
    };
    if matches!(queue, Queue::Natsmq | Queue::Custom) {
        let pulsar = ["pulsar.address", "pulsar.port"];
        let nested = spec.config.get("pulsar").and_then(Value::as_object);
        let deleted = |key: &&&str| {
            let name = key.split_once('.').map(|(_, name)| name).unwrap_or_default();
            nested.is_some_and(|section| section.contains_key(name))
        };
        found.extend(pulsar.iter().filter(deleted).map(|key| left_out(key)));
    }
    let set = |value: &Value| match value {
        Value::Object(map) => !map.is_empty(),
        other => config::text(other).is_some_and(|text| !text.is_empty()),
    };
    let sections = spec.config.iter().filter(|(path, value)| is_dropped(path) && set(value));
    found.extend(sections.map(|(path, _)| left_out(path)));
    found
}
