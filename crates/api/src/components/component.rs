//! One component, and what some components have besides: a Service, groups.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Affinity, EnvVar, Toleration, TopologySpreadConstraint};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Autoscaler, ComponentSpec, ComponentStatefulSet, ServiceType};
use crate::{
    FreeForm,
    schema::{embedded, free_form_list},
};

/// One component.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Component {
    /// What overrides the shared settings.
    #[serde(flatten)]
    pub spec: ComponentSpec,

    /// Number of pods; -1 leaves it to an autoscaler.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = -1))]
    pub replicas: Option<i32>,

    /// Autoscaler of the pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hpa: Option<Box<Autoscaler>>,

    /// Containers to add (Kubernetes `Container`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "free_form_list")]
    pub sidecars: Vec<FreeForm>,

    /// Init containers to add, after `config`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "free_form_list")]
    pub init_containers: Vec<FreeForm>,
}

/// A component whose pods may be divided into groups.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GroupedComponent {
    /// The component itself.
    #[serde(flatten)]
    pub component: Component,

    /// One Deployment for each group; `replicas` of the component is then ignored.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub groups: Vec<DeploymentGroup>,
}

/// A component that works on segments: its pods may be divided into groups, and may be those of a
/// `StatefulSet`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SegmentNode {
    /// The component itself.
    #[serde(flatten)]
    pub component: Component,

    /// One Deployment for each group; `replicas` of the component is then ignored.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub groups: Vec<DeploymentGroup>,

    /// A `StatefulSet` in place of the Deployments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stateful_set: Option<Box<ComponentStatefulSet>>,
}

/// Index nodes: their pods may be those of a `StatefulSet`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IndexNode {
    /// The component itself.
    #[serde(flatten)]
    pub component: Component,

    /// A `StatefulSet` in place of the Deployment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stateful_set: Option<Box<ComponentStatefulSet>>,
}

/// A component that clients connect to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServiceComponent {
    /// The component itself.
    #[serde(flatten)]
    pub component: Component,

    /// Type of the Service.
    #[serde(default)]
    pub service_type: ServiceType,

    /// Port of the Service. 19530 when unset or 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 65535))]
    pub port: Option<i32>,

    /// Port of the Service for REST; none when unset or 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 65535))]
    pub service_restful_port: Option<i32>,

    /// Labels of the Service.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub service_labels: BTreeMap<String, String>,

    /// Annotations of the Service.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub service_annotations: BTreeMap<String, String>,

    /// Ingress to create.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ingress: Option<Ingress>,
}

/// The proxy: clients connect to it, and its pods may be divided into groups.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Proxy {
    /// The component and its Service.
    #[serde(flatten)]
    pub service: ServiceComponent,

    /// One Deployment for each group; `replicas` of the component is then ignored.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub groups: Vec<DeploymentGroup>,
}

/// An Ingress for the Service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Ingress {
    /// Labels of the Ingress.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,

    /// Annotations of the Ingress.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,

    /// Ingress class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ingress_class_name: Option<String>,

    /// Host names, one rule each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<String>,

    /// Name of a TLS Secret to the hosts that it serves.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tls_secret_refs: BTreeMap<String, Vec<String>>,
}

/// A part of a component's pods with a Deployment of its own. A field that is absent is inherited from the component;
/// one that is present and empty clears what would be inherited.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeploymentGroup {
    /// Name of the group, a DNS label; part of the name of its Deployment.
    #[schemars(length(min = 1, max = 63), regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"))]
    pub name: String,

    /// Number of pods; -1 leaves it to an autoscaler.
    #[schemars(range(min = -1))]
    pub replicas: i32,

    /// Labels of the pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<BTreeMap<String, String>>,

    /// Annotations of the pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annotations: Option<BTreeMap<String, String>>,

    /// Environment to add.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "embedded::<Vec<EnvVar>>")]
    pub extra_env: Option<Vec<EnvVar>>,

    /// Labels that a node must have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_selector: Option<BTreeMap<String, String>>,

    /// Affinity of the pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "embedded::<Affinity>")]
    pub affinity: Option<Affinity>,

    /// Taints that the pods tolerate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "embedded::<Vec<Toleration>>")]
    pub tolerations: Option<Vec<Toleration>>,

    /// How the pods spread.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "embedded::<Vec<TopologySpreadConstraint>>")]
    pub topology_spread_constraints: Option<Vec<TopologySpreadConstraint>>,
}
