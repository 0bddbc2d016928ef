//! The components of a Milvus: what each is called, how it is started, where it listens. Which of them exist
//! at a version is in [`crate::facts`].

use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter, EnumString, IntoStaticStr};

/// A component, named as in labels, container names and messages.
///
/// The order of the variants is the order in which the Go operator lists them in `Milvus components[…] are
/// updating`.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Display,
    EnumString,
    EnumIter,
    IntoStaticStr,
    Serialize,
    Deserialize,
)]
#[strum(serialize_all = "lowercase")]
#[serde(rename_all = "lowercase")]
pub enum Component {
    /// Change data capture; optional, before everything else.
    Cdc,
    /// All coordinators in one process.
    MixCoord,
    /// Root coordinator, in the layout with four coordinators.
    RootCoord,
    /// Data coordinator, in the layout with four coordinators.
    DataCoord,
    /// Query coordinator, in the layout with four coordinators.
    QueryCoord,
    /// Index coordinator, in the layout with four coordinators.
    IndexCoord,
    /// Writes segments.
    DataNode,
    /// The write-ahead log; always there from 2.6 on.
    StreamingNode,
    /// Holds segments in memory and searches them.
    QueryNode,
    /// Builds indexes; up to 2.5.
    IndexNode,
    /// What clients talk to in a cluster.
    Proxy,
    /// Everything in one process; in a cluster a placeholder with 0 replicas.
    Standalone,
}

impl Component {
    /// The name in labels, container names and messages: `mixcoord`, `querynode`, ….
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The field of it below `spec.components`: `mixCoord`, `queryNode`, ….
    pub fn field(self) -> &'static str {
        match self {
            Self::Cdc => "cdc",
            Self::MixCoord => "mixCoord",
            Self::RootCoord => "rootCoord",
            Self::DataCoord => "dataCoord",
            Self::QueryCoord => "queryCoord",
            Self::IndexCoord => "indexCoord",
            Self::DataNode => "dataNode",
            Self::StreamingNode => "streamingNode",
            Self::QueryNode => "queryNode",
            Self::IndexNode => "indexNode",
            Self::Proxy => "proxy",
            Self::Standalone => "standalone",
        }
    }

    /// What follows `milvus run` (a `mixcoord` role does not exist in Milvus up to 2.5: it is a `mixture`).
    pub fn run_args(self) -> &'static [&'static str] {
        match self {
            Self::MixCoord => &["mixture", "-rootcoord", "-querycoord", "-datacoord", "-indexcoord"],
            Self::RootCoord => &["rootcoord"],
            Self::DataCoord => &["datacoord"],
            Self::QueryCoord => &["querycoord"],
            Self::IndexCoord => &["indexcoord"],
            Self::DataNode => &["datanode"],
            Self::StreamingNode => &["streamingnode"],
            Self::QueryNode => &["querynode"],
            Self::IndexNode => &["indexnode"],
            Self::Proxy => &["proxy"],
            Self::Standalone => &["standalone"],
            Self::Cdc => &["cdc"],
        }
    }

    /// Whether only one instance of it is active at a time, with others standing by.
    pub fn is_coordinator(self) -> bool {
        matches!(
            self,
            Self::MixCoord | Self::RootCoord | Self::DataCoord | Self::QueryCoord | Self::IndexCoord
        )
    }

    /// The gRPC port it listens on by default; `None` where it has none of its own.
    pub fn default_port(self) -> Option<u16> {
        match self {
            Self::RootCoord => Some(53100),
            Self::DataCoord => Some(13333),
            Self::QueryCoord => Some(19531),
            Self::IndexCoord => Some(31000),
            Self::DataNode => Some(21124),
            Self::QueryNode => Some(21123),
            Self::IndexNode => Some(21121),
            Self::StreamingNode => Some(22222),
            Self::Proxy | Self::Standalone => Some(19530),
            Self::MixCoord | Self::Cdc => None,
        }
    }

    /// Whether clients reach Milvus through it: the Service selects it and has a port named `milvus` for it.
    pub fn serves_clients(self) -> bool {
        matches!(self, Self::Proxy | Self::Standalone)
    }
}

/// The names of components that are handled together, joined by `+`.
pub fn joined_names(components: &[Component]) -> String {
    components.iter().map(|component| component.name()).collect::<Vec<_>>().join("+")
}

/// `spec.mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Display, EnumString, Serialize, Deserialize)]
#[strum(serialize_all = "lowercase")]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// One process per role.
    Cluster,
    /// One process.
    Standalone,
}

/// How the coordinators of a cluster are run. From 2.6 on there is only [`Coordinators::Mix`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Coordinators {
    /// One `mixcoord`.
    Mix,
    /// `rootcoord`, `datacoord`, `querycoord` and `indexcoord`.
    Four,
}

/// What the user chose about the set of components.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Topology {
    /// `spec.mode`.
    pub mode: Mode,
    /// Which coordinators `spec` asks for. Looked at up to 2.5 only.
    pub coordinators: Coordinators,
    /// Whether a version below 2.6 runs a streaming node (`spec.components.streamingMode`).
    pub streaming: bool,
    /// Whether `spec.components.cdc` is given.
    pub cdc: bool,
}
