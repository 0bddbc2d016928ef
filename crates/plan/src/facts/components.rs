//! Which components exist at a version.

use crate::component::{Component, Coordinators, Mode, Topology};
use crate::facts::lines::{Layout, line};
use crate::version::{MilvusVersion, Version};

/// The components at `version`, in the order of the Go operator's list (and of its messages).
///
/// In cluster mode `standalone` is always among them, with 0 replicas, as the Go operator keeps it.
pub fn components(version: &MilvusVersion, topology: &Topology) -> Vec<Component> {
    components_in(line(version).layout, *topology)
}

/// The components at a version that may be unknown; see [`layout`].
pub fn components_of(version: &Version, topology: &Topology) -> Vec<Component> {
    components_in(layout(version), *topology)
}

/// The layout at a version that may be unknown: then the one that the Go operator takes it to have, so that
/// what runs under such a tag stays as it is.
pub fn layout(version: &Version) -> Layout {
    match version {
        Version::Known(version) => line(version).layout,
        Version::Unknown(text) => layout_of_unknown(text),
    }
}

/// The set of components that the Go operator takes an unreadable version to have: that of 2.6 for `master-…`
/// and for one or two bare numbers that are at least 2.6, else the one before.
///
/// For display and for what runs already; paths are never judged by it.
fn layout_of_unknown(text: &str) -> Layout {
    if text.starts_with("master-") {
        return Layout::Streaming;
    }
    let bare = text.strip_prefix('v').unwrap_or(text);
    let numbers: Result<Vec<u64>, _> = bare.split('.').map(str::parse).collect();
    match numbers.as_deref() {
        Ok([major]) => line(&MilvusVersion::new(*major, 0, 0)).layout,
        Ok([major, minor]) => line(&MilvusVersion::new(*major, *minor, 0)).layout,
        _ => Layout::IndexNodes,
    }
}

fn components_in(layout: Layout, topology: Topology) -> Vec<Component> {
    use Component::{
        Cdc, DataCoord, DataNode, IndexCoord, IndexNode, MixCoord, Proxy, QueryCoord, QueryNode, RootCoord,
        Standalone, StreamingNode,
    };
    let mut list = Vec::new();
    if topology.cdc {
        list.push(Cdc);
    }
    match (topology.mode, layout) {
        (Mode::Standalone, _) => list.push(Standalone),
        (Mode::Cluster, Layout::Streaming) => {
            list.extend([MixCoord, DataNode, StreamingNode, QueryNode, Proxy, Standalone]);
        }
        (Mode::Cluster, Layout::IndexNodes) => {
            match topology.coordinators {
                Coordinators::Mix => list.push(MixCoord),
                Coordinators::Four => list.extend([RootCoord, DataCoord, QueryCoord, IndexCoord]),
            }
            list.extend([DataNode, QueryNode, IndexNode, Proxy, Standalone]);
            if topology.streaming {
                list.push(StreamingNode);
            }
        }
    }
    list
}
