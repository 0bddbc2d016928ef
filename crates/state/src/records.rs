//! What is kept of an observed object.
//!
//! Takes live Kubernetes objects; gives small records. A watch hands over whole objects (a typed Deployment costs
//! 6 KB in a store, a Pod more); the pass needs generation, counts and a few names of them, so only those are kept.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::{Deployment, DeploymentCondition, DeploymentStatus};
use k8s_openapi::api::core::v1::{ConfigMap, ContainerStatus, Pod, Service, ServicePort};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use milvus_api::keys;
pub use milvus_api::names::Slot;

use crate::hash;

mod beside;

pub use beside::{ClaimRecord, IngressRecord, MetaRecord, MonitorKind};

/// A Deployment as the pass sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct DeploymentRecord {
    /// `metadata.name`
    pub name: String,
    /// `metadata.uid`
    pub uid: String,
    /// UID of the controlling owner, if it has one.
    pub owner_uid: Option<String>,
    /// `metadata.resourceVersion`, used only to tell the older of two records.
    pub resource_version: String,
    /// Being deleted.
    pub deleting: bool,
    /// `metadata.generation`
    pub generation: i64,
    /// Hash of the pod template that was rendered for it ([`keys::RENDERED_HASH`]); absent on objects of another writer.
    pub rendered_hash: Option<String>,
    /// Hash of everything around the template ([`keys::RENDERED_SPEC_HASH`]).
    pub rendered_spec_hash: Option<String>,
    /// CR generation at which its template was last written ([`keys::GENERATION`]).
    pub written_at: Option<i64>,
    /// Image of the first container: the Milvus image.
    pub image: String,
    /// Image and pull policy of the init container `config`.
    pub tool: Option<(String, Option<String>)>,
    /// `spec.replicas`; the API server defaults it to 1, so it is always known.
    pub replicas: i32,
    /// Somebody else (an autoscaler) has written `spec.replicas`.
    pub scaled_by_other: bool,
    /// `spec.paused`
    pub paused: bool,
    /// The whole status: upstream copies it into the status of the Milvus.
    pub status: DeploymentStatus,
}

impl DeploymentRecord {
    /// Keeps what the pass needs of a live Deployment.
    pub fn of(object: &Deployment) -> DeploymentRecord {
        let spec = object.spec.as_ref();
        let pod = spec.and_then(|s| s.template.spec.as_ref());
        let tool = pod
            .and_then(|p| p.init_containers.as_ref())
            .and_then(|all| all.iter().find(|c| c.name == crate::render::CONFIG_CONTAINER))
            .and_then(|c| Some((c.image.clone()?, c.image_pull_policy.clone())));
        DeploymentRecord {
            name: object.metadata.name.clone().unwrap_or_default(),
            uid: object.metadata.uid.clone().unwrap_or_default(),
            owner_uid: owner_uid(&object.metadata),
            resource_version: object.metadata.resource_version.clone().unwrap_or_default(),
            deleting: object.metadata.deletion_timestamp.is_some(),
            generation: object.metadata.generation.unwrap_or_default(),
            rendered_hash: annotation(&object.metadata, keys::RENDERED_HASH),
            rendered_spec_hash: annotation(&object.metadata, keys::RENDERED_SPEC_HASH),
            written_at: annotation(&object.metadata, keys::GENERATION).and_then(|g| g.parse().ok()),
            image: pod.and_then(|p| p.containers.first()).and_then(|c| c.image.clone()).unwrap_or_default(),
            tool,
            replicas: spec.and_then(|s| s.replicas).unwrap_or(1),
            scaled_by_other: scaled_by_other(&object.metadata),
            paused: spec.and_then(|s| s.paused).unwrap_or_default(),
            status: object.status.clone().unwrap_or_default(),
        }
    }

    /// The controller has seen the newest spec; counts of an older generation say nothing.
    pub fn observed(&self) -> bool {
        self.status.observed_generation.unwrap_or_default() >= self.generation
    }

    /// Pods of the newest template.
    pub fn updated(&self) -> i32 {
        self.status.updated_replicas.unwrap_or_default()
    }

    /// Pods that have been ready for `minReadySeconds`, of any template.
    pub fn available(&self) -> i32 {
        self.status.available_replicas.unwrap_or_default()
    }

    /// Pods of any template that are not terminating.
    pub fn current(&self) -> i32 {
        self.status.replicas.unwrap_or_default()
    }

    /// It has pods, or is asked to have some.
    pub fn has_pods(&self) -> bool {
        self.replicas > 0 || self.current() > 0
    }

    /// Why Kubernetes can't create pods of it, if it can't: reason and message of the condition `ReplicaFailure`.
    pub fn pods_refused(&self) -> Option<(String, String)> {
        let refused = |c: &&DeploymentCondition| c.type_ == "ReplicaFailure" && c.status == "True";
        let found = self.status.conditions.iter().flatten().find(refused)?;
        Some((found.reason.clone().unwrap_or_default(), found.message.clone().unwrap_or_default()))
    }

