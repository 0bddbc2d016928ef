//! How configurations are merged.

use milvus_state::manifests::config::merge;
use milvus_state::spec::dependencies::split_port;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

fn config() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(|b| json!(b)),
        any::<i32>().prop_map(|i| json!(i)),
        "[a-z]{0,3}".prop_map(|s| json!(s)),
        prop::collection::vec(any::<u8>(), 0..3).prop_map(|v| json!(v)),
    ];
    let inner = leaf.prop_recursive(3, 24, 4, |inner| {
        prop::collection::btree_map("[a-d]", inner, 0..4)
            .prop_map(|map| Value::Object(map.into_iter().collect::<Map<_, _>>()))
    });
    prop::collection::btree_map("[a-d]", inner, 0..4)
        .prop_map(|map| Value::Object(map.into_iter().collect::<Map<_, _>>()))
}

fn merged(base: &Value, over: &Value) -> Value {
    let mut result = base.clone();
    merge(&mut result, over);
    result
}

/// Everything that is not a map, with its path.
fn leaves(value: &Value, path: String, found: &mut Vec<(String, Value)>) {
    match value {
        Value::Object(map) => {
            map.iter().for_each(|(key, inner)| leaves(inner, format!("{path}/{key}"), found));
        }
        other => found.push((path, other.clone())),
    }
}

proptest! {
    /// What is laid over is there afterwards, whatever was there before.
    #[test]
    fn the_user_wins(base in config(), over in config()) {
        let result = merged(&base, &over);
        let mut found = Vec::new();
        leaves(&over, String::new(), &mut found);
        for (path, value) in found {
            prop_assert_eq!(result.pointer(&path), Some(&value), "{}", path);
        }
    }

    /// What is not laid over stays.
    #[test]
    fn the_rest_stays(base in config(), over in config()) {
        let result = merged(&base, &over);
        for (key, value) in base.as_object().unwrap() {
            if over.get(key).is_none() {
                prop_assert_eq!(result.get(key), Some(value));
            }
        }
    }

    /// Nothing over it, or it over nothing, or the same again, changes nothing.
    #[test]
    fn neutral_and_idempotent(base in config(), over in config()) {
        prop_assert_eq!(merged(&base, &json!({})), base.clone());
        prop_assert_eq!(merged(&json!({}), &base), base.clone());
        let once = merged(&base, &over);
        prop_assert_eq!(merged(&once, &over), once);
    }

    /// Any text is split, and put together again gives the same address.
    #[test]
    fn an_endpoint_is_split_at_its_port(text in ".{0,12}(:[0-9]{0,6})?") {
        let (host, port) = split_port(&text, 80);
        prop_assert!(text.starts_with(host));
        if host.len() < text.len() {
            prop_assert_eq!(text[host.len() + 1..].parse::<u16>().ok(), Some(port));
        } else {
            prop_assert_eq!(port, 80);
        }
    }
}
