//! The volume claim of a queue that runs inside Milvus.

use serde_json::{Value, json};

use super::error::Error;
use super::metadata::hashed;
use super::object::Manifest;
use crate::kinds::Kind;
use crate::records::ClaimRecord;
use crate::spec::{ClaimSettings, Spec};

/// Fields of a claim's spec that may be changed while it exists.
const CHANGEABLE: [&str; 2] = ["resources", "volumeAttributesClassName"];

/// The field of an existing claim that the spec would change and that can't be changed.
pub fn unchangeable<'a>(live: &ClaimRecord, wanted: &'a ClaimSettings) -> Option<&'a str> {
    let changed = |(key, value): &(&'a String, &Value)| {
        !CHANGEABLE.contains(&key.as_str()) && !value.is_null() && live.spec.get(*key) != Some(*value)
    };
    wanted.spec.iter().find(changed).map(|(key, _)| key.as_str())
}

/// The claim has no owner, so that it outlives its Milvus, and upstream's labels: the user's.
pub fn claim(spec: &Spec, settings: &ClaimSettings) -> Result<Manifest, Error> {
    let parts = (&settings.labels, &settings.annotations, &settings.spec);
    let annotations = hashed(settings.annotations.clone(), &parts)?;
    let object = json!({
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": settings.name, "namespace": spec.namespace, "labels": settings.labels, "annotations": annotations,
        },
        "spec": settings.spec,
    });
    Ok(Manifest { kind: Kind::PersistentVolumeClaim, name: settings.name.clone(), object })
}
