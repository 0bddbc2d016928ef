//! Objects and changes that sequences are made of.

use fastrand::Rng;
use milvus_sim::server::Kind;
use serde_json::{Map, Value, json};

/// Kinds that are compared. Pods are not: a real API server wants a service account for them, which a
/// controller makes.
pub const KINDS: [Kind; 6] =
    [Kind::ConfigMap, Kind::Secret, Kind::Deployment, Kind::Service, Kind::Lease, Kind::Milvus];

/// One of some values.
fn one<T: Clone>(rng: &mut Rng, values: &[T]) -> T {
    values[rng.usize(..values.len())].clone()
}

/// A map of some of the keys.
fn some(rng: &mut Rng, keys: &[&str], values: &[&str]) -> Value {
    let mut map = Map::new();
    for key in keys {
        if rng.bool() {
            map.insert((*key).to_owned(), one(rng, values).into());
        }
    }
    Value::Object(map)
}

/// Sets a field in half of all cases.
fn maybe(rng: &mut Rng, object: &mut Value, field: &str, value: impl FnOnce(&mut Rng) -> Value) {
    if rng.bool() {
        object[field] = value(rng);
    }
}

/// A complete object.
pub fn object(rng: &mut Rng, kind: Kind, name: &str) -> Value {
    let mut metadata = json!({ "name": name });
    maybe(rng, &mut metadata, "labels", |rng| some(rng, &["l", "m"], &["x", "y"]));
    maybe(rng, &mut metadata, "annotations", |rng| some(rng, &["n"], &["1", "2"]));
    // A real API server counts an apply of an empty map to the metadata of a custom resource as a change when
    // it comes in another second than the one before.
    if kind.info().custom {
        let is_empty = |value: &Value| value.as_object().is_some_and(Map::is_empty);
        metadata.as_object_mut().unwrap().retain(|_, value| !is_empty(value));
    }
    let mut object =
        json!({ "apiVersion": kind.api_version(), "kind": kind.info().kind, "metadata": metadata });
    match kind {
        Kind::ConfigMap => maybe(rng, &mut object, "data", |rng| some(rng, &["a", "b", "c"], &["1", "2"])),
        Kind::Secret => maybe(rng, &mut object, "data", |rng| some(rng, &["a", "b"], &["MQ==", "Mg=="])),
        Kind::Deployment => object["spec"] = deployment(rng),
        Kind::Service => object["spec"] = service(rng),
        Kind::Lease => object["spec"] = lease(rng),
        _ => object["spec"] = milvus(rng),
    }
    object
}

fn deployment(rng: &mut Rng) -> Value {
    let mut pod = json!({ "containers": [container(rng)] });
    if rng.u8(..4) == 0 {
        let side = json!({ "name": "side", "image": "s:1" });
        pod["containers"].as_array_mut().unwrap().insert(usize::from(rng.bool()), side);
    }
    maybe(rng, &mut pod, "serviceAccountName", |_| json!("account"));
    maybe(rng, &mut pod, "nodeSelector", |rng| some(rng, &["p", "q"], &["1", "2"]));
    maybe(rng, &mut pod, "tolerations", |_| json!([{ "key": "k", "operator": "Exists" }]));
    maybe(rng, &mut pod, "imagePullSecrets", |rng| {
        one(rng, &[json!([{ "name": "a" }]), json!([{ "name": "b" }]), json!([])])
    });
    maybe(rng, &mut pod, "terminationGracePeriodSeconds", |rng| json!(rng.u8(10..12)));
    maybe(
        rng,
        &mut pod,
        "initContainers",
        |_| json!([{ "name": "config", "image": "c", "command": ["/run"] }]),
    );
    pod["volumes"] = one(
        rng,
        &[
            json!([{ "name": "v", "emptyDir": {} }]),
            json!([{ "name": "v", "configMap": { "name": "c" } }, { "name": "w", "secret": { "secretName": "s" } }]),
            json!([{ "name": "w" }, { "name": "v", "persistentVolumeClaim": { "claimName": "p" } }]),
        ],
    );
    let mut template = json!({ "metadata": { "labels": { "app": "d" } }, "spec": pod });
    maybe(rng, &mut template["metadata"], "annotations", |rng| some(rng, &["a", "b"], &["1", "2"]));
    let mut spec = json!({ "selector": { "matchLabels": { "app": "d" } }, "template": template });
    maybe(rng, &mut spec, "replicas", |rng| json!(rng.u8(..3)));
    maybe(rng, &mut spec, "minReadySeconds", |rng| json!(rng.u8(..2) * 5));
    maybe(rng, &mut spec, "strategy", |rng| {
        one(
            rng,
            &[
                json!({ "type": "Recreate" }),
                json!({ "rollingUpdate": { "maxSurge": 1 } }),
                json!({ "type": "RollingUpdate", "rollingUpdate": { "maxSurge": "50%", "maxUnavailable": 0 } }),
            ],
        )
    });
    spec
}

