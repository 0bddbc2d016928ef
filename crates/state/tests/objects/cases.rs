//! A snapshot for every file in `cases/`. A file whose first line is `# base: NAME` shows how its objects differ from those of
//! that file, so that a reader sees what a field does and nothing else.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::diff::differences;
use crate::rendered;
use crate::support::crs;

/// Annotations whose value says only that something else changed.
const HASHES: [&str; 2] = ["milvus.io/rendered-hash", "milvus.io/rendered-spec-hash"];

fn objects(path: &Path) -> BTreeMap<String, Value> {
    let text = std::fs::read_to_string(path).unwrap();
    let mut objects = rendered(crs::read(&text), text.contains("# The Secret has ca.pem."));
    for object in objects.values_mut() {
        if let Some(annotations) = object.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut)
        {
            annotations.retain(|key, _| !HASHES.contains(&key.as_str()));
        }
        // The text of a configuration is compared as what it says.
        if let Some(yaml) = object.pointer("/data/user.yaml").and_then(Value::as_str) {
            let parsed: Value = serde_saphyr::from_str(yaml).unwrap();
            object["data"]["user.yaml"] = parsed;
        }
    }
    objects
}

fn shown(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap();
    let objects = objects(path);
    let base = text.lines().next().and_then(|line| line.strip_prefix("# base: "));
    match base {
        None => {
            let parts =
                objects.iter().map(|(name, o)| format!("# {name}\n{}", serde_saphyr::to_string(o).unwrap()));
            parts.collect::<Vec<_>>().join("---\n")
        }
        Some(base) => {
            let base = crate::cases::objects(&path.with_file_name(format!("{base}.yaml")));
            differences(&base, &objects).join("\n")
        }
    }
}

#[test]
fn every_case() {
    insta::glob!("..", "cases/*.yaml", |path| {
        insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!("case", shown(path));
        });
    });
}
