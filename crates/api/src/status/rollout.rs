//! `status.upgrade`: a change of image, its steps, and what it waits for.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString};

use crate::{ImageUpdateMode, schema::embedded};

/// A change of image: what it is, how far it is, and what it waits for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RolloutStatus {
    /// What ran before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<RolloutImage>,

    /// What is to run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<RolloutImage>,

    /// Components with an image of their own: what each leaves, and what it goes to.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub components: BTreeMap<String, ComponentRollout>,

    /// `imageUpdateMode` when it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<ImageUpdateMode>,

    /// Up, down, back to what ran before, or to the same version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direction: Option<RolloutDirection>,

    /// Generation of the object that asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<i64>,

    /// When it was accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "embedded::<Time>")]
    pub started_at: Option<Time>,

    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "embedded::<Time>")]
    pub finished_at: Option<Time>,

    /// How far it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<RolloutPhase>,

    /// Its steps, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<RolloutStep>,

    /// What it waits for now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting_for: Option<WaitingFor>,

    /// Why it is in its phase, in one word.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,

    /// Why it is in its phase, in a sentence.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
}

/// One end of a change of image.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RolloutImage {
    /// Image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,

    /// Milvus version; absent when it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// A change of image of one component.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ComponentRollout {
    /// What ran before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<RolloutImage>,

    /// What is to run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<RolloutImage>,
}

/// Which way a change of image goes.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, Display, EnumString,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum RolloutDirection {
    /// To a higher version.
    Upgrade,
    /// To a lower version.
    Downgrade,
    /// Back to what ran before, while the change away from it is not finished.
    Revert,
    /// Another image of the same version.
    Same,
}

/// How far a change of image is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, Display, EnumString,
)]
pub enum RolloutPhase {
    /// Accepted; nothing is changed yet.
    Pending,
    /// Components are being replaced.
    Rolling,
    /// Every component was seen at the target.
    Done,
    /// Not allowed; nothing was changed.
    Refused,
    /// Another target took its place.
    Superseded,
}

/// A step of a change of image: components that are replaced together.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RolloutStep {
    /// Name of the step, unique in the list.
    pub name: String,

    /// Components that it replaces.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub components: Vec<String>,

    /// How far it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<StepState>,

    /// Version before the step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,

    /// Version after the step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,

    /// When it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "embedded::<Time>")]
    pub started_at: Option<Time>,

    /// When it was seen to be done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "embedded::<Time>")]
    pub finished_at: Option<Time>,
}

/// How far a step is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, Display, EnumString,
)]
pub enum StepState {
    /// Not begun.
    Pending,
    /// Its components are being replaced.
    Updating,
    /// Its components were seen at the target.
    Done,
    /// Its components keep the image that they have.
    Stays,
}

/// What a change of image waits for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WaitingFor {
    /// Step that waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,

    /// What it waits for, in one word.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,

    /// What it waits for and what to do about it, in a sentence.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,

    /// Since when it waits for this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "embedded::<Time>")]
    pub since: Option<Time>,
}
