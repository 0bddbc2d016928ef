//! Small questions to an object, and the failures that name it.

use serde_json::{Value, json};

use super::{answer::Failure, kinds::Kind, target::Target};

/// 404 for a path that the API does not have.
pub(super) fn no_such_path() -> Failure {
    Failure::new(404, "NotFound", "the server could not find the requested resource")
}

pub(super) fn text<'a>(object: &'a Value, field: &str) -> &'a str {
    object[field].as_str().unwrap_or_default()
}

/// Whether a value holds nothing.
pub(super) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(map) => map.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

/// An object without its `managedFields`, which nobody owns.
pub(super) fn without_owners(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(metadata) = object["metadata"].as_object_mut() {
        metadata.remove("managedFields");
    }
    object
}

pub(super) fn misfit(kind: Kind, object: &Value, words: &str) -> Failure {
    let name = text(&object["metadata"], "name");
    match kind.info().custom {
        true => invalid(kind, name, words),
        false => Failure::bad_request(format!(
            "{} in version {:?} cannot be handled: {words}",
            kind.info().kind,
            kind.info().version
        )),
    }
}

/// 422 for an object.
pub(super) fn invalid(kind: Kind, name: &str, words: &str) -> Failure {
    let of = kind.info();
    let resource = if of.group.is_empty() { of.kind.to_owned() } else { format!("{}.{}", of.kind, of.group) };
    Failure::new(422, "Invalid", format!("{resource} \"{name}\" is invalid: {words}"))
}

pub(super) fn uid_differs(target: Target<'_>, wanted: &str, found: &str) -> Failure {
    let (resource, name) = (target.kind.resource(), target.name);
    Failure::conflict(format!(
        "Operation cannot be fulfilled on {resource} \"{name}\": Precondition failed: UID in precondition: {wanted}, UID in \
         object meta: {found}"
    ))
}

/// Puts an object into the namespace of its path.
pub(super) fn place(kind: Kind, namespace: &str, object: &mut Value) -> Result<(), Failure> {
    let metadata = &mut object["metadata"];
    let given = text(metadata, "namespace").to_owned();
    if !kind.info().namespaced {
        return Ok(());
    }
    if given.is_empty() {
        metadata["namespace"] = namespace.into();
    } else if given != namespace {
        return Err(Failure::bad_request(
            "the namespace of the provided object does not match the namespace sent on the request",
        ));
    }
    Ok(())
}

pub(super) fn same_name(target: Target<'_>, object: &Value) -> Result<(), Failure> {
    let name = text(&object["metadata"], "name");
    if name == target.name {
        return Ok(());
    }
    Err(Failure::bad_request(format!(
        "the name of the object ({name}) does not match the name on the URL ({})",
        target.name
    )))
}

/// The scale of an object.
pub(super) fn scale_of(object: &Value) -> Value {
    let metadata = &object["metadata"];
    let labels = object["spec"]["selector"]["matchLabels"].as_object();
    let selector = labels
        .into_iter()
        .flatten()
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()));
    let wanted = object["spec"]["replicas"].as_i64().unwrap_or_default();
    let spec = if wanted == 0 { json!({}) } else { json!({ "replicas": wanted }) };
    json!({
        "apiVersion": "autoscaling/v1",
        "kind": "Scale",
        "metadata": {
            "name": metadata["name"],
            "namespace": metadata["namespace"],
            "uid": metadata["uid"],
            "resourceVersion": metadata["resourceVersion"],
            "creationTimestamp": metadata["creationTimestamp"],
        },
        "spec": spec,
        "status": {
            "replicas": object["status"]["replicas"].as_i64().unwrap_or_default(),
            "selector": selector.collect::<Vec<_>>().join(","),
        },
    })
}
