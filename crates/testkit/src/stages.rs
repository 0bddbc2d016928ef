//! What the played nodes, pods and volumes do, as kwok's stages.
//!
//! A pod that is bound to a node becomes Ready after the ready delay, and is gone the delete delay after its deletion.
//! What a pod shall do instead is written where a user's mistake would be, in the tag of the image of any container:
//!
//! | tag contains | the pod |
//! |---|---|
//! | `-bad-pull` | stays Pending, its containers waiting with `ImagePullBackOff` |
//! | `-crash` | is Running, never Ready, its containers waiting with `CrashLoopBackOff` |
//! | `-never-ready` | is Running, never Ready |
//! | `-hang<N>s`, as in `v2.3.0-hang60s` | is Ready as usual, and hangs N seconds in termination |
//!
//! Annotations of the pod change the delays: [`READY_DELAY`] and [`DELETE_DELAY`], with Go durations such as `1m30s`.
//!
//! Pods of Jobs become Ready and stay so: whoever tests Jobs plays or runs them. Claims of the default StorageClass
//! get a volume at once. As with a real node, the status carries the images that run.

use std::{fs, io, path::Path, time::Duration};

use serde_json::{Value, json};

/// Annotation of a pod: how long until it is Ready.
pub const READY_DELAY: &str = "pod-ready.stage.kwok.x-k8s.io/delay";
/// Annotation of a pod: how long it is terminating.
pub const DELETE_DELAY: &str = "pod-delete.stage.kwok.x-k8s.io/delay";
/// The default StorageClass, whose claims get a volume at once.
pub const STORAGE_CLASS: &str = "played";
/// The label of the nodes that are played.
pub const NODE_LABEL: (&str, &str) = ("type", "kwok");

const PROBLEMS: [&str; 3] = ["-bad-pull", "-crash", "-never-ready"];
/// After so long without a heartbeat a node is taken for dead. It is long because on a busy machine a heartbeat may be late: nodes that are
/// played do not fail by themselves.
pub(crate) const NODE_GRACE: Duration = Duration::from_mins(10);
const NODE_READY: &str = r#".status.conditions.[] | select(.type == "Ready") | .status"#;

/// The delays of pods without annotations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delays {
    /// From being bound to a node to Ready.
    pub ready: Duration,
    /// From the deletion to being gone.
    pub delete: Duration,
}

impl Default for Delays {
    fn default() -> Self {
        Self { ready: Duration::from_secs(1), delete: Duration::from_millis(300) }
    }
}

/// Writes the configuration of kwok. `volumes` is the directory that volumes of the default class are below; it is
/// used by nodes that run containers only.
pub(crate) fn write(path: &Path, delays: Delays, volumes: &Path) -> io::Result<()> {
    let documents: Vec<String> = all(delays, volumes).iter().map(Value::to_string).collect();
    fs::write(path, documents.join("\n---\n"))
}

fn all(delays: Delays, directory: &Path) -> Vec<Value> {
    let mut stages = vec![
        node_initialize(),
        node_heartbeat(),
        pod_ready("pod-ready", "Pending", delays.ready),
        // A pod that lost its readiness while it was running gets it back, as with a real probe.
        pod_ready("pod-recover", "Running", delays.ready),
        pod_delete(delays.delete),
    ];
    stages.extend(pod_problems());
    stages.extend(volumes(directory));
    stages
}

fn stage(name: &str, kind: &str, mut spec: Value) -> Value {
    spec["resourceRef"] = json!({ "apiGroup": "v1", "kind": kind });
    json!({ "apiVersion": "kwok.x-k8s.io/v1alpha1", "kind": "Stage", "metadata": { "name": name }, "spec": spec })
}

fn exists(key: &str) -> Value {
    json!({ "key": key, "operator": "Exists" })
}

fn missing(key: &str) -> Value {
    json!({ "key": key, "operator": "DoesNotExist" })
}

fn is(key: &str, value: &str) -> Value {
    json!({ "key": key, "operator": "In", "values": [value] })
}

fn is_not(key: &str, value: &str) -> Value {
    json!({ "key": key, "operator": "NotIn", "values": [value] })
}

