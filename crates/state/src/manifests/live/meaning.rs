//! Whether a part of a template means what another one does.

use serde_json::{Map, Value};

use super::fields::{self, List};
use super::{env, quantity};

/// Everything that is wanted is in the live value and means the same there. What else is there is the API server's
/// default, or somebody else's: applying what is wanted would leave it.
pub fn contains(wanted: &Value, live: &Value, field: &str) -> bool {
    match (wanted, live) {
        (Value::Object(want), Value::Object(have)) if fields::is_plain_map(field) => {
            want.iter().all(|(key, value)| have.get(key) == Some(value))
                && (!fields::is_whole(field) || want.len() == have.len())
        }
        (Value::Object(_), Value::Object(_)) if fields::is_whole(field) => equals(wanted, live, field),
        (Value::Object(want), Value::Object(have)) => want.iter().all(|(key, value)| match have.get(key) {
            Some(live) if fields::has_quantities(field) => quantity::same(value, live),
            Some(live) => contains(value, live, key),
            None => fields::is_nothing(key, value),
        }),
        (Value::Array(want), Value::Array(have)) => match fields::list(field) {
            Some(list) => items_contain(want, have, &list, field),
            None => equals(wanted, live, field),
        },
        _ => same_scalar(wanted, live, field),
    }
}

fn items_contain(want: &[Value], have: &[Value], list: &List, field: &str) -> bool {
    // Of two with the same key the last counts.
    let live_of = |item: &Value| have.iter().rfind(|live| list.key(live) == list.key(item));
    let found = want.iter().all(|item| {
        let Some(live) = live_of(item) else { return false };
        contains(item, live, "") && (field != "env" || env::same_source(item, live))
    });
    found && (field != "env" || env::refers_alike(want, have))
}

/// The same but for defaults: what is replaced as a whole has nothing of others in it.
fn equals(wanted: &Value, live: &Value, field: &str) -> bool {
    match (wanted, live) {
        (Value::Object(want), Value::Object(have)) if fields::is_plain_map(field) => want == have,
        (Value::Object(want), Value::Object(have)) => {
            let left = |from: &Map<String, Value>, other: &Map<String, Value>| {
                from.iter().all(|(key, value)| other.contains_key(key) || fields::is_default(key, value))
            };
            let both =
                |(key, value): (&String, &Value)| have.get(key).is_none_or(|live| equals(value, live, key));
            left(want, have) && left(have, want) && want.iter().all(both)
        }
        (Value::Array(want), Value::Array(have)) if fields::is_set(field) => {
            let within = |some: &[Value], others: &[Value]| {
                some.iter().all(|item| others.iter().any(|other| equals(item, other, "")))
            };
            within(want, have) && within(have, want)
        }
        (Value::Array(want), Value::Array(have)) => {
            want.len() == have.len() && want.iter().zip(have).all(|(want, have)| equals(want, have, ""))
        }
        _ => same_scalar(wanted, live, field),
    }
}

fn same_scalar(wanted: &Value, live: &Value, field: &str) -> bool {
    let nothing = fields::is_nothing(field, wanted) && fields::is_nothing(field, live);
    wanted == live || nothing || (fields::is_quantity(field) && quantity::same(wanted, live))
}
