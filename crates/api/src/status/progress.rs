//! `status.lastProgress`: how far what is waited for has come, and when it came there.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::schema::{embedded, plain_integer};

/// How far what is waited for has come, and when it came there.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LastProgress {
    /// When a pod came, got ready or ended, a step began or ended, or a gate opened, for the last time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "embedded::<Time>")]
    pub time: Option<Time>,

    /// Generation of `spec` that this is about: another one is another change.
    #[serde(default)]
    #[schemars(schema_with = "plain_integer")]
    pub generation: i64,

    /// Steps that have begun.
    #[serde(default)]
    #[schemars(schema_with = "plain_integer")]
    pub begun: i64,

    /// Steps that have ended.
    #[serde(default)]
    #[schemars(schema_with = "plain_integer")]
    pub ended: i64,

    /// Component to the furthest that its pods have come.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub pods: BTreeMap<String, PodProgress>,

    /// Gates that are closed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub held: Vec<String>,
}

/// How far the pods of a component have come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PodProgress {
    /// Pods of the new template.
    #[serde(default)]
    #[schemars(schema_with = "plain_integer")]
    pub new: i64,

    /// Those of them that are available.
    #[serde(default)]
    #[schemars(schema_with = "plain_integer")]
    pub ready: i64,

    /// Pods of an older template, and those that are ending.
    #[serde(default)]
    #[schemars(schema_with = "plain_integer")]
    pub old: i64,
}
