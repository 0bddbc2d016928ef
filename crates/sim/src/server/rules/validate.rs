//! What is refused with 422.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::server::kinds::Kind;

type Checked = Result<(), String>;

fn must(holds: bool, words: impl Into<String>) -> Checked {
    if holds { Ok(()) } else { Err(words.into()) }
}

fn list<'a>(object: &'a Value, field: &str) -> &'a [Value] {
    object[field].as_array().map_or(&[], Vec::as_slice)
}

fn text<'a>(object: &'a Value, field: &str) -> &'a str {
    object[field].as_str().unwrap_or_default()
}

/// Checks a new object.
///
/// # Errors
/// The field, and what is wrong with it.
pub(in super::super) fn on_create(kind: Kind, object: &Value) -> Checked {
    metadata(kind, &object["metadata"])?;
    let spec = &object["spec"];
    match kind {
        Kind::Deployment | Kind::ReplicaSet | Kind::StatefulSet => workload(kind, spec),
        Kind::Job => {
            let restarts = text(&spec["template"]["spec"], "restartPolicy");
            must(
                matches!(restarts, "OnFailure" | "Never"),
                "spec.template.spec.restartPolicy: Required value",
            )?;
            pod(&spec["template"]["spec"], "spec.template.spec")
        }
        Kind::Pod => pod(spec, "spec"),
        Kind::Service => service(spec),
        Kind::PodDisruptionBudget => must(
            !(spec.get("minAvailable").is_some() && spec.get("maxUnavailable").is_some()),
            "spec: Invalid value: minAvailable and maxUnavailable cannot be both set",
        ),
        Kind::Ingress => must(
            !list(spec, "rules").is_empty() || spec.get("defaultBackend").is_some(),
            "spec: Invalid value: either `defaultBackend` or `rules` must be specified",
        ),
        Kind::PersistentVolumeClaim => {
            must(!list(spec, "accessModes").is_empty(), "spec.accessModes: Required value")?;
            must(
                spec.pointer("/resources/requests/storage").is_some(),
                "spec.resources[storage]: Required value",
            )
        }
        Kind::Event => must(!text(object, "eventTime").is_empty(), "eventTime: Required value"),
        Kind::Lease => must(
            spec["leaseDurationSeconds"].as_i64().is_none_or(|seconds| seconds > 0),
            "spec.leaseDurationSeconds: must be greater than 0",
        ),
        _ => Ok(()),
    }
}

/// Checks a change.
///
/// # Errors
/// The field, and what is wrong with it.
pub(in super::super) fn on_update(kind: Kind, old: &Value, new: &Value) -> Checked {
    on_create(kind, new)?;
    let ending = old["metadata"].get("deletionTimestamp").is_some();
    let known: BTreeSet<&str> =
        list(&old["metadata"], "finalizers").iter().filter_map(Value::as_str).collect();
    let new_ones = list(&new["metadata"], "finalizers").iter().filter_map(Value::as_str);
    must(
        !ending || new_ones.into_iter().all(|finalizer| known.contains(finalizer)),
        "metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted",
    )?;
    let same = |path: &str| old.pointer(path) == new.pointer(path);
    let immutable = |path: &str| must(same(path), format!("{path}: Invalid value: field is immutable"));
    match kind {
        Kind::Deployment | Kind::ReplicaSet => immutable("/spec/selector"),
        Kind::Job => {
            immutable("/spec/selector").and(immutable("/spec/template")).and(immutable("/spec/completions"))
        }
        Kind::StatefulSet => ["selector", "serviceName", "podManagementPolicy", "volumeClaimTemplates"]
            .iter()
            .try_for_each(|field| immutable(&format!("/spec/{field}"))),
        Kind::Service if new["spec"]["type"] != "ExternalName" => immutable("/spec/clusterIP"),
        Kind::PersistentVolumeClaim => ["accessModes", "storageClassName", "selector", "volumeMode"]
            .iter()
            .try_for_each(|field| immutable(&format!("/spec/{field}"))),
        Kind::Secret => immutable("/type"),
        Kind::Event => [
            "action",
            "reason",
            "regarding",
            "reportingController",
            "reportingInstance",
            "eventTime",
            "note",
            "type",
        ]
        .iter()
        .try_for_each(|field| immutable(&format!("/{field}"))),
        _ => Ok(()),
    }
}

