//! Objects without what differs from one namespace to the next, and where two of them differ.

use std::collections::BTreeSet;

use kube::api::DynamicObject;
use serde_json::{Map, Value, json};

/// The objects' counters, and a hash over parts of which the slot is one.
const COUNTERS: [&str; 3] =
    ["deployment.kubernetes.io/revision", "milvus.io/generation", "milvus.io/rendered-spec-hash"];

/// What a user reads off a Milvus.
pub fn milvus(raw: &Value, namespace: &str) -> Value {
    let (meta, status) = (&raw["metadata"], &raw["status"]);
    let seen = json!({
        "finalizers": meta["finalizers"],
        "state": status["status"],
        "endpoint": status["endpoint"],
        "resolved": status["resolved"],
    });
    anywhere(&seen, namespace)
}

/// An object without identities, counters, what the cluster assigns, and which slot is the current one; and its name.
pub fn object(kind: &str, object: &DynamicObject, namespace: &str) -> (String, Value) {
    let mut name = object.metadata.name.clone().unwrap();
    let mut value = anywhere(&serde_json::to_value(object).unwrap(), namespace);
    value["metadata"] = metadata(&value["metadata"]);
    for part in ["status", "apiVersion", "kind"] {
        value.as_object_mut().unwrap().remove(part);
    }
    if kind == "Service" {
        assigned(&mut value["spec"]);
    }
    let slot = name.strip_suffix("-0").or_else(|| name.strip_suffix("-1"));
    if let Some(component) = slot.filter(|_| kind == "Deployment") {
        let current = value["spec"]["replicas"] != 0;
        name = format!("{component}-{}", if current { "current" } else { "empty" });
        without_slot(&mut value);
        if !current {
            // It keeps the template that it had last, and nothing runs it.
            value = json!({ "replicas": 0 });
        }
    }
    (name, value)
}

fn metadata(meta: &Value) -> Value {
    let owners = meta["ownerReferences"].as_array().into_iter().flatten();
    let owners: Vec<Value> = owners.map(|owner| json!([owner["kind"], owner["name"]])).collect();
    let mut annotations = meta["annotations"].as_object().cloned().unwrap_or_default();
    annotations.retain(|key, _| !COUNTERS.contains(&key.as_str()));
    json!({ "labels": meta["labels"], "annotations": annotations, "owners": owners })
}

/// Addresses and node ports are the cluster's.
fn assigned(spec: &mut Value) {
    let spec = spec.as_object_mut().unwrap();
    spec.retain(|key, _| key != "clusterIP" && key != "clusterIPs");
    for port in spec["ports"].as_array_mut().unwrap() {
        port.as_object_mut().unwrap().remove("nodePort");
    }
}

fn anywhere(value: &Value, namespace: &str) -> Value {
    serde_json::from_str(&value.to_string().replace(namespace, "NAMESPACE")).unwrap()
}

fn without_slot(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|key, _| !key.ends_with("group-id"));
            map.values_mut().for_each(without_slot);
        }
        Value::Array(list) => list.iter_mut().for_each(without_slot),
        _ => {}
    }
}

/// Where two values differ, as lines.
pub fn differences(path: &str, became: &Value, created: &Value) -> Vec<String> {
    match (became, created) {
        (Value::Object(a), Value::Object(b)) => {
            let of = |map: &Map<String, Value>, key: &str| map.get(key).cloned().unwrap_or(Value::Null);
            let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            let below = |key: &String| differences(&format!("{path}/{key}"), &of(a, key), &of(b, key));
            keys.into_iter().flat_map(below).collect()
        }
        (became, created) if became != created => {
            vec![format!("{path}: became {became}, created as {created}")]
        }
        _ => Vec::new(),
    }
}