    /// Newest generation observed, and all `wanted` pods updated and available with none of another template.
    /// Terminating pods are not in these counts (Kubernetes 1.34): they are looked for in the pod list.
    pub fn counts_complete(&self, wanted: i32) -> bool {
        self.observed()
            && self.replicas == wanted
            && self.updated() == wanted
            && self.current() == wanted
            && self.available() == wanted
    }
}

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

/// A ConfigMap as the pass sees it: a hash of its data, never the data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigMapRecord {
    /// UID of the controlling owner.
    pub owner_uid: Option<String>,
    /// `metadata.resourceVersion`
    pub resource_version: String,
    /// Being deleted.
    pub deleting: bool,
    /// Hash of `data` ([`hash::of_map`]).
    pub data_hash: String,
    /// Labels.
    pub labels: BTreeMap<String, String>,
}

impl ConfigMapRecord {
    /// Keeps what the pass needs of a live ConfigMap.
    pub fn of(object: &ConfigMap) -> ConfigMapRecord {
        ConfigMapRecord {
            owner_uid: owner_uid(&object.metadata),
            resource_version: object.metadata.resource_version.clone().unwrap_or_default(),
            deleting: object.metadata.deletion_timestamp.is_some(),
            data_hash: hash::of_map(object.data.as_ref().unwrap_or(&BTreeMap::new())),
            labels: object.metadata.labels.clone().unwrap_or_default(),
        }
    }
}

/// A Service as the pass sees it: the fields that are rendered, for comparing, and the addresses for the endpoint.
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceRecord {
    /// UID of the controlling owner.
    pub owner_uid: Option<String>,
    /// `metadata.resourceVersion`
    pub resource_version: String,
    /// Being deleted.
    pub deleting: bool,
    /// Hash of what was rendered ([`keys::RENDERED_HASH`]): tells a removal that a comparison cannot see.
    pub rendered_hash: Option<String>,
    /// `spec.type`
    pub type_: String,
    /// `spec.selector`
    pub selector: BTreeMap<String, String>,
    /// `spec.ports` without node ports, which the API server assigns.
    pub ports: Vec<ServicePort>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    pub annotations: BTreeMap<String, String>,
    /// First address of the load balancer: an IP or a host name.
    pub ingress: Option<String>,
}

impl ServiceRecord {
    /// Keeps what the pass needs of a live Service.
    pub fn of(object: &Service) -> ServiceRecord {
        let spec = object.spec.clone().unwrap_or_default();
        let ports = spec.ports.unwrap_or_default().into_iter().map(|p| ServicePort { node_port: None, ..p });
        let ingress = object
            .status
            .as_ref()
            .and_then(|s| s.load_balancer.as_ref())
            .and_then(|lb| lb.ingress.as_ref())
            .and_then(|all| all.first())
            .and_then(|i| i.ip.clone().or_else(|| i.hostname.clone()));
        ServiceRecord {
            owner_uid: owner_uid(&object.metadata),
            resource_version: object.metadata.resource_version.clone().unwrap_or_default(),
            deleting: object.metadata.deletion_timestamp.is_some(),
            rendered_hash: annotation(&object.metadata, keys::RENDERED_HASH),
            type_: spec.type_.unwrap_or_else(|| "ClusterIP".to_owned()),
            selector: spec.selector.unwrap_or_default(),
            ports: ports.collect(),
            labels: object.metadata.labels.clone().unwrap_or_default(),
            annotations: object.metadata.annotations.clone().unwrap_or_default(),
            ingress,
        }
    }
}

/// Another field manager than ours owns `spec.replicas`: an autoscaler writes it through `/scale`.
fn scaled_by_other(meta: &ObjectMeta) -> bool {
    meta.managed_fields.iter().flatten().filter(|m| m.manager.as_deref() != Some(keys::FIELD_MANAGER)).any(
        |m| {
            let fields = m.fields_v1.as_ref().map(|f| &f.0);
            fields.and_then(|f| f.get("f:spec")?.get("f:replicas")).is_some()
        },
    )
}

fn owner_uid(meta: &ObjectMeta) -> Option<String> {
    meta.owner_references.iter().flatten().find(|o| o.controller == Some(true)).map(|o| o.uid.clone())
}

fn annotation(meta: &ObjectMeta, key: &str) -> Option<String> {
    meta.annotations.as_ref()?.get(key).cloned()
}

fn label(meta: &ObjectMeta, key: &str) -> Option<String> {
    meta.labels.as_ref()?.get(key).cloned()
}

fn slot_label(meta: &ObjectMeta) -> Option<Slot> {
    let component = label(meta, keys::COMPONENT)?.parse().ok()?;
    label(meta, &keys::group_id(component))?.parse().ok()
}
