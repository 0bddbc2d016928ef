//! JSON schemas become structural ones.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::{Field, Limits, ListOf, Merge, ObjectOf, Scalar, Schema, Zero, builtin};

const DEFINITIONS: &str = "#/$defs/";

/// Compiles the definitions of one document, each once.
pub(super) struct Compiler<'a> {
    definitions: Option<&'a Map<String, Value>>,
    done: BTreeMap<String, Arc<Schema>>,
}

impl<'a> Compiler<'a> {
    pub(super) fn new(document: &'a Value) -> Compiler<'a> {
        Compiler { definitions: document.get("$defs").and_then(Value::as_object), done: BTreeMap::new() }
    }

    /// A schema; `name` is that of the definition that it is, if it is one.
    pub(super) fn compile(&mut self, node: &Value, name: Option<&str>) -> Arc<Schema> {
        if let Some(name) = node["$ref"].as_str().and_then(|target| target.strip_prefix(DEFINITIONS)) {
            return self.definition(name);
        }
        if let Some(scalar) = name.and_then(builtin::scalar) {
            return Arc::new(Schema::Scalar(scalar));
        }
        if node["x-kubernetes-int-or-string"] == true {
            return Arc::new(Schema::Scalar(Scalar::Free));
        }
        Arc::new(match kind_of(node) {
            Some("object") => self.object(node, name),
            Some("array") => {
                let item = self.compile(&node["items"], None);
                Schema::List(ListOf { item, merge: merge_of(node) })
            }
            Some("string") => Schema::Scalar(Scalar::Text),
            Some("integer") => Schema::Scalar(Scalar::Integer),
            Some("number") => Schema::Scalar(Scalar::Number),
            Some("boolean") => Schema::Scalar(Scalar::Flag),
            _ => Schema::Any,
        })
    }

    fn definition(&mut self, name: &str) -> Arc<Schema> {
        if let Some(done) = self.done.get(name) {
            return done.clone();
        }
        let Some(node) = self.definitions.and_then(|all| all.get(name)) else { return Arc::new(Schema::Any) };
        let schema = self.compile(node, Some(name));
        self.done.insert(name.to_owned(), schema.clone());
        schema
    }

    fn object(&mut self, node: &Value, name: Option<&str>) -> Schema {
        let properties = node["properties"].as_object();
        let keeps = node["x-kubernetes-preserve-unknown-fields"] == true;
        let rest = match node.get("additionalProperties") {
            Some(Value::Object(_)) => Some(self.compile(&node["additionalProperties"], None)),
            Some(Value::Bool(true)) => Some(Arc::new(Schema::Any)),
            _ => keeps.then(|| Arc::new(Schema::Any)),
        };
        if properties.is_none_or(Map::is_empty) && rest.is_none() {
            // Nothing is said of what it holds.
            return Schema::Any;
        }
        let required: Vec<String> = strings(&node["required"]);
        let mut fields = BTreeMap::new();
        for (field, node) in properties.into_iter().flatten() {
            let schema = self.compile(node, None);
            let schema = match name.and_then(|name| builtin::merge(name, field)) {
                Some(merge) => with_merge(&schema, merge),
                None => match name.is_some_and(|name| builtin::atomic_map(name, field)) {
                    true => as_one_value(&schema),
                    false => schema,
                },
            };
            let zero =
                name.map_or(Zero::Kept, |name| builtin::zero(name, field, &schema, required.contains(field)));
            let field_of = Field {
                schema,
                default: node.get("default").cloned(),
                nullable: node["nullable"] == true,
                limits: limits_of(node),
                zero,
            };
            fields.insert(field.clone(), field_of);
        }
        let atomic = node["x-kubernetes-map-type"] == "atomic" || name.is_some_and(builtin::atomic);
        Schema::Object(ObjectOf { fields, rest, atomic, required, builtin: name.is_some() })
    }
}

/// The one type, where `null` may be a second.
fn kind_of(node: &Value) -> Option<&str> {
    match &node["type"] {
        Value::String(name) => Some(name),
        Value::Array(names) => names.iter().filter_map(Value::as_str).find(|name| *name != "null"),
        _ => None,
    }
}

fn strings(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn merge_of(node: &Value) -> Merge {
    match node["x-kubernetes-list-type"].as_str() {
        Some("map") => {
            let keys = strings(&node["x-kubernetes-list-map-keys"]);
            let default = |key: &str| node["items"]["properties"][key].get("default").cloned();
            Merge::Keys(keys.into_iter().map(|key| (key.clone(), default(&key))).collect())
        }
        Some("set") => Merge::Set,
        _ => Merge::Atomic,
    }
}

fn with_merge(schema: &Arc<Schema>, merge: Merge) -> Arc<Schema> {
    match &**schema {
        Schema::List(list) => Arc::new(Schema::List(ListOf { item: list.item.clone(), merge })),
        _ => schema.clone(),
    }
}

fn as_one_value(schema: &Arc<Schema>) -> Arc<Schema> {
    match &**schema {
        Schema::Object(map) => {
            Arc::new(Schema::Object(ObjectOf { rest: map.rest.clone(), atomic: true, ..ObjectOf::default() }))
        }
        _ => schema.clone(),
    }
}

fn limits_of(node: &Value) -> Limits {
    Limits {
        values: node["enum"].as_array().cloned().unwrap_or_default(),
        minimum: node["minimum"].as_f64(),
        maximum: node["maximum"].as_f64(),
        min_length: node["minLength"].as_u64(),
        max_length: node["maxLength"].as_u64(),
    }
}
