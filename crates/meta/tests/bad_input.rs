//! Bad input: each ends in a clear message, a documented exit code, and with nothing lost.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may fail as tests do")]
#![cfg(feature = "cli")]

mod common;

use common::{
    instance::{Ended, Instance, META, ended},
    unhex,
};
use etcd_client::{AlarmAction, AlarmOptions, AlarmType, CompactionOptions};
use milvus_plan::migration::{Outcome, Report, Schema};
use milvus_testkit::etcd::Options;
use rstest::rstest;

/// A call that refuses, says why in these words, and changes nothing.
async fn refused(instance: &Instance, verb: &str, more: &[&str], outcome: Outcome, words: &[&str]) -> Report {
    let before = instance.all().await;
    let report = instance.call(verb, more).await.expect(outcome);
    for word in words {
        assert!(report.message.contains(word), "{word:?} is not in {:?}", report.message);
    }
    assert_eq!(instance.all().await, before, "nothing may change");
    report
}

#[rstest]
#[case("2.0.2", "2.2.16", "at least 2.1.0")]
#[case("2.1.4", "2.4.23", "below 2.3.0")]
#[case("2.2.0", "2.2.16", "below 2.2.0")]
#[case("2.1.4", "2.1.0", "not possible")]
#[case("newest", "2.2.16", "config.sourceVersion")]
#[case("2.1.4", "", "config.targetVersion")]
#[tokio::test]
async fn wrong_versions(#[case] source: &str, #[case] target: &str, #[case] words: &str) {
    let instance = Instance::with(Options::default()).await;
    let mut command = tokio::process::Command::new(common::instance::binary());
    command.args([
        "run",
        "-o",
        "json",
        "--endpoints",
        &instance.etcd.address(),
        "--backup",
        "/nonexistent/b",
    ]);
    command.args(["--source-version", source, "--target-version", target]);
    let end = ended(command).await;
    let report = end.expect(Outcome::BadRequest);
    assert!(report.message.contains(words), "{}", report.message);
}

#[tokio::test]
async fn nothing_under_the_root_path() {
    let instance = Instance::real().await;
    for verb in ["run", "inspect", "plan", "backup"] {
        let more = ["--root-path", "by-deV"];
        refused(&instance, verb, &more, Outcome::NothingThere, &["by-deV/meta/", "below by-dev/meta"]).await;
    }
    assert!(!instance.backup().exists());
    // Not a prefix of names: `by-dev/met` is another path than `by-dev/meta`.
    let more = ["--meta-sub-path", "met"];
    refused(&instance, "run", &more, Outcome::NothingThere, &["by-dev/met/"]).await;
}

#[tokio::test]
async fn a_neighbour_whose_name_begins_alike_is_not_touched() {
    let instance = Instance::real().await;
    for neighbour in
        ["by-dev/meta2/root-coord/index/1/2", "by-dev/meta-x/indexes/3", "by-devil/meta/indexes/3"]
    {
        instance.put(neighbour, "not ours").await;
    }
    instance.call("run", &[]).await.expect(Outcome::Done);
    instance.call("rollback", &[]).await.expect(Outcome::Done);
    let all = instance.all().await;
    assert_eq!(all.values().filter(|value| *value == b"not ours").count(), 3);
}

#[tokio::test]
async fn milvus_is_alive() {
    let instance = Instance::real().await;
    instance.call("backup", &[]).await.expect(Outcome::Done);
    let lease = instance.load_sessions().await;
    for verb in ["run", "apply", "backup", "rollback"] {
        refused(&instance, verb, &[], Outcome::SessionAlive, &["rootcoord", "proxy-8", "Stop"]).await;
    }
    let report = instance.call("inspect", &[]).await.expect(Outcome::Done);
    assert_eq!(report.census.unwrap().sessions.len(), 8);
    instance.client.clone().lease_revoke(lease).await.unwrap();
    instance.call("run", &[]).await.expect(Outcome::Done);
}

#[tokio::test]
async fn the_official_tool_is_at_work() {
    let instance = Instance::real().await;
    instance.put("by-dev/meta/session/migration", "{}").await;
    refused(&instance, "run", &[], Outcome::Locked, &["official tool"]).await;
}

#[tokio::test]
async fn already_2_2_without_a_marker() {
    let instance = Instance::real().await;
    instance.call("run", &[]).await.expect(Outcome::Done);
    instance.delete("by-dev/meta-migration/").await;
    std::fs::remove_file(instance.backup()).unwrap();
    let report = refused(&instance, "run", &[], Outcome::WrongState, &["2.2 or later already"]).await;
    assert_eq!(report.schema, Some(Schema::V22));
}

#[tokio::test]
async fn a_2_2_was_started_on_it() {
    let instance = Instance::real().await;
    instance.put("by-dev/meta/root-coord/database/db-info/1", "x").await;
    let report = refused(&instance, "run", &[], Outcome::WrongState, &["2.1 and of 2.2"]).await;
    assert_eq!(report.schema, Some(Schema::Mixed));
    refused(&instance, "plan", &[], Outcome::WrongState, &[]).await;
}

/// Collection c01 of the dump.
const COLLECTION: &str = "by-dev/meta/root-coord/collection/470593569922157889";
const INDEX: &str = "by-dev/meta/root-coord/index/470593569922157889/470593570708389889";
const BUILD: &str = "by-dev/meta/indexes/470593570712059906";

