//! `metadata.managedFields`.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Value, json};

use super::fields::Fields;
use crate::server::target::Subresource;

/// Nobody owns these.
pub(super) const NEVER_OWNED: &[&[&str]] = &[
    &["apiVersion"],
    &["kind"],
    &["metadata"],
    &["metadata", "name"],
    &["metadata", "namespace"],
    &["metadata", "creationTimestamp"],
    &["metadata", "selfLink"],
    &["metadata", "uid"],
    &["metadata", "clusterName"],
    &["metadata", "generation"],
    &["metadata", "managedFields"],
    &["metadata", "resourceVersion"],
];

/// Who owns fields, by which way of writing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Manager {
    /// `Apply` or `Update`.
    operation: String,
    name: String,
    version: String,
    subresource: String,
}

impl Manager {
    pub(crate) fn new(name: &str, applies: bool, version: &str, subresource: Option<Subresource>) -> Manager {
        Manager {
            operation: if applies { "Apply" } else { "Update" }.to_owned(),
            name: if name.is_empty() { "unknown" } else { name }.to_owned(),
            version: version.to_owned(),
            subresource: subresource.map_or("", Subresource::as_str).to_owned(),
        }
    }
}

/// Version of a scale.
const SCALE: &str = "autoscaling/v1";

impl Manager {
    /// Whether it owns by writes that are no applies.
    pub(crate) fn updates(&self) -> bool {
        self.operation == "Update"
    }

    /// The same in the words of a scale. An apply is known by its name alone.
    pub(super) fn of_scale(&self) -> Manager {
        let version = if self.operation == "Apply" { self.version.clone() } else { SCALE.to_owned() };
        Manager { version, ..self.clone() }
    }
}

impl fmt::Display for Manager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.name)?;
        if !self.subresource.is_empty() {
            write!(f, " with subresource {:?}", self.subresource)?;
        }
        if self.operation == "Update" { write!(f, " using {}", self.version) } else { Ok(()) }
    }
}

/// What a manager owns.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(super) fields: Fields,
    pub(super) time: Option<String>,
}

/// Everybody who owns fields.
pub(crate) type Owners = BTreeMap<Manager, Entry>;

pub(crate) fn decode(object: &Value) -> Owners {
    let entries = object.pointer("/metadata/managedFields").and_then(Value::as_array);
    let text = |entry: &Value, name: &str| entry[name].as_str().unwrap_or_default().to_owned();
    let entry = |entry: &Value| {
        let manager = Manager {
            operation: text(entry, "operation"),
            name: text(entry, "manager"),
            version: text(entry, "apiVersion"),
            subresource: text(entry, "subresource"),
        };
        let time = entry["time"].as_str().map(str::to_owned);
        (manager, Entry { fields: Fields::decode(&entry["fieldsV1"]), time })
    };
    entries.into_iter().flatten().map(entry).collect()
}

/// Writes the owners into an object, in the order of the API server.
pub(crate) fn encode(owners: &Owners, object: &mut Value) {
    let whole = object["apiVersion"].as_str().unwrap_or_default().to_owned();
    let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) else { return };
    if owners.is_empty() {
        metadata.remove("managedFields");
        return;
    }
    let mut all: Vec<_> = owners.iter().collect();
    all.sort_by_key(|(manager, entry)| {
        (&manager.operation, &entry.time, &manager.name, &manager.version, &manager.subresource)
    });
    let encoded = all.into_iter().map(|(manager, entry)| {
        let version = if manager.version == SCALE { &whole } else { &manager.version };
        let mut encoded = json!({
            "manager": manager.name,
            "operation": manager.operation,
            "apiVersion": version,
            "fieldsType": "FieldsV1",
            "fieldsV1": entry.fields.encode(),
        });
        if let Some(time) = &entry.time {
            encoded["time"] = time.as_str().into();
        }
        if !manager.subresource.is_empty() {
            encoded["subresource"] = manager.subresource.as_str().into();
        }
        encoded
    });
    metadata.insert("managedFields".to_owned(), Value::Array(encoded.collect()));
}
