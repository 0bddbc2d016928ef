//! Schemas that can't be derived from the Rust type of a field.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

/// A plain integer: upstream's Go `int`, which has no `format`.
pub(crate) fn plain_integer(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "integer" })
}

/// A plain string where the Rust type is an open enumeration.
pub(crate) fn plain_string(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string" })
}

/// A list of free objects. The marker stands at the list, as upstream's does: the API server then prunes nothing
/// inside its items.
pub(crate) fn free_form_list(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "x-kubernetes-preserve-unknown-fields": true,
        "items": { "type": "object" },
    })
}

/// A whole Kubernetes type. Its descriptions are removed: they would be most of the definition, and Kubernetes'
/// own documentation has them.
pub(crate) fn embedded<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    let mut schema = generator.subschema_for::<T>();
    strip_descriptions(&mut schema);
    schema
}

fn strip_descriptions(schema: &mut Schema) {
    schema.remove("description");
    schemars::transform::transform_subschemas(&mut strip_descriptions, schema);
}
