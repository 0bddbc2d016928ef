//! What upstream writes into `spec.config` by mistake before it hashes it.
//!
//! It renders `user.yaml` from a map that shares the sections of `spec.config` which its own template lacks: the
//! queue's. What it then sets in them (the address of the queue, its type) is in the hash too. Not followed here:
//! with a CA in Kafka's Secret it also sets `kafka.ssl`, and a template is rendered without reading Secrets.

use serde_json::{Map, Value, json};

use crate::spec::dependencies::Queue;

/// Sets in the sections that the user has what upstream sets in its rendering.
pub fn written(conf: &mut Map<String, Value>, queue: &Queue) {
    match queue {
        Queue::Pulsar { endpoint, .. } => {
            let (host, port) = host_port(endpoint);
            set(conf, &["pulsar", "address"], json!(host));
            set(conf, &["pulsar", "port"], json!(port));
        }
        Queue::Kafka { brokers, .. } => set(conf, &["kafka", "brokerList"], json!(brokers)),
        Queue::Woodpecker { pools: Some(pools) } => {
            set(conf, &["woodpecker", "storage", "type"], json!("service"));
            let path = ["woodpecker", "client", "quorum", "quorumBufferPools"];
            set(conf, &path, json!(json!(pools).to_string()));
        }
        Queue::Woodpecker { pools: None } | Queue::Rocksmq | Queue::Natsmq | Queue::Custom => {}
    }
    if *queue != Queue::Custom {
        set(conf, &["mq", "type"], json!(queue.name()));
    }
}

/// Sets a nested value in a section that is there; what is in the way and is no map stays.
fn set(conf: &mut Map<String, Value>, path: &[&str], value: Value) {
    let Some((section, rest)) = path.split_first() else { return };
    let Some(mut at) = conf.get_mut(*section) else { return };
    for key in rest {
        let Value::Object(map) = at else { return };
        at = map.entry((*key).to_owned()).or_insert_with(|| Value::Object(Map::new()));
    }
    *at = value;
}

/// As Go's `net.SplitHostPort` has it: an address with a scheme is none with a port, and 80 is meant.
fn host_port(endpoint: &str) -> (&str, i32) {
    const DEFAULT: i32 = 80;
    let Some((host, port)) = endpoint.rsplit_once(':') else { return (endpoint, DEFAULT) };
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    if bare.is_none() && host.contains([':', '[', ']']) {
        return (endpoint, DEFAULT);
    }
    (bare.unwrap_or(host), port.parse().unwrap_or(DEFAULT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_split_as_go_does() {
        let cases = [
            ("p:6650", ("p", 6650)),
            ("p", ("p", 80)),
            ("p:x", ("p", 80)),
            ("pulsar://p:6650", ("pulsar://p:6650", 80)),
            ("[::1]:6650", ("::1", 6650)),
            ("::1", ("::1", 80)),
        ];
        for (endpoint, expected) in cases {
            assert_eq!(host_port(endpoint), expected, "{endpoint}");
        }
    }

    #[test]
    fn only_sections_that_the_user_has_are_written() {
        let mut conf = Map::from_iter([("mq".to_owned(), Value::Null)]);
        written(&mut conf, &Queue::Natsmq);
        assert_eq!(Value::Object(conf.clone()), json!({ "mq": null }));
        conf.insert("mq".to_owned(), json!({}));
        written(&mut conf, &Queue::Natsmq);
        assert_eq!(Value::Object(conf), json!({ "mq": { "type": "natsmq" } }));
    }
}