/// A jq expression: the images whose tag contains one of `marks`.
fn images_marked(marks: &[&str]) -> String {
    format!(r#".spec.containers[].image | select(test(":[^/]*({})"))"#, marks.join("|"))
}

fn node_initialize() -> Value {
    let spec = json!({
        "selector": { "matchExpressions": [is_not(NODE_READY, "True")] },
        "next": { "statusTemplate": include_str!("stages/node-initialize.tpl") },
    });
    stage("node-initialize", "Node", spec)
}

fn node_heartbeat() -> Value {
    let spec = json!({
        "selector": { "matchExpressions": [is(NODE_READY, "True")] },
        "delay": {
            "durationMilliseconds": millis(NODE_GRACE * 2 / 5),
            "jitterDurationMilliseconds": millis(NODE_GRACE / 2),
        },
        "next": { "statusTemplate": include_str!("stages/node-heartbeat.tpl") },
    });
    stage("node-heartbeat", "Node", spec)
}

fn pod_ready(name: &str, phase: &str, delay: Duration) -> Value {
    let spec = json!({
        "selector": { "matchExpressions": [
            missing(".metadata.deletionTimestamp"),
            is(".status.phase", phase),
            is_not(NODE_READY, "True"),
            missing(&images_marked(&PROBLEMS)),
        ] },
        "delay": {
            "durationMilliseconds": millis(delay),
            "durationFrom": { "expressionFrom": format!(".metadata.annotations[\"{READY_DELAY}\"]") },
        },
        "next": { "statusTemplate": include_str!("stages/pod-ready.tpl") },
    });
    stage(name, "Pod", spec)
}

fn pod_delete(delay: Duration) -> Value {
    let hang = r#"[.spec.containers[].image | capture(":[^/]*-hang(?<time>[0-9]+s)") | .time] | .[0]"#;
    let from = format!(".metadata.annotations[\"{DELETE_DELAY}\"] // ({hang})");
    let spec = json!({
        "selector": { "matchExpressions": [
            exists(".metadata.deletionTimestamp"),
            missing(".metadata.finalizers[]?"),
        ] },
        "delay": { "durationMilliseconds": millis(delay), "durationFrom": { "expressionFrom": from } },
        "next": { "delete": true },
    });
    stage("pod-delete", "Pod", spec)
}

/// One stage per problem. Each matches once: a pod whose containers have a status is left as it is.
fn pod_problems() -> Vec<Value> {
    let problem = |name: &str, phase: &str, state: &str, restarts: u32| {
        let template = include_str!("stages/pod-problem.tpl")
            .replace("PHASE", phase)
            .replace("STATE", state)
            .replace("RESTARTS", &restarts.to_string());
        let spec = json!({
            "selector": { "matchExpressions": [
                missing(".metadata.deletionTimestamp"),
                missing(".status.containerStatuses[]?"),
                exists(&images_marked(&[&format!("-{name}")])),
            ] },
            "delay": { "durationMilliseconds": 100 },
            "next": { "statusTemplate": template },
        });
        stage(&format!("pod-{name}"), "Pod", spec)
    };
    vec![
        problem(
            "bad-pull",
            "Pending",
            r#"{waiting: {reason: ImagePullBackOff, message: {{ printf "Back-off pulling image %q" .image | Quote }}}}"#,
            0,
        ),
        problem(
            "crash",
            "Running",
            r#"{waiting: {reason: CrashLoopBackOff, message: "back-off 5m0s restarting failed container"}}"#,
            5,
        ),
        problem("never-ready", "Running", "{running: {startedAt: {{ $now | Quote }}}}", 0),
    ]
}

/// A volume for every claim of the default class (Kubernetes itself then binds the two), and its end.
fn volumes(directory: &Path) -> [Value; 2] {
    let volume = include_str!("stages/volume.tpl").replace("DIRECTORY", &directory.display().to_string());
    let provision = json!({
        "selector": { "matchExpressions": [
            is(".spec.storageClassName", STORAGE_CLASS),
            missing(".metadata.deletionTimestamp"),
            missing(".spec.volumeName"),
        ] },
        "steps": [{ "apply": { "template": volume } }],
    });
    let release = json!({
        "selector": { "matchExpressions": [
            is(".spec.storageClassName", STORAGE_CLASS),
            is(".status.phase", "Released"),
            is(".spec.persistentVolumeReclaimPolicy", "Delete"),
            missing(".metadata.deletionTimestamp"),
        ] },
        "steps": [{ "delete": true }],
    });
    [
        stage("claim-provision", "PersistentVolumeClaim", provision),
        stage("volume-release", "PersistentVolume", release),
    ]
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
