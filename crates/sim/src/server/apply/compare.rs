//! Which fields an object has, and which differ between two.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::fields::{Fields, step_of};
use crate::server::schema::{ListOf, Merge, Schema};

/// What differs between two objects.
#[derive(Debug, Default)]
pub(super) struct Comparison {
    pub(super) added: Fields,
    pub(super) modified: Fields,
    pub(super) removed: Fields,
}

/// Every field of an object.
pub(super) fn fields_of(schema: &Schema, value: &Value) -> Fields {
    let mut fields = Fields::default();
    match (schema, value) {
        (Schema::Object(object), _) if object.atomic => {}
        (Schema::Any | Schema::Object(_), Value::Object(map)) => {
            for (name, value) in map {
                let field = field_of(schema, name);
                let known = matches!(schema, Schema::Object(object) if object.fields.contains_key(name));
                let empty = value.is_null() || value.as_object().is_some_and(serde_json::Map::is_empty);
                let member = !known || empty || is_leaf(field, value);
                fields.put(format!("f:{name}"), member, fields_of(field, value));
            }
        }
        (Schema::List(list), Value::Array(items)) if list.merge != Merge::Atomic => {
            let step = |item| Some((step_of(&list.merge, item)?, item));
            let steps: Vec<(String, &Value)> = items.iter().filter_map(step).collect();
            for (step, item) in &steps {
                let only = steps.iter().filter(|(other, _)| other == step).count() == 1;
                let below = if only { fields_of(&list.item, item) } else { Fields::default() };
                fields.put(step.clone(), true, below);
            }
        }
        _ => {}
    }
    fields
}

/// Whether a value is owned as one.
fn is_leaf(schema: &Schema, value: &Value) -> bool {
    match schema {
        Schema::Any => !value.is_object(),
        Schema::Scalar(_) => true,
        Schema::Object(object) => object.atomic,
        Schema::List(list) => list.merge == Merge::Atomic,
    }
}

fn field_of<'a>(schema: &'a Schema, name: &str) -> &'a Schema {
    match schema {
        Schema::Object(object) => object.field(name).unwrap_or(&Schema::Any),
        _ => &Schema::Any,
    }
}

/// How a path differs by itself.
#[derive(Clone, Copy)]
enum Change {
    Added,
    Modified,
    Removed,
}

impl Comparison {
    /// Adds what differs at a step.
    fn put(&mut self, step: &str, (own, below): (Option<Change>, Comparison)) {
        let member = |change: fn(&Change) -> bool| own.as_ref().is_some_and(change);
        for (fields, member, below) in [
            (&mut self.added, member(|own| matches!(own, Change::Added)), below.added),
            (&mut self.modified, member(|own| matches!(own, Change::Modified)), below.modified),
            (&mut self.removed, member(|own| matches!(own, Change::Removed)), below.removed),
        ] {
            if member || !below.is_empty() {
                fields.put(step.to_owned(), member, below);
            }
        }
    }
}

/// What differs between two objects.
pub(super) fn compare(schema: &Schema, old: &Value, new: &Value) -> Comparison {
    differs(schema, Some(old), Some(new)).1
}

/// What differs between two values of which one may be missing: the value itself, and what is below it.
fn differs(schema: &Schema, old: Option<&Value>, new: Option<&Value>) -> (Option<Change>, Comparison) {
    let mut below = Comparison::default();
    if old == new {
        return (None, below);
    }
    let is_map = |value: Option<&Value>| value.is_none_or(Value::is_object);
    let holds = !is_empty(old) || !is_empty(new);
    let descends = holds
        && match schema {
            Schema::Any => is_map(old) && is_map(new),
            Schema::Object(object) => !object.atomic,
            Schema::List(list) => list.merge != Merge::Atomic,
            Schema::Scalar(_) => false,
        };
    let own = match (old, new) {
        (None, _) => Some(Change::Added),
        (_, None) => Some(Change::Removed),
        _ => (!descends).then_some(Change::Modified),
    };
    match schema {
        _ if !descends => {}
        Schema::List(list) => compare_items(list, items(old), items(new), &mut below),
        _ => compare_members(schema, old, new, &mut below),
    }
    (own, below)
}

/// Whether a value is missing, null, or holds nothing.
fn is_empty(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => true,
        Some(Value::Array(items)) => items.is_empty(),
        Some(Value::Object(map)) => map.is_empty(),
        Some(_) => false,
    }
}

fn items(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn compare_members(schema: &Schema, old: Option<&Value>, new: Option<&Value>, out: &mut Comparison) {
    let maps = [old, new].map(|value| value.and_then(Value::as_object));
    let names: BTreeSet<&String> = maps.iter().flatten().flat_map(|map| map.keys()).collect();
    for name in names {
        let [old, new] = maps.map(|map| map.and_then(|map| map.get(name)));
        if old != new {
            out.put(&format!("f:{name}"), differs(field_of(schema, name), old, new));
        }
    }
}

fn compare_items(list: &ListOf, old: &[Value], new: &[Value], out: &mut Comparison) {
    let mut steps: BTreeMap<String, [Vec<&Value>; 2]> = BTreeMap::new();
    for (side, items) in [old, new].into_iter().enumerate() {
        for item in items {
            if let Some(step) = step_of(&list.merge, item) {
                steps.entry(step).or_default()[side].push(item);
            }
        }
    }
    for (step, [old, new]) in &steps {
        // Items that are there twice are compared as one value.
        match (&old[..], &new[..]) {
            ([] | [_], [] | [_]) => {
                out.put(step, differs(&list.item, old.first().copied(), new.first().copied()));
            }
            ([_, _, ..], [_, _, ..]) => {
                let own = (old != new).then_some(Change::Modified);
                out.put(step, (own, Comparison::default()));
            }
            ([_, _, ..], new) => {
                if let Some(new) = new.first().copied() {
                    out.put(step, differs(&list.item, None, Some(new)));
                }
                out.put(step, (Some(Change::Removed), Comparison::default()));
            }
            (old, _) => {
                if let Some(old) = old.first().copied() {
                    out.put(step, differs(&list.item, Some(old), None));
                }
                out.put(step, (Some(Change::Added), Comparison::default()));
            }
        }
    }
}
