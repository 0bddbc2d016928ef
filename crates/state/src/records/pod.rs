//! What is kept of a pod.

use k8s_openapi::api::core::v1::{ContainerStatus, Pod};
use milvus_api::keys;
use milvus_api::names::Slot;

use super::fields::{label, slot_label};

/// A pod as the pass sees it. Finished pods (Succeeded, Failed, evicted) are never kept: they hold nothing up.
#[derive(Clone, Debug, PartialEq)]
pub struct PodRecord {
    /// `metadata.name`
    pub name: String,
    /// Label `app.kubernetes.io/component`.
    pub component: String,
    /// Slot of a component with two Deployments.
    pub slot: Option<Slot>,
    /// It has a deletion timestamp.
    pub terminating: bool,
    /// Condition Ready is True.
    pub ready: bool,
    /// Image of the first container.
    pub image: String,
    /// Why it is not ready, as Kubernetes says it: (reason, message).
    pub problem: Option<(String, String)>,
}

impl PodRecord {
    /// Keeps what the pass needs of a pod; `None` for a finished one.
    pub fn of(pod: &Pod) -> Option<PodRecord> {
        let status = pod.status.as_ref();
        let phase = status.and_then(|s| s.phase.as_deref()).unwrap_or("Pending");
        if matches!(phase, "Succeeded" | "Failed") {
            return None;
        }
        let ready = status
            .and_then(|s| s.conditions.as_ref())
            .is_some_and(|all| all.iter().any(|c| c.type_ == "Ready" && c.status == "True"));
        Some(PodRecord {
            name: pod.metadata.name.clone().unwrap_or_default(),
            component: label(&pod.metadata, keys::COMPONENT).unwrap_or_default(),
            slot: slot_label(&pod.metadata),
            terminating: pod.metadata.deletion_timestamp.is_some(),
            ready,
            image: pod
                .spec
                .as_ref()
                .and_then(|s| s.containers.first())
                .and_then(|c| c.image.clone())
                .unwrap_or_default(),
            problem: if ready { None } else { problem(pod) },
        })
    }
}

/// The first thing that keeps a pod from being ready: a waiting container (init containers first), else a
/// condition that is False with a reason, such as Unschedulable.
fn problem(pod: &Pod) -> Option<(String, String)> {
    let status = pod.status.as_ref()?;
    let mut containers =
        status.init_container_statuses.iter().flatten().chain(status.container_statuses.iter().flatten());
    let waiting = containers.find_map(waiting_reason);
    waiting.or_else(|| {
        status
            .conditions
            .iter()
            .flatten()
            .filter(|c| c.status == "False" && c.type_ == "PodScheduled")
            .find_map(|c| {
                let reason = c.reason.clone().filter(|r| !r.is_empty())?;
                Some((reason, c.message.clone().unwrap_or_default()))
            })
    })
}

fn waiting_reason(container: &ContainerStatus) -> Option<(String, String)> {
    let state = container.state.as_ref()?;
    let waiting = state.waiting.as_ref()?;
    let reason = waiting.reason.clone().unwrap_or_default();
    // These two are normal steps of a pod that starts, not problems.
    if matches!(reason.as_str(), "" | "ContainerCreating" | "PodInitializing") {
        return None;
    }
    Some((reason, waiting.message.clone().unwrap_or_default()))
}
