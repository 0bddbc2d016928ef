//! What the definitions of Kubernetes do not say in their Rust form: keys of lists, maps that are one value,
//! and how zero values are written. Read from the Go types and the merge schema of Kubernetes 1.37.

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

use super::{Field, Limits, Merge, ObjectOf, Scalar, Schema, Zero, compile::Compiler};
use crate::server::kinds::Kind;

/// Lists whose items are merged: definition, field, keys; without keys a set.
const LISTS: &[(&str, &str, &[&str])] = &[
    ("ObjectMeta", "finalizers", &[]),
    ("ObjectMeta", "ownerReferences", &["uid"]),
    ("PodSpec", "containers", &["name"]),
    ("PodSpec", "ephemeralContainers", &["name"]),
    ("PodSpec", "hostAliases", &["ip"]),
    ("PodSpec", "imagePullSecrets", &["name"]),
    ("PodSpec", "initContainers", &["name"]),
    ("PodSpec", "resourceClaims", &["name"]),
    ("PodSpec", "schedulingGates", &["name"]),
    ("PodSpec", "topologySpreadConstraints", &["topologyKey", "whenUnsatisfiable"]),
    ("PodSpec", "volumes", &["name"]),
    ("Container", "env", &["name"]),
    ("Container", "ports", &["containerPort", "protocol"]),
    ("Container", "volumeDevices", &["devicePath"]),
    ("Container", "volumeMounts", &["mountPath"]),
    ("ResourceRequirements", "claims", &["name"]),
    ("PodStatus", "conditions", &["type"]),
    ("PodStatus", "podIPs", &["ip"]),
    ("PodStatus", "resourceClaimStatuses", &["name"]),
    ("ContainerStatus", "volumeMounts", &["mountPath"]),
    ("ServiceSpec", "ports", &["port", "protocol"]),
    ("ServiceStatus", "conditions", &["type"]),
    ("DeploymentStatus", "conditions", &["type"]),
    ("ReplicaSetStatus", "conditions", &["type"]),
    ("StatefulSetStatus", "conditions", &["type"]),
    ("NamespaceStatus", "conditions", &["type"]),
    ("PersistentVolumeClaimStatus", "conditions", &["type"]),
    ("HorizontalPodAutoscalerStatus", "conditions", &["type"]),
    ("PodDisruptionBudgetStatus", "conditions", &["type"]),
    ("UncountedTerminatedPods", "failed", &[]),
    ("UncountedTerminatedPods", "succeeded", &[]),
    ("PodFailurePolicyOnExitCodesRequirement", "values", &[]),
];

/// Objects that are one value.
const ATOMIC: &[&str] = &[
    "ConfigMapKeySelector",
    "LabelSelector",
    "LocalObjectReference",
    "NodeSelector",
    "NodeSelectorTerm",
    "ObjectFieldSelector",
    "ObjectReference",
    "OwnerReference",
    "ResourceFieldSelector",
    "SecretKeySelector",
    "ServiceBackendPort",
    "TypedLocalObjectReference",
];

/// Maps that are one value.
const ATOMIC_MAPS: &[(&str, &str)] = &[("PodSpec", "nodeSelector"), ("ServiceSpec", "selector")];

/// Objects that are written when they are empty.
const ALWAYS: &[(&str, &str)] = &[
    ("Deployment", "status"),
    ("DeploymentSpec", "strategy"),
    ("ReplicaSet", "status"),
    ("StatefulSet", "status"),
    ("StatefulSetSpec", "updateStrategy"),
    ("Job", "status"),
    ("Namespace", "spec"),
    ("Namespace", "status"),
    ("Pod", "status"),
    ("PersistentVolumeClaim", "spec"),
    ("PersistentVolumeClaim", "status"),
    ("PersistentVolumeClaimSpec", "resources"),
    ("Service", "spec"),
    ("Service", "status"),
    ("ServiceStatus", "loadBalancer"),
    ("Ingress", "status"),
    ("IngressStatus", "loadBalancer"),
    ("PodDisruptionBudget", "status"),
    ("HorizontalPodAutoscaler", "status"),
    ("Lease", "spec"),
    ("Container", "resources"),
    ("ContainerStatus", "state"),
    ("ContainerStatus", "lastState"),
    ("Event", "regarding"),
    ("Event", "deprecatedSource"),
    ("PodTemplateSpec", "metadata"),
];