fn metadata(kind: Kind, metadata: &Value) -> Checked {
    let name = text(metadata, "name");
    must(!name.is_empty(), "metadata.name: Required value: name or generateName is required")?;
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let inner =
        |c: char| plain(c) || c == '-' || (c == '.' && kind != Kind::Service && kind != Kind::Namespace);
    let longest = if matches!(kind, Kind::Service | Kind::Namespace) { 63 } else { 253 };
    let edges = name.starts_with(plain) && name.ends_with(plain);
    must(
        name.len() <= longest && edges && name.chars().all(inner),
        format!("metadata.name: Invalid value: {name:?}"),
    )?;
    for (key, value) in metadata["labels"].as_object().into_iter().flatten() {
        let value = value.as_str().unwrap_or_default();
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let ends = |c: char| c.is_ascii_alphanumeric();
        let good = value.is_empty()
            || (value.len() <= 63
                && value.chars().all(fits)
                && value.starts_with(ends)
                && value.ends_with(ends));
        must(good && !key.is_empty(), format!("metadata.labels: Invalid value: {value:?}"))?;
    }
    for owner in list(metadata, "ownerReferences") {
        let named = ["apiVersion", "kind", "name", "uid"].iter().all(|field| !text(owner, field).is_empty());
        must(
            named,
            "metadata.ownerReferences: Invalid value: apiVersion, kind, name and uid must not be empty",
        )?;
    }
    let controllers =
        list(metadata, "ownerReferences").iter().filter(|owner| owner["controller"] == true).count();
    must(
        controllers <= 1,
        "metadata.ownerReferences: Invalid value: only one reference can have controller set to true",
    )?;
    let finalizers = list(metadata, "finalizers").iter().filter_map(Value::as_str);
    let standard = ["kubernetes", "orphan", "foregroundDeletion"];
    must(
        finalizers.into_iter().all(|finalizer| finalizer.contains('/') || standard.contains(&finalizer)),
        "metadata.finalizers: Invalid value: name is neither a standard finalizer name nor is it fully qualified",
    )
}

fn workload(kind: Kind, spec: &Value) -> Checked {
    let selector = &spec["selector"];
    must(selector.is_object(), "spec.selector: Required value")?;
    let labels = selector["matchLabels"].as_object();
    let expressions = list(selector, "matchExpressions");
    must(
        labels.is_some() || !expressions.is_empty(),
        "spec.selector: Invalid value: empty selector is invalid",
    )?;
    let of_template = &spec["template"]["metadata"]["labels"];
    let selected = labels.into_iter().flatten().all(|(key, value)| of_template.get(key) == Some(value));
    must(
        selected,
        "spec.template.metadata.labels: Invalid value: `selector` does not match template `labels`",
    )?;
    must(spec["replicas"].as_i64().is_none_or(|count| count >= 0), "spec.replicas: Invalid value")?;
    let always = spec["template"]["spec"]["restartPolicy"] == "Always";
    must(always, "spec.template.spec.restartPolicy: Unsupported value")?;
    if kind == Kind::Deployment {
        strategy(spec)?;
    }
    pod(&spec["template"]["spec"], "spec.template.spec")
}

fn strategy(spec: &Value) -> Checked {
    let strategy = &spec["strategy"];
    match strategy["type"].as_str() {
        Some("Recreate") => must(
            strategy.get("rollingUpdate").is_none(),
            "spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'",
        ),
        Some("RollingUpdate") => {
            let none = |field: &str| {
                let value = &strategy["rollingUpdate"][field];
                *value == 0 || *value == "0%" || *value == "0"
            };
            must(
                !(none("maxUnavailable") && none("maxSurge")),
                "spec.strategy.rollingUpdate.maxUnavailable: Invalid value: may not be 0 when `maxSurge` is 0",
            )?;
            let deadline = spec["progressDeadlineSeconds"].as_i64().unwrap_or(i64::MAX);
            let ready = spec["minReadySeconds"].as_i64().unwrap_or_default();
            must(
                deadline > ready,
                "spec.progressDeadlineSeconds: Invalid value: must be greater than minReadySeconds",
            )
        }
        _ => Err("spec.strategy.type: Unsupported value".to_owned()),
    }
}

