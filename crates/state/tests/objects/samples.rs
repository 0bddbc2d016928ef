//! Values for fields where "another value of its type" would mean nothing.

use serde_json::{Value, json};
/// A value for a field by the end of its path, where "another value of its type" would mean nothing there.
pub fn samples() -> Vec<(&'static str, Value)> {
    let mut all = of_pods();
    all.extend(of_the_rest());
    all
}

/// What is Kubernetes' own.
fn of_pods() -> Vec<(&'static str, Value)> {
    vec![
        ("affinity", affinity()),
        (
            "tolerations",
            json!([{"key": "k", "operator": "Equal", "value": "v", "effect": "NoExecute", "tolerationSeconds": 7}]),
        ),
        (
            "topologySpreadConstraints",
            json!([{"maxSkew": 2, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["b"]}]}, "minDomains": 2}]),
        ),
        (
            "env",
            json!([{"name": "A", "value": "$(B) <&>"}, {"name": "B", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
            {"name": "C", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "k", "optional": true}}}]),
        ),
        ("extraEnv", json!([{"name": "A", "value": "b"}])),
        (
            "resources",
            json!({"limits": {"cpu": "1500m", "memory": "3Gi", "gpu.example/v": "1"}, "requests": {"cpu": "1"},
            "claims": [{"name": "c", "request": "r"}]}),
        ),
        (
            "volumeMounts",
            json!([{"name": "v", "mountPath": "/v", "subPathExpr": "$(A)", "readOnly": true, "mountPropagation": "None"}]),
        ),
        ("imagePullSecrets", json!([{"name": "pull"}])),
        (
            "volumes",
            json!([{"name": "v", "projected": {"sources": [{"secret": {"name": "s", "items": [{"key": "k", "path": "p"}]}}]}}]),
        ),
        (
            "probes",
            json!({"livenessProbe": {"grpc": {"port": 7, "service": "s"}, "periodSeconds": 3},
            "startupProbe": {"exec": {"command": ["a"]}}, "readinessProbe": {"httpGet": {"path": "/p", "port": "metrics"}}}),
        ),
        (
            "securityContext",
            json!({"runAsUser": 7, "capabilities": {"drop": ["ALL"]}, "seccompProfile": {"type": "RuntimeDefault"}}),
        ),
        (
            "sidecars",
            json!([{"name": "side", "image": "side:1", "lifecycle": {"preStop": {"sleep": {"seconds": 3}}},
            "ports": [{"name": "side", "containerPort": 7777}]}]),
        ),
        (
            "initContainers",
            json!([{"name": "first", "image": "first:1", "restartPolicy": "Always", "workingDir": "/w"}]),
        ),
    ]
}

fn of_the_rest() -> Vec<(&'static str, Value)> {
    vec![
        ("rollingUpdate.maxSurge", json!(3)),
        ("rollingUpdate.maxUnavailable", json!("20%")),
        ("replicas", json!(4)),
        ("components.version", json!("2.4.1")),
        ("components.image", json!("milvusdb/milvus:v2.4.1")),
        ("imageUpdateMode", json!("all")),
        ("enableRollingUpdate", json!(false)),
        ("updateConfigMapOnly", json!(false)),
        ("metricInterval", json!("5s")),
        ("rollingMode", json!(3)),
        ("mode", json!("standalone")),
        ("persistentVolumeClaim.spec", json!({"storageClassName": "fast"})),
        ("quorumBufferPools", json!([{"name": "other", "seeds": ["other:1"]}])),
        ("quorumBufferPools[].name", json!("other")),
        ("quorumBufferPools[].seeds", json!(["other:1"])),
        ("msgStreamType", json!("custom")),
        ("tlsSecretRefs", json!({"tls": ["a.example"]})),
        ("spec.config", json!({"log": {"level": "debug"}})),
        ("groups", json!([{"name": "g", "replicas": 1}])),
        ("hpa.metrics", json!([{"type": "Resource", "resource": {"name": "cpu"}}])),
        ("volumeClaimTemplates", json!([{"metadata": {"name": "c"}}])),
    ]
}

fn affinity() -> Value {
    let term = json!({"labelSelector": {"matchLabels": {"a": "b"}}, "topologyKey": "zone", "namespaces": ["n"], "matchLabelKeys": ["k"]});
    json!({
        "nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [
            {"matchExpressions": [{"key": "k", "operator": "Gt", "values": ["1"]}]}]}},
        "podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 7, "podAffinityTerm": term}]},
    })
}
