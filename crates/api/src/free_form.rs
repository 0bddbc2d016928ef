//! Parts of a resource that are free: whatever the user writes is kept as it is.
//!
//! These are Milvus' own configuration, Helm values, and pieces of a pod (probes, volumes, containers) whose full
//! schema would not fit into the definition. The API server checks only that they are objects.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

/// An object whose fields nobody but its consumer knows (`x-kubernetes-preserve-unknown-fields`).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FreeForm(pub Map<String, Value>);

impl FreeForm {
    /// The fields, in the order of their names.
    pub fn as_map(&self) -> &Map<String, Value> {
        &self.0
    }

    /// Whether there is no field at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value at a path of field names, or none where the path ends early.
    pub fn get_path(&self, path: &[&str]) -> Option<&Value> {
        let (first, rest) = path.split_first()?;
        rest.iter().try_fold(self.0.get(*first)?, |value, field| value.get(field))
    }

    /// The same content as a JSON value.
    pub fn to_value(&self) -> Value {
        Value::Object(self.0.clone())
    }

    /// Reads the object as a known type, for example a Kubernetes `Container`.
    ///
    /// Fails where the user wrote something that the type can't hold, which no schema has refused before.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        T::deserialize(self.to_value())
    }
}

impl From<Map<String, Value>> for FreeForm {
    fn from(fields: Map<String, Value>) -> Self {
        Self(fields)
    }
}

impl JsonSchema for FreeForm {
    fn schema_name() -> Cow<'static, str> {
        "FreeForm".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true })
    }
}
