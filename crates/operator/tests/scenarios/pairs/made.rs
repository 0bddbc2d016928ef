//! Specs that a played cluster can run, made by chance out of candidates for each field of the schema.

use std::{collections::BTreeMap, sync::LazyLock};

use fastrand::Rng;
use serde_json::{Map, Value, json};

use crate::world::Places;

/// How often a field of which there are candidates is taken.
const TAKEN: f32 = 0.35;

/// The schema of `spec.components`.
static COMPONENTS: LazyLock<Value> = LazyLock::new(|| {
    let definition = milvus_api::crd::milvus().unwrap();
    let versions = definition["spec"]["versions"].as_array().unwrap();
    let served = versions.iter().find(|version| version["name"] == "v1beta1").unwrap();
    served["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["components"].clone()
});

/// What fields can have, by the last name of their path.
static CANDIDATES: LazyLock<BTreeMap<String, Vec<Value>>> =
    LazyLock::new(|| serde_saphyr::from_str(include_str!("candidates.yaml")).unwrap());

/// An object of the schema in which every field is one of its candidates, or an object of such. A field with fields of its own is gone
/// into; every other is left out.
fn chosen(rng: &mut Rng, schema: &Value) -> Map<String, Value> {
    let mut map = Map::new();
    for (name, inner) in schema["properties"].as_object().into_iter().flatten() {
        if let Some(all) = CANDIDATES.get(name) {
            if rng.f32() < TAKEN {
                map.insert(name.clone(), rng.choice(all).unwrap().clone());
            }
        } else if inner["properties"].is_object() {
            let object = chosen(rng, inner);
            if !object.is_empty() {
                map.insert(name.clone(), Value::Object(object));
            }
        }
    }
    map
}

/// A Milvus of the mode, at the patch release of that number.
pub fn milvus(rng: &mut Rng, places: &Places, cluster: bool, patch: u8) -> Value {
    let mut components = chosen(rng, &COMPONENTS);
    components.remove("streamingNode");
    if cluster {
        components.remove("standalone");
        coordinators(rng.u8(..4) == 0, &mut components);
    }
    let mode = if cluster { "cluster" } else { "standalone" };
    let mut milvus = places.milvus(mode, &format!("2.5.{}", 16 + patch), Value::Object(components));
    let spec = &mut milvus["spec"];
    spec["upgradePolicy"]["minReadySeconds"] = json!(rng.u8(..2));
    match rng.u8(..4) {
        0 => spec["config"]["log"] = json!({ "level": "debug" }),
        1 => spec["config"]["proxy"] = json!({ "maxNameLength": 255 }),
        2 => spec["hookConfig"] = json!({ "soPath": "/hook.so" }),
        _ => {}
    }
    milvus
}

/// Four that are named, or one; none of the other kind.
fn coordinators(four: bool, components: &mut Map<String, Value>) {
    const FOUR: [&str; 4] = ["rootCoord", "dataCoord", "queryCoord", "indexCoord"];
    const ONE: [&str; 1] = ["mixCoord"];
    let (wanted, others): (&[&str], &[&str]) = if four { (&FOUR, &ONE) } else { (&ONE, &FOUR) };
    for name in others {
        components.remove(*name);
    }
    for name in wanted {
        components.entry(*name).or_insert_with(|| json!({}));
    }
}
