//! Takes fields out of an object.

use serde_json::{Map, Value};

use super::fields::{Fields, step_of};
use crate::server::schema::{Merge, Schema};

/// A value without a set of fields. None when nothing is left of it.
pub(super) fn remove(schema: &Schema, value: &Value, set: &Fields) -> Option<Value> {
    match (schema, value) {
        (Schema::Object(object), Value::Object(_)) if object.atomic => None,
        (Schema::Any | Schema::Object(_), Value::Object(map)) => {
            let mut left = Map::new();
            for (name, value) in map {
                let step = format!("f:{name}");
                if set.has(&step) {
                    continue;
                }
                let value = match set.below(&step) {
                    Some(below) => {
                        let field = match schema {
                            Schema::Object(object) => object.field(name).unwrap_or(&Schema::Any),
                            _ => &Schema::Any,
                        };
                        remove(field, value, below).unwrap_or_default()
                    }
                    None => value.clone(),
                };
                left.insert(name.clone(), value);
            }
            (!left.is_empty()).then_some(Value::Object(left))
        }
        (Schema::List(list), Value::Array(items)) => {
            if list.merge == Merge::Atomic {
                return None;
            }
            let mut left = Vec::new();
            for item in items {
                let step = step_of(&list.merge, item).unwrap_or_default();
                if set.has(&step) {
                    continue;
                }
                left.push(match set.below(&step) {
                    Some(below) => remove(&list.item, item, below).unwrap_or_default(),
                    None => item.clone(),
                });
            }
            (!left.is_empty()).then_some(Value::Array(left))
        }
        (Schema::Any, Value::Array(_)) => None,
        _ => Some(value.clone()),
    }
}