fn container(rng: &mut Rng) -> Value {
    let mut container =
        json!({ "name": "m", "image": one(rng, &["m:1", "m:2", "m", "h/m:latest", "m@sha256:1"]) });
    maybe(rng, &mut container, "env", |rng| {
        one(
            rng,
            &[
                json!([{ "name": "A", "value": "1" }, { "name": "B", "value": "" }]),
                json!([{ "name": "B", "value": "1" }, { "name": "A", "value": "2" }]),
                json!([{ "name": "C", "valueFrom": { "fieldRef": { "fieldPath": "metadata.name" } } }]),
                json!([{ "name": "D", "valueFrom": { "secretKeyRef": { "name": "s", "key": "k" } } }, { "name": "A", "value": "1" }]),
            ],
        )
    });
    maybe(rng, &mut container, "ports", |rng| {
        one(
            rng,
            &[
                json!([{ "containerPort": 1 }]),
                json!([{ "name": "a", "containerPort": 1, "protocol": "TCP" }, { "containerPort": 2, "hostPort": 0 }]),
                json!([{ "containerPort": 2, "protocol": "UDP" }]),
            ],
        )
    });
    maybe(rng, &mut container, "resources", |rng| {
        one(
            rng,
            &[
                json!({ "limits": { "cpu": "1000m", "memory": "1Gi" } }),
                json!({ "limits": { "cpu": "1" }, "requests": { "memory": "1024Mi", "cpu": 0.5 } }),
                json!({ "requests": {} }),
            ],
        )
    });
    maybe(
        rng,
        &mut container,
        "volumeMounts",
        |_| json!([{ "name": "v", "mountPath": "/v", "readOnly": false }]),
    );
    maybe(rng, &mut container, "livenessProbe", |rng| {
        one(
            rng,
            &[
                json!({ "httpGet": { "port": 1 }, "initialDelaySeconds": 0 }),
                json!({ "tcpSocket": { "port": "a" }, "periodSeconds": 15 }),
            ],
        )
    });
    maybe(rng, &mut container, "lifecycle", |_| json!({ "preStop": { "exec": { "command": ["/stop"] } } }));
    maybe(rng, &mut container, "securityContext", |_| json!({ "runAsNonRoot": true }));
    container
}

fn service(rng: &mut Rng) -> Value {
    let mut spec = json!({ "ports": one(rng, &[
        json!([{ "port": 1 }]),
        json!([{ "name": "a", "port": 1, "targetPort": "a" }]),
        json!([{ "name": "a", "port": 1 }, { "name": "b", "port": 2, "protocol": "TCP" }]),
        json!([{ "name": "b", "port": 2, "targetPort": 3 }, { "name": "a", "port": 1, "protocol": "UDP" }]),
        // Refused.
        json!([{ "name": "a", "port": 1 }, { "name": "a", "port": 2 }]),
        json!([{ "name": "a", "port": 1 }, { "name": "b", "port": 1 }]),
    ]) });
    maybe(rng, &mut spec, "selector", |rng| some(rng, &["s", "t"], &["1", "2"]));
    maybe(rng, &mut spec, "type", |rng| {
        one(rng, &[json!("ClusterIP"), json!("NodePort"), json!("LoadBalancer")])
    });
    spec
}

fn lease(rng: &mut Rng) -> Value {
    let mut spec = json!({ "leaseDurationSeconds": 15 });
    maybe(rng, &mut spec, "holderIdentity", |rng| one(rng, &[json!("a"), json!("b"), json!("")]));
    maybe(rng, &mut spec, "renewTime", |_| json!("2024-01-01T00:00:00.000000Z"));
    maybe(rng, &mut spec, "leaseTransitions", |rng| json!(rng.u8(..2)));
    spec
}

fn milvus(rng: &mut Rng) -> Value {
    let mut components = json!({});
    maybe(rng, &mut components, "image", |rng| one(rng, &[json!("m:1"), json!("m:2")]));
    maybe(rng, &mut components, "replicas", |rng| json!(rng.u8(..3)));
    maybe(rng, &mut components, "env", |rng| {
        one(
            rng,
            &[
                json!([{ "name": "A", "value": "1" }]),
                json!([{ "name": "B", "value": "2" }, { "name": "A", "value": "1" }]),
            ],
        )
    });
    maybe(rng, &mut components, "resources", |_| json!({ "limits": { "cpu": "1000m" } }));
    maybe(rng, &mut components, "proxy", |rng| {
        one(rng, &[json!({}), json!({ "serviceType": "NodePort" }), json!({ "replicas": 2, "nonsense": 1 })])
    });
    let mut spec = json!({});
    maybe(rng, &mut spec, "components", |_| components);
    maybe(rng, &mut spec, "mode", |rng| {
        one(rng, &[json!("cluster"), json!("standalone"), json!("sideways")])
    });
    maybe(rng, &mut spec, "config", |rng| {
        one(
            rng,
            &[json!({ "a": { "b": 1 } }), json!({ "a": { "c": [1, { "d": null }] } }), json!({ "e": "f" })],
        )
    });
    spec
}

