//! What the definitions of Kubernetes do not say in their Rust form: keys of lists, maps that are one value,
//! and how zero values are written. Read from the Go types and the merge schema of Kubernetes 1.37.

use serde_json::json;

use super::{Merge, Scalar, Schema, Zero};

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
