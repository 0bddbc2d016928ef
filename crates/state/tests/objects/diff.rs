//! How two sets of objects differ, line by line: `OBJECT path: before → after`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// All differences, in the order of objects and paths.
pub fn differences(before: &BTreeMap<String, Value>, after: &BTreeMap<String, Value>) -> Vec<String> {
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let mut lines = Vec::new();
    for name in names {
        match (before.get(name), after.get(name)) {
            (Some(_), None) => lines.push(format!("- {name}")),
            (None, Some(object)) => {
                lines.push(format!("+ {name}"));
                let yaml = serde_saphyr::to_string(object).unwrap();
                lines.extend(yaml.lines().map(|line| format!("    {line}")));
            }
            (Some(old), Some(new)) => {
                let found = difference(old, new);
                if !found.is_empty() {
                    lines.push(format!("~ {name}"));
                    lines.extend(found);
                }
            }
            (None, None) => {}
        }
    }
    lines
}

/// The differences of two values: `PATH: before → after`.
pub fn difference(before: &Value, after: &Value) -> Vec<String> {
    let mut found = Vec::new();
    walk(before, after, "", &mut found);
    found
}

fn walk(old: &Value, new: &Value, path: &str, found: &mut Vec<String>) {
    match (old, new) {
        (Value::Object(a), Value::Object(b)) => {
            let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            for key in keys {
                let inner = format!("{path}.{key}");
                walk(a.get(key).unwrap_or(&Value::Null), b.get(key).unwrap_or(&Value::Null), &inner, found);
            }
        }
        (Value::Array(a), Value::Array(b)) if named(a) && named(b) => {
            walk(&by_name(a), &by_name(b), path, found);
            let order = |list: &[Value]| list.iter().map(|v| v["name"].to_string()).collect::<Vec<_>>();
            let common = |list: &[Value], other: &[Value]| {
                let other = order(other);
                order(list).into_iter().filter(|n| other.contains(n)).collect::<Vec<_>>()
            };
            if common(a, b) != common(b, a) {
                found.push(format!(
                    "    {}: order {} → {}",
                    &path[1..],
                    order(a).join(","),
                    order(b).join(",")
                ));
            }
        }
        _ if old == new => {}
        (old, new) => found.push(format!("    {}: {} → {}", &path[1..], text(old), text(new))),
    }
}

/// A list whose items have distinct names.
fn named(list: &[Value]) -> bool {
    let names: BTreeSet<Option<&str>> = list.iter().map(|v| v.get("name").and_then(Value::as_str)).collect();
    !names.contains(&None) && names.len() == list.len()
}

fn by_name(list: &[Value]) -> Value {
    let pairs = list.iter().map(|v| (format!("[{}]", v["name"].as_str().unwrap()), v.clone()));
    Value::Object(pairs.collect())
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        other => other.to_string(),
    }
}
