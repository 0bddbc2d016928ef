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
use crate::spec::config::{Config, remove, section};
use crate::spec::dependencies::Queue;
use crate::spec::{Spec, owned, ports};

/// ConfigMap key that Milvus merges over its own `spec.yaml`.
pub const USER_YAML: &str = "user.yaml";
/// ConfigMap key of `spec.hookConfig`.
pub const HOOK_YAML: &str = "hook.yaml";

/// Values that the operator alone knows, and that upstream deletes from the spec in this spelling.
const OPERATOR_OWNED: [[&str; 2]; 5] = [
    ["minio", "address"],
    ["minio", "port"],
    ["pulsar", "address"],
    ["pulsar", "port"],
    ["etcd", "endpoints"],
];

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

/// The content of `user.yaml`. What the operator writes takes the place of every spelling of the same key.
pub fn user_yaml(spec: &Spec, kafka_has_ca: bool) -> Value {
    let users = Config::of(&spec.config);
    let mut written: Vec<(&str, Value)> = Vec::new();
    for key in owned::ROOTS {
        let name = || json!(spec.name);
        written.push((key, users.get(key).map_or_else(name, |entry| entry.value.clone())));
    }
    let owned = owned::all(&spec.dependencies, spec.rolling_enabled);
    written.extend(owned.into_iter().map(|owned| (owned.key, owned.value)));
    written.extend(ports::written(spec).map(|port| (ports::KEY, json!(port))));
    if kafka_has_ca && matches!(spec.dependencies.queue, Queue::Kafka { .. }) {
        written.push(("kafka.ssl.enabled", json!(true)));
        written.push(("kafka.ssl.tlsCaCert", json!("/milvus/configs/kafka-ca/ca.pem")));
    }
    let dropped = owned::dropped(&spec.dependencies.queue);
    let mut config = user_values(spec);
    config.retain(|key, _| !dropped.contains(&section(key).as_str()));
    // What upstream deletes in this one spelling is gone from `user_values`; every other spelling goes with what takes
    // its place. Of a queue that the operator does not know, that is nothing.
    let replaced: Vec<String> = written.iter().map(|(key, _)| (*key).to_owned()).collect();
    for key in replaced {
        remove(&mut config, &key);
    }
    let mut config = Value::Object(config);
    for (key, value) in written {
        set(&mut config, &key.split('.').collect::<Vec<_>>(), value);
    }
    if spec.dependencies.queue == Queue::Rocksmq && config.get("rocksmq").is_none() {
        set(&mut config, &["rocksmq"], json!({}));
    }
    config
}

/// `spec.config` without what the operator owns, with active-standby where rolling updates are on: what upstream has
/// in the spec itself after it wrote its defaults there, and counts in the checksum.
pub fn user_values(spec: &Spec) -> Map<String, Value> {
    let mut values = spec.config.clone();
    for [section, key] in OPERATOR_OWNED {
        if let Some(Value::Object(section)) = values.get_mut(section) {
            section.remove(key);
        }
    }
    let mut values = Value::Object(values);
    if spec.rolling_enabled {
        for key in owned::ACTIVE_STANDBY {
            set(&mut values, &key.split('.').collect::<Vec<_>>(), json!(true));
        }
    }
    match values {
        Value::Object(map) => map,
        _ => Map::new(),
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
