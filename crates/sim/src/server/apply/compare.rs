//! Which fields an object has, and which differ between two.

use std::collections::BTreeSet;

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
    collect(schema, value, &mut Vec::new(), &mut fields);
    fields
}

fn collect(schema: &Schema, value: &Value, path: &mut Vec<String>, out: &mut Fields) {
    match (schema, value) {
        (Schema::Any, Value::Object(map)) => {
            for (name, value) in map {
                path.push(format!("f:{name}"));
                collect(schema, value, path, out);
                out.insert(path);
                path.pop();
            }
        }
        (Schema::Object(object), _) if object.atomic => out.insert(path),
        (Schema::Object(object), Value::Object(map)) => {
            for (name, value) in map {
                path.push(format!("f:{name}"));
                collect(object.field(name).unwrap_or(&Schema::Any), value, path, out);
                let empty = value.is_null() || value.as_object().is_some_and(serde_json::Map::is_empty);
                if empty || !object.fields.contains_key(name) {
                    out.insert(path);
                }
                path.pop();
            }
        }
        (Schema::List(list), _) if list.merge == Merge::Atomic => out.insert(path),
        (Schema::List(list), Value::Array(items)) => collect_items(list, items, path, out),
        (Schema::Object(_) | Schema::List(_), _) => {}
        (Schema::Any | Schema::Scalar(_), _) => out.insert(path),
    }
}

fn collect_items(list: &ListOf, items: &[Value], path: &mut Vec<String>, out: &mut Fields) {
    let (mut seen, mut twice) = (BTreeSet::new(), BTreeSet::new());
    for step in items.iter().filter_map(|item| step_of(&list.merge, item)) {
        if !seen.insert(step.clone()) {
            twice.insert(step);
        }
    }
    for item in items {
        let Some(step) = step_of(&list.merge, item) else { continue };
        let only = !twice.contains(&step);
        path.push(step);
        if only {
            collect(&list.item, item, path, out);
        }
        out.insert(path);
        path.pop();
    }
}

/// Compares two values of which one may be missing.
pub(super) fn compare(
    schema: &Schema,
    old: Option<&Value>,
    new: Option<&Value>,
    path: &mut Vec<String>,
    out: &mut Comparison,
) {
    let is_map = |value: Option<&Value>| value.is_none_or(Value::is_object);
    let holds = !is_empty(old) || !is_empty(new);
    let descends = holds
        && match schema {
            Schema::Any => is_map(old) && is_map(new),
            Schema::Object(object) => !object.atomic,
            Schema::List(list) => list.merge != Merge::Atomic,
            Schema::Scalar(_) => false,
        };
    match schema {
        _ if !descends => {
            if let (Some(old), Some(new)) = (old, new) {
                if old != new {
                    out.modified.insert(path);
                }
                return;
            }
        }
        Schema::List(list) => compare_items(list, items(old), items(new), path, out),
        _ => compare_members(schema, old, new, path, out),
    }
    match (old, new) {
        (None, Some(_)) => out.added.insert(path),
        (Some(_), None) => out.removed.insert(path),
        _ => {}
    }
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

fn compare_members(
    schema: &Schema,
    old: Option<&Value>,
    new: Option<&Value>,
    path: &mut Vec<String>,
    out: &mut Comparison,
) {
    let maps = [old, new].map(|value| value.and_then(Value::as_object));
    let names: BTreeSet<&String> = maps.iter().flatten().flat_map(|map| map.keys()).collect();
    for name in names {
        let field = match schema {
            Schema::Object(object) => object.field(name).unwrap_or(&Schema::Any),
            _ => &Schema::Any,
        };
        let [old, new] = maps.map(|map| map.and_then(|map| map.get(name)));
        path.push(format!("f:{name}"));
        compare(field, old, new, path, out);
        path.pop();
    }
}

fn compare_items(list: &ListOf, old: &[Value], new: &[Value], path: &mut Vec<String>, out: &mut Comparison) {
    let of = |items: &'_ [Value], step: &str| -> Vec<Value> {
        let same = |item: &&Value| step_of(&list.merge, item).as_deref() == Some(step);
        items.iter().filter(same).cloned().collect()
    };
    let steps: BTreeSet<String> =
        old.iter().chain(new).filter_map(|item| step_of(&list.merge, item)).collect();
    for step in steps {
        let (old, new) = (of(old, &step), of(new, &step));
        path.push(step);
        match (&old[..], &new[..]) {
            ([] | [_], [] | [_]) => compare(&list.item, old.first(), new.first(), path, out),
            ([_, _, ..], [_, _, ..]) => {
                if old != new {
                    out.modified.insert(path);
                }
            }
            ([_, _, ..], _) => {
                if let Some(new) = new.first() {
                    compare(&list.item, None, Some(new), path, out);
                }
                out.removed.insert(path);
            }
            _ => {
                if let Some(old) = old.first() {
                    compare(&list.item, Some(old), None, path, out);
                }
                out.added.insert(path);
            }
        }
        path.pop();
    }
}
