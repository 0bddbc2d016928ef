//! What is wrong with every derived schema, and what Kubernetes' own types are missing.

use serde_json::{Map, Value, json};

/// Kubernetes' own rule for quantities, as its other generators write it.
const QUANTITY_PATTERN: &str = r"^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$";

/// Objects that Kubernetes replaces as a whole when they are applied.
const ATOMIC_OBJECTS: &[&str] = &[
    "configMapKeyRef",
    "secretKeyRef",
    "fieldRef",
    "resourceFieldRef",
    "labelSelector",
    "namespaceSelector",
    "nodeSelectorTerms",
    "preference",
    "imagePullSecrets",
];

/// References whose `name` may be absent, which then is the empty name.
const NAMED_REFERENCES: &[&str] = &["configMapKeyRef", "secretKeyRef", "imagePullSecrets"];

/// Puts a derived schema right, with everything below it.
pub(super) fn tidy(schema: &mut Value) {
    tidy_node("", schema);
}

/// `field` is the name under which the schema stands; items and values of a map have the name of their list or map.
fn tidy_node(field: &str, schema: &mut Value) {
    let Some(node) = schema.as_object_mut() else { return };
    strip_derived(node);
    mark_free_form(field, node);
    complete_kubernetes_types(field, node);

    if let Some(properties) = node.get_mut("properties").and_then(Value::as_object_mut) {
        for (name, property) in properties {
            tidy_node(name, property);
        }
    }
    for nested in ["items", "additionalProperties"] {
        if let Some(schema) = node.get_mut(nested) {
            tidy_node(field, schema);
        }
    }
}

/// Removes what only says how the Rust type is declared, and puts a description into one line.
fn strip_derived(node: &mut Map<String, Value>) {
    node.remove("title");
    node.remove("nullable");
    if node.get("default").is_some_and(says_nothing) {
        node.remove("default");
    }
    for bound in ["minimum", "maximum"] {
        if let Some(whole) = node.get(bound).and_then(Value::as_f64).and_then(whole_number) {
            node.insert(bound.to_owned(), whole.into());
        }
    }
    if let Some(Value::String(description)) = node.get_mut("description") {
        *description = description.split_whitespace().collect::<Vec<_>>().join(" ");
    }
}

/// A default that changes nothing where the field is absent. None of the types has a list or object as default that
/// does.
fn says_nothing(default: &Value) -> bool {
    match default {
        Value::Null | Value::Array(_) | Value::Object(_) => true,
        Value::String(text) => text.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// The definition holds bounds as floating point; upstream's are whole numbers.
fn whole_number(number: f64) -> Option<i64> {
    format!("{number:.0}").parse().ok()
}

/// Free objects may be null, as upstream's may, except Milvus' configuration.
fn mark_free_form(field: &str, node: &mut Map<String, Value>) {
    let free = node.get("x-kubernetes-preserve-unknown-fields") == Some(&Value::Bool(true));
    let object = node.get("type").is_some_and(|kind| kind == "object");
    if free && object && field != "config" {
        node.insert("nullable".to_owned(), true.into());
    }
}

/// Markers that Kubernetes' own types have and that the library leaves out.
fn complete_kubernetes_types(field: &str, node: &mut Map<String, Value>) {
    let quantity = matches!(field, "limits" | "requests" | "divisor");
    if quantity && node.contains_key("x-kubernetes-int-or-string") {
        node.insert("pattern".to_owned(), QUANTITY_PATTERN.into());
    }

    let object = node.get("type").is_some_and(|kind| kind == "object") && node.contains_key("properties");
    // The one below node affinity is an object; those below pod affinity are lists of another type.
    let node_selector =
        node.get("properties").is_some_and(|fields| fields.get("nodeSelectorTerms").is_some());
    if object && (ATOMIC_OBJECTS.contains(&field) || node_selector) {
        node.insert("x-kubernetes-map-type".to_owned(), "atomic".into());
    }
    if object && NAMED_REFERENCES.contains(&field) {
        name_may_be_absent(node);
    }
    if field == "claims" && node.contains_key("items") {
        node.insert("x-kubernetes-list-type".to_owned(), "map".into());
        node.insert("x-kubernetes-list-map-keys".to_owned(), json!(["name"]));
    }
}

fn name_may_be_absent(node: &mut Map<String, Value>) {
    if let Some(required) = node.get_mut("required").and_then(Value::as_array_mut) {
        required.retain(|name| name != "name");
        if required.is_empty() {
            node.remove("required");
        }
    }
    if let Some(name) = node.get_mut("properties").and_then(|properties| properties.get_mut("name")) {
        *name = json!({ "type": "string", "default": "" });
    }
}
