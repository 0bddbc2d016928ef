//! The verbs, one after the other, by the real binary on a real etcd with metadata that a real Milvus wrote.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may fail as tests do")]
#![cfg(feature = "cli")]

mod common;

use common::instance::{Instance, META, below_meta};
use milvus_plan::migration::{Outcome, Schema, Stage};

#[tokio::test]
async fn there_and_back() {
    let instance = Instance::real().await;
    let before = instance.all().await;
    let expected = common::migrate(&below_meta(&before)).unwrap();

    let report = instance.call("inspect", &[]).await.expect(Outcome::Done);
    assert_eq!(report.schema, Some(Schema::V21));
    assert_eq!(report.census.unwrap().collections, 10);

    let report = instance.call("plan", &[]).await.expect(Outcome::Done);
    let plan = report.changes.unwrap();
    assert_eq!(plan.new_keys, 45);
    assert_eq!(instance.all().await, before, "plan writes nothing");

    let report = instance.call("run", &[]).await.expect(Outcome::Done);
    assert_eq!(report.stage, Some(Stage::Migrated));
    assert_eq!(report.changes.unwrap(), plan);
    assert_eq!(report.written, plan.new_keys + plan.rewritten + plan.removed);
    let migrated = instance.all().await;
    assert_eq!(below_meta(&migrated), expected);

    instance.call("verify", &[]).await.expect(Outcome::Done);
    let census = instance.call("inspect", &[]).await.expect(Outcome::Done).census.unwrap();
    assert_eq!((census.collections, census.aliases, census.field_indexes), (10, 2, 9));
    assert_eq!((census.segment_indexes, census.loaded), (27, 4));
    let again = instance.call("run", &[]).await.expect(Outcome::Done);
    assert_eq!(again.written, 0);
    assert!(again.message.starts_with("already migrated; verified"), "{}", again.message);

    let report = instance.call("rollback", &[]).await.expect(Outcome::Done);
    assert_eq!(report.stage, Some(Stage::RolledBack));
    assert_eq!(instance.all().await, before, "byte for byte, nothing extra");
    let again = instance.call("rollback", &[]).await.expect(Outcome::Done);
    assert_eq!(again.written, 0);

    // And once more from the start: the backup equals etcd and is used again.
    let report = instance.call("run", &[]).await.expect(Outcome::Done);
    assert!(report.backup.unwrap().reused);
    assert_eq!(instance.all().await, migrated);
    assert_eq!(instance.get(&format!("{META}/session/migration")).await, None, "the lock is given back");
}

#[tokio::test]
async fn an_instance_without_index_and_alias() {
    let instance = Instance::with(milvus_testkit::etcd::Options::default()).await;
    let collection = b"root-coord/collection/470593576554201089".to_vec();
    let value = common::real().remove(&collection).unwrap();
    instance.put(&format!("{META}/{}", String::from_utf8(collection).unwrap()), value).await;
    let before = instance.all().await;
    let report = instance.call("inspect", &[]).await.expect(Outcome::Done);
    assert_eq!(report.schema, Some(Schema::Undetermined));
    let report = instance.call("run", &[]).await.expect(Outcome::Done);
    assert_eq!((report.stage, report.written), (Some(Stage::Migrated), 0));
    let again = instance.call("run", &[]).await.expect(Outcome::Done);
    assert!(again.message.starts_with("already migrated"), "{}", again.message);
    instance.call("rollback", &[]).await.expect(Outcome::Done);
    assert_eq!(instance.all().await, before);
}

#[tokio::test]
async fn the_change_set_in_full() {
    let instance = Instance::real().await;
    let lines = instance.call("plan", &[]).await.stdout;
    let changes = lines.lines().filter(|line| line.starts_with("{\"op\":")).count();
    assert_eq!(changes, 159, "as many as lines in the golden change set");
    let yaml = instance.call("plan", &["-o", "yaml"]).await.stdout;
    assert!(yaml.starts_with("changes:\n"), "{}", &yaml[..80]);
    assert!(yaml.contains("\nreport:\n"));
}
