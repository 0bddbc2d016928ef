//! Any spec that the schema accepts is decoded, and any pass over it comes to a verdict.

use std::sync::LazyLock;

use milvus_api::{Milvus, MilvusStatus, crd};
use milvus_state::kinds::Kind;
use milvus_state::status::Applied;
use milvus_state::{decide, report};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::schema::Maker;
use crate::support;

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

    /// The first pass over any spec comes to an outcome and a status; an equal world gives an equal status.
    #[test]
    fn any_spec_has_an_outcome(bytes in bytes()) {
        let milvus = support::created(serde_json::from_value(object(&bytes)).unwrap());
        let first = first_pass(&milvus);
        prop_assert_eq!(first_pass(&milvus).0, first.0);
    }

    /// What can't be read is an error with a path, never a panic.
    #[test]
    fn what_is_no_spec_is_an_error(spec in any_json()) {
        let object = json!({"apiVersion": "milvus.io/v1beta1", "kind": "Milvus", "metadata": {"name": "any"}, "spec": spec});
        match serde_json::from_value::<Milvus>(object) {
            Ok(milvus) => {
                first_pass(&support::created(milvus));
            }
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
    }
}

/// The status that a first pass writes, and whether it makes a Deployment.
fn first_pass(milvus: &Milvus) -> (MilvusStatus, bool) {
    let (parsed, snapshot) = (support::parse(milvus), support::snapshot(milvus));
    let decided = decide(&parsed, &snapshot).unwrap();
    let made = decided.objects.of(Kind::Deployment).next().is_some();
    (report(&parsed, &snapshot, &decided, &Applied::default()).status, made)
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
        first_pass(&support::created(serde_json::from_value(object(&bytes)).unwrap())).1
    });
    let count = rendered.count();
    assert!(count > 40, "{count} of 200");
}
