//! What a write may change, and what the server sets by itself.

use serde_json::{Value, json};

use super::default;
use crate::server::{kinds::Kind, target::Subresource};

/// Letters of generated names.
const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

/// The name of an object that leaves it to the server: five letters after its prefix.
pub(in super::super) fn name_of_generated(prefix: &str, number: u64) -> String {
    let mut rest = number;
    let letters = (0..5).map(|_| {
        let at = usize::try_from(rest % LETTERS.len() as u64).unwrap_or_default();
        rest /= LETTERS.len() as u64;
        char::from(LETTERS[at])
    });
    let letters: String = letters.collect();
    format!("{prefix}{letters}")
}

/// An object of a kind before anything is written to it, as far as ownership of fields is concerned.
pub(in super::super) fn empty(kind: Kind) -> Value {
    let template = json!({ "metadata": {}, "spec": { "containers": null } });
    match kind {
        Kind::Deployment => json!({
            "metadata": {},
            "spec": { "strategy": {}, "selector": null, "template": template },
            "status": {},
        }),
        Kind::ReplicaSet => json!({
            "metadata": {},
            "spec": { "selector": null, "template": template },
            "status": { "replicas": 0 },
        }),
        Kind::StatefulSet => json!({
            "metadata": {},
            "spec": { "selector": null, "template": template, "serviceName": "", "updateStrategy": {} },
            "status": { "replicas": 0, "availableReplicas": 0 },
        }),
        Kind::Job => json!({ "metadata": {}, "spec": { "template": template }, "status": {} }),
        Kind::Pod => json!({ "metadata": {}, "spec": { "containers": null }, "status": {} }),
        Kind::Service | Kind::Ingress => {
            json!({ "metadata": {}, "spec": {}, "status": { "loadBalancer": {} } })
        }
        Kind::PersistentVolumeClaim => json!({ "metadata": {}, "spec": { "resources": {} }, "status": {} }),
        Kind::Namespace => json!({ "metadata": {}, "spec": {}, "status": {} }),
        Kind::Lease => json!({ "metadata": {}, "spec": {} }),
        Kind::PodDisruptionBudget => json!({ "metadata": {}, "spec": {}, "status": {
            "disruptionsAllowed": 0, "currentHealthy": 0, "desiredHealthy": 0, "expectedPods": 0,
        }}),
        Kind::HorizontalPodAutoscaler => json!({
            "metadata": {},
            "spec": { "scaleTargetRef": { "kind": "", "name": "" }, "maxReplicas": 0 },
            "status": { "desiredReplicas": 0 },
        }),
        Kind::Event => json!({ "metadata": {}, "eventTime": null, "regarding": {}, "deprecatedSource": {} }),
        _ => json!({ "metadata": {} }),
    }
}

/// Paths that a write of this kind can't change.
pub(in super::super) fn reset(
    kind: Kind,
    subresource: Option<Subresource>,
) -> &'static [&'static [&'static str]] {
    match (kind, subresource) {
        (kind, None | Some(Subresource::Scale)) if kind.info().status => &[&["status"]],
        (_, None | Some(Subresource::Scale)) => &[],
        (Kind::Deployment, _) => &[&["spec"], &["metadata", "labels"]],
        (Kind::Pod, _) => &[&["spec"], &["metadata", "deletionTimestamp"], &["metadata", "ownerReferences"]],
        _ => &[&["spec"]],
    }
}

/// Puts a new object into its first state.
pub(in super::super) fn created(kind: Kind, object: &mut Value) {
    let info = kind.info();
    if info.status {
        match kind {
            kind if kind.info().custom => _ = object.as_object_mut().map(|fields| fields.remove("status")),
            Kind::CustomResourceDefinition => {}
            _ => object["status"] = empty(kind)["status"].take(),
        }
    }
    if info.generation {
        object["metadata"]["generation"] = 1.into();
    }
    match kind {
        Kind::Pod => {
            object["status"]["phase"] = "Pending".into();
            object["status"]["qosClass"] = quality(&object["spec"]).into();
        }
        Kind::PersistentVolumeClaim => object["status"]["phase"] = "Pending".into(),
        Kind::Namespace => {
            object["status"]["phase"] = "Active".into();
            object["spec"]["finalizers"] = json!(["kubernetes"]);
            let name = object["metadata"]["name"].clone();
            default(&mut object["metadata"], "labels", json!({}));
            object["metadata"]["labels"]["kubernetes.io/metadata.name"] = name;
        }
        Kind::Job => job_labels(object),
        _ => {}
    }
}

