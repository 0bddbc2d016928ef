//! What is kept of a Deployment.

use k8s_openapi::api::apps::v1::{Deployment, DeploymentCondition, DeploymentStatus};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use milvus_api::keys;

use super::fields::{annotation, owner_uid};

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
            .and_then(|all| all.iter().find(|c| c.name == milvus_api::names::CONFIG_CONTAINER))
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

/// Another field manager than ours owns `spec.replicas`: an autoscaler writes it through `/scale`.
fn scaled_by_other(meta: &ObjectMeta) -> bool {
    meta.managed_fields.iter().flatten().filter(|m| m.manager.as_deref() != Some(keys::FIELD_MANAGER)).any(
        |m| {
            let fields = m.fields_v1.as_ref().map(|f| &f.0);
            fields.and_then(|f| f.get("f:spec")?.get("f:replicas")).is_some()
        },
    )
}
