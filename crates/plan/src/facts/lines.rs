//! What each release line of Milvus is like.

use super::span::Span;
use crate::component::Mode;
use crate::queue::Queue;
use crate::version::MilvusVersion;

/// The set of components of a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// Up to 2.5: index nodes, a mixcoord or four coordinators, a streaming node only if asked for.
    IndexNodes,
    /// From 2.6: a mixcoord and streaming nodes; no index nodes.
    Streaming,
}

/// How metadata is written into etcd.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::Display)]
pub enum Schema {
    /// That of 2.1.
    #[strum(serialize = "2.1")]
    V2_1,
    /// That of 2.2 and everything after it.
    #[strum(serialize = "2.2")]
    V2_2,
}

/// A release line.
#[derive(Debug, Clone, Copy)]
pub struct Line {
    /// The versions in it.
    pub versions: Span,
    /// Its set of components.
    pub layout: Layout,
    /// How it writes metadata; `None` where nothing is known.
    pub schema: Option<Schema>,
    /// The message queue of a cluster that does not name one.
    pub cluster_queue: Queue,
    /// The message queue of a standalone that does not name one.
    pub standalone_queue: Queue,
    /// Where that is written down.
    pub evidence: &'static str,
}

const fn index_nodes(versions: Span, schema: Option<Schema>, evidence: &'static str) -> Line {
    Line {
        versions,
        layout: Layout::IndexNodes,
        schema,
        cluster_queue: Queue::Pulsar,
        standalone_queue: Queue::Rocksmq,
        evidence,
    }
}

const fn streaming(versions: Span, evidence: &'static str) -> Line {
    Line {
        versions,
        layout: Layout::Streaming,
        schema: Some(Schema::V2_2),
        cluster_queue: Queue::Pulsar,
        standalone_queue: Queue::Woodpecker,
        evidence,
    }
}

/// Every release line that is known, oldest first.
pub static LINES: [Line; 8] = [
    index_nodes(
        Span::new((2, 0, 0), (2, 1, 0)),
        None,
        "the component list of the Go operator, the same for every version below 2.6: https://github.com/zilliztech/milvus-operator",
    ),
    index_nodes(
        Span::new((2, 1, 0), (2, 2, 0)),
        Some(Schema::V2_1),
        "metadata that a real Milvus 2.1.0 wrote; https://milvus.io/docs/v2.2.x/upgrade_milvus_cluster-operator.md",
    ),
    index_nodes(
        Span::new((2, 2, 0), (2, 3, 0)),
        Some(Schema::V2_2),
        "real Milvus 2.2.16 on metadata of 2.1; https://milvus.io/docs/v2.2.x/upgrade_milvus_cluster-operator.md",
    ),
    index_nodes(
        Span::new((2, 3, 0), (2, 4, 0)),
        Some(Schema::V2_2),
        "real Milvus 2.3.5 in a roll from 2.2.16",
    ),
    index_nodes(
        Span::new((2, 4, 0), (2, 5, 0)),
        Some(Schema::V2_2),
        "https://milvus.io/docs/v2.4.x/upgrade_milvus_cluster-operator.md",
    ),
    index_nodes(
        Span::new((2, 5, 0), (2, 6, 0)),
        Some(Schema::V2_2),
        "https://milvus.io/docs/v2.5.x/upgrade_milvus_cluster-operator.md",
    ),
    streaming(
        Span::new((2, 6, 0), (2, 7, 0)),
        "https://milvus.io/blog/how-to-safely-upgrade-from-milvu-2-5-x-to-milvus-2-6-x.md",
    ),
    streaming(
        Span::new((3, 0, 0), (3, 1, 0)),
        "https://milvus.io/docs/zh-hant/upgrade_milvus_cluster-operator.md",
    ),
];

/// The versions whose coordinators can stand by for each other.
///
/// Evidence: <https://milvus.io/docs/v2.4.x/upgrade_milvus_cluster-operator.md> ("since Milvus 2.2.3 …").
pub const ACTIVE_STANDBY: Span = Span { from: (2, 2, 3), ..Span::ANY };

/// The release line of `version`: the last one for what is newer than the table, the first for what is older.
pub(super) fn line(version: &MilvusVersion) -> &'static Line {
    let [first, ..] = &LINES;
    LINES.iter().rev().find(|line| version.numbers() >= line.versions.from).unwrap_or(first)
}

/// How `version` writes its metadata into etcd; `None` where nothing is known about it (before 2.1).
pub fn schema(version: &MilvusVersion) -> Option<Schema> {
    line(version).schema
}

/// The message queue of a Milvus that does not name one, when it is first started. It is recorded then: an
/// upgrade never changes it.
pub fn default_queue(mode: Mode, version: &MilvusVersion) -> Queue {
    match mode {
        Mode::Cluster => line(version).cluster_queue,
        Mode::Standalone => line(version).standalone_queue,
    }
}

/// Whether coordinators of this version can stand by for each other, so that one can be replaced while
/// requests are served: from 2.2.3 on.
pub fn active_standby(version: &MilvusVersion) -> bool {
    ACTIVE_STANDBY.contains(version)
}
