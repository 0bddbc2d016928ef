//! Backups: what is reused, moved aside, refused, and what is restored from files of the official tool.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may fail as tests do")]
#![cfg(feature = "cli")]

mod common;

use std::os::unix::fs::PermissionsExt as _;

use common::{
    State,
    instance::{Instance, META, below_meta, ended},
};
use milvus_meta::proto::{BackupHeader, KeyDataPair};
use milvus_plan::migration::{Outcome, Stage};
use prost::Message as _;

/// A file as the official tool writes it: unordered, with the keys of a neighbour whose root begins alike.
fn official(state: &State) -> Vec<u8> {
    let header = BackupHeader {
        instance: "by-dev".into(),
        meta_path: "meta".into(),
        extra: br#"{"entry_include_root_path":true}"#.to_vec(),
        ..BackupHeader::default()
    };
    let mut file = Vec::new();
    let mut frame = |body: Vec<u8>| {
        file.extend((body.len() as u64).to_le_bytes());
        file.extend(body);
    };
    frame(header.encode_to_vec());
    for (key, value) in state.iter().rev() {
        let key = String::from_utf8(key.clone()).unwrap();
        frame(KeyDataPair { key, data: value.clone() }.encode_to_vec());
    }
    file
}

fn only_meta(state: &State) -> State {
    state
        .iter()
        .filter(|(key, _)| key.starts_with(b"by-dev/meta"))
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect()
}

#[tokio::test]
async fn a_file_of_the_official_tool_is_restored() {
    let instance = Instance::real().await;
    instance.put("by-dev/meta2/neighbour", "old").await;
    let before = instance.all().await;
    std::fs::write(instance.backup(), official(&only_meta(&before))).unwrap();
    // The official tool has removed everything and then failed.
    instance.put("by-dev/meta2/neighbour", "new").await;
    instance.delete("by-dev/meta/root-coord/").await;
    instance.delete("by-dev/meta/indexes/").await;
    instance.call("rollback", &[]).await.expect(Outcome::Conflict);
    let more = ["--lose-writes-since-backup", META];
    instance.call("rollback", &more).await.expect(Outcome::Done);
    let after = instance.all().await;
    assert_eq!(below_meta(&after), below_meta(&before));
    assert_eq!(instance.get("by-dev/meta2/neighbour").await.as_deref(), Some(&b"new"[..]));
}

#[tokio::test]
async fn cut_and_flipped_files() {
    let instance = Instance::real().await;
    instance.call("backup", &[]).await.expect(Outcome::Done);
    let good = std::fs::read(instance.backup()).unwrap();
    instance.call("apply", &[]).await.expect(Outcome::Done);
    let migrated = instance.all().await;
    let mut flipped = good.clone();
    flipped[good.len() / 2] ^= 0x10;
    let longer = [good.as_slice(), b"x"].concat();
    let files = [&good[..good.len() - 1], &good[..good.len() / 3], &good[..4], &[], &flipped, &longer];
    for (number, bad) in files.iter().enumerate() {
        std::fs::write(instance.backup(), bad).unwrap();
        for verb in ["rollback", "verify"] {
            let report = instance.call(verb, &[]).await.expect(Outcome::BackupUnusable);
            assert!(report.message.contains("migration.bak"), "{number}: {}", report.message);
        }
        assert_eq!(instance.all().await, migrated, "{number}: nothing may change");
    }
    std::fs::remove_file(instance.backup()).unwrap();
    instance.call("rollback", &[]).await.expect(Outcome::BackupUnusable);
    std::fs::write(instance.backup(), &good).unwrap();
    instance.call("rollback", &[]).await.expect(Outcome::Done);
}

#[tokio::test]
async fn of_another_instance() {
    let one = Instance::real().await;
    one.call("backup", &[]).await.expect(Outcome::Done);
    let two = Instance::real().await;
    std::fs::copy(one.backup(), two.backup()).unwrap();
    let before = two.all().await;
    let report = two.call("rollback", &[]).await.expect(Outcome::BackupForeign);
    assert!(report.message.contains("--backup-of-cluster"), "{}", report.message);
    two.call("apply", &[]).await.expect(Outcome::BackupForeign);
    let report = one.call("rollback", &["--root-path", "other"]).await.expect(Outcome::BackupForeign);
    assert!(report.message.contains("by-dev/meta"), "{}", report.message);
    assert_eq!(two.all().await, before);
    // An etcd that was rebuilt: the user knows the id of the old one.
    let id = report.message.clone();
    drop(id);
    let cluster = format!("{:x}", one.client.clone().status().await.unwrap().header().unwrap().cluster_id());
    two.delete("by-dev/meta/root-coord/").await;
    let more = ["--backup-of-cluster", &cluster, "--lose-writes-since-backup", META];
    two.call("rollback", &more).await.expect(Outcome::Done);
    assert_eq!(two.all().await, before);
}

