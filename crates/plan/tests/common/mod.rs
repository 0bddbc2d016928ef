//! Requests for the tests: a cluster with a mixcoord, rolled upwards, unless a test says otherwise.
#![allow(dead_code, reason = "each test file uses its own part")]
#![allow(clippy::unwrap_used, reason = "a helper of tests")]

use milvus_plan::{
    Component, ComponentState, Coordinators, MilvusVersion, Mode, Plan, Progress, QueueChange, Request, Side,
    Topology, UpdateMode, Version, plan,
};

pub const MIX: Topology =
    Topology { mode: Mode::Cluster, coordinators: Coordinators::Mix, streaming: false, cdc: false };
pub const FOUR: Topology = Topology { coordinators: Coordinators::Four, ..MIX };
pub const STANDALONE: Topology = Topology { mode: Mode::Standalone, ..MIX };

/// One version for every row and every edge of the tables.
pub const VERSIONS: [&str; 25] = [
    "1.1.1",
    "2.0.2",
    "2.1.0",
    "2.1.4",
    "2.2.0",
    "2.2.2",
    "2.2.3",
    "2.2.5",
    "2.2.16",
    "2.3.5",
    "2.4.4",
    "2.4.23",
    "2.5.0-beta",
    "2.5.3",
    "2.5.15",
    "2.5.16",
    "2.5.26",
    "2.6.0-rc1",
    "2.6.0",
    "2.6.10",
    "2.6.20",
    "2.7.0",
    "3.0.0",
    "3.0.5",
    "3.1.0",
];

pub fn version(text: &str) -> MilvusVersion {
    text.parse().unwrap()
}

pub fn known(text: &str) -> Version {
    Version::Known(version(text))
}

/// The official image with this tag.
pub fn side(tag: &str) -> Side {
    Side::of(None, &format!("milvusdb/milvus:{tag}"))
}

/// From one tag to another, all pods at the first one.
pub fn request(from: &str, to: &str) -> Request {
    Request {
        from: Some(side(from)),
        running: vec![side(from)],
        to: side(to),
        own: Vec::new(),
        update_mode: UpdateMode::RollingUpgrade,
        rolling_enabled: true,
        stopped_first: false,
        topology: MIX,
        running_coordinators: Some(Coordinators::Mix),
        queue: QueueChange::Unchanged,
        override_annotation: None,
    }
}

pub fn with_four(mut request: Request) -> Request {
    request.topology = FOUR;
    request.running_coordinators = Some(Coordinators::Four);
    request
}

pub fn standalone(mut request: Request) -> Request {
    request.topology = STANDALONE;
    request.running_coordinators = None;
    request
}

pub fn mode(mut request: Request, mode: UpdateMode) -> Request {
    request.update_mode = mode;
    request
}

pub fn allowing(mut request: Request, annotation: &str) -> Request {
    request.override_annotation = Some(annotation.to_owned());
    request
}

pub fn running(mut request: Request, tags: &[&str]) -> Request {
    request.running = tags.iter().map(|tag| side(tag)).collect();
    request
}

pub fn progress<const N: usize>(states: [(Component, ComponentState); N]) -> Progress {
    Progress::of_components(states.into())
}

/// A roll of indexnode, mixcoord, querynode, datanode, proxy.
pub fn plan_of_five() -> Plan {
    plan(&request("2.4.23", "2.5.16")).unwrap()
}
