//! What Kubernetes does to objects of its own kinds: defaults, what a write may change, what it refuses.

mod allocate;
mod defaults;
mod pod_template;
mod prepare;
mod validate;

pub(super) use allocate::service as allocate_service;
pub(super) use defaults::fill;
pub(super) use prepare::{created, empty, name_of_generated, reset, updated};
pub(super) use validate::{on_create, on_update};

use serde_json::Value;

/// Sets a field that has no value yet.
fn default(object: &mut Value, field: &str, value: impl Into<Value>) {
    if let Value::Object(map) = object {
        map.entry(field).or_insert_with(|| value.into());
    }
}

/// Items of a list that may be missing.
fn each<'a>(object: &'a mut Value, field: &str) -> impl Iterator<Item = &'a mut Value> {
    object.get_mut(field).and_then(Value::as_array_mut).into_iter().flatten()
}
