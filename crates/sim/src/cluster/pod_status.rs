//! The status of a pod, as a kubelet writes it.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::objects::{condition, stamp, uid};

/// What a pod is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// No node takes it.
    Unschedulable,
    /// An image can't be pulled.
    Broken(String),
    /// Its containers run and are not ready yet.
    Starting,
    /// Its containers have ended so often, and wait to start again.
    Crashing(u32),
    /// Its containers run and are ready.
    Ready,
    /// Its containers run and are no longer ready.
    Unready,
    /// Its containers have ended; whether well.
    Done(bool),
}

impl Phase {
    pub(super) fn waits_for_node(&self) -> bool {
        *self == Phase::Unschedulable
    }
}

/// What is to be shown of a pod.
pub(super) struct Seen<'a> {
    pub(super) phase: &'a Phase,
    pub(super) restarts: u32,
    /// Number of the pod, from which its address is made.
    pub(super) number: u32,
}

/// Whether the controller of a pod is a Job.
pub(super) fn is_of_job(pod: &Value) -> bool {
    let owners = pod["metadata"]["ownerReferences"].as_array();
    owners.is_some_and(|all| all.iter().any(|owner| owner["controller"] == true && owner["kind"] == "Job"))
}

/// The status of a pod.
pub(super) fn of(pod: &Value, seen: &Seen<'_>, now: Timestamp) -> Value {
    if seen.phase.waits_for_node() {
        let why = "0/1 nodes are available: 1 Insufficient memory.";
        let placed = one(pod, ("PodScheduled", false), Some(("Unschedulable", why)), now);
        return json!({ "phase": "Pending", "conditions": [placed], "qosClass": pod["status"]["qosClass"] });
    }
    let phase = match seen.phase {
        Phase::Unschedulable | Phase::Broken(_) => "Pending",
        Phase::Starting | Phase::Crashing(_) | Phase::Ready | Phase::Unready => "Running",
        Phase::Done(true) => "Succeeded",
        Phase::Done(false) => "Failed",
    };
    let start = pod["status"].get("startTime").cloned().unwrap_or_else(|| stamp(now));
    let containers = pod["spec"]["containers"].as_array().into_iter().flatten();
    let containers: Vec<Value> =
        containers.map(|container| container_status(pod, container, seen, now)).collect();
    json!({
        "phase": phase,
        "qosClass": pod["status"]["qosClass"],
        "startTime": start,
        "hostIP": "10.0.0.1",
        "podIP": format!("10.1.{}.{}", seen.number / 250 % 250, seen.number % 250 + 1),
        "conditions": conditions(pod, seen, now),
        "containerStatuses": containers,
    })
}

fn conditions(pod: &Value, seen: &Seen<'_>, now: Timestamp) -> Vec<Value> {
    let ready = *seen.phase == Phase::Ready;
    let why = match seen.phase {
        Phase::Ready => None,
        Phase::Done(_) => Some(("PodCompleted", "")),
        _ => Some(("ContainersNotReady", "containers with unready status")),
    };
    vec![
        one(pod, ("PodReadyToStartContainers", true), None, now),
        one(pod, ("Initialized", true), None, now),
        one(pod, ("Ready", ready), why, now),
        one(pod, ("ContainersReady", ready), why, now),
        one(pod, ("PodScheduled", true), None, now),
    ]
}

/// A condition, which keeps the moment of its last change.
fn one(pod: &Value, (type_, holds): (&str, bool), why: Option<(&str, &str)>, now: Timestamp) -> Value {
    let status = if holds { "True" } else { "False" };
    let before = condition(pod, type_).filter(|c| c["status"] == status);
    let since = before.map_or_else(|| stamp(now), |c| c["lastTransitionTime"].clone());
    let mut condition = json!({
        "type": type_, "status": status, "lastProbeTime": null, "lastTransitionTime": since,
    });
    if let Some((reason, message)) = why {
        condition["reason"] = reason.into();
        condition["message"] = message.into();
    }
    condition
}

fn container_status(pod: &Value, container: &Value, seen: &Seen<'_>, now: Timestamp) -> Value {
    let id = format!("containerd://{}-{}", uid(pod), seen.restarts);
    let ended = |code: u8, reason: &str| {
        json!({ "terminated": {
            "exitCode": code, "reason": reason, "startedAt": pod["status"]["startTime"],
            "finishedAt": stamp(now), "containerID": id,
        }})
    };
    let waiting =
        |reason: &str, message: String| json!({ "waiting": { "reason": reason, "message": message } });
    let state = match seen.phase {
        Phase::Broken(image) if container["image"] == **image => {
            waiting("ImagePullBackOff", format!("Back-off pulling image \"{image}\""))
        }
        Phase::Unschedulable | Phase::Broken(_) => json!({ "waiting": { "reason": "ContainerCreating" } }),
        Phase::Starting | Phase::Ready | Phase::Unready => json!({ "running": { "startedAt": stamp(now) } }),
        Phase::Crashing(_) => {
            let name = container["name"].as_str().unwrap_or_default();
            waiting("CrashLoopBackOff", format!("back-off restarting failed container={name}"))
        }
        Phase::Done(true) => ended(0, "Completed"),
        Phase::Done(false) => ended(1, "Error"),
    };
    let running = matches!(seen.phase, Phase::Starting | Phase::Ready | Phase::Unready);
    let last = if matches!(seen.phase, Phase::Crashing(_)) { ended(1, "Error") } else { json!({}) };
    json!({
        "name": container["name"], "image": container["image"], "imageID": "", "containerID": id,
        "ready": *seen.phase == Phase::Ready, "started": running, "restartCount": seen.restarts,
        "state": state, "lastState": last,
    })
}
