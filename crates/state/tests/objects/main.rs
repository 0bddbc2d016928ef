//! What is rendered from what users write: the whole pipeline, from YAML to objects.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
#![allow(clippy::disallowed_methods, reason = "tests read their cases from files")]

#[path = "../world/mod.rs"]
mod world;

mod cases;
mod diff;
mod fields;
mod upstream;

use std::collections::BTreeMap;

use milvus_api::Milvus;
use milvus_state::decide;
use serde_json::Value;

use world::World;

/// Everything that the first pass over a Milvus writes, by kind and name.
fn rendered(milvus: Milvus, kafka_has_ca: bool) -> BTreeMap<String, Value> {
    let mut snapshot = World::new(milvus).observe().unwrap();
    snapshot.kafka_ca = Some(kafka_has_ca);
    let decided = decide(&snapshot).unwrap();
    let objects = decided.objects;
    assert!(objects.removals.is_empty());
    let mut all = BTreeMap::new();
    let service = objects.service.unwrap();
    let name = |meta: &Value| meta["name"].as_str().unwrap().to_owned();
    let mut add = |kind: &str, value: Value| {
        let name = name(&value["metadata"]);
        all.insert(format!("{kind} {name}"), value);
    };
    if let Some(meta) = objects.meta {
        add("Milvus", meta.object(&decided.milvus.unwrap()));
    }
    for map in objects.config_maps {
        add("ConfigMap", serde_json::to_value(map).unwrap());
    }
    add("Service", serde_json::to_value(service).unwrap());
    for write in objects.beside {
        add(&write.kind.to_string(), write.object);
    }
    for write in objects.deployments {
        add("Deployment", write.object);
    }
    all
}
