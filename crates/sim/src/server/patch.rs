//! JSON merge patches and lists of JSON patch operations.

use serde_json::{Map, Value};

use super::answer::Failure;

/// Lays a merge patch over a value: null removes.
pub(super) fn merge(value: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *value = patch.clone();
        return;
    };
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    let Value::Object(fields) = value else { return };
    for (name, change) in patch {
        if change.is_null() {
            fields.remove(name);
        } else {
            merge(fields.entry(name.clone()).or_insert(Value::Null), change);
        }
    }
}

/// Runs a list of operations.
///
/// # Errors
/// 400 for what is no list of operations, 422 for an operation that can't be done.
pub(super) fn operations(value: &mut Value, patch: &Value) -> Result<(), Failure> {
    let Value::Array(operations) = patch else { return Err(Failure::bad_request("the patch is no list")) };
    for operation in operations {
        let text = |field: &str| operation[field].as_str().unwrap_or_default();
        let path = text("path");
        let done = match text("op") {
            "add" => add(value, path, operation["value"].clone()),
            "remove" => take(value, path).map(drop),
            "replace" => replace(value, path, operation["value"].clone()),
            "test" => value.pointer(path).filter(|found| **found == operation["value"]).map(drop),
            "copy" => value.pointer(text("from")).cloned().and_then(|copy| add(value, path, copy)),
            "move" => take(value, text("from")).and_then(|moved| add(value, path, moved)),
            other => return Err(Failure::bad_request(format!("Unexpected kind: {other}"))),
        };
        done.ok_or_else(|| {
            Failure::new(422, "Invalid", format!("the server rejected our request: {operation}"))
        })?;
    }
    Ok(())
}

/// The parent of a path, and the last step.
fn parent<'a>(value: &'a mut Value, path: &str) -> Option<(&'a mut Value, String)> {
    let (parent, last) = path.rsplit_once('/')?;
    Some((value.pointer_mut(parent)?, last.replace("~1", "/").replace("~0", "~")))
}

fn add(value: &mut Value, path: &str, new: Value) -> Option<()> {
    match parent(value, path)? {
        (Value::Object(fields), name) => _ = fields.insert(name, new),
        (Value::Array(items), at) if at == "-" => items.push(new),
        (Value::Array(items), at) => {
            let at = at.parse().ok().filter(|at| *at <= items.len())?;
            items.insert(at, new);
        }
        _ => return None,
    }
    Some(())
}

/// Sets a field whether it is there or not, as the API server does, or an item that is there.
fn replace(value: &mut Value, path: &str, new: Value) -> Option<()> {
    match parent(value, path)? {
        (Value::Object(fields), name) => _ = fields.insert(name, new),
        (Value::Array(items), at) => *items.get_mut(at.parse::<usize>().ok()?)? = new,
        _ => return None,
    }
    Some(())
}

fn take(value: &mut Value, path: &str) -> Option<Value> {
    match parent(value, path)? {
        (Value::Object(fields), name) => fields.remove(&name),
        (Value::Array(items), at) => {
            let at = at.parse().ok().filter(|at| *at < items.len())?;
            Some(items.remove(at))
        }
        _ => None,
    }
}
