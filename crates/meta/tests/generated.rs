//! Generated metadata, through the real binary on a real etcd.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may fail as tests do")]
#![cfg(feature = "cli")]

mod common;

use common::{
    State, generate,
    instance::{Instance, META, below_meta},
};
use etcd_client::DeleteOptions;
use milvus_plan::migration::Outcome;
use milvus_testkit::etcd::Options;
use proptest::{strategy::Strategy, strategy::ValueTree, test_runner::TestRunner};

/// How many are tried; all of `META_MIGRATION_ALL` are ten times as many.
const CASES: usize = 12;

async fn load(instance: &Instance, state: &State) {
    instance.client.clone().delete("", Some(DeleteOptions::new().with_all_keys())).await.unwrap();
    for (key, value) in state {
        let key = format!("{META}/{}", std::str::from_utf8(key).unwrap());
        instance.put(&key, value.clone()).await;
    }
    if instance.backup().exists() {
        std::fs::remove_file(instance.backup()).unwrap();
    }
}

#[tokio::test]
async fn there_and_back() {
    let instance = Instance::with(Options::default()).await;
    let mut runner = TestRunner::deterministic();
    let cases = if std::env::var_os("META_MIGRATION_ALL").is_some() { 10 * CASES } else { CASES };
    for _ in 0..cases {
        let before = generate::instance().new_tree(&mut runner).unwrap().current();
        load(&instance, &before).await;
        instance.call("run", &["--max-txn-ops", "16"]).await.expect(Outcome::Done);
        let migrated = below_meta(&instance.all().await);
        assert_eq!(migrated, common::migrate(&before).unwrap());
        instance.call("run", &[]).await.expect(Outcome::Done);
        assert_eq!(below_meta(&instance.all().await), migrated, "twice is once");
        instance.call("rollback", &["--max-txn-ops", "16"]).await.expect(Outcome::Done);
        assert_eq!(below_meta(&instance.all().await), before);
    }
}
