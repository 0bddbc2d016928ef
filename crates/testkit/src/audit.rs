//! The audit log of a control plane: every request that was answered, by whom, with which result.
//!
//! The log holds one event per answered request, at level `Metadata`, and of the control plane's own components only
//! the writes. Watches appear when they end. An event is written before its answer is sent, so whoever has the answer
//! finds the event.

use std::{fs, path::Path};

use serde::Deserialize;
use snafu::ResultExt;

use crate::scratch::{FileError, FileSnafu};

/// What is logged; the API server reads it at start.
pub(crate) const POLICY: &str = r#"apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived, ResponseStarted]
rules:
- level: None
  nonResourceURLs: ["/healthz*", "/livez*", "/readyz*"]
- level: None
  users: ["kwok", "system:apiserver", "system:kube-controller-manager", "system:kube-scheduler"]
  verbs: [get, list, watch]
- level: None
  users: ["kwok"]
  resources: [{group: coordination.k8s.io, resources: [leases]}]
- level: Metadata
"#;

/// A request that was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`.
    pub verb: String,
    /// For example `system:serviceaccount:milvus-operator:milvus-operator`.
    pub user: String,
    /// The client's name for itself.
    pub user_agent: String,
    /// The API group, empty for the core group.
    pub group: String,
    /// The plural, for example `deployments`; empty for requests that are not about a resource.
    pub resource: String,
    /// For example `status` or `scale`; empty if none.
    pub subresource: String,
    /// The namespace; empty for cluster-wide requests.
    pub namespace: String,
    /// The object; empty for lists and for creations with a generated name.
    pub name: String,
    /// The HTTP status of the answer.
    pub code: u16,
    /// The path and query of the request.
    pub uri: String,
    /// When the request arrived.
    pub received: jiff::Timestamp,
    /// When it was answered; for a watch, when it ended.
    pub answered: jiff::Timestamp,
}

impl Event {
    /// Whether the request asked for a change, successful or not.
    pub fn is_write(&self) -> bool {
        matches!(self.verb.as_str(), "create" | "update" | "patch" | "delete" | "deletecollection")
    }

    /// Whether the request was refused for lack of rights.
    pub fn is_forbidden(&self) -> bool {
        self.code == 403
    }
}

/// The events of a log file, oldest first. A last line that is still being written is left out.
pub fn read(log: &Path) -> Result<Vec<Event>, FileError> {
    let failed = FileSnafu { path: log, action: "read" };
    let text = fs::read_to_string(log).context(failed)?;
    let complete = text.rfind('\n').map_or("", |end| &text[..end]);
    let parsed: Result<Vec<Line>, _> = complete.lines().map(serde_json::from_str).collect();
    Ok(parsed.map_err(std::io::Error::from).context(failed)?.into_iter().map(Event::from).collect())
}

/// The writes of one user, oldest first.
pub fn writes_by<'e>(events: &'e [Event], user: &str) -> Vec<&'e Event> {
    events.iter().filter(|event| event.is_write() && event.user == user).collect()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    verb: String,
    user: User,
    #[serde(default)]
    user_agent: String,
    #[serde(rename = "requestURI")]
    uri: String,
    #[serde(default)]
    object_ref: ObjectRef,
    response_status: Status,
    #[serde(rename = "requestReceivedTimestamp")]
    received: jiff::Timestamp,
    #[serde(rename = "stageTimestamp")]
    answered: jiff::Timestamp,
}

#[derive(Deserialize)]
struct User {
    #[serde(default)]
    username: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ObjectRef {
    resource: String,
    namespace: String,
    name: String,
    api_group: String,
    subresource: String,
}

#[derive(Deserialize)]
struct Status {
    code: u16,
}

impl From<Line> for Event {
    fn from(line: Line) -> Self {
        let ObjectRef { resource, namespace, name, api_group: group, subresource } = line.object_ref;
        Self {
            verb: line.verb,
            user: line.user.username,
            user_agent: line.user_agent,
            group,
            resource,
            subresource,
            namespace,
            name,
            code: line.response_status.code,
            uri: line.uri,
            received: line.received,
            answered: line.answered,
        }
    }
}