#[tokio::test]
async fn after_2_2_has_written() {
    let instance = Instance::real().await;
    let before = instance.all().await;
    instance.call("run", &[]).await.expect(Outcome::Done);
    instance.put("by-dev/meta/datacoord-meta/channel-cp/x", "2.2").await;
    instance.put("by-dev/meta/session/id", "17").await;
    instance.delete("by-dev/meta/channelwatch/").await;
    let migrated = instance.all().await;
    let again = instance.call("run", &[]).await.expect(Outcome::Done);
    assert!(again.message.contains("Milvus has written since"), "{}", again.message);
    instance.call("verify", &[]).await.expect(Outcome::Different);
    let refused = instance.call("rollback", &[]).await.expect(Outcome::Conflict);
    assert!(refused.message.contains("--lose-writes-since-backup by-dev/meta"), "{}", refused.message);
    let wrong = instance.call("rollback", &["--lose-writes-since-backup", "by-dev/other"]).await;
    wrong.expect(Outcome::BadRequest);
    assert_eq!(instance.all().await, migrated);
    let more = ["--lose-writes-since-backup", META];
    let report = instance.call("rollback", &more).await.expect(Outcome::Done);
    assert_eq!(report.stage, Some(Stage::RolledBack));
    let mut wanted = before.clone();
    wanted.insert(b"by-dev/meta/session/id".to_vec(), b"17".to_vec());
    assert_eq!(instance.all().await, wanted, "the original, and a counter that did not go back");
}

#[tokio::test]
async fn existing_files_are_never_overwritten() {
    let instance = Instance::real().await;
    std::fs::write(instance.backup(), "somebody's notes").unwrap();
    instance.call("backup", &[]).await.expect(Outcome::Done);
    let aside = instance.folder.path().join("migration.bak.1");
    assert_eq!(std::fs::read(&aside).unwrap(), b"somebody's notes");
    let first = std::fs::read(instance.backup()).unwrap();
    let report = instance.call("backup", &[]).await.expect(Outcome::Done);
    assert!(report.backup.unwrap().reused);
    instance.put("by-dev/meta/root-coord/credential/users/bob", "x").await;
    instance.call("apply", &[]).await.expect(Outcome::BackupUnusable);
    instance.call("run", &[]).await.expect(Outcome::Done);
    assert_eq!(std::fs::read(instance.folder.path().join("migration.bak.2")).unwrap(), first);
    // The way back of a finished migration is not replaced either.
    instance.call("backup", &[]).await.expect(Outcome::WrongState);
    assert_eq!(std::fs::metadata(instance.backup()).unwrap().permissions().mode() & 0o777, 0o600);
}

#[tokio::test]
async fn called_as_the_official_tool() {
    let instance = Instance::real().await;
    let before = instance.all().await;
    let yaml = instance.folder.path().join("migration.yaml");
    for (kind, stage) in
        [("backup", None), ("run", Some(Stage::Migrated)), ("rollback", Some(Stage::RolledBack))]
    {
        let text = format!(
            "cmd:\n  type: {kind}\n  runWithBackup: false\nconfig:\n  sourceVersion: 2.1.4\n  targetVersion: v2.2.16\n  \
             backupFilePath: {}\nmetastore:\n  type: etcd\netcd:\n  endpoints:\n    - {}\n  rootPath: by-dev\n  \
             metaSubPath: meta\n  kvSubPath: kv\n",
            instance.backup().display(),
            instance.etcd.address()
        );
        std::fs::write(&yaml, text).unwrap();
        let termination = instance.folder.path().join("termination-log");
        std::fs::write(&termination, "").unwrap();
        let mut command = tokio::process::Command::new(common::instance::binary());
        command.arg("-config").arg(&yaml).arg("--termination-message").arg(&termination);
        let end = ended(command).await;
        let report = end.expect(Outcome::Done);
        assert_eq!(report.stage, stage);
        let said = std::fs::read_to_string(&termination).unwrap();
        assert_eq!(said, end.stdout.lines().last().unwrap());
        assert!(said.len() <= 4096);
    }
    assert_eq!(instance.all().await, before);
}
