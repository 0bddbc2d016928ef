//! What is applied, laid over what is there.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::fields::step_of;
use crate::server::schema::{ListOf, Merge, Scalar, Schema};

/// Whether an applied object fits its schema. Nothing is dropped silently here.
///
/// # Errors
/// The path and the words of the first misfit.
pub(super) fn fits(schema: &Schema, value: &Value) -> Result<(), String> {
    match (schema, value) {
        (_, Value::Null)
        | (Schema::Any, _)
        | (Schema::Scalar(Scalar::Free | Scalar::Quantity | Scalar::Text), Value::String(_))
        | (Schema::Scalar(Scalar::Flag), Value::Bool(_))
        | (
            Schema::Scalar(Scalar::Free | Scalar::Quantity | Scalar::Integer | Scalar::Number),
            Value::Number(_),
        ) => Ok(()),
        (Schema::Object(object), Value::Object(map)) => map.iter().try_for_each(|(name, value)| {
            let field = object.field(name).ok_or_else(|| format!(".{name}: field not declared in schema"))?;
            fits(field, value).map_err(|words| format!(".{name}{words}"))
        }),
        (Schema::List(list), Value::Array(items)) => items_fit(list, items),
        (Schema::Scalar(Scalar::Integer | Scalar::Number), _) => {
            Err(format!(": expected numeric (int or float), got {value}"))
        }
        _ => Err(format!(": got another type: {value}")),
    }
}

fn items_fit(list: &ListOf, items: &[Value]) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    for (index, item) in items.iter().enumerate() {
        if list.merge != Merge::Atomic {
            let step = step_of(&list.merge, item)
                .ok_or_else(|| format!(": element {index}: associative list without its keys"))?;
            if !seen.insert(step.clone()) {
                return Err(format!(": duplicate entries for key [{step}]"));
            }
        }
        fits(&list.item, item).map_err(|words| format!("[{index}]{words}"))?;
    }
    Ok(())
}

/// Merges two values of which one may be missing. None when nothing is left.
pub(super) fn merge(schema: &Schema, live: Option<&Value>, applied: Option<&Value>) -> Option<Value> {
    let is_map = |value: Option<&Value>| value.is_none_or(Value::is_object);
    let holds = |value: Option<&Value>| match value {
        Some(Value::Array(items)) => !items.is_empty(),
        Some(Value::Object(map)) => !map.is_empty(),
        _ => false,
    };
    let descends = (holds(live) || holds(applied))
        && match schema {
            Schema::Any => is_map(live) && is_map(applied),
            Schema::Object(object) => !object.atomic,
            Schema::List(list) => list.merge != Merge::Atomic,
            Schema::Scalar(_) => false,
        };
    if !descends {
        return applied.or(live).cloned();
    }
    if let Schema::List(list) = schema {
        return merge_items(list, array(live), array(applied));
    }
    let maps = [live, applied].map(|value| value.and_then(Value::as_object));
    let names: BTreeSet<&String> = maps.iter().flatten().flat_map(|map| map.keys()).collect();
    let mut merged = Map::new();
    for name in names {
        let field = match schema {
            Schema::Object(object) => object.field(name).unwrap_or(&Schema::Any),
            _ => &Schema::Any,
        };
        let [live, applied] = maps.map(|map| map.and_then(|map| map.get(name)));
        if let Some(value) = merge(field, live, applied) {
            merged.insert(name.clone(), value);
        }
    }
    (!merged.is_empty()).then_some(Value::Object(merged))
}

fn array(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Items in an order that keeps both orders as far as they agree, and else that of what is applied.
fn merge_items(list: &ListOf, live: &[Value], applied: &[Value]) -> Option<Value> {
    let steps = |items: &[Value]| -> Vec<String> {
        items.iter().map(|item| step_of(&list.merge, item).unwrap_or_default()).collect()
    };
    let (live_steps, applied_steps) = (steps(live), steps(applied));
    // Of a step that is there twice nothing is merged.
    let mut before: BTreeMap<&str, Option<&Value>> = BTreeMap::new();
    for (step, item) in live_steps.iter().zip(live) {
        before.entry(step).and_modify(|known| *known = None).or_insert(Some(item));
    }
    let after: BTreeMap<&str, &Value> = applied_steps.iter().map(String::as_str).zip(applied).collect();
    let mut shared = applied_steps.iter().filter(|step| before.contains_key(step.as_str()));
    let mut next_shared = shared.next();
    let (mut merged, mut done) = (Vec::new(), BTreeSet::new());
    let both = |step: &str| merge(&list.item, before.get(step).copied().flatten(), after.get(step).copied());
    let (mut l, mut a) = (0, 0);
    while l < live.len() || a < applied.len() {
        if l < live.len() && a < applied.len() {
            let step = &live_steps[l];
            if *step == applied_steps[a] {
                done.insert(step.as_str());
                merged.extend(both(step));
                (l, a) = (l + 1, a + 1);
                next_shared = shared.next();
                continue;
            }
            if after.contains_key(step.as_str()) && next_shared.is_some_and(|next| next != step) {
                l += 1;
                continue;
            }
        }
        if l < live.len() {
            let step = &live_steps[l];
            if !after.contains_key(step.as_str()) {
                merged.push(live[l].clone());
                l += 1;
                continue;
            }
            if done.contains(step.as_str()) {
                l += 1;
            }
        }
        if a < applied.len() {
            let step = &applied_steps[a];
            done.insert(step);
            merged.extend(both(step));
            a += 1;
            if next_shared == Some(step) {
                next_shared = shared.next();
            }
        }
    }
    (!merged.is_empty()).then_some(Value::Array(merged))
}
