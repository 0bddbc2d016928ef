//! `MilvusUpgrade`: an upgrade of one `Milvus` that migrates its metadata.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString};

use crate::schema::{embedded, plain_integer};

/// A request to bring a `Milvus` to another version, with its metadata.
#[derive(Clone, Debug, Default, PartialEq, CustomResource, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "milvus.io",
    version = "v1beta1",
    kind = "MilvusUpgrade",
    plural = "milvusupgrades",
    namespaced,
    status = "MilvusUpgradeStatus",
    category = "milvus",
    derive = "PartialEq",
    derive = "Default",
    doc = "A request to bring a `Milvus` to another version, with its metadata.",
    printcolumn = r#"{"name":"Milvus","type":"string","jsonPath":".spec.milvus.name"}"#,
    printcolumn = r#"{"name":"Target","type":"string","jsonPath":".spec.targetVersion"}"#,
    printcolumn = r#"{"name":"State","type":"string","jsonPath":".status.state"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#
)]
#[serde(rename_all = "camelCase")]
pub struct MilvusUpgradeSpec {
    /// `upgrade`, or `rollback` to take an upgrade back.
    #[serde(default)]
    pub operation: Operation,

    /// The `Milvus` to upgrade.
    pub milvus: MilvusReference,

    /// Version that runs now, for example `2.1.4`.
    pub source_version: String,

    /// Version to go to, for example `2.2.16`.
    pub target_version: String,

    /// Image to go to. `milvusdb/milvus:v<targetVersion>` when unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_image: Option<String>,

    /// Image of the tool that migrates the metadata.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_image: Option<String>,

    /// How often a failed task is tried again.
    #[serde(default = "default_max_retry")]
    #[schemars(schema_with = "plain_integer")]
    pub max_retry: i64,

    /// Take everything back when the upgrade fails.
    #[serde(default = "default_rollback_if_failed")]
    pub rollback_if_failed: bool,

    /// Volume claim for the backup. One is created when unset.
    #[serde(default, rename = "backupPVC", skip_serializing_if = "Option::is_none")]
    pub backup_pvc: Option<String>,
}

fn default_max_retry() -> i64 {
    3
}

fn default_rollback_if_failed() -> bool {
    true
}

/// What a `MilvusUpgrade` asks for.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Display, EnumString,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Operation {
    /// Go to the target version.
    #[default]
    Upgrade,
    /// Go back to the source version.
    Rollback,
}

/// Which `Milvus` is meant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MilvusReference {
    /// Namespace; that of the `MilvusUpgrade` when unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,

    /// Name.
    pub name: String,
}

/// How far the upgrade is, and what is needed to take it back.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MilvusUpgradeStatus {
    /// State of the upgrade, for example `BackupMeta` or `Succeeded`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,

    /// What is so and what is not: `CheckingUpgrationState`, `Upgraded`, `Rollbacked`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(
        schema_with = "embedded::<Vec<Condition>>",
        extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"])
    )]
    pub conditions: Vec<Condition>,

    /// Image that ran before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_image: Option<String>,

    /// Whether the migration of the metadata has begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meta_storage_changed: Option<bool>,

    /// Whether a backup of the metadata exists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meta_backuped: Option<bool>,

    /// Whether the upgrade is being taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_rollbacking: Option<bool>,

    /// Replicas of each component before it was stopped. The name in the API is misspelt and stays so.
    #[serde(default, rename = "replicasBeforeUprade", skip_serializing_if = "Option::is_none")]
    pub replicas_before_upgrade: Option<ReplicasBeforeUpgrade>,

    /// Component to group to its replicas before it was stopped.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub deployment_group_replicas_before_upgrade: BTreeMap<String, BTreeMap<String, i32>>,

    /// Volume claim that holds the backup.
    #[serde(default, rename = "backupPVC", skip_serializing_if = "Option::is_none")]
    pub backup_pvc: Option<String>,

    /// How often a task was tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "plain_integer")]
    pub retried_times: Option<i64>,
}

/// Replicas of each component before it was stopped.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReplicasBeforeUpgrade {
    /// Replicas of the proxy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "plain_integer")]
    pub proxy: Option<i64>,

    /// Replicas of the mix coordinator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "plain_integer")]
    pub mix_coord: Option<i64>,

    /// Replicas of the root coordinator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "plain_integer")]
    pub root_coord: Option<i64>,

    /// Replicas of the data coordinator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "plain_integer")]
    pub data_coord: Option<i64>,

    /// Replicas of the index coordinator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "plain_integer")]
    pub index_coord: Option<i64>,

    /// Replicas of the query coordinator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "plain_integer")]
    pub query_coord: Option<i64>,

    /// Replicas of the data nodes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "plain_integer")]
    pub data_node: Option<i64>,

    /// Replicas of the index nodes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "plain_integer")]
    pub index_node: Option<i64>,

    /// Replicas of the query nodes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "plain_integer")]
    pub query_node: Option<i64>,

    /// Replicas of the streaming nodes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "plain_integer")]
    pub streaming_node: Option<i64>,

    /// Replicas of the standalone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "plain_integer")]
    pub standalone: Option<i64>,

    /// Replicas of change data capture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "plain_integer")]
    pub cdc: Option<i64>,
}