#[rstest]
#[case::cut_collection(COLLECTION, Damage::Cut(100))]
#[case::collection_without_end(COLLECTION, Damage::Value("08818080e1a4cbf8c306"))]
#[case::wrong_protobuf(INDEX, Damage::Value("ffffffff"))]
#[case::text_for_protobuf(INDEX, Damage::Value("7b7d"))]
#[case::value_of_another_index(INDEX, Damage::Value("0a0161100a"))]
#[case::empty_build(BUILD, Damage::Value(""))]
#[case::cut_build(BUILD, Damage::Cut(30))]
#[tokio::test]
async fn damaged(#[case] key: &str, #[case] damage: Damage) {
    let instance = Instance::real().await;
    let value = match damage {
        Damage::Cut(length) => instance.get(key).await.unwrap()[..length].to_vec(),
        Damage::Value(hex) => unhex(hex),
    };
    instance.put(key, value).await;
    let name = key.strip_prefix("by-dev/meta/").unwrap();
    for verb in ["plan", "run"] {
        refused(&instance, verb, &[], Outcome::Damaged, &[name, "Nothing was changed"]).await;
    }
    // It can still be backed up, and what is damaged is restored as it was.
    let before = instance.all().await;
    std::fs::remove_file(instance.backup()).unwrap();
    instance.call("backup", &[]).await.expect(Outcome::Done);
    instance.put(key, "worse").await;
    let more = ["--lose-writes-since-backup", META];
    instance.call("rollback", &more).await.expect(Outcome::Done);
    assert_eq!(instance.all().await, before);
}

enum Damage {
    Cut(usize),
    Value(&'static str),
}

#[tokio::test]
async fn an_unsent_ddl_message() {
    let instance = Instance::real().await;
    instance.put("by-dev/meta/root-coord/dd-msg-send", "false").await;
    refused(&instance, "run", &[], Outcome::UnsentDdl, &["Start and stop Milvus 2.1 once"]).await;
    assert!(!instance.backup().exists());
}

#[tokio::test]
async fn with_a_password() {
    let options = Options { auth: Some(("root".into(), "s3cret".into())), ..Options::default() };
    let instance = Instance::with(options).await;
    instance.load_real().await;
    let anonymous = instance.call("inspect", &[]).await;
    anonymous.expect(Outcome::Denied);
    let with = |password: &'static str| {
        let mut command = instance.command(&instance.etcd.address(), "run", &["--user", "root"]);
        command.env("META_MIGRATION_PASSWORD", password);
        ended(command)
    };
    with("wrong").await.expect(Outcome::Denied);
    with("s3cret").await.expect(Outcome::Done);
}

#[tokio::test]
async fn etcd_is_not_there() {
    let mut instance = Instance::real().await;
    instance.etcd.kill().await.unwrap();
    let report = instance.call("run", &["--patience", "1"]).await.expect(Outcome::Unreachable);
    assert!(report.message.contains(&instance.etcd.address()), "{}", report.message);
}

#[tokio::test]
async fn the_disk_is_full() {
    let instance = Instance::real().await;
    let before = instance.all().await;
    // A limit of 32 blocks of 512 bytes stands for the end of the disk: the write fails in the same way.
    let mut shell = tokio::process::Command::new("sh");
    let command = instance.command(&instance.etcd.address(), "run", &[]);
    shell.args(["-c", "trap '' XFSZ; ulimit -f 32; exec \"$0\" \"$@\""]);
    shell.arg(command.as_std().get_program()).args(command.as_std().get_args());
    let end: Ended = ended(shell).await;
    let report = end.expect(Outcome::DiskFailed);
    assert!(report.message.contains("migration.bak.partial"), "{}", report.message);
    assert_eq!(instance.all().await, before);
    assert_eq!(std::fs::read_dir(instance.folder.path()).unwrap().count(), 0, "nothing is left behind");
    instance.call("run", &[]).await.expect(Outcome::Done);
}

#[tokio::test]
async fn out_of_space() {
    let mut client;
    let instance = {
        let options = Options { quota_bytes: Some(64 << 20), ..Options::default() };
        let instance = Instance::with(options).await;
        instance.load_real().await;
        client = instance.client.clone();
        instance
    };
    instance.call("backup", &[]).await.expect(Outcome::Done);
    // Not full, but without room for what would be written.
    for number in 0.. {
        instance.put("filler/0", vec![7; 256 << 10]).await;
        if number > 160 {
            // etcd tells the size of what it has committed, and commits before it computes a hash.
            client.hash().await.unwrap();
            if client.status().await.unwrap().db_size() > (64 << 20) - (7 << 19) {
                break;
            }
        }
    }
    refused(&instance, "run", &[], Outcome::NoRoom, &["quota", "nothing was written"]).await;
    // Full: the alarm is raised.
    for _ in 0..20 {
        let _ = client.put("filler/0", vec![7; 1 << 20], None).await;
    }
    assert!(client.status().await.unwrap().errors()[0].contains("NOSPACE"));
    for verb in ["run", "rollback", "backup"] {
        refused(
            &instance,
            verb,
            &[],
            Outcome::NoRoom,
            &["etcdctl compact --physical", "etcdctl alarm disarm"],
        )
        .await;
    }
    // What the message says helps.
    let newest = client.get("filler/0", None).await.unwrap().header().unwrap().revision();
    // Only a physical compaction is over when it returns; what is still there is copied by the
    // defragmentation.
    client.compact(newest, Some(CompactionOptions::new().with_physical())).await.unwrap();
    client.defragment().await.unwrap();
    let mut options = AlarmOptions::new();
    options.with_member(client.status().await.unwrap().header().unwrap().member_id());
    client.alarm(AlarmAction::Deactivate, AlarmType::Nospace, Some(options)).await.unwrap();
    instance.call("run", &[]).await.expect(Outcome::Done);
}
