//! `Milvus`, the resource that users write.

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr};

use crate::{Components, Dependencies, FreeForm, MilvusStatus};

/// The image that a `Milvus` without one gets. It is a schema default: the API server writes it into the object when
/// it is created, so that a newer operator with a newer default upgrades nobody.
pub const DEFAULT_IMAGE: &str = "milvusdb/milvus:v2.6.11";

/// A Milvus installation: its components, what it depends on, and its configuration.
#[derive(Clone, Debug, Default, PartialEq, CustomResource, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "milvus.io",
    version = "v1beta1",
    kind = "Milvus",
    plural = "milvuses",
    namespaced,
    status = "MilvusStatus",
    shortname = "mi",
    // Not `milvus`: kubectl would take the word for the category and not for this kind.
    category = "milvus-io",
    derive = "PartialEq",
    derive = "Default",
    doc = "A Milvus installation: its components, what it depends on, and its configuration.",
    printcolumn = r#"{"name":"Mode","type":"string","jsonPath":".spec.mode"}"#,
    printcolumn = r#"{"name":"Status","type":"string","jsonPath":".status.status"}"#,
    printcolumn = r#"{"name":"Updated","type":"string","jsonPath":".status.conditions[?(@.type==\"MilvusUpdated\")].status"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#
)]
#[serde(rename_all = "camelCase")]
pub struct MilvusSpec {
    /// Topology: all roles in one pod (`standalone`), or one Deployment per role (`cluster`).
    #[serde(default)]
    pub mode: Mode,

    /// The components, and the settings that all of them share.
    #[serde(default)]
    pub components: Components,

    /// etcd, object storage and message queue: external ones, or in-cluster ones that the operator installs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dependencies: Option<Dependencies>,

    /// Milvus configuration (`milvus.yaml`), merged over what the operator generates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<FreeForm>,

    /// Configuration of Milvus' hook plugin; becomes `hook.yaml`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hook_config: Option<FreeForm>,

    /// How the operator upgrades. An addition of this operator; upstream has nothing like it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upgrade_policy: Option<UpgradePolicy>,
}

/// Topology of an installation.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
    Display,
    EnumString,
    IntoStaticStr,
)]
#[serde(rename_all = "camelCase")]
#[strum(serialize_all = "camelCase")]
pub enum Mode {
    /// One Deployment per role.
    Cluster,
    /// All roles in one pod.
    #[default]
    Standalone,
}

/// How the operator upgrades.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UpgradePolicy {
    /// Seconds that a new pod must stay ready before it counts as available. 30 when unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub min_ready_seconds: Option<i32>,

    /// Protect running pods against evictions: a `PodDisruptionBudget` with `maxUnavailable: 1` for each
    /// component with two or more replicas; none where another budget selects the pods. False when unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_disruption_budgets: Option<bool>,
}