fn unique<'a>(names: impl Iterator<Item = &'a str>, path: &str) -> Checked {
    let mut seen = BTreeSet::new();
    for name in names {
        must(!name.is_empty(), format!("{path}.name: Required value"))?;
        must(seen.insert(name), format!("{path}.name: Duplicate value: {name:?}"))?;
    }
    Ok(())
}

fn pod(spec: &Value, path: &str) -> Checked {
    must(!list(spec, "containers").is_empty(), format!("{path}.containers: Required value"))?;
    let volumes: BTreeSet<&str> = list(spec, "volumes").iter().map(|volume| text(volume, "name")).collect();
    let sources = |volume: &Value| volume.as_object().map_or(0, |fields| fields.len() - 1);
    must(
        list(spec, "volumes").iter().all(|volume| sources(volume) == 1),
        format!("{path}.volumes: Forbidden: may not specify more than 1 volume type"),
    )?;
    unique(list(spec, "volumes").iter().map(|volume| text(volume, "name")), &format!("{path}.volumes"))?;
    let all = || list(spec, "containers").iter().chain(list(spec, "initContainers"));
    unique(all().map(|container| text(container, "name")), &format!("{path}.containers"))?;
    for container in all() {
        must(!text(container, "image").is_empty(), format!("{path}.containers.image: Required value"))?;
        let mounts = list(container, "volumeMounts");
        let mut paths = BTreeSet::new();
        for mount in mounts {
            let volume = text(mount, "name");
            must(
                volumes.contains(volume),
                format!("{path}.containers.volumeMounts.name: Not found: {volume:?}"),
            )?;
            must(
                paths.insert(text(mount, "mountPath")),
                format!("{path}.containers.volumeMounts: must be unique"),
            )?;
        }
        for port in list(container, "ports") {
            let number = port["containerPort"].as_i64().unwrap_or_default();
            must(
                (1..=65535).contains(&number),
                format!("{path}.containers.ports.containerPort: Invalid value"),
            )?;
        }
        for probe in ["livenessProbe", "readinessProbe", "startupProbe"].map(|probe| &container[probe]) {
            let handlers =
                ["exec", "httpGet", "tcpSocket", "grpc"].iter().filter(|h| probe.get(**h).is_some());
            must(
                probe.is_null() || handlers.count() == 1,
                format!("{path}.containers: one handler of a probe"),
            )?;
        }
        for variable in list(container, "env") {
            must(!text(variable, "name").is_empty(), format!("{path}.containers.env.name: Required value"))?;
        }
    }
    Ok(())
}

fn service(spec: &Value) -> Checked {
    let ports = list(spec, "ports");
    let headless = spec["clusterIP"] == "None";
    must(!ports.is_empty() || headless || spec["type"] == "ExternalName", "spec.ports: Required value")?;
    let (mut names, mut numbers, mut nodes) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for port in ports {
        let (name, protocol) = (text(port, "name"), text(port, "protocol"));
        let number = port["port"].as_i64().unwrap_or_default();
        must((1..=65535).contains(&number), "spec.ports.port: Invalid value")?;
        must(ports.len() == 1 || !name.is_empty(), "spec.ports.name: Required value")?;
        must(name.is_empty() || names.insert(name), format!("spec.ports.name: Duplicate value: {name:?}"))?;
        must(numbers.insert((number, protocol)), "spec.ports: Duplicate value")?;
        if let Some(node) = port["nodePort"].as_i64() {
            must(nodes.insert((node, protocol)), "spec.ports.nodePort: Duplicate value")?;
        }
    }
    Ok(())
}
