//! What happens in the middle of a migration: each test stops the binary at a chosen request, does something
//! to etcd, and lets it go on.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may fail as tests do")]
#![cfg(feature = "cli")]

mod common;

use std::time::Duration;

use common::{
    instance::{Ended, Instance, META, below_meta},
    proxy::{Counted, Fault, Proxy},
};
use milvus_plan::migration::{Outcome, Stage};
use tokio::process::Child;

/// A call that stands still at its `nth` counted request.
struct Stopped {
    proxy: Proxy,
    child: Child,
}

impl Stopped {
    async fn new(instance: &Instance, verb: &str, counted: Counted, nth: usize) -> Self {
        let proxy = Proxy::start(instance.etcd.address(), Fault::HoldBefore, counted, nth).await;
        let child = instance.command(&proxy.address, verb, &["--max-txn-ops", "16"]).spawn().unwrap();
        proxy.held().await;
        Self { proxy, child }
    }

    async fn go_on(self) -> Ended {
        self.proxy.release();
        let output = self.child.wait_with_output().await.unwrap();
        Ended {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// Takes the lease (1), the lock (2), marks (3), and writes from then on.
const IN_THE_MIDDLE: usize = 9;

async fn finishes(instance: &Instance, before: &common::State) {
    instance.call("run", &[]).await.expect(Outcome::Done);
    let after = below_meta(&instance.all().await);
    assert_eq!(after, common::migrate(&below_meta(before)).unwrap());
}

#[tokio::test]
async fn a_session_appears() {
    let instance = Instance::real().await;
    let before = instance.all().await;
    for verb in ["run", "rollback"] {
        let stopped = Stopped::new(&instance, verb, Counted::Writes, IN_THE_MIDDLE).await;
        let during = instance.all().await;
        instance.put("by-dev/meta/session/rootcoord", "{}").await;
        let report = stopped.go_on().await.expect(Outcome::SessionAlive);
        assert!(report.message.contains("rootcoord"), "{}", report.message);
        instance.delete("by-dev/meta/session/rootcoord").await;
        if verb == "run" {
            assert_eq!(instance.all().await, during, "nothing is written beside a session");
        }
        if verb == "run" {
            finishes(&instance, &before).await;
        }
    }
    instance.call("rollback", &[]).await.expect(Outcome::Done);
    assert_eq!(instance.all().await, before);
}

#[tokio::test]
async fn the_lock_is_lost() {
    let instance = Instance::real().await;
    let before = instance.all().await;
    let stopped = Stopped::new(&instance, "run", Counted::Writes, IN_THE_MIDDLE).await;
    let during = instance.all().await;
    instance.end_lock().await;
    stopped.go_on().await.expect(Outcome::LockLost);
    assert_eq!(instance.all().await, during, "nothing is written without the lock");
    finishes(&instance, &before).await;
}

#[tokio::test]
async fn two_at_once() {
    let instance = Instance::real().await;
    let before = instance.all().await;
    let first = Stopped::new(&instance, "run", Counted::Writes, IN_THE_MIDDLE).await;
    for verb in ["run", "rollback", "backup"] {
        let report = instance.call(verb, &[]).await.expect(Outcome::Locked);
        assert!(report.message.contains("process"), "{}", report.message);
    }
    // One that may wait goes on when the first has ended, and finds everything done.
    let waiting = instance.command(&instance.etcd.address(), "run", &["--lock-wait", "60"]).spawn().unwrap();
    first.go_on().await.expect(Outcome::Done);
    let output = waiting.wait_with_output().await.unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(below_meta(&instance.all().await), common::migrate(&below_meta(&before)).unwrap());
}

#[tokio::test]
async fn etcd_goes_away_and_comes_back() {
    let mut instance = Instance::real().await;
    let before = instance.all().await;
    let stopped = Stopped::new(&instance, "run", Counted::Writes, IN_THE_MIDDLE).await;
    instance.etcd.kill().await.unwrap();
    stopped.go_on().await.expect(Outcome::Unreachable);
    instance.etcd.restart().await.unwrap();
    instance.client = instance.etcd.client().await.unwrap();
    instance.end_lock().await;
    finishes(&instance, &before).await;
}

#[tokio::test]
async fn somebody_writes_a_key_that_will_be_removed() {
    let instance = Instance::real().await;
    let stopped = Stopped::new(&instance, "run", Counted::Writes, IN_THE_MIDDLE).await;
    let key = "by-dev/meta/root-coord/dd-operation";
    instance.put(key, "written by another").await;
    let report = stopped.go_on().await.expect(Outcome::Conflict);
    assert!(report.message.contains("dd-operation"), "{}", report.message);
    assert_eq!(instance.get(key).await.as_deref(), Some(&b"written by another"[..]));
    // Neither forward nor back without a word.
    instance.call("run", &[]).await.expect(Outcome::Conflict);
    instance.call("rollback", &[]).await.expect(Outcome::Conflict);
    instance.call("rollback", &["--lose-writes-since-backup", META]).await.expect(Outcome::Done);
}

#[tokio::test]
async fn a_new_key_that_is_not_as_it_was_written_stops_it_before_old_keys_are_touched() {
    let instance = Instance::real().await;
    let before = instance.all().await;
    // The last batch of new keys (4 to 7): those before it are there, or will be in a moment.
    let stopped = Stopped::new(&instance, "run", Counted::Writes, 7).await;
    let mut client = instance.client.clone();
    let first = loop {
        let options = etcd_client::GetOptions::new().with_prefix().with_limit(1);
        let answer = client.get("by-dev/meta/field-index/", Some(options)).await.unwrap();
        if let Some(kv) = answer.kvs().first() {
            break kv.key_str().unwrap().to_owned();
        }
    };
    instance.put(&first, "tampered").await;
    let report = stopped.go_on().await.expect(Outcome::Conflict);
    assert!(report.message.contains("no old key was touched"), "{}", report.message);
    let now = instance.all().await;
    for (key, value) in &before {
        assert_eq!(now.get(key), Some(value));
    }
}

#[tokio::test]
async fn half_way_is_said_by_every_verb() {
    let instance = Instance::real().await;
    let before = instance.all().await;
    let mut stopped = Stopped::new(&instance, "run", Counted::Writes, IN_THE_MIDDLE).await;
    stopped.child.kill().await.unwrap();
    instance.end_lock().await;
    let report = instance.call("inspect", &[]).await.expect(Outcome::Done);
    assert!(report.message.contains("a migration is at the stage"), "{}", report.message);
    let report = instance.call("verify", &[]).await.expect(Outcome::Different);
    assert!(report.message.contains("half-way"), "{}", report.message);
    instance.call("backup", &[]).await.expect(Outcome::WrongState);
    // Without its backup it neither goes on nor back; with it, it does.
    let (here, away) = (instance.backup(), instance.folder.path().join("away"));
    std::fs::rename(&here, &away).unwrap();
    for verb in ["run", "apply", "rollback"] {
        instance.call(verb, &[]).await.expect(Outcome::BackupUnusable);
    }
    std::fs::rename(&away, &here).unwrap();
    // A rollback that was begun has to be finished first.
    let mut back = Stopped::new(&instance, "rollback", Counted::Writes, 4).await;
    back.child.kill().await.unwrap();
    instance.end_lock().await;
    instance.call("run", &[]).await.expect(Outcome::WrongState);
    instance.call("rollback", &[]).await.expect(Outcome::Done);
    assert_eq!(instance.all().await, before);
    finishes(&instance, &before).await;
}

#[tokio::test]
async fn compacted_while_it_is_read() {
    let instance = Instance::real().await;
    let before = instance.all().await;
    // The requests before the second look: marker, status, lease, lock, marker, status, and the first look.
    for nth in [9, 10] {
        let stopped = Stopped::new(&instance, "run", Counted::All, nth).await;
        instance.put("other/key", format!("{nth}")).await;
        let mut client = instance.client.clone();
        let newest = client.get("other/key", None).await.unwrap().header().unwrap().revision();
        client.compact(newest, None).await.unwrap();
        stopped.go_on().await.expect(Outcome::Done);
        instance.delete("other/").await;
        instance.call("rollback", &[]).await.expect(Outcome::Done);
        assert_eq!(instance.all().await, before);
    }
}

#[tokio::test]
async fn stopped_by_a_signal() {
    let instance = Instance::real().await;
    let before = instance.all().await;
    let stopped = Stopped::new(&instance, "run", Counted::Writes, 4).await;
    let pid = stopped.child.id().unwrap().to_string();
    let killed = tokio::process::Command::new("kill").args(["-TERM", &pid]).status().await.unwrap();
    assert!(killed.success());
    // The signal is handled by another thread than the request: there is no event to wait for.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let report = stopped.go_on().await.expect(Outcome::Interrupted);
    assert_eq!(report.stage, Some(Stage::AddingKeys));
    // The lock was given back: the next call need not wait.
    finishes(&instance, &before).await;
}