/// A Job selects its pods by its own UID.
fn job_labels(job: &mut Value) {
    if job["spec"]["manualSelector"] == true {
        return;
    }
    let (uid, name) = (job["metadata"]["uid"].clone(), job["metadata"]["name"].clone());
    let template = &mut job["spec"]["template"];
    default(template, "metadata", json!({}));
    default(&mut template["metadata"], "labels", json!({}));
    let labels = &mut template["metadata"]["labels"];
    for (label, value) in [
        ("controller-uid", &uid),
        ("job-name", &name),
        ("batch.kubernetes.io/controller-uid", &uid),
        ("batch.kubernetes.io/job-name", &name),
    ] {
        labels[label] = value.clone();
    }
    job["spec"]["selector"] = json!({ "matchLabels": { "batch.kubernetes.io/controller-uid": uid } });
}

/// The class by which a node evicts.
fn quality(spec: &Value) -> &'static str {
    let containers = spec["containers"].as_array().map_or(&[][..], Vec::as_slice);
    let asks = |container: &Value, of: &str, what: &str| container["resources"][of].get(what).cloned();
    let any = containers.iter().any(|container| {
        let given = |of: &str| container["resources"][of].as_object().is_some_and(|map| !map.is_empty());
        given("limits") || given("requests")
    });
    let guaranteed = containers.iter().all(|container| {
        ["cpu", "memory"].iter().all(|what| {
            let limit = asks(container, "limits", what);
            limit.is_some() && limit == asks(container, "requests", what)
        })
    });
    match (any, guaranteed) {
        (false, _) => "BestEffort",
        (true, true) => "Guaranteed",
        (true, false) => "Burstable",
    }
}

/// Takes back what a write of this kind can't change, and counts the generation.
pub(in super::super) fn updated(
    kind: Kind,
    subresource: Option<Subresource>,
    old: &Value,
    new: &mut Value,
    always: bool,
) {
    let keep = |new: &mut Value, path: [&str; 2]| match old[path[0]].get(path[1]) {
        Some(value) => new[path[0]][path[1]] = value.clone(),
        None => _ = new[path[0]].as_object_mut().map(|fields| fields.remove(path[1])),
    };
    let keep_all = |new: &mut Value, name: &str| match old.get(name) {
        Some(value) => new[name] = value.clone(),
        None => _ = new.as_object_mut().map(|fields| fields.remove(name)),
    };
    if subresource == Some(Subresource::Status) {
        if kind.info().custom {
            let (status, owners) =
                (new.get("status").cloned(), new["metadata"].get("managedFields").cloned());
            *new = old.clone();
            match status {
                Some(status) => new["status"] = status,
                None => _ = new.as_object_mut().map(|fields| fields.remove("status")),
            }
            if let Some(owners) = owners {
                new["metadata"]["managedFields"] = owners;
            }
            return;
        }
        keep_all(new, "spec");
        match kind {
            Kind::Deployment => keep(new, ["metadata", "labels"]),
            Kind::Pod => keep(new, ["metadata", "ownerReferences"]),
            _ => {}
        }
        return;
    }
    if kind.info().status {
        keep_all(new, "status");
    }
    keep(new, ["metadata", "generation"]);
    if kind.info().generation && (always || desires_more(kind, old, new)) {
        let generation = old["metadata"]["generation"].as_u64().unwrap_or_default();
        new["metadata"]["generation"] = (generation + 1).into();
    }
}

/// Whether what is desired differs.
fn desires_more(kind: Kind, old: &Value, new: &Value) -> bool {
    if kind.info().custom {
        let rest = |object: &Value| {
            let mut object = object.clone();
            _ = object.as_object_mut().map(|fields| fields.remove("metadata"));
            object
        };
        return rest(old) != rest(new);
    }
    let annotations = |object: &Value| object["metadata"].get("annotations").cloned();
    old["spec"] != new["spec"] || (kind == Kind::Deployment && annotations(old) != annotations(new))
}
