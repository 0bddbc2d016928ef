//! `checksum/config`: changes when the configuration changes, so that pods restart (`updateConfigMapOnly: false`).
//!
//! It must be upstream's byte for byte, or every such Milvus restarts when the operator is replaced. Upstream hashes
//! Go's `json.Marshal` of a map: keys sorted, `<`, `>`, `&` and the two Unicode line separators escaped, all numbers float64, a nil
//! list `null`.

mod aliased;

use serde_json::{Map, Value, json};

use super::config;
use super::error::Error;
use crate::hash;
use crate::spec::Spec;
use crate::spec::dependencies::Queue;

/// The checksum of a Milvus' configuration.
pub fn of(spec: &Spec) -> Result<String, Error> {
    let deps = &spec.dependencies;
    let mut all = Map::new();
    let mut conf = config::user_values(spec);
    aliased::written(&mut conf, &deps.queue);
    all.insert("conf".into(), Value::Object(conf));
    all.insert("etcd-endpoints".into(), json!(deps.etcd.endpoints));
    all.insert("pulsar-endpoint".into(), json!(""));
    all.insert("kafka-brokerList".into(), Value::Null);
    all.insert("storage-endpoint".into(), json!(spec.storage_endpoint));
    match &deps.queue {
        Queue::Pulsar { endpoint, .. } => {
            all.insert("pulsar-endpoint".into(), json!(endpoint));
        }
        Queue::Kafka { brokers, secret, .. } => {
            all.insert("kafka-brokerList".into(), json!(brokers));
            if let Some(secret) = secret {
                all.insert("kafka-secretRef".into(), json!(secret));
            }
        }
        Queue::Woodpecker { pools: Some(pools) } => {
            all.insert("woodpecker-external".into(), json!(true));
            all.insert("woodpecker-quorumBufferPools".into(), json!(pools));
        }
        Queue::Woodpecker { pools: None } | Queue::Rocksmq | Queue::Natsmq | Queue::Custom => {}
    }
    if let Some(sum) = &spec.kafka_sasl_checksum {
        all.insert("kafka-sasl-checksum".into(), json!(sum));
    }
    go_json(&Value::Object(all)).map(|text| hash::of_bytes(text.as_bytes()))
}

/// JSON as Go's `json.Marshal` writes it.
fn go_json(value: &Value) -> Result<String, Error> {
    let mut text = String::new();
    write(value, &mut text).map_err(|source| Error::Checksum { source })?;
    Ok(text)
}

fn write(value: &Value, out: &mut String) -> Result<(), serde_json::Error> {
    match value {
        Value::Null | Value::Bool(_) => out.push_str(&value.to_string()),
        Value::Number(number) => out.push_str(&go_number(number.as_f64().unwrap_or_default())),
        Value::String(text) => out.push_str(&go_string(text)?),
        Value::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write(item, out)?;
            }
            out.push(']');
        }
        Value::Object(map) => {
            out.push('{');
            for (i, (key, item)) in map.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                out.push_str(&go_string(key)?);
                out.push(':');
                write(item, out)?;
            }
            out.push('}');
        }
    }
    Ok(())
}

fn go_string(text: &str) -> Result<String, serde_json::Error> {
    let mut quoted = serde_json::to_string(text)?;
    for (plain, escaped) in [
        ("<", "\\u003c"),
        (">", "\\u003e"),
        ("&", "\\u0026"),
        ("\u{2028}", "\\u2028"),
        ("\u{2029}", "\\u2029"),
        ("\u{7f}", "\u{7f}"),
    ] {
        quoted = quoted.replace(plain, escaped);
    }
    Ok(quoted)
}

/// Go writes a float64 without exponent from 1e-6 up to 1e21, and with a sign and no padding beyond.
fn go_number(number: f64) -> String {
    let size = number.abs();
    if size != 0.0 && !(1e-6..1e21).contains(&size) {
        let text = format!("{number:e}");
        match text.split_once('e') {
            Some((digits, exponent)) if !exponent.starts_with('-') => format!("{digits}e+{exponent}"),
            Some((digits, exponent)) => format!("{digits}e-{:0>2}", exponent.trim_start_matches('-')),
            None => text,
        }
    } else {
        format!("{number}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Golden values that a Go program printed for the same maps.
    #[test]
    fn matches_go() {
        let standby = json!({"enableActiveStandby": true});
        let cases = [
            (
                json!({"conf": {"dataCoord": standby, "indexCoord": standby, "queryCoord": standby, "rootCoord": standby},
                    "etcd-endpoints": ["my-release-etcd-0.my-release-etcd-headless.default:2379"],
                    "kafka-brokerList": null, "pulsar-endpoint": "", "storage-endpoint": "my-release-minio.default:9000"}),
                "7a84e5942e4023450c2e697a48ae7650971ec1d66054d24d9b9548c85e77c461",
            ),
            (
                json!({"conf": {"a": "<b>&", "arr": [], "big": 9_007_199_254_740_993_u64, "e": 1e21, "f": 0.1, "n": 4096,
                    "nul": null, "obj": {}, "u": "\u{2028}é", "z": 1.0},
                    "etcd-endpoints": [], "kafka-brokerList": ["k:9092"], "pulsar-endpoint": "", "storage-endpoint": ""}),
                "34db060573cd9fa69cb23e1a6c65e36c44593b3f61ee41d7e23bdc63fe520ded",
            ),
            (
                json!({"conf": {}, "etcd-endpoints": ["e:2379"], "kafka-brokerList": null, "pulsar-endpoint": "",
                    "storage-endpoint": "s:80", "woodpecker-external": true,
                    "woodpecker-quorumBufferPools": [{"name": "p1", "seeds": ["wp-0:18080"]}]}),
                "4a2a041384f3b7e4a4cdf4cbc8e59f7b9cdb5b97a25402a46b0e42c7d01abb13",
            ),
        ];
        for (value, expected) in cases {
            let text = go_json(&value).unwrap();
            assert_eq!(hash::of_bytes(text.as_bytes()), expected, "{text}");
        }
    }
}
