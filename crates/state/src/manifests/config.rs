//! The configuration that Milvus reads: ConfigMap keys `user.yaml` and `hook.yaml`.
//!
//! Takes the parsed dependencies and the user's `config`; gives YAML. The order of operations is upstream's
//! (defaults, the user's values over them, then what only the operator knows), because running pods reload this file.
//! Credentials are not in it: Milvus reads `MINIO_ACCESS_KEY_ID` and its likes from the environment, where they come from
//! the Secret.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ConfigMap;
use serde_json::{Map, Value, json};

use super::error::Error;
use super::metadata;
use crate::spec::Spec;
use crate::spec::dependencies::{Dependencies, Queue, split_port};

/// ConfigMap key that Milvus merges over its own `spec.yaml`.
pub const USER_YAML: &str = "user.yaml";
/// ConfigMap key of `spec.hookConfig`.
pub const HOOK_YAML: &str = "hook.yaml";

/// Values that the operator alone knows; the user's are ignored (upstream deletes them from the spec).
const OPERATOR_OWNED: [(&str, &str); 5] = [
    ("minio", "address"),
    ("minio", "port"),
    ("pulsar", "address"),
    ("pulsar", "port"),
    ("etcd", "endpoints"),
];

/// Coordinators that take over from each other (Milvus ≥ 2.2.3). 2.6's mixcoord falls back to rootCoord's value.
const ACTIVE_STANDBY: [&str; 4] = ["rootCoord", "dataCoord", "indexCoord", "queryCoord"];

/// A ConfigMap of a Milvus. `kafka_has_ca`: the Secret with the credentials for Kafka holds a CA.
pub fn config_map(spec: &Spec, kafka_has_ca: bool, name: &str) -> Result<ConfigMap, Error> {
    let metadata = metadata::object(spec, name.to_owned(), metadata::app_labels(&spec.name));
    Ok(ConfigMap { metadata, data: Some(data(spec, kafka_has_ca)?), ..ConfigMap::default() })
}

/// Its content.
pub fn data(spec: &Spec, kafka_has_ca: bool) -> Result<BTreeMap<String, String>, Error> {
    let mut data = BTreeMap::from([(USER_YAML.to_owned(), yaml(&user_yaml(spec, kafka_has_ca), "config")?)]);
    if !spec.hook_config.is_empty() {
        let hook = Value::Object(spec.hook_config.clone());
        data.insert(HOOK_YAML.to_owned(), yaml(&hook, "hookConfig")?);
    }
    Ok(data)
}

fn yaml(value: &Value, what: &'static str) -> Result<String, Error> {
    serde_saphyr::to_string(value).map_err(|source| Error::Yaml { what, message: source.to_string() })
}

/// The content of `user.yaml`.
pub fn user_yaml(spec: &Spec, kafka_has_ca: bool) -> Value {
    let deps = &spec.dependencies;
    let mut config = json!({
        "etcd": {"rootPath": spec.name},
        "minio": {"bucketName": spec.name},
        "msgChannel": {"chanNamePrefix": {"cluster": spec.name}},
    });
    merge(&mut config, &Value::Object(user_values(spec)));
    set(&mut config, &["etcd", "endpoints"], json!(deps.etcd.endpoints));
    set(&mut config, &["minio", "address"], json!(deps.storage.host));
    set(&mut config, &["minio", "port"], json!(deps.storage.port));
    queue(&mut config, deps, kafka_has_ca);
    config
}

/// `spec.config` without what the operator owns, with active-standby where rolling updates are on.
pub fn user_values(spec: &Spec) -> Map<String, Value> {
    let mut values = spec.config.clone();
    for (section, key) in OPERATOR_OWNED {
        if let Some(Value::Object(section)) = values.get_mut(section) {
            section.remove(key);
        }
    }
    let mut values = Value::Object(values);
    if spec.rolling_enabled {
        for coordinator in ACTIVE_STANDBY {
            set(&mut values, &[coordinator, "enableActiveStandby"], json!(true));
        }
    }
    match values {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

fn queue(config: &mut Value, deps: &Dependencies, kafka_has_ca: bool) {
    let drop: &[&str] = match &deps.queue {
        Queue::Pulsar { endpoint, .. } => {
            let (host, port) = split_port(endpoint, 80);
            set(config, &["pulsar", "address"], json!(host));
            set(config, &["pulsar", "port"], json!(port));
            &["kafka", "rocksmq"]
        }
        Queue::Kafka { brokers, .. } => {
            set(config, &["kafka", "brokerList"], json!(brokers));
            if kafka_has_ca {
                set(config, &["kafka", "ssl", "enabled"], json!(true));
                set(config, &["kafka", "ssl", "tlsCaCert"], json!("/milvus/configs/kafka-ca/ca.pem"));
            }
            &["pulsar", "rocksmq"]
        }
        Queue::Rocksmq => {
            if config.get("rocksmq").is_none() {
                set(config, &["rocksmq"], json!({}));
            }
            &["pulsar", "kafka"]
        }
        Queue::Woodpecker { pools } => {
            if let Some(pools) = pools {
                set(config, &["woodpecker", "storage", "type"], json!("service"));
                let text = json!(pools).to_string();
                set(config, &["woodpecker", "client", "quorum", "quorumBufferPools"], json!(text));
            }
            &["pulsar", "kafka", "rocksmq"]
        }
        Queue::Natsmq | Queue::Custom => &[],
    };
    if let Value::Object(map) = config {
        for section in drop {
            map.remove(*section);
        }
    }
    if deps.queue != Queue::Custom {
        set(config, &["mq", "type"], json!(deps.queue.name()));
        set(config, &["messageQueue"], json!(deps.queue.name()));
    }
}

/// Merges `over` into `base`: maps key by key, anything else is replaced.
pub fn merge(base: &mut Value, over: &Value) {
    match (base, over) {
        (Value::Object(base), Value::Object(over)) => {
            for (key, value) in over {
                merge(base.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (base, over) => *base = over.clone(),
    }
}

/// Sets a nested value; what is in the way and is no map is replaced.
fn set(target: &mut Value, path: &[&str], value: Value) {
    let Some((first, rest)) = path.split_first() else {
        *target = value;
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    if let Value::Object(map) = target {
        set(map.entry((*first).to_owned()).or_insert(Value::Null), rest, value);
    }
}
