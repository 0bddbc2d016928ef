//! `spec.components`: the settings that all components share, and each component's own.
//!
//! [`ComponentSpec`] is written once and appears in both places: flattened into [`Components`] it holds for all, in a
//! [`Component`] it overrides. Which value wins is not decided here.

mod choices;
mod component;
mod shared;
mod workload;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use choices::{ComponentName, ImageUpdateMode, ServiceType, TargetPortType};
pub use component::{
    Component, DeploymentGroup, GroupedComponent, IndexNode, Ingress, Proxy, SegmentNode, ServiceComponent,
};
pub use shared::{ComponentSpec, RollingUpdate};
pub use workload::{Autoscaler, ComponentStatefulSet};

use crate::schema::plain_integer;

/// `spec.components`: what all components share, what exists once, and the components. These are boxed: a Milvus has room for twelve and names
/// few, and the operator keeps every Milvus in memory.
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

    /// 2: query nodes roll between two Deployments; 3: every component does, from the next roll on. 2 when unset or 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "plain_integer")]
    pub rolling_mode: Option<i64>,

    /// Leave the numbers of pods alone, and the template of query nodes while they have pods; of several ConfigMaps update
    /// only the active one.
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
    pub proxy: Option<Box<Proxy>>,

    /// All coordinators in one process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mix_coord: Option<Box<Component>>,

    /// Coordinator of collections, time and identifiers, when coordinators are separate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root_coord: Option<Box<Component>>,

    /// Coordinator of index building, when coordinators are separate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index_coord: Option<Box<Component>>,

    /// Coordinator of segments, when coordinators are separate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_coord: Option<Box<Component>>,

    /// Coordinator of query nodes, when coordinators are separate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query_coord: Option<Box<Component>>,

    /// Builds indexes, up to Milvus 2.5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index_node: Option<Box<IndexNode>>,

    /// Writes and compacts segments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_node: Option<Box<SegmentNode>>,

    /// Serves searches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query_node: Option<Box<SegmentNode>>,

    /// Owns the write-ahead log, from Milvus 2.6.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub streaming_node: Option<Box<GroupedComponent>>,

    /// All roles in one process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standalone: Option<Box<ServiceComponent>>,

    /// Copies changes to another Milvus.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cdc: Option<Box<Component>>,
}

impl Components {
    /// What the user wrote for a component, or none where nothing was written.
    pub fn component(&self, name: ComponentName) -> Option<&Component> {
        match name {
            ComponentName::MixCoord => self.mix_coord.as_deref(),
            ComponentName::RootCoord => self.root_coord.as_deref(),
            ComponentName::DataCoord => self.data_coord.as_deref(),
            ComponentName::QueryCoord => self.query_coord.as_deref(),
            ComponentName::IndexCoord => self.index_coord.as_deref(),
            ComponentName::IndexNode => self.index_node.as_ref().map(|node| &node.component),
            ComponentName::Cdc => self.cdc.as_deref(),
            ComponentName::DataNode => self.data_node.as_ref().map(|node| &node.component),
            ComponentName::QueryNode => self.query_node.as_ref().map(|node| &node.component),
            ComponentName::StreamingNode => self.streaming_node.as_ref().map(|node| &node.component),
            ComponentName::Proxy => self.proxy.as_ref().map(|proxy| &proxy.service.component),
            ComponentName::Standalone => self.standalone.as_ref().map(|standalone| &standalone.component),
        }
    }

    /// What the user wrote of a `StatefulSet` for a component; none where nothing was, or where there can't
    /// be one.
    pub fn stateful_set(&self, name: ComponentName) -> Option<&ComponentStatefulSet> {
        match name {
            ComponentName::DataNode => self.data_node.as_ref()?.stateful_set.as_deref(),
            ComponentName::QueryNode => self.query_node.as_ref()?.stateful_set.as_deref(),
            ComponentName::IndexNode => self.index_node.as_ref()?.stateful_set.as_deref(),
            _ => None,
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
            ComponentName::Standalone => self.standalone.as_deref(),
            _ => None,
        }
    }
}
