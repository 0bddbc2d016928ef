//! `plan` and `api` know nothing of each other: that both mean the same annotation is seen here, where they meet.

use std::fs;
use std::path::{Path, PathBuf};

use milvus_api::keys::{self, DOCUMENTED, KeyUse};
use milvus_plan::{consent, hold_before};

#[test]
fn plan_and_api_name_the_same_annotations() {
    assert_eq!(consent::ANNOTATION, keys::ALLOW_UPGRADE);
    assert_eq!(hold_before::ANNOTATION, keys::HOLD_BEFORE);
}

/// What the registry of keys calls kept for others is used nowhere; every other key is. Who sets one is seen in whole
/// passes, by the fields that the operator owns.
#[test]
fn keys_that_are_set_or_read_are_used_and_no_others() {
    let sources: Vec<String> = ["state", "cluster", "controller", "operator", "cli"]
        .iter()
        .flat_map(|name| files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name).join("src")))
        .map(|file| fs::read_to_string(file).unwrap())
        .collect();
    let keys = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../api/src/keys.rs")).unwrap();
    let mut compared = 0;
    for line in keys.lines() {
        let Some((name, key)) =
            line.strip_prefix("pub const ").and_then(|rest| rest.split_once(": &str = \""))
        else {
            continue;
        };
        let key = key.trim_end_matches("\";");
        let Some(row) = DOCUMENTED.iter().find(|row| row.key == key) else { continue };
        let word = format!("keys::{name}");
        let ends = |rest: &str| !rest.starts_with(|c: char| c == '_' || c.is_ascii_alphanumeric());
        let used = sources.iter().any(|source| source.split(&word).skip(1).any(ends));
        assert_eq!(used, row.usage != KeyUse::Kept, "{name} is {}", row.usage.words());
        compared += 1;
    }
    assert!(compared > 20, "{compared} keys");
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}
