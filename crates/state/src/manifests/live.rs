//! A wanted pod template beside the one that a Deployment has.
//!
//! Pure functions over JSON, so that fields of a newer Kubernetes pass through unchanged. The Deployment controller
//! compares templates to the letter: another order of the same mounts is a new ReplicaSet, and every pod restarts. So
//! what is sent has the order of what is there, and what means the same is sent as it is there.
//!
//! Server-side apply gives a list with keys (environment, mounts, volumes, ports) the order of the object that is
//! applied, leaves fields alone that others have set and it does not name, and refuses a list in which a key comes
//! twice.

mod env;
mod fields;
mod meaning;
mod quantity;

use serde_json::{Map, Value};

use fields::List;

/// The template that leaves a Deployment with exactly the template that it has, if that is what is wanted: nothing of
/// `wanted` is missing in it or different, whatever order, defaults or doublets it has. `None` if something must
/// change.
///
/// What comes twice is not in it: it can't be applied, and stays as its owner has written it.
pub fn unchanged(wanted: &Value, live: &Value) -> Option<Value> {
    meaning::contains(wanted, live, "").then(|| singles(live, ""))
}

/// A live template as it can be applied.
pub fn as_it_is(live: &Value) -> Value {
    singles(live, "")
}

/// What is wanted, in the order of the live template; what is new comes last. Init containers run one after the
/// other, so they keep the order that is wanted, and so do variables that refer to each other.
pub fn in_live_order(wanted: &Value, live: &Value) -> Value {
    ordered(wanted, live, "")
}

fn ordered(wanted: &Value, live: &Value, field: &str) -> Value {
    match (wanted, live) {
        (Value::Object(want), Value::Object(have)) if !fields::is_whole(field) => {
            let member = |(key, value): (&String, &Value)| {
                let value = have.get(key).map_or_else(|| value.clone(), |live| ordered(value, live, key));
                (key.clone(), value)
            };
            Value::Object(want.iter().map(member).collect())
        }
        (Value::Array(want), Value::Array(have)) if let Some(list) = fields::list(field) => {
            Value::Array(items_in_order(want, have, &list, field))
        }
        _ if meaning::contains(wanted, live, field) => live.clone(),
        _ => wanted.clone(),
    }
}

fn items_in_order(want: &[Value], have: &[Value], list: &List, field: &str) -> Vec<Value> {
    let place = |item: &Value| have.iter().rposition(|live| list.key(live) == list.key(item));
    let item = |item: &Value| match place(item) {
        Some(at) => ordered(item, &have[at], ""),
        None => item.clone(),
    };
    let given: Vec<Value> = want.iter().map(item).collect();
    if list.runs_in_order {
        return given;
    }
    let mut sorted = given.clone();
    // Stable: what is new keeps its order among itself.
    sorted.sort_by_key(|item| place(item).unwrap_or(usize::MAX));
    match field {
        "env" if !env::refers_alike(&given, &sorted) => given,
        _ => sorted,
    }
}

/// The value without items whose key comes more than once in their list.
fn singles(value: &Value, field: &str) -> Value {
    match value {
        Value::Object(members) => {
            let kept = members.iter().map(|(key, value)| (key.clone(), singles(value, key)));
            Value::Object(kept.collect::<Map<_, _>>())
        }
        Value::Array(items) if let Some(list) = fields::list(field) => {
            let once = |item: &&Value| items.iter().filter(|i| list.key(i) == list.key(item)).count() == 1;
            Value::Array(items.iter().filter(once).map(|item| singles(item, "")).collect())
        }
        other => other.clone(),
    }
}
