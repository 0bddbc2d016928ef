//! Defaults that the API server fills in when it reads an object.

use serde_json::{Value, json};

use super::{default, each, pod_template};
use crate::server::kinds::Kind;

/// Fills in the defaults of an object of a built-in kind.
pub(in super::super) fn fill(kind: Kind, object: &mut Value) {
    if kind == Kind::Secret {
        default(object, "type", "Opaque");
    }
    let Some(spec) = object.get_mut("spec") else { return };
    match kind {
        Kind::Pod => {
            default(spec, "enableServiceLinks", true);
            pod_template::fill(spec);
            requests_from_limits(spec);
        }
        Kind::Deployment => deployment(spec),
        Kind::ReplicaSet => default(spec, "replicas", 1),
        Kind::StatefulSet => stateful_set(spec),
        Kind::Job => job(spec),
        Kind::Service => service(spec),
        Kind::PersistentVolumeClaim => default(spec, "volumeMode", "Filesystem"),
        Kind::HorizontalPodAutoscaler => default(spec, "minReplicas", 1),
        _ => {}
    }
    if let Some(template) = spec.pointer_mut("/template/spec") {
        pod_template::fill(template);
    }
}

fn deployment(spec: &mut Value) {
    default(spec, "replicas", 1);
    default(spec, "revisionHistoryLimit", 10);
    default(spec, "progressDeadlineSeconds", 600);
    if let Some(strategy) = spec.get_mut("strategy") {
        default(strategy, "type", "RollingUpdate");
        if strategy["type"] == "RollingUpdate" {
            default(strategy, "rollingUpdate", json!({}));
            default(&mut strategy["rollingUpdate"], "maxUnavailable", "25%");
            default(&mut strategy["rollingUpdate"], "maxSurge", "25%");
        }
    }
}

fn stateful_set(spec: &mut Value) {
    default(spec, "replicas", 1);
    default(spec, "revisionHistoryLimit", 10);
    default(spec, "podManagementPolicy", "OrderedReady");
    let kept = json!({ "whenDeleted": "Retain", "whenScaled": "Retain" });
    default(spec, "persistentVolumeClaimRetentionPolicy", kept);
    if let Some(strategy) = spec.get_mut("updateStrategy") {
        default(strategy, "type", "RollingUpdate");
        if strategy["type"] == "RollingUpdate" {
            default(strategy, "rollingUpdate", json!({}));
            default(&mut strategy["rollingUpdate"], "partition", 0);
        }
    }
}

fn job(spec: &mut Value) {
    let both_missing = spec.get("completions").is_none() && spec.get("parallelism").is_none();
    if both_missing {
        default(spec, "completions", 1);
    }
    default(spec, "parallelism", 1);
    default(spec, "backoffLimit", 6);
    default(spec, "completionMode", "NonIndexed");
    default(spec, "suspend", false);
    default(spec, "manualSelector", false);
    let failing = spec.get("podFailurePolicy").is_some();
    default(spec, "podReplacementPolicy", if failing { "Failed" } else { "TerminatingOrFailed" });
}

fn service(spec: &mut Value) {
    default(spec, "sessionAffinity", "None");
    default(spec, "type", "ClusterIP");
    let kind = spec["type"].as_str().unwrap_or_default().to_owned();
    if spec["sessionAffinity"] == "ClientIP" {
        default(spec, "sessionAffinityConfig", json!({ "clientIP": { "timeoutSeconds": 10800 } }));
    }
    for port in each(spec, "ports") {
        default(port, "protocol", "TCP");
        let number = port["port"].clone();
        default(port, "targetPort", number);
    }
    if matches!(kind.as_str(), "NodePort" | "LoadBalancer") {
        default(spec, "externalTrafficPolicy", "Cluster");
    }
    if matches!(kind.as_str(), "NodePort" | "LoadBalancer" | "ClusterIP") {
        default(spec, "internalTrafficPolicy", "Cluster");
    }
    if kind == "LoadBalancer" {
        default(spec, "allocateLoadBalancerNodePorts", true);
    }
}

/// A pod asks for what it is limited to, where it asks for nothing.
fn requests_from_limits(spec: &mut Value) {
    for list in ["initContainers", "containers"] {
        for container in each(spec, list) {
            let limits = container.pointer("/resources/limits").and_then(Value::as_object).cloned();
            for (name, amount) in limits.into_iter().flatten() {
                default(&mut container["resources"], "requests", json!({}));
                default(&mut container["resources"]["requests"], &name, amount);
            }
        }
    }
}
