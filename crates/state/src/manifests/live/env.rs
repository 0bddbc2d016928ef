//! What is particular about environment variables.

use serde_json::Value;

/// Both get their value in the same way. A variable without any is empty, whatever the live one has.
pub fn same_source(wanted: &Value, live: &Value) -> bool {
    let has = |variable: &Value, field: &str| match variable.get(field) {
        None | Some(Value::Null) => false,
        Some(Value::String(text)) => !text.is_empty(),
        Some(_) => true,
    };
    ["value", "valueFrom"].iter().all(|field| has(wanted, field) == has(live, field))
}

/// `$(NAME)` stands for a variable that comes earlier in the list: each reference of the first list that finds its
/// variable finds it in the second too, and the other way round.
pub fn refers_alike(first: &[Value], second: &[Value]) -> bool {
    let references = first.iter().flat_map(|variable| {
        let value = variable["value"].as_str().unwrap_or_default();
        let names = value.split("$(").skip(1).filter_map(|rest| rest.split_once(')'));
        names.map(|(name, _)| (variable["name"].as_str().unwrap_or_default(), name))
    });
    let mut references = references.filter(|(_, name)| first.iter().any(|v| v["name"] == *name));
    references.all(|(from, to)| before(first, to, from) == before(second, to, from))
}

fn before(list: &[Value], one: &str, other: &str) -> bool {
    let at = |name: &str| list.iter().rposition(|variable| variable["name"] == name);
    at(one) < at(other)
}
