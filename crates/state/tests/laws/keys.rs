//! A key of the configuration means the same however it is written.

use std::collections::BTreeMap;

use milvus_api::Milvus;
use milvus_state::manifests::config::user_yaml;
use milvus_state::spec::config::{Config, plain};
use milvus_state::spec::{Spec, resolved};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::support::{self, crs};

/// Keys that are pinned, probed, written by the operator, left out, or nothing to it, each with a value.
fn known() -> Vec<(&'static str, Value)> {
    vec![
        ("etcd.rootPath", json!("other")),
        ("etcd.endpoints", json!(["ignored:1"])),
        ("etcd.auth.enabled", json!(true)),
        ("etcd.auth.userName", json!("me")),
        ("etcd.ssl.enabled", json!("true")),
        ("etcd.ssl.tlsCACert", json!("/etcd/ca.pem")),
        ("minio.bucketName", json!(7)),
        ("minio.address", json!("ignored")),
        ("minio.port", json!(1)),
        ("minio.useSSL", json!("1")),
        ("minio.useIAM", json!(true)),
        ("minio.region", json!("r")),
        ("msgChannel.chanNamePrefix.cluster", json!("prefix")),
        ("mq.type", json!("kafka")),
        ("pulsar.tenant", json!("t")),
        ("pulsar.address", json!("ignored")),
        ("kafka.brokerList", json!(["gone:1"])),
        ("rootCoord.enableActiveStandby", json!(false)),
        ("log.level", json!("debug")),
    ]
}

/// A key in another spelling: each byte says whether a letter is a capital, has a `_` before it, or a dot begins a section.
fn spelt(key: &str, bytes: &[u8]) -> Vec<String> {
    let mut path = vec![String::new()];
    for (letter, byte) in key.chars().zip(bytes.iter().cycle()) {
        if letter == '.' && byte & 1 == 0 {
            path.push(String::new());
            continue;
        }
        let last = path.last_mut().unwrap();
        last.extend((byte & 6 == 6).then_some('_'));
        last.extend(letter.to_uppercase().take(usize::from(byte & 8 != 0)));
        last.extend(letter.to_lowercase().take(usize::from(byte & 8 == 0)));
    }
    path
}

fn set(map: &mut Map<String, Value>, path: &[String], value: Value) {
    let (first, rest) = path.split_first().unwrap();
    if rest.is_empty() {
        map.insert(first.clone(), value);
        return;
    }
    let inner = map.entry(first.clone()).or_insert_with(|| json!({}));
    set(inner.as_object_mut().unwrap(), rest, value);
}

fn parsed(config: Map<String, Value>) -> Spec {
    let mut milvus: Milvus = support::created(crs::mix("2.4.9"));
    milvus.spec.config = Some(config.into());
    support::parse(&milvus).unwrap().spec
}

/// What Milvus reads from `user.yaml`.
fn effective(spec: &Spec) -> BTreeMap<String, String> {
    let yaml = user_yaml(spec, false);
    let config = Config::of(yaml.as_object().unwrap());
    let mut found = BTreeMap::new();
    for (key, _) in known() {
        assert!(config.each(key).len() < 2, "{key} is there twice: {yaml}");
        found.extend(config.text(key).map(|text| (plain(key), text)));
    }
    found
}

proptest! {
    /// Pins, what is probed and what Milvus reads do not depend on the spelling.
    #[test]
    fn the_spelling_of_a_key_changes_nothing(
        chosen in prop::sample::subsequence(known(), 1..=known().len()),
        bytes in prop::collection::vec(any::<u8>(), 200),
    ) {
        let (mut plainly, mut otherwise) = (Map::new(), Map::new());
        for (number, (key, value)) in chosen.into_iter().enumerate() {
            let documented: Vec<String> = key.split('.').map(str::to_owned).collect();
            set(&mut plainly, &documented, value.clone());
            set(&mut otherwise, &spelt(key, &bytes[number * 9..]), value);
        }
        let (plainly, otherwise) = (parsed(plainly), parsed(otherwise));
        prop_assert_eq!(&plainly.dependencies, &otherwise.dependencies);
        prop_assert_eq!(resolved::resolve(&plainly), resolved::resolve(&otherwise));
        prop_assert_eq!(effective(&plainly), effective(&otherwise), "{:?}", otherwise.config);
        prop_assert_eq!(plainly.warnings.len(), otherwise.warnings.len(), "{:?}", otherwise.warnings);
    }
}
