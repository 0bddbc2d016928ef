//! The ReplicaSet controller.

use std::cmp::Reverse;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::behaviour::hits;
use super::look::Look;
use super::objects::{
    condition, controlled_by, controller, hash, holds, is_ending, name, namespace, number, safe_name,
    selects, stamp, text, time, uid,
};
use super::still::version;
use crate::server::{Failure, Kind};

const ACTOR: &str = "replicaset-controller";

/// A pod of a ReplicaSet that is not ending.
struct Replica {
    name: String,
    on_node: bool,
    running: bool,
    /// Since when.
    ready: Option<Timestamp>,
    available: bool,
    created: String,
}

/// Looks at every ReplicaSet.
pub(super) fn look(look: &mut Look<'_>) -> Result<(), Failure> {
    for (namespace, name) in look.names(Kind::ReplicaSet) {
        let Some(set) = look.store.get(Kind::ReplicaSet, &namespace, &name) else { continue };
        let of = uid(set).to_owned();
        let pods = look.store.list_in(Kind::Pod, &namespace);
        let own = pods.filter(|pod| controller(pod).is_none_or(|owner| owner == of));
        let versions = std::iter::once(set).chain(own).map(version).collect();
        look.unless_still(&of, versions, |look| sync(look, &namespace, &name))?;
    }
    Ok(())
}

fn sync(look: &mut Look<'_>, namespace: &str, of: &str) -> Result<(), Failure> {
    let Some(set) = look.store.get(Kind::ReplicaSet, namespace, of) else { return Ok(()) };
    let set = set.clone();
    if !is_ending(&set) {
        adopt(look, &set)?;
    }
    let pods = replicas(look, &set);
    let wanted = usize::try_from(number(&set, "/spec/replicas")).unwrap_or_default();
    let mut failure = None;
    if !is_ending(&set) {
        let missing = wanted.saturating_sub(pods.len());
        failure = (0..missing).find_map(|_| make(look, &set).err());
        remove_excess(look, namespace, &pods, wanted)?;
    }
    write_status(look, &set, &pods, failure.as_ref())
}

/// A pod that the selector takes and that nobody controls becomes one of the ReplicaSet.
fn adopt(look: &mut Look<'_>, set: &Value) -> Result<(), Failure> {
    let free = |pod: &&Value| {
        controller(pod).is_none()
            && !is_ending(pod)
            && selects(&set["spec"]["selector"], &pod["metadata"]["labels"])
    };
    let pods = look.store.list_in(Kind::Pod, namespace(set));
    let names: Vec<String> = pods.filter(free).map(|pod| name(pod).to_owned()).collect();
    for pod in names {
        look.change(ACTOR, Kind::Pod, (namespace(set), &pod), |object| {
            object["metadata"]["ownerReferences"] = Value::from(vec![controlled_by(Kind::ReplicaSet, set)]);
        })?;
    }
    Ok(())
}

fn replicas(look: &mut Look<'_>, set: &Value) -> Vec<Replica> {
    let seconds = number(set, "/spec/minReadySeconds").unsigned_abs();
    let mut soon = Vec::new();
    let now = look.now;
    let own = look.store.list_in(Kind::Pod, namespace(set)).filter(|pod| controller(pod) == Some(uid(set)));
    let active =
        own.filter(|pod| !is_ending(pod) && !matches!(text(pod, "/status/phase"), "Failed" | "Succeeded"));
    let pods = active.map(|pod| {
        let since = condition(pod, "Ready").and_then(|c| time(c, "/lastTransitionTime"));
        let ready = since.filter(|_| holds(pod, "Ready"));
        let available = ready.and_then(|at| at.checked_add(Duration::from_secs(seconds)).ok());
        soon.extend(available.filter(|at| *at > now));
        Replica {
            name: name(pod).to_owned(),
            on_node: !text(pod, "/spec/nodeName").is_empty(),
            running: text(pod, "/status/phase") == "Running",
            ready,
            available: available.is_some_and(|at| at <= now),
            created: text(pod, "/metadata/creationTimestamp").to_owned(),
        }
    });
    let pods = pods.collect();
    for at in soon {
        look.wake(at);
    }
    pods
}

fn make(look: &mut Look<'_>, set: &Value) -> Result<(), Failure> {
    let template = &set["spec"]["template"];
    let mut metadata = template["metadata"].as_object().cloned().unwrap_or_default();
    metadata.insert("generateName".to_owned(), format!("{}-", name(set)).into());
    metadata.insert("namespace".to_owned(), namespace(set).into());
    metadata.insert("ownerReferences".to_owned(), json!([controlled_by(Kind::ReplicaSet, set)]));
    create_pod(look, ACTOR, &metadata, &template["spec"])
}

/// Creates a pod, unless the quota refuses it.
pub(super) fn create_pod(
    look: &mut Look<'_>,
    actor: &str,
    metadata: &Map<String, Value>,
    spec: &Value,
) -> Result<(), Failure> {
    let pod = json!({ "apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec });
    if hits(&look.behaviour.refused, &pod) {
        let prefix = text(&pod, "/metadata/generateName");
        let letters = safe_name(hash(look.store.revision().to_le_bytes()) % 90_000 + 10_000);
        let message = format!("pods \"{prefix}{letters}\" is forbidden: {}", look.behaviour.refusal);
        return Err(Failure::new(403, "Forbidden", message));
    }
    look.create(actor, Kind::Pod, pod)
}

/// Those that would be missed least go first: not placed, not running, not ready, ready for the shortest
/// time, the newest.
fn remove_excess(
    look: &mut Look<'_>,
    namespace: &str,
    pods: &[Replica],
    wanted: usize,
) -> Result<(), Failure> {
    let mut order: Vec<&Replica> = pods.iter().collect();
    order.sort_by_key(|pod| {
        (pod.on_node, pod.running, pod.ready.is_some(), Reverse(pod.ready), Reverse(&pod.created), &pod.name)
    });
    for pod in order.into_iter().take(pods.len().saturating_sub(wanted)) {
        look.delete(ACTOR, Kind::Pod, (namespace, &pod.name))?;
    }
    Ok(())
}

/// The counts are those of before this look, as in Kubernetes: what it has made is seen by the next.
fn write_status(
    look: &mut Look<'_>,
    set: &Value,
    pods: &[Replica],
    failure: Option<&Failure>,
) -> Result<(), Failure> {
    let ready = pods.iter().filter(|pod| pod.ready.is_some()).count();
    let available = pods.iter().filter(|pod| pod.available).count();
    let mut status = json!({
        "replicas": pods.len(),
        "observedGeneration": set["metadata"]["generation"],
    });
    let counts =
        [("fullyLabeledReplicas", pods.len()), ("readyReplicas", ready), ("availableReplicas", available)];
    for (key, count) in counts.into_iter().filter(|(_, count)| *count > 0) {
        status[key] = count.into();
    }
    let now = stamp(look.now);
    let known = condition(set, "ReplicaFailure");
    let words = failure.map(|failure| failure.message.clone());
    match (known, words) {
        (Some(known), Some(_)) => status["conditions"] = json!([known]),
        (None, Some(words)) => {
            status["conditions"] = json!([{
                "type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": words,
                "lastTransitionTime": now,
            }]);
        }
        (_, None) => {}
    }
    let at = (namespace(set), name(set));
    look.write_status(ACTOR, Kind::ReplicaSet, at, status)?;
    if failure.is_some() {
        // It tries again and again; the first retries come faster in Kubernetes, and show nothing new.
        if let Ok(again) = look.now.checked_add(Duration::from_secs(10)) {
            look.wake(again);
        }
    }
    Ok(())
}
