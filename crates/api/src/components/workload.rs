//! What the Go operator's newer releases let a component ask for besides a Deployment: an autoscaler, a
//! `StatefulSet`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{FreeForm, schema::free_form_list};

/// A `HorizontalPodAutoscaler` of a component. Metrics and behavior are Kubernetes' own (`autoscaling/v2`),
/// kept as they are written.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Autoscaler {
    /// Fewest pods. 1 when unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub min_replicas: Option<i32>,

    /// Most pods.
    // The schema requires it. An object that no schema has checked must be readable all the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(required, range(min = 1))]
    pub max_replicas: Option<i32>,

    /// What to scale by (Kubernetes `MetricSpec`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "free_form_list")]
    pub metrics: Vec<FreeForm>,

    /// How fast to scale.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub behavior: Option<FreeForm>,
}

/// A `StatefulSet` in place of a component's Deployments, so that every pod keeps its name and its volumes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ComponentStatefulSet {
    /// Whether it is wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,

    /// Volume claims of each pod (Kubernetes `PersistentVolumeClaim`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "free_form_list")]
    pub volume_claim_templates: Vec<FreeForm>,
}
