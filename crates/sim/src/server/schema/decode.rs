//! What becomes of an object that is read: fields that nobody knows go, zero values take their written form,
//! defaults come.

use serde_json::{Map, Value, json};

use super::{Field, ObjectOf, Scalar, Schema, Zero, quantity};

/// Brings an object into the form in which the server keeps it. Fields that the schema does not have are
/// dropped.
///
/// # Errors
/// The path and the words of the first value that has another type; the rest of the object is decoded all the
/// same.
pub(crate) fn decode(schema: &Schema, value: &mut Value) -> Result<(), String> {
    match (schema, value) {
        (Schema::Any, _) => Ok(()),
        (Schema::Scalar(kind), value) => scalar(*kind, value),
        (Schema::List(list), Value::Array(items)) => {
            let mut first = Ok(());
            for (index, item) in items.iter_mut().enumerate() {
                let decoded = decode(&list.item, item).map_err(|words| format!("[{index}]{words}"));
                first = first.and(decoded);
            }
            first
        }
        (Schema::Object(object), Value::Object(map)) => members(object, map),
        (Schema::List(_), value) => Err(wrong("list", value)),
        (Schema::Object(_), value) => Err(wrong("map", value)),
    }
}

fn members(object: &ObjectOf, map: &mut Map<String, Value>) -> Result<(), String> {
    map.retain(|name, value| object.field(name).is_some() && !(object.builtin && value.is_null()));
    let mut first = Ok(());
    for (name, value) in map.iter_mut().filter(|(_, value)| !value.is_null()) {
        if let Some(schema) = object.field(name) {
            first = first.and(decode(schema, value).map_err(|words| format!(".{name}{words}")));
        }
    }
    map.retain(|name, value| {
        !object.fields.get(name).is_some_and(|field| field.zero == Zero::Left && is_zero(value))
    });
    for (name, field) in object.fields.iter().filter(|(_, field)| field.zero == Zero::Always) {
        if !map.contains_key(name) {
            let mut empty = empty(&field.schema);
            first = first.and(decode(&field.schema, &mut empty));
            map.insert(name.clone(), empty);
        }
    }
    first
}

fn empty(schema: &Schema) -> Value {
    match schema {
        Schema::Object(_) => json!({}),
        _ => json!(0),
    }
}

fn is_zero(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(flag) => !flag,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
    }
}

fn scalar(kind: Scalar, value: &mut Value) -> Result<(), String> {
    if !is_of(kind, value) {
        return Err(wrong("other type", value));
    }
    if kind == Scalar::Quantity {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        *value = quantity::canonical(&text).ok_or_else(|| format!(": bad quantity {text:?}"))?.into();
    }
    Ok(())
}

fn is_of(kind: Scalar, value: &Value) -> bool {
    match value {
        Value::String(_) => matches!(kind, Scalar::Text | Scalar::Free | Scalar::Quantity),
        Value::Number(number) if number.is_f64() => kind != Scalar::Integer && is_number(kind),
        Value::Number(_) => is_number(kind),
        Value::Bool(_) => kind == Scalar::Flag,
        _ => false,
    }
}

fn is_number(kind: Scalar) -> bool {
    !matches!(kind, Scalar::Text | Scalar::Flag)
}

fn wrong(wanted: &str, value: &Value) -> String {
    let found = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "list",
        Value::Object(_) => "map",
    };
    format!(": expected {wanted}, got {found}")
}

/// Fills in the defaults of a custom resource. A null that may not be one is replaced by the default.
pub(crate) fn fill_defaults(schema: &Schema, value: &mut Value) {
    match (schema, value) {
        (Schema::List(list), Value::Array(items)) => {
            for item in items {
                fill_defaults(&list.item, item);
            }
        }
        (Schema::Object(object), Value::Object(map)) => {
            for (name, field) in &object.fields {
                if let Some(default) = &field.default
                    && map.get(name).is_none_or(|value| value.is_null() && !field.nullable)
                {
                    map.insert(name.clone(), default.clone());
                }
            }
            for (name, value) in map.iter_mut() {
                if let Some(schema) = object.field(name) {
                    fill_defaults(schema, value);
                }
            }
        }
        _ => {}
    }
}

/// Drops every null that may not be one and has no default, as it is done to a custom resource that is sent;
/// what an apply leaves is not treated so.
pub(crate) fn drop_nulls(schema: &Schema, value: &mut Value) {
    match (schema, value) {
        (Schema::List(list), Value::Array(items)) => {
            for item in items {
                drop_nulls(&list.item, item);
            }
        }
        (Schema::Object(object), Value::Object(map)) => {
            map.retain(|name, value| {
                let stays = |field: &Field| field.nullable || field.default.is_some();
                !value.is_null() || object.fields.get(name).is_none_or(stays)
            });
            for (name, value) in map.iter_mut() {
                if let Some(schema) = object.field(name) {
                    drop_nulls(schema, value);
                }
            }
        }
        _ => {}
    }
}

/// Whether a custom resource keeps to its schema.
///
/// # Errors
/// The path and the words of the first value that does not.
pub(crate) fn check(schema: &Schema, value: &Value) -> Result<(), String> {
    match (schema, value) {
        (Schema::Any, _) => Ok(()),
        (Schema::Scalar(kind), value) if is_of(*kind, value) => Ok(()),
        (Schema::Scalar(_), value) => Err(wrong("other type", value)),
        (Schema::List(list), Value::Array(items)) => items
            .iter()
            .enumerate()
            .try_for_each(|(at, item)| check(&list.item, item).map_err(|words| format!("[{at}]{words}"))),
        (Schema::Object(object), Value::Object(map)) => {
            if let Some(missing) = object.required.iter().find(|name| !map.contains_key(*name)) {
                return Err(format!(".{missing}: Required value"));
            }
            let nullable = |name: &str| object.fields.get(name).is_some_and(|field| field.nullable);
            for (name, value) in map.iter().filter(|(name, value)| !(value.is_null() && nullable(name))) {
                let of_field = object.fields.get(name).map_or(Ok(()), |field| limits(field, value));
                let of_value = object.field(name).map_or(Ok(()), |schema| check(schema, value));
                of_field.and(of_value).map_err(|words| format!(".{name}{words}"))?;
            }
            Ok(())
        }
        (Schema::List(_), value) => Err(wrong("list", value)),
        (Schema::Object(_), value) => Err(wrong("map", value)),
    }
}

fn limits(field: &Field, value: &Value) -> Result<(), String> {
    let limits = &field.limits;
    let length = value.as_str().map(|text| text.chars().count() as u64);
    let number = value.as_f64();
    let outside = |at: Option<f64>, bound: Option<f64>, low: bool| match (at, bound) {
        (Some(at), Some(bound)) => {
            if low {
                at < bound
            } else {
                at > bound
            }
        }
        _ => false,
    };
    if !limits.values.is_empty() && !limits.values.contains(value) {
        return Err(format!(": Unsupported value: {value}"));
    }
    if outside(number, limits.minimum, true) || outside(number, limits.maximum, false) {
        return Err(format!(": Invalid value: {value}: out of range"));
    }
    let too_short = length.zip(limits.min_length).is_some_and(|(length, least)| length < least);
    let too_long = length.zip(limits.max_length).is_some_and(|(length, most)| length > most);
    if too_short || too_long { Err(format!(": Invalid value: {value}: bad length")) } else { Ok(()) }
}
