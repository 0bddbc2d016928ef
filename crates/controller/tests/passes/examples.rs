//! The files in `examples/`, as users apply them.
#![allow(clippy::disallowed_methods, reason = "tests read files")]

use std::path::{Path, PathBuf};

use milvus_api::{ConditionType, Milvus, MilvusState};
use serde_json::Value;

use crate::world::{World, crs};

/// Files that are patches of a Milvus that runs.
const PATCHES: [&str; 3] = ["upgrade.yaml", "downgrade.yaml", "stop.yaml"];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples")
}

/// The text of the first document of a file: the Milvus.
fn text(file: &str) -> String {
    let text = std::fs::read_to_string(folder().join(file)).unwrap();
    text.split("\n---\n").next().unwrap().to_owned()
}

fn files() -> Vec<String> {
    let names = std::fs::read_dir(folder()).unwrap().map(|f| f.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> =
        names.filter(|name| Path::new(name).extension().is_some_and(|e| e == "yaml")).collect();
    names.sort();
    names
}

/// Each one that stands by itself comes up healthy, and nothing in it is refused or without effect.
#[test]
fn examples_come_up() {
    let files: Vec<String> = files().into_iter().filter(|f| !PATCHES.contains(&f.as_str())).collect();
    assert!(files.len() >= 7, "{files:?}");
    for file in files {
        let mut world = World::new(crs::read(&text(&file)));
        world.settle();
        assert!(world.updated(), "{file}\n{}", world.describe());
        assert_eq!(world.status().status, MilvusState::Healthy, "{file}");
        assert_eq!(world.condition(ConditionType::SpecSupported).0, "True", "{file}");
    }
}

/// The page lists every file.
#[test]
fn the_page_lists_them_all() {
    let page = std::fs::read_to_string(folder().join("README.md")).unwrap();
    for file in files() {
        assert!(page.contains(&format!("[{file}]({file})")), "{file}");
    }
}

/// The patches do what they say to the cluster of the examples.
#[test]
fn patches_do_what_they_say() {
    let mut world = World::running(crs::read(&text("cluster-mixcoord.yaml")));
    patch(&mut world, "upgrade.yaml");
    assert_eq!(world.order().join(" "), "indexnode mixcoord querynode datanode proxy");
    patch(&mut world, "downgrade.yaml");
    assert_eq!(world.status().current_image, Some(crs::image("2.4.8")));
    patch(&mut world, "stop.yaml");
    assert_eq!(world.status().status, MilvusState::Stopped);
    assert!(world.pods.is_empty());
}

/// `kubectl patch --type merge`.
fn patch(world: &mut World, file: &str) {
    let patch: Value = serde_saphyr::from_str(&text(file)).unwrap();
    world.edit(|milvus: &mut Milvus| {
        let mut spec = serde_json::to_value(&milvus.spec).unwrap();
        milvus_state::manifests::config::merge(&mut spec, &patch["spec"]);
        milvus.spec = serde_json::from_value(spec).unwrap();
    });
    world.settle();
    assert!(world.updated(), "{file}\n{}", world.describe());
}
