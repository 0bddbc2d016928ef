//! `status` of a `Milvus`: upstream's fields, and what this operator adds.
//!
//! A field of ours that has nothing to say is not written, so a status without an upgrade looks as upstream's does.

mod progress;
mod rollout;

use std::collections::BTreeMap;

use k8s_openapi::{
    api::{apps::v1::DeploymentStatus, networking::v1::IngressStatus},
    apimachinery::pkg::apis::meta::v1::Time,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString};

pub use progress::{LastProgress, PodProgress};
pub use rollout::{
    ComponentRollout, RolloutDirection, RolloutImage, RolloutPhase, RolloutStatus, RolloutStep, StepState,
    WaitingFor,
};

use crate::{
    Mode,
    conditions::{ConditionStatus, ConditionType},
    schema::{embedded, plain_integer, plain_string},
};

/// What the operator has seen and done.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MilvusStatus {
    /// Summary: `Pending`, `Healthy`, `Unhealthy`, `Deleting` or `Stopped`.
    #[serde(default)]
    #[schemars(schema_with = "plain_string")]
    pub status: MilvusState,

    /// What is so and what is not. A new object lists `EtcdReady`, `StorageReady`, `MsgStreamReady`, `MilvusReady`,
    /// `MilvusUpdated` in this order, then the operator's own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<MilvusCondition>,

    /// `host:port` for clients; empty when it can't be told from the Service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,

    /// Status of the Ingress.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "embedded::<IngressStatus>")]
    pub ingress: Option<IngressStatus>,

    /// Component to the state of its Deployment; of all its groups together when it has groups.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub components_deploy_status: BTreeMap<String, ComponentDeployStatus>,

    /// Component to group to the state of its Deployment.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub deployment_groups_deploy_status: BTreeMap<String, BTreeMap<String, ComponentDeployStatus>>,

    /// Rolling mode that was last fully reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "plain_integer")]
    pub rolling_mode_version: Option<i64>,

    /// Generation of `spec` that this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub observed_generation: Option<i64>,

    /// Image that was last seen ready and updated everywhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current_image: Option<String>,

    /// Version of that image, when `spec.components.version` says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current_version: Option<String>,

    /// Component to the image that was last seen ready and updated there, where that is not `currentImage`. An addition
    /// of this operator.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub current_images: BTreeMap<String, RolloutImage>,

    /// The change of image that is under way, or the last one. An addition of this operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upgrade: Option<RolloutStatus>,

    /// How far what is waited for has come; absent while nothing is waited for. An addition of this operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_progress: Option<LastProgress>,

    /// Defaults that were pinned when the object was first accepted. An addition of this operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved: Option<ResolvedDefaults>,

    /// Deployment, `Ingress/NAME` or `PodMonitor/NAME` to its generation after the operator last wrote it. An addition of this
    /// operator.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub applied_generations: BTreeMap<String, i64>,
}

impl MilvusStatus {
    /// The condition of a type, if it is listed.
    pub fn condition(&self, type_: ConditionType) -> Option<&MilvusCondition> {
        self.conditions.iter().find(|condition| condition.type_ == type_.as_str())
    }

    /// Whether the condition is listed and `True`.
    pub fn is_true(&self, type_: ConditionType) -> bool {
        self.condition(type_).is_some_and(|condition| condition.status == ConditionStatus::True.as_str())
    }
}

/// Summary of an installation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Display, EnumString)]
pub enum MilvusState {
    /// It has not been healthy yet.
    #[default]
    Pending,
    /// All components are ready.
    Healthy,
    /// It was healthy and is not any more.
    Unhealthy,
    /// It is being deleted.
    Deleting,
    /// All replicas are set to 0.
    Stopped,
    /// A word that this operator does not know: the field is not an enumeration in the API.
    #[serde(untagged)]
    #[strum(default)]
    Other(String),
}

/// A condition as upstream writes it: not Kubernetes' own type, which has an `observedGeneration`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MilvusCondition {
    /// What the condition is about.
    #[serde(rename = "type")]
    pub type_: String,

    /// `True`, `False` or `Unknown`.
    pub status: String,

    /// When status, reason or message last changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "embedded::<Time>")]
    pub last_transition_time: Option<Time>,

    /// Why, in one word.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,

    /// Why, in a sentence.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
}

/// State of a Deployment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ComponentDeployStatus {
    /// Generation of the Deployment.
    pub generation: i64,

    /// Image of its Milvus container.
    pub image: String,

    /// Its own status.
    #[schemars(schema_with = "embedded::<DeploymentStatus>")]
    pub status: DeploymentStatus,
}
/// Defaults that depend on a version, pinned when the object was first accepted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResolvedDefaults {
    /// Topology.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,

    /// Message queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub msg_stream_type: Option<String>,

    /// Coordinators: `mix` (one process) or `four`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coordinators: Option<CoordinatorSet>,

    /// Root path of the metadata in etcd.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etcd_root_path: Option<String>,

    /// Bucket of the data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bucket: Option<String>,

    /// etcd members.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub etcd_endpoints: Vec<String>,

    /// Object storage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage_endpoint: Option<String>,

    /// Key of the configuration to what environment variables give each component for it, over what the operator writes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub variables: BTreeMap<String, String>,

    /// Volume claim of a queue that runs inside Milvus.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue_claim: Option<String>,
}

/// Which coordinators a cluster has.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, Display, EnumString,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum CoordinatorSet {
    /// All in one process.
    Mix,
    /// Root, data, index and query coordinator on their own.
    Four,
}
