//! `spec.components`: the settings that all components share, and each component's own.
//!
//! [`ComponentSpec`] is written once and appears in both places: flattened into [`Components`] it holds for all, in a
//! [`Component`] it overrides. Which value wins is not decided here.

use std::collections::BTreeMap;

use k8s_openapi::{
    api::core::v1::{
        Affinity, EnvVar, LocalObjectReference, ResourceRequirements, Toleration, TopologySpreadConstraint,
        VolumeMount,
    },
    apimachinery::pkg::util::intstr::IntOrString,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter, EnumString, IntoStaticStr};

use crate::{
    FreeForm,
    schema::{embedded, free_form_list, plain_integer},
};

/// Settings of a pod: shared by all components, or of one component.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ComponentSpec {
    /// Pause the Deployment: changes wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<bool>,

    /// Labels of the pods.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub pod_labels: BTreeMap<String, String>,

    /// Annotations of the pods.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub pod_annotations: BTreeMap<String, String>,

    /// Milvus image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,

    /// Milvus version, when the image tag does not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,

    /// Replaces `milvus run <role>`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub commands: Vec<String>,

    /// Run Milvus as a child process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_with_sub_process: Option<bool>,

    /// Pull policy of the image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_pull_policy: Option<String>,

    /// Secrets to pull images with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "embedded::<Vec<LocalObjectReference>>")]
    pub image_pull_secrets: Vec<LocalObjectReference>,

    /// Environment, merged by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "embedded::<Vec<EnvVar>>")]
    pub env: Vec<EnvVar>,

    /// Scheduler of the pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheduler_name: Option<String>,

    /// Labels that a node must have.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub node_selector: BTreeMap<String, String>,

    /// Affinity of the pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "embedded::<Affinity>")]
    pub affinity: Option<Affinity>,

    /// Taints that the pods tolerate.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "embedded::<Vec<Toleration>>")]
    pub tolerations: Vec<Toleration>,

    /// How the pods spread.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "embedded::<Vec<TopologySpreadConstraint>>")]
    pub topology_spread_constraints: Vec<TopologySpreadConstraint>,

    /// Requests and limits of the Milvus container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "embedded::<ResourceRequirements>")]
    pub resources: Option<ResourceRequirements>,

    /// Service account of the pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_account_name: Option<String>,

    /// Priority class of the pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority_class_name: Option<String>,

    /// DNS policy of the pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns_policy: Option<String>,

    /// Use the network of the node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_network: Option<bool>,

    /// Mounts to add; one named `_remove` removes the mount at its path.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "embedded::<Vec<VolumeMount>>")]
    pub volume_mounts: Vec<VolumeMount>,

    /// Volumes to add (Kubernetes `Volume`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "free_form_list")]
    pub volumes: Vec<FreeForm>,

    /// `startupProbe`, `livenessProbe`, `readinessProbe`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probes: Option<FreeForm>,

    /// Security context of the Milvus container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security_context: Option<FreeForm>,

    /// How many pods change at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rolling_update: Option<RollingUpdate>,
}

/// How many pods of a Deployment change at once.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RollingUpdate {
    /// Pods above the wanted number, absolute or in percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "embedded::<IntOrString>")]
    pub max_surge: Option<IntOrString>,

    /// Pods that may be missing, absolute or in percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "embedded::<IntOrString>")]
    pub max_unavailable: Option<IntOrString>,
}

/// `spec.components`: what all components share, what exists once, and the components.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Components {
    /// What holds for every component that does not say otherwise.
    #[serde(flatten)]
    pub global: ComponentSpec,

    /// Whether the Service names its target ports or numbers them.
    #[serde(default)]
    pub target_port_type: TargetPortType,

    /// Order of an image change: component by component (`rollingUpgrade`, or in reverse `rollingDowngrade`), `all` at
    /// once, or `force`, which does not wait for graceful stops either.
    #[serde(default)]
    pub image_update_mode: ImageUpdateMode,

    /// Update images without downtime: components in order, coordinators in active-standby. True when unset, except for
    /// a standalone with rocksmq or natsmq, which can't.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable_rolling_update: Option<bool>,

    /// Create no PodMonitor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disable_metric: Option<bool>,

    /// Scrape interval in the PodMonitor, as a Prometheus duration. `30s` when empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(
        pattern = r"^(0|(([0-9]+)y)?(([0-9]+)w)?(([0-9]+)d)?(([0-9]+)h)?(([0-9]+)m)?(([0-9]+)s)?(([0-9]+)ms)?)$"
    ))]
    pub metric_interval: Option<String>,

    /// Labels that the PodMonitor adds to every series.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metric_labels: BTreeMap<String, String>,

    /// Image of the `config` init container. The operator's own image when unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_image: Option<String>,

    /// Image of a second Deployment that idles with no replicas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dummy_image: Option<String>,

    /// Renew the init container when the operator is upgraded. This restarts the pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub update_tool_image: Option<bool>,

    /// Whether a changed configuration only reaches the ConfigMap. With false the pods are restarted. True when unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub update_config_map_only: Option<bool>,

    /// 2: query nodes roll between two Deployments; 3: every component does. 2 when unset or 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "plain_integer")]
    pub rolling_mode: Option<i64>,

    /// Leave Deployments alone and update only the active ConfigMap.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable_manual_mode: Option<bool>,

    /// ConfigMap that new pods mount. The name of the `Milvus` when unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active_config_map: Option<String>,

    /// Run the pods as user 1000 and never as root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_as_non_root: Option<bool>,

    /// Run streaming nodes on a Milvus below 2.6.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub streaming_mode: Option<bool>,

    /// Entry of a cluster: takes the requests of clients.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<Proxy>,

    /// All coordinators in one process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mix_coord: Option<Component>,

    /// Coordinator of collections, time and identifiers, when coordinators are separate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root_coord: Option<Component>,

    /// Coordinator of index building, when coordinators are separate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index_coord: Option<Component>,

    /// Coordinator of segments, when coordinators are separate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_coord: Option<Component>,

    /// Coordinator of query nodes, when coordinators are separate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query_coord: Option<Component>,

    /// Builds indexes, up to Milvus 2.5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index_node: Option<Component>,

    /// Writes and compacts segments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_node: Option<GroupedComponent>,

    /// Serves searches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query_node: Option<GroupedComponent>,

    /// Owns the write-ahead log, from Milvus 2.6.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub streaming_node: Option<GroupedComponent>,

    /// All roles in one process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standalone: Option<ServiceComponent>,

    /// Copies changes to another Milvus.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cdc: Option<Component>,
}

