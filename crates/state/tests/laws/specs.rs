//! Any spec that the schema accepts is decoded, and any pass over it comes to a verdict.

use std::sync::LazyLock;

use milvus_api::{Milvus, crd};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::schema::Maker;
use crate::world::World;

static SPEC: LazyLock<Value> = LazyLock::new(|| {
    let definition = crd::milvus().unwrap();
    let versions = definition["spec"]["versions"].as_array().unwrap();
    let served = versions.iter().find(|version| version["name"] == "v1beta1").unwrap();
    served["schema"]["openAPIV3Schema"]["properties"]["spec"].clone()
});

fn object(bytes: &[u8]) -> Value {
    let spec = Maker::new(bytes).value(&SPEC, 0);
    json!({"apiVersion": "milvus.io/v1beta1", "kind": "Milvus", "metadata": {"name": "any", "namespace": "default"}, "spec": spec})
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..3000)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// The schema and the types agree: what the API server lets in can be read.
    #[test]
    fn what_the_schema_accepts_can_be_read(bytes in bytes()) {
        let object = object(&bytes);
        let read: Result<Milvus, _> = serde_json::from_value(object.clone());
        prop_assert!(read.is_ok(), "{}\n{object}", read.unwrap_err());
    }

    /// Passes over any spec, and over a change from any spec to any other, end in a verdict and a status; an equal world
    /// gives an equal status.
    #[test]
    fn passes_never_panic(first in bytes(), second in bytes()) {
        let read = |bytes: &[u8]| serde_json::from_value::<Milvus>(object(bytes)).unwrap();
        let mut world = World::new(read(&first));
        for _ in 0..6 {
            world.pass();
            world.tick();
        }
        let other = read(&second);
        world.edit(|milvus| milvus.spec = other.spec);
        for _ in 0..6 {
            world.pass();
            world.tick();
        }
        prop_assert!(world.cr().status.is_some());
        // Twice without a step of the world in between: the second time nothing is left to write.
        for _ in 0..3 {
            world.pass();
        }
        prop_assert_eq!(world.pass(), crate::world::Pass::Wrote(0), "{}", world.describe());
    }

    /// What can't be read is an error with a path, never a panic.
    #[test]
    fn what_is_no_spec_is_an_error(spec in any_json()) {
        let object = json!({"apiVersion": "milvus.io/v1beta1", "kind": "Milvus", "metadata": {"name": "any"}, "spec": spec});
        match serde_json::from_value::<Milvus>(object) {
            Ok(milvus) => {
                World::new(milvus).pass();
            }
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
    }
}

/// Objects with the names of real fields and values of any type.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(|b| json!(b)),
        any::<i64>().prop_map(|i| json!(i)),
        "[a-z:.0-9]{0,8}".prop_map(|s| json!(s)),
    ];
    let key = prop::sample::select(vec![
        "mode",
        "components",
        "dependencies",
        "config",
        "image",
        "proxy",
        "replicas",
        "etcd",
        "endpoints",
        "env",
        "volumes",
    ]);
    leaf.prop_recursive(4, 32, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::Array),
            prop::collection::vec((key.clone(), inner), 0..4)
                .prop_map(|pairs| Value::Object(pairs.into_iter().map(|(k, v)| (k.to_owned(), v)).collect())),
        ]
    })
}

/// The generator reaches what it is for: specs that are rendered, not only specs that are refused.
#[test]
fn many_of_the_specs_are_rendered() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;

    let mut runner = TestRunner::deterministic();
    let rendered = (0..200).filter(|_| {
        let bytes = bytes().new_tree(&mut runner).unwrap().current();
        let mut world = World::new(serde_json::from_value(object(&bytes)).unwrap());
        world.pass();
        !world.deployments.is_empty()
    });
    let count = rendered.count();
    assert!(count > 40, "{count} of 200");
}
