//! What is rendered from what users write: the whole pipeline, from YAML to objects.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
#![allow(clippy::disallowed_methods, reason = "tests read their cases from files")]

#[path = "../support/mod.rs"]
mod support;

mod annotations;
mod cases;
mod config;
mod diff;
mod fields;
mod samples;
mod served;
mod upstream;

use std::collections::BTreeMap;

use milvus_api::Milvus;
use milvus_state::decide;
use serde_json::Value;

/// Everything that the first pass over a Milvus writes, by kind and name.
fn rendered(milvus: Milvus, kafka_has_ca: bool) -> BTreeMap<String, Value> {
    let milvus = support::created(milvus);
    let mut snapshot = support::snapshot(&milvus);
    snapshot.kafka_ca = Some(kafka_has_ca);
    let objects = decide(&support::parse(&milvus), &snapshot).unwrap().objects;
    assert!(objects.removals.is_empty());
    let metadata = objects.metadata.map(|meta| meta.object(&snapshot.watched.milvus));
    let mut all = BTreeMap::new();
    for object in metadata.into_iter().chain(objects.writes.into_iter().map(|write| write.manifest.object)) {
        let name = object["metadata"]["name"].as_str().unwrap();
        all.insert(format!("{} {name}", object["kind"].as_str().unwrap()), object);
    }
    all
}
