//! Nothing is lost wherever it is killed, whichever request fails and whichever answer is lost.
//!
//! Each case starts with the metadata that a real Milvus wrote, on a real etcd, and calls the real binary. A
//! fixed share of the cases runs with every `cargo test`; all of them with `META_MIGRATION_ALL=1`.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::large_futures,
    reason = "helpers of tests may fail as tests do"
)]
#![cfg(feature = "cli")]

mod common;

use common::{
    State,
    instance::{Instance, below_meta, ended},
    proxy::{Counted, Fault, Proxy},
};
use etcd_client::{DeleteOptions, Txn, TxnOp};
use milvus_plan::migration::Outcome;

/// Small batches, so that there are many places to be killed at.
const OPS: [&str; 2] = ["--max-txn-ops", "16"];

/// Every how many-th case runs when not all are asked for.
const SHARE: usize = 5;

struct Matrix {
    instance: Instance,
    before: State,
    migrated: State,
}

impl Matrix {
    async fn new() -> Self {
        let instance = Instance::real().await;
        let before = instance.all().await;
        instance.call("run", &OPS).await.expect(Outcome::Done);
        let migrated = instance.all().await;
        assert_eq!(below_meta(&migrated), common::migrate(&below_meta(&before)).unwrap());
        Self { instance, before, migrated }
    }

    /// As before any call: the metadata of 2.1, no marker, no lock, no backup.
    async fn reset(&self) {
        let mut client = self.instance.client.clone();
        client.delete("", Some(DeleteOptions::new().with_all_keys())).await.unwrap();
        let puts: Vec<_> = self.before.iter().collect();
        for batch in puts.chunks(100) {
            let ops: Vec<_> =
                batch.iter().map(|(key, value)| TxnOp::put(key.as_slice(), value.as_slice(), None)).collect();
            client.txn(Txn::new().and_then(ops)).await.unwrap();
        }
        if self.instance.backup().exists() {
            std::fs::remove_file(self.instance.backup()).unwrap();
        }
    }

    async fn reset_migrated(&self) {
        self.reset().await;
        self.instance.call("run", &OPS).await.expect(Outcome::Done);
    }

    /// Calls `verb` and kills it when its `nth` counted request is on its way. False when there is no such
    /// one.
    async fn killed(&self, verb: &str, fault: Fault, counted: Counted, nth: usize) -> bool {
        let proxy = Proxy::start(self.instance.etcd.address(), fault, counted, nth).await;
        let mut child = self.instance.command(&proxy.address, verb, &OPS).spawn().unwrap();
        let hit = tokio::select! {
            () = proxy.held() => true,
            status = child.wait() => {
                assert!(status.unwrap().success(), "{verb} {fault:?} {nth}");
                false
            }
        };
        if hit {
            child.kill().await.unwrap();
            self.instance.end_lock().await;
        }
        hit
    }
}

fn all() -> bool {
    std::env::var_os("META_MIGRATION_ALL").is_some()
}

/// Runs `case` for every n until it says that there is no n-th request; only a share unless all are asked
/// for. `phase` picks which share.
async fn each(phase: usize, mut case: impl AsyncFnMut(usize) -> bool) {
    let step = if all() { 1 } else { SHARE };
    let mut nth = if all() { 1 } else { phase % SHARE + 1 };
    let mut tried = 0;
    while case(nth).await {
        nth += step;
        tried += 1;
    }
    assert!(tried > 1, "the matrix is empty");
    println!("{tried} cases, up to request {}", nth - step);
}

#[tokio::test]
async fn killed_at_any_request_then_run_again() {
    let matrix = Matrix::new().await;
    // Also at reads: while it backs up, verifies the backup, reads back, verifies.
    let cases = [(0, Fault::HoldBefore, Counted::All), (1, Fault::HoldAfter, Counted::Writes)];
    for (phase, fault, counted) in cases {
        each(phase, async |nth| {
            matrix.reset().await;
            if !matrix.killed("run", fault, counted, nth).await {
                return false;
            }
            let again = matrix.instance.call("run", &OPS).await;
            again.expect(Outcome::Done);
            assert_eq!(matrix.instance.all().await, matrix.migrated, "{fault:?} {nth}");
            true
        })
        .await;
    }
}

#[tokio::test]
async fn killed_at_a_write_then_rolled_back() {
    let matrix = Matrix::new().await;
    for (phase, fault) in [(2, Fault::HoldBefore), (3, Fault::HoldAfter)] {
        each(phase, async |nth| {
            matrix.reset().await;
            if !matrix.killed("run", fault, Counted::Writes, nth).await {
                return false;
            }
            let back = matrix.instance.call("rollback", &OPS).await;
            if matrix.instance.backup().exists() {
                back.expect(Outcome::Done);
            } else {
                // Killed before there was a backup: nothing can have been written.
                back.expect(Outcome::BackupUnusable);
            }
            assert_eq!(matrix.instance.all().await, matrix.before, "{fault:?} {nth}");
            true
        })
        .await;
    }
}

#[tokio::test]
async fn rollback_killed_at_a_write_then_again() {
    let matrix = Matrix::new().await;
    for (phase, fault) in [(1, Fault::HoldBefore), (4, Fault::HoldAfter)] {
        each(phase, async |nth| {
            matrix.reset_migrated().await;
            if !matrix.killed("rollback", fault, Counted::Writes, nth).await {
                return false;
            }
            matrix.instance.call("rollback", &OPS).await.expect(Outcome::Done);
            assert_eq!(matrix.instance.all().await, matrix.before, "{fault:?} {nth}");
            true
        })
        .await;
    }
}

#[tokio::test]
async fn every_request_may_fail_once_and_every_answer_may_be_lost_once() {
    let matrix = Matrix::new().await;
    for (phase, fault) in [(0, Fault::Fail), (2, Fault::LoseReply)] {
        for verb in ["run", "rollback"] {
            each(phase, async |nth| {
                if verb == "run" {
                    matrix.reset().await;
                } else {
                    matrix.reset_migrated().await;
                }
                let proxy = Proxy::start(matrix.instance.etcd.address(), fault, Counted::All, nth).await;
                let command = matrix.instance.command(&proxy.address, verb, &OPS);
                let end = ended(command).await;
                if !proxy.was_hit() {
                    return false;
                }
                end.expect(Outcome::Done);
                let wanted = if verb == "run" { &matrix.migrated } else { &matrix.before };
                assert_eq!(&matrix.instance.all().await, wanted, "{verb} {fault:?} {nth}");
                true
            })
            .await;
        }
    }
}
