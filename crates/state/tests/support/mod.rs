//! A Milvus as a pass first sees it: parsed, with nothing there yet and every dependency ready.
#![allow(dead_code, reason = "each test binary uses its own part")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper of tests")]

pub mod crs;

use std::collections::BTreeMap;

use jiff::Timestamp;
use milvus_api::{Milvus, Reason};
use milvus_state::manifests::Tool;
use milvus_state::records::{MilvusRecord, MonitorKind};
use milvus_state::refusal::Refusal;
use milvus_state::{Parsed, ProbeView, Probes, Snapshot, Watched, needs};

/// What the operator gives to pods.
pub fn tool() -> Tool {
    Tool { image: "operator:1".to_owned(), pull_policy: "IfNotPresent".to_owned() }
}

/// Parses a Milvus. What can't be rendered is a bug.
pub fn parse(milvus: &Milvus) -> Result<Parsed, Vec<Refusal>> {
    Parsed::of(milvus, &tool()).unwrap()
}

/// The Milvus as it is after it was created.
pub fn created(mut milvus: Milvus) -> Milvus {
    milvus.metadata.uid = Some("uid-1".to_owned());
    milvus.metadata.generation = Some(1);
    milvus.metadata.namespace.get_or_insert_with(|| "default".to_owned());
    milvus
}

/// What a first pass reads.
pub fn snapshot(milvus: &Milvus) -> Snapshot {
    let ready = |reason| Some(ProbeView { ready: true, reason, message: String::new() });
    let watched = Watched {
        now: Timestamp::from_second(1_800_000_000).unwrap(),
        milvus: MilvusRecord::of(milvus),
        deployments: BTreeMap::new(),
        config_maps: BTreeMap::new(),
        service: None,
        ingress: None,
        pod_monitor: None,
        monitor_kind: MonitorKind::Present,
        budgets: BTreeMap::new(),
        stateful_sets: BTreeMap::new(),
        jobs: BTreeMap::new(),
        minio_link: false,
        operator_version: "test".to_owned(),
    };
    let pods = needs(parse(milvus).as_ref().ok(), &watched).pods.then(Vec::new);
    Snapshot {
        watched,
        pods,
        templates: BTreeMap::new(),
        claim: None,
        probes: Probes {
            etcd: ready(Reason::EtcdReady),
            storage: ready(Reason::StorageReady),
            queue: ready(Reason::MsgStreamReady),
        },
        kafka_ca: Some(false),
        changed_secrets: Vec::new(),
    }
}