/// Numbers and flags whose zero is not written.
const ZERO_LEFT: &[(&str, &[&str])] = &[
    ("ContainerPort", &["hostPort"]),
    ("VolumeMount", &["readOnly"]),
    ("PersistentVolumeClaimVolumeSource", &["readOnly"]),
    (
        "Probe",
        &["initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"],
    ),
    ("Container", &["stdin", "stdinOnce", "tty"]),
    ("PodCondition", &["observedGeneration"]),
    ("PodSpec", &["hostNetwork", "hostPID", "hostIPC"]),
    ("PodStatus", &["observedGeneration"]),
    ("ServiceSpec", &["healthCheckNodePort", "publishNotReadyAddresses"]),
    ("ServicePort", &["nodePort"]),
    ("Event", &["deprecatedCount"]),
    ("DeploymentSpec", &["minReadySeconds", "paused"]),
    (
        "DeploymentStatus",
        &[
            "observedGeneration",
            "replicas",
            "updatedReplicas",
            "readyReplicas",
            "availableReplicas",
            "unavailableReplicas",
        ],
    ),
    ("ReplicaSetSpec", &["minReadySeconds"]),
    (
        "ReplicaSetStatus",
        &["fullyLabeledReplicas", "readyReplicas", "availableReplicas", "observedGeneration"],
    ),
    ("StatefulSetSpec", &["minReadySeconds"]),
    ("StatefulSetStatus", &["observedGeneration", "readyReplicas", "currentReplicas", "updatedReplicas"]),
    ("JobStatus", &["active", "succeeded", "failed"]),
    ("PodDisruptionBudgetStatus", &["observedGeneration"]),
    ("HorizontalPodAutoscalerStatus", &["currentReplicas"]),
    ("ServiceBackendPort", &["number"]),
    ("ObjectMeta", &["generation"]),
];

/// Texts that are written when they are empty, though they need not be there.
const EMPTY_KEPT: &[(&str, &str)] = &[
    ("PersistentVolumeClaimSpec", "storageClassName"),
    ("PersistentVolumeClaimSpec", "volumeMode"),
    ("HostPathVolumeSource", "type"),
    ("GRPCAction", "service"),
    ("IngressSpec", "ingressClassName"),
    ("LeaseSpec", "holderIdentity"),
    ("LeaseSpec", "strategy"),
    ("LeaseSpec", "preferredHolder"),
    ("ServicePort", "appProtocol"),
    ("ServiceSpec", "loadBalancerClass"),
    ("TypedLocalObjectReference", "apiGroup"),
    ("EnvVar", "name"),
];

/// Numbers that are always written.
const NUMBERS_ALWAYS: &[(&str, &[&str])] = &[
    ("ReplicaSetStatus", &["replicas"]),
    ("StatefulSetStatus", &["replicas", "availableReplicas"]),
    (
        "PodDisruptionBudgetStatus",
        &["disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods"],
    ),
    ("HorizontalPodAutoscalerStatus", &["desiredReplicas"]),
];

/// The last part of the name of a definition.
fn short(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

pub(super) fn scalar(name: &str) -> Option<Scalar> {
    match short(name) {
        "Quantity" => Some(Scalar::Quantity),
        "IntOrString" => Some(Scalar::Free),
        "Time" | "MicroTime" => Some(Scalar::Text),
        _ => None,
    }
}

pub(super) fn merge(name: &str, field: &str) -> Option<Merge> {
    let name = match short(name) {
        "EphemeralContainer" => "Container",
        name => name,
    };
    let (.., keys) = LISTS.iter().find(|(of, known, _)| *of == name && *known == field)?;
    // The only key with a default.
    let default = |key: &str| (key == "protocol").then(|| json!("TCP"));
    let keys: Vec<_> = keys.iter().map(|key| ((*key).to_owned(), default(key))).collect();
    Some(if keys.is_empty() { Merge::Set } else { Merge::Keys(keys) })
}

pub(super) fn atomic(name: &str) -> bool {
    ATOMIC.contains(&short(name))
}

pub(super) fn atomic_map(name: &str, field: &str) -> bool {
    ATOMIC_MAPS.contains(&(short(name), field))
}

pub(super) fn zero(name: &str, field: &str, schema: &Schema, required: bool) -> Zero {
    let name = short(name);
    let among =
        |table: &[(&str, &[&str])]| table.iter().any(|(of, fields)| *of == name && fields.contains(&field));
    if ALWAYS.contains(&(name, field)) || among(NUMBERS_ALWAYS) {
        return Zero::Always;
    }
    match schema {
        Schema::Scalar(Scalar::Text) if !required && !EMPTY_KEPT.contains(&(name, field)) => Zero::Left,
        Schema::Scalar(_) if among(ZERO_LEFT) => Zero::Left,
        Schema::List(_) if !required => Zero::Left,
        Schema::Object(map) if map.fields.is_empty() && map.rest.is_some() => Zero::Left,
        _ => Zero::Kept,
    }
}

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