/// A change of an object: what a merge patch carries, or what is edited for a PUT.
pub fn change(rng: &mut Rng, kind: Kind) -> Value {
    let metadata = one(
        rng,
        &[
            json!({ "metadata": { "labels": { "l": "x" } } }),
            json!({ "metadata": { "labels": { "l": null, "m": "y" } } }),
            json!({ "metadata": { "labels": null } }),
            json!({ "metadata": { "annotations": { "n": "3" } } }),
            json!({ "metadata": { "finalizers": ["test.io/hold"] } }),
            json!({ "metadata": { "finalizers": null } }),
        ],
    );
    if rng.u8(..3) == 0 {
        return metadata;
    }
    let menu = match kind {
        Kind::ConfigMap => {
            vec![json!({ "data": { "a": "3" } }), json!({ "data": { "b": null } }), json!({ "data": null })]
        }
        Kind::Secret => vec![json!({ "data": { "a": "Mw==" } }), json!({ "data": { "b": null } })],
        Kind::Deployment => vec![
            json!({ "spec": { "replicas": rng.u8(..4) } }),
            json!({ "spec": { "paused": true } }),
            json!({ "spec": { "template": { "metadata": { "annotations": { "c": "1" } } } } }),
            json!({ "spec": { "template": { "spec": { "containers": [{ "name": "m", "image": "m:9" }] } } } }),
            json!({ "spec": { "strategy": { "type": "Recreate", "rollingUpdate": null } } }),
            json!({ "spec": { "selector": { "matchLabels": { "app": "other" } } } }),
            json!({ "spec": { "revisionHistoryLimit": null } }),
            json!({ "status": { "replicas": 7 } }),
            json!({ "spec": { "nonsense": 1 } }),
            json!({ "spec": { "replicas": "1" } }),
        ],
        Kind::Service => vec![
            json!({ "spec": { "ports": [{ "name": "c", "port": 9 }] } }),
            json!({ "spec": { "selector": { "s": "9" } } }),
            json!({ "spec": { "type": "NodePort" } }),
            json!({ "spec": { "selector": null } }),
        ],
        Kind::Lease => vec![
            json!({ "spec": { "holderIdentity": "c" } }),
            json!({ "spec": { "holderIdentity": null, "leaseDurationSeconds": 1 } }),
        ],
        _ => vec![
            json!({ "spec": { "components": { "image": "m:9" } } }),
            json!({ "spec": { "components": { "proxy": { "serviceType": "ClusterIP" } } } }),
            json!({ "spec": { "components": null } }),
            json!({ "spec": { "config": { "a": null, "g": [1] } } }),
            json!({ "spec": { "mode": "sideways" } }),
            json!({ "spec": { "mode": 1 } }),
            json!({ "spec": { "nonsense": 1 } }),
            json!({ "status": { "status": "Healthy" } }),
        ],
    };
    one(rng, &menu)
}

/// A change of a status.
pub fn status(rng: &mut Rng, kind: Kind) -> Value {
    let menu = match kind {
        Kind::Deployment => vec![
            json!({ "status": { "replicas": 2, "observedGeneration": 1, "readyReplicas": 0 } }),
            json!({ "status": { "replicas": 0 }, "spec": { "replicas": 9 }, "metadata": { "labels": { "no": "no" } } }),
            json!({ "status": { "replicas": 1 }, "metadata": { "annotations": { "revision": "1" } } }),
        ],
        // Without metadata: 1.34 counts what is ignored of it as owned, and so as a change in another second;
        // 1.37 does not.
        _ => vec![
            json!({ "status": { "status": "Healthy" }, "spec": { "mode": "cluster" } }),
            json!({ "status": { "status": "Unhealthy", "nonsense": 1 } }),
            json!({ "status": { "status": "Pending", "observedGeneration": 3 } }),
        ],
    };
    one(rng, &menu)
}

/// Makes an object that an apply refuses.
pub fn spoil(rng: &mut Rng, kind: Kind, object: &mut Value) {
    match (kind, rng.u8(..3)) {
        (Kind::ConfigMap | Kind::Secret, _) => object["dataa"] = json!({}),
        (_, 0) => object["spec"]["nonsense"] = json!(1),
        (Kind::Deployment, 1) => {
            object["spec"]["template"]["spec"]["containers"][0]["env"] =
                json!([{ "name": "A" }, { "name": "A" }]);
        }
        (Kind::Deployment, _) => object["spec"]["replicas"] = json!("1"),
        (Kind::Service, _) => object["spec"]["ports"] = json!([{ "port": 1 }, { "port": 1 }]),
        (Kind::Lease, _) => object["spec"]["leaseDurationSeconds"] = json!("1"),
        _ => object["spec"]["components"] = json!([]),
    }
}
