//! The order in which components are replaced.
//!
//! One list serves all versions, because a component that does not exist at a version is left out of it; what
//! goes together is in [`crate::facts::JOINED`].

use crate::component::{Component, Mode, Topology};
use crate::facts;
use crate::request::Direction;
use crate::version::{Relation, Version};

/// The order on the way up. Each waits until the one before is done.
///
/// Coordinators come before the nodes that they steer: a query node of a newer version is not drained into by
/// an older query coordinator. Proxies come last: they are what clients see.
const UP: [Component; 11] = [
    Component::IndexNode,
    Component::RootCoord,
    Component::DataCoord,
    Component::IndexCoord,
    Component::QueryCoord,
    Component::MixCoord,
    Component::StreamingNode,
    Component::QueryNode,
    Component::DataNode,
    Component::Proxy,
    Component::Standalone,
];

/// The components of one step, all replaced together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepOrder {
    /// At least one component.
    pub components: Vec<Component>,
}

/// The steps from one version to another.
///
/// `cdc` is always first. A way down, and a revert of a way up, takes the order in reverse. Every component
/// of the target is in exactly one step, but for the placeholder `standalone` of a cluster: it has no pods
/// and waits for nothing.
pub fn steps(from: &Version, to: &Version, topology: &Topology, direction: Direction) -> Vec<StepOrder> {
    let wanted = rolled(to, *topology);
    let mut order: Vec<StepOrder> = Vec::new();
    let joined = match (from.known(), to.known()) {
        (Some(from), Some(to)) => facts::joined(from, to),
        _ => Vec::new(),
    };
    for component in UP.into_iter().filter(|component| wanted.contains(component)) {
        if order.iter().any(|step| step.components.contains(&component)) {
            continue;
        }
        let components = joined
            .iter()
            .find(|group| group.contains(&component))
            .map(|group| group.iter().copied().filter(|member| wanted.contains(member)).collect());
        order.push(StepOrder { components: components.unwrap_or_else(|| vec![component]) });
    }
    if goes_down(from, to, direction) {
        order.reverse();
    }
    if wanted.contains(&Component::Cdc) {
        order.insert(0, StepOrder { components: vec![Component::Cdc] });
    }
    order
}

/// The components that have pods, in the order of the list of components.
pub(crate) fn rolled(version: &Version, topology: Topology) -> Vec<Component> {
    let mut list = facts::components_of(version, &topology);
    if topology.mode == Mode::Cluster {
        list.retain(|component| *component != Component::Standalone);
    }
    list
}

fn goes_down(from: &Version, to: &Version, direction: Direction) -> bool {
    match direction {
        Direction::Downgrade => true,
        Direction::Revert => Relation::between(from, to) != Relation::Newer,
        Direction::Start | Direction::Upgrade | Direction::Same => false,
    }
}
