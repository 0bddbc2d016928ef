//! The definitions that are installed, made from the Rust types.
//!
//! What is derived is not what upstream has: every optional field is nullable, every field with a Rust default has
//! one in the schema, and Kubernetes' own types lack the markers that decide how lists and maps are merged.
//! [`definitions`] puts this right in one place. Nothing here is applied to a cluster.

mod rules;
mod tidy;

use kube::CustomResourceExt;
use serde_json::{Value, json};
use snafu::{OptionExt, ResultExt, Snafu};

pub use rules::{RULES, Rule};

use crate::{Milvus, MilvusCluster, MilvusUpgrade, milvus::DEFAULT_IMAGE};

/// Bytes of compact JSON that a definition may have. Client-side `kubectl apply` keeps a copy in an annotation, and all
/// annotations together may have 262,144 bytes.
pub const MAX_BYTES: usize = 250_000;

/// A definition could not be made from the types: a mistake in this crate.
#[derive(Debug, Snafu)]
pub enum CrdError {
    /// The derived definition does not encode.
    #[snafu(display("the derived definition of {kind} does not encode as JSON"))]
    Encode {
        /// Kind of the resource.
        kind: &'static str,
        /// What went wrong.
        source: serde_json::Error,
    },

    /// The schema has no field at a path that is to be completed.
    #[snafu(display("the derived schema has no field `{path}`"))]
    NoSuchField {
        /// Path of the field, such as `.spec.components.image`.
        path: String,
    },
}

type Result<T> = std::result::Result<T, CrdError>;

/// All definitions, as `apiextensions.k8s.io/v1` objects: `Milvus`, `MilvusUpgrade`, `MilvusCluster`.
pub fn definitions() -> Result<Vec<Value>> {
    Ok(vec![milvus()?, milvus_upgrade()?, milvus_cluster()?])
}

/// The definition of `Milvus`: `v1beta1`, and `v1alpha1` listed but not served.
///
/// `v1alpha1` stays because the API server refuses to drop a version that objects may be stored in. Without a
/// conversion webhook it can't be served, and its schema only has to keep what is stored.
pub fn milvus() -> Result<Value> {
    let mut definition = derived::<Milvus>("Milvus")?;
    complete_milvus(schema_of(&mut definition)?)?;
    let versions = definition.pointer_mut("/spec/versions").and_then(Value::as_array_mut);
    versions.context(NoSuchFieldSnafu { path: "spec.versions" })?.push(json!({
        "name": "v1alpha1",
        "served": false,
        "storage": false,
        "deprecated": true,
        "schema": { "openAPIV3Schema": { "type": "object", "x-kubernetes-preserve-unknown-fields": true } },
        "subresources": { "status": {} },
    }));
    Ok(definition)
}

/// The definition of `MilvusUpgrade`.
pub fn milvus_upgrade() -> Result<Value> {
    let mut definition = derived::<MilvusUpgrade>("MilvusUpgrade")?;
    let schema = schema_of(&mut definition)?;
    merge(schema, "", &json!({ "required": ["spec"] }))?;
    Ok(definition)
}

/// The definition of the deprecated `MilvusCluster`, which admits whatever is stored.
pub fn milvus_cluster() -> Result<Value> {
    let mut definition = derived::<MilvusCluster>("MilvusCluster")?;
    let description =
        json!({ "description": "What upstream's controller wrote; nothing writes it any more." });
    merge(schema_of(&mut definition)?, ".status", &description)?;
    if let Some(version) = definition.pointer_mut("/spec/versions/0").and_then(Value::as_object_mut) {
        version.insert("deprecated".to_owned(), true.into());
    }
    Ok(definition)
}

/// What `#[derive(CustomResource)]` makes of a type, put right.
fn derived<T: CustomResourceExt>(kind: &'static str) -> Result<Value> {
    let mut definition = serde_json::to_value(T::crd()).context(EncodeSnafu { kind })?;
    tidy::tidy(schema_of(&mut definition)?);
    if let Some(spec) = definition.pointer_mut("/spec").and_then(Value::as_object_mut) {
        spec.insert("conversion".to_owned(), json!({ "strategy": "None" }));
    }
    let schema = schema_of(&mut definition)?;
    if let Some(root) = schema.as_object_mut() {
        root.remove("required");
    }
    merge_properties(
        schema,
        &json!({
            "apiVersion": { "type": "string", "description": "Version of the API that the object is written in." },
            "kind": { "type": "string", "description": "Kind of the object." },
            "metadata": { "type": "object" },
        }),
    );
    Ok(definition)
}

/// What upstream has and can't be derived, what the default image needs, and the rules.
fn complete_milvus(schema: &mut Value) -> Result<()> {
    // A default is applied only below an object that is there, so its parents default to empty objects.
    merge(schema, ".spec", &json!({ "default": {} }))?;
    merge(schema, ".spec.components", &json!({ "default": {} }))?;
    merge(schema, ".spec.components.image", &json!({ "default": DEFAULT_IMAGE }))?;
    merge(schema, ".status", &json!({ "required": ["status"] }))?;

    for field in ["updateConfigMapOnly", "streamingMode"] {
        merge(schema, &format!(".spec.components.{field}"), &json!({ "nullable": true }))?;
    }

    let atomic = json!({ "x-kubernetes-list-type": "atomic" });
    merge(schema, ".status.ingress.loadBalancer.ingress", &atomic)?;
    merge(schema, ".status.ingress.loadBalancer.ingress[].ports", &atomic)?;
    merge(
        schema,
        ".status.ingress.loadBalancer.ingress[].ports[].error",
        &json!({ "pattern": ERROR_PATTERN }),
    )?;
    let by_type = json!({ "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"] });
    merge(schema, ".status.componentsDeployStatus{}.status.conditions", &by_type)?;
    merge(schema, ".status.deploymentGroupsDeployStatus{}{}.status.conditions", &by_type)?;

    for (path, validations) in rules::by_path() {
        merge(schema, path, &json!({ "x-kubernetes-validations": validations }))?;
    }
    Ok(())
}

/// Kubernetes' rule for the names of port errors: a qualified name.
const ERROR_PATTERN: &str = r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$";

fn schema_of(definition: &mut Value) -> Result<&mut Value> {
    definition
        .pointer_mut("/spec/versions/0/schema/openAPIV3Schema")
        .context(NoSuchFieldSnafu { path: "spec.versions[0].schema.openAPIV3Schema" })
}

fn merge_properties(schema: &mut Value, additions: &Value) {
    let properties = schema.pointer_mut("/properties").and_then(Value::as_object_mut);
    if let (Some(properties), Some(additions)) = (properties, additions.as_object()) {
        properties.extend(additions.clone());
    }
}

/// Writes keywords into the schema of a field. `[]` goes to the items of a list, `{}` to the values of a map.
fn merge(schema: &mut Value, path: &str, keywords: &Value) -> Result<()> {
    let pointer =
        path.replace("[]", "/items").replace("{}", "/additionalProperties").replace('.', "/properties/");
    let node = schema.pointer_mut(&pointer).and_then(Value::as_object_mut);
    let node = node.context(NoSuchFieldSnafu { path })?;
    if let Some(keywords) = keywords.as_object() {
        node.extend(keywords.clone());
    }
    Ok(())
}
