//! The schema of each kind, compiled from its definition.

use std::sync::Arc;

use k8s_openapi::api::{
    apps::v1::{Deployment, ReplicaSet, StatefulSet},
    autoscaling::v2::HorizontalPodAutoscaler,
    batch::v1::Job,
    coordination::v1::Lease,
    core::v1::{ConfigMap, Namespace, PersistentVolumeClaim, Pod, Secret, Service},
    events::v1::Event,
    networking::v1::Ingress,
    policy::v1::PodDisruptionBudget,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::{Value, json};

use super::{Field, Limits, ObjectOf, Scalar, Schema, Zero, compile::Compiler};
use crate::server::kinds::Kind;

fn generated<T: JsonSchema>() -> Arc<Schema> {
    let settings = SchemaSettings::draft2020_12();
    let document = settings.into_generator().into_root_schema_for::<T>().to_value();
    Compiler::new(&document).compile(&document, Some(&T::schema_name()))
}

/// The schema of a kind.
pub(super) fn of(kind: Kind) -> Arc<Schema> {
    match kind {
        Kind::Namespace => generated::<Namespace>(),
        Kind::Pod => generated::<Pod>(),
        Kind::Service => generated::<Service>(),
        Kind::ConfigMap => generated::<ConfigMap>(),
        Kind::Secret => generated::<Secret>(),
        Kind::PersistentVolumeClaim => generated::<PersistentVolumeClaim>(),
        Kind::Deployment => generated::<Deployment>(),
        Kind::ReplicaSet => generated::<ReplicaSet>(),
        Kind::StatefulSet => generated::<StatefulSet>(),
        Kind::Job => generated::<Job>(),
        Kind::HorizontalPodAutoscaler => generated::<HorizontalPodAutoscaler>(),
        Kind::Ingress => generated::<Ingress>(),
        Kind::PodDisruptionBudget => generated::<PodDisruptionBudget>(),
        Kind::Lease => generated::<Lease>(),
        Kind::Event => generated::<Event>(),
        Kind::Milvus => custom(&milvus_api::crd::milvus().unwrap_or_default()),
        Kind::MilvusUpgrade => custom(&milvus_api::crd::milvus_upgrade().unwrap_or_default()),
        Kind::MilvusCluster => custom(&milvus_api::crd::milvus_cluster().unwrap_or_default()),
        Kind::CustomResourceDefinition | Kind::PodMonitor => custom(&Value::Null),
    }
}

/// The schema of a definition; without one, everything may stand in an object.
fn custom(definition: &Value) -> Arc<Schema> {
    let free = json!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true });
    let document = definition.pointer("/spec/versions/0/schema/openAPIV3Schema").unwrap_or(&free);
    let schema = Compiler::new(document).compile(document, None);
    let Some(Schema::Object(mut object)) = Arc::into_inner(schema) else { return Arc::new(Schema::Any) };
    let plain = |schema: Arc<Schema>| Field {
        schema,
        default: None,
        nullable: false,
        limits: Limits::default(),
        zero: Zero::Kept,
    };
    for name in ["apiVersion", "kind"] {
        object.fields.insert(name.to_owned(), plain(Arc::new(Schema::Scalar(Scalar::Text))));
    }
    object.fields.insert("metadata".to_owned(), plain(generated::<ObjectMeta>()));
    Arc::new(Schema::Object(ObjectOf { atomic: false, ..object }))
}
