//! Fields of components that have a fixed set of values, and the components' names.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter, EnumString, IntoStaticStr};

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