impl Components {
    /// What the user wrote for a component, or none where nothing was written.
    pub fn component(&self, name: ComponentName) -> Option<&Component> {
        match name {
            ComponentName::MixCoord => self.mix_coord.as_ref(),
            ComponentName::RootCoord => self.root_coord.as_ref(),
            ComponentName::DataCoord => self.data_coord.as_ref(),
            ComponentName::QueryCoord => self.query_coord.as_ref(),
            ComponentName::IndexCoord => self.index_coord.as_ref(),
            ComponentName::IndexNode => self.index_node.as_ref(),
            ComponentName::Cdc => self.cdc.as_ref(),
            ComponentName::DataNode => self.data_node.as_ref().map(|node| &node.component),
            ComponentName::QueryNode => self.query_node.as_ref().map(|node| &node.component),
            ComponentName::StreamingNode => self.streaming_node.as_ref().map(|node| &node.component),
            ComponentName::Proxy => self.proxy.as_ref().map(|proxy| &proxy.service.component),
            ComponentName::Standalone => self.standalone.as_ref().map(|standalone| &standalone.component),
        }
    }

    /// The groups of a component; empty where it has none or can't have any.
    pub fn groups(&self, name: ComponentName) -> &[DeploymentGroup] {
        let groups = match name {
            ComponentName::DataNode => self.data_node.as_ref().map(|node| &node.groups),
            ComponentName::QueryNode => self.query_node.as_ref().map(|node| &node.groups),
            ComponentName::StreamingNode => self.streaming_node.as_ref().map(|node| &node.groups),
            ComponentName::Proxy => self.proxy.as_ref().map(|proxy| &proxy.groups),
            _ => None,
        };
        groups.map_or(&[], Vec::as_slice)
    }

    /// What the user wrote for the entry of the given component; only proxy and standalone are entries.
    pub fn service(&self, name: ComponentName) -> Option<&ServiceComponent> {
        match name {
            ComponentName::Proxy => self.proxy.as_ref().map(|proxy| &proxy.service),
            ComponentName::Standalone => self.standalone.as_ref(),
            _ => None,
        }
    }
}

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

/// How the Service refers to the ports of a pod.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum TargetPortType {
    /// By the name of the container port.
    #[default]
    String,
    /// By number.
    Integer,
}

/// Order in which components take a new image.
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
pub enum ImageUpdateMode {
    /// Component by component, in the order of an upgrade.
    #[default]
    RollingUpgrade,
    /// Component by component, in the reverse order.
    RollingDowngrade,
    /// All components at once.
    All,
    /// All components at once, without waiting for graceful stops.
    Force,
}

/// Type of the Service in front of Milvus.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    JsonSchema,
    Display,
    EnumString,
    IntoStaticStr,
)]
pub enum ServiceType {
    /// Reachable inside the cluster.
    #[default]
    ClusterIP,
    /// On a port of every node.
    NodePort,
    /// Through a load balancer.
    LoadBalancer,
}

/// A component, in the order in which upstream lists them. Displays as the value of `app.kubernetes.io/component`.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    Display,
    EnumIter,
    EnumString,
    IntoStaticStr,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum ComponentName {
    /// All coordinators in one process.
    MixCoord,
    /// Coordinator of collections, time and identifiers.
    RootCoord,
    /// Coordinator of segments.
    DataCoord,
    /// Coordinator of query nodes.
    QueryCoord,
    /// Coordinator of index building.
    IndexCoord,
    /// Writes and compacts segments.
    DataNode,
    /// Serves searches.
    QueryNode,
    /// Builds indexes, up to Milvus 2.5.
    IndexNode,
    /// Takes the requests of clients.
    Proxy,
    /// All roles in one process.
    Standalone,
    /// Owns the write-ahead log, from Milvus 2.6.
    StreamingNode,
    /// Copies changes to another Milvus.
    Cdc,
}

impl ComponentName {
    /// The name as it stands in labels and object names.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}
