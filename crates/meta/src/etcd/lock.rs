//! The lock: one leased key outside of the meta root, and beside it, under the same lease, the key that the
//! official tool takes as its lock.
//!
//! It is taken in one transaction that also requires that no session exists, and every later transaction
//! compares both. A lease that ends (this process was killed, or cut off) takes both keys with it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use etcd_client::{
    Client, Compare, CompareOp, GetOptions, PutOptions, Txn, TxnOp, TxnOpResponse, TxnResponse,
};
use milvus_plan::migration::{Outcome, lock_key};
use snafu::Snafu;
use tokio::{task::JoinHandle, time::Instant};

use super::{Etcd, EtcdError, Root};
use crate::key::{OFFICIAL_LOCK, SESSION_COUNTER, SESSIONS};

/// Why the lock could not be taken.
#[derive(Debug, Snafu)]
pub enum LockError {
    /// A Milvus is registered.
    #[snafu(display(
        "Milvus is alive: {} session key(s) below {root}/session ({}). Stop every Milvus component, wait until their \
         sessions have ended (60 s at most), and call again", names.len(), names.join(", ")
    ))]
    Sessions {
        /// The meta root.
        root: String,
        /// The sessions.
        names: Vec<String>,
    },
    /// Another migration is at work.
    #[snafu(display(
        "another migration holds the lock of {root}: {holder}. Wait until it ends; a killed one lets go after at most a minute"
    ))]
    Held {
        /// The meta root.
        root: String,
        /// What it says of itself.
        holder: String,
    },
    /// etcd did not do as asked.
    #[snafu(transparent)]
    Etcd {
        /// Why.
        source: EtcdError,
    },
}

impl LockError {
    /// How a call that ends with this ends.
    pub const fn outcome(&self) -> Outcome {
        match self {
            Self::Sessions { .. } => Outcome::SessionAlive,
            Self::Held { .. } => Outcome::Locked,
            Self::Etcd { source } => source.outcome(),
        }
    }
}

/// The lock, held and kept alive.
pub struct Lock {
    etcd: Etcd,
    lease: i64,
    revision: i64,
    lost: Arc<AtomicBool>,
    keeper: JoinHandle<()>,
}

/// Ranges below `session/` in which no key may be, besides the counter and our own key.
fn session_ranges(root: &Root) -> [(Vec<u8>, Vec<u8>); 3] {
    let at = |key: &str, after: &[u8]| root.absolute(&[key.as_bytes(), after].concat());
    [
        (at(SESSIONS, b""), at(SESSION_COUNTER, b"")),
        (at(SESSION_COUNTER, b"\0"), at(OFFICIAL_LOCK, b"")),
        (at(OFFICIAL_LOCK, b"\0"), root.absolute(b"session0")),
    ]
}

/// Holds when no session exists besides the counter and the lock of the official tool.
fn no_sessions(root: &Root) -> Vec<Compare> {
    let absent = |(from, to)| Compare::create_revision(from, CompareOp::Equal, 0).with_range(to);
    session_ranges(root).into_iter().map(absent).collect()
}

impl Lock {
    /// Takes the lock; waits up to `wait` for a holder to let go.
    ///
    /// # Errors
    ///
    /// When etcd can't be asked, somebody still holds the lock after `wait`, or a Milvus is alive.
    pub async fn acquire(etcd: &Etcd, seconds: i64, wait: Duration) -> Result<Self, LockError> {
        let grant = |mut c: Client| async move { c.lease_grant(seconds, None).await };
        let lease = etcd.call("take a lease", grant).await?.id();
        let lost = Arc::new(AtomicBool::new(false));
        let keeper = tokio::spawn(keep(etcd.clone(), lease, seconds, Arc::clone(&lost)));
        let mut lock = Self { etcd: etcd.clone(), lease, revision: 0, lost, keeper };
        let deadline = Instant::now() + wait;
        loop {
            match lock.attempt().await {
                Ok(()) => return Ok(lock),
                Err(LockError::Held { .. }) if Instant::now() < deadline => {
                    // There is no event for "gone at last" that is cheaper than asking twice a second.
                    tokio::time::sleep(Duration::from_millis(500)).await;
                }
                Err(error) => {
                    lock.release().await;
                    return Err(error);
                }
            }
        }
    }

    async fn attempt(&mut self) -> Result<(), LockError> {
        let root = self.etcd.root.clone();
        let (ours, official) = (lock_key(&root.path), root.absolute(OFFICIAL_LOCK.as_bytes()));
        let absent = |key: Vec<u8>| Compare::create_revision(key, CompareOp::Equal, 0);
        let mut when = no_sessions(&root);
        when.extend([absent(ours.clone().into()), absent(official.clone())]);
        let leased = Some(PutOptions::new().with_lease(self.lease));
        let txn = Txn::new()
            .when(when)
            .and_then([
                TxnOp::put(ours.as_str(), holder(), leased.clone()),
                TxnOp::put(official, official_session(), leased),
            ])
            .or_else([
                TxnOp::get(ours.as_str(), None),
                TxnOp::get(
                    root.absolute(SESSIONS.as_bytes()),
                    Some(GetOptions::new().with_prefix().with_limit(101)),
                ),
            ]);
        let request = |mut c: Client| {
            let txn = txn.clone();
            async move { c.txn(txn).await }
        };
        let answer = self.etcd.call("take the lock", request).await?;
        if answer.succeeded() {
            self.revision = answer.header().map_or(0, etcd_client::ResponseHeader::revision);
            return Ok(());
        }
        self.read_refusal(&root, &answer)
    }

    fn read_refusal(&mut self, root: &Root, answer: &TxnResponse) -> Result<(), LockError> {
        let found = ranges(answer);
        if let Some(lock) = found.first().and_then(|kvs| kvs.first()) {
            if lock.lease() == self.lease {
                // It was taken by an earlier attempt of ours whose answer was lost.
                self.revision = lock.create_revision();
                return Ok(());
            }
            let holder = String::from_utf8_lossy(lock.value()).into_owned();
            return HeldSnafu { root: root.meta(), holder }.fail();
        }
        let names = session_names(root, found.get(1).map_or(&[], Vec::as_slice));
        if names.iter().any(|name| name != "migration") {
            return SessionsSnafu { root: root.meta(), names }.fail();
        }
        HeldSnafu { root: root.meta(), holder: "the official tool (session/migration)" }.fail()
    }

    /// What every transaction has to compare.
    pub fn guards(&self) -> Vec<Compare> {
        let root = &self.etcd.root;
        let mut when = no_sessions(root);
        when.push(Compare::create_revision(lock_key(&root.path), CompareOp::Equal, self.revision));
        when
    }

    /// What a refused transaction has to read to know whether the guards were the reason.
    pub(super) fn questions(&self) -> Vec<TxnOp> {
        let root = &self.etcd.root;
        let sessions = GetOptions::new().with_prefix().with_keys_only().with_limit(101);
        vec![
            TxnOp::get(lock_key(&root.path), None),
            TxnOp::get(root.absolute(SESSIONS.as_bytes()), Some(sessions)),
        ]
    }

    /// Whether the answers to [`Lock::questions`] say that the lock is still ours; `Some(sessions)` if
    /// sessions have appeared.
    pub(super) fn judge(&self, answers: &[Vec<etcd_client::KeyValue>]) -> Result<(), Broken> {
        let held = answers.first().and_then(|kvs| kvs.first());
        let held = held.is_some_and(|lock| lock.create_revision() == self.revision);
        let sessions = session_names(&self.etcd.root, answers.get(1).map_or(&[], Vec::as_slice));
        let others: Vec<_> = sessions.into_iter().filter(|name| name != "migration").collect();
        if !others.is_empty() {
            return Err(Broken::Sessions(others));
        }
        if held { Ok(()) } else { Err(Broken::Lost) }
    }

    /// Whether the lease could not be kept alive.
    pub fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Relaxed)
    }

    /// Lets go. If that fails, the lease ends by itself.
    pub async fn release(self) {
        self.keeper.abort();
        let lease = self.lease;
        let revoke = |mut c: Client| async move { c.lease_revoke(lease).await };
        // Nothing depends on it: without an answer the lease ends by itself.
        let _ = self.etcd.call("give the lease back", revoke).await;
    }
}

/// Why a transaction of the holder was refused.
#[derive(Debug)]
pub(super) enum Broken {
    Lost,
    Sessions(Vec<String>),
}

impl Drop for Lock {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

/// The ranges that a transaction has read, in order.
pub(super) fn ranges(answer: &TxnResponse) -> Vec<Vec<etcd_client::KeyValue>> {
    let read = |response| match response {
        TxnOpResponse::Get(mut get) => get.take_kvs(),
        _ => Vec::new(),
    };
    answer.op_responses().into_iter().map(read).collect()
}

fn session_names(root: &Root, kvs: &[etcd_client::KeyValue]) -> Vec<String> {
    let skip = root.absolute(SESSIONS.as_bytes()).len();
    let names = kvs.iter().filter_map(|kv| kv.key().get(skip..)).filter(|name| *name != b"id");
    names.map(|name| String::from_utf8_lossy(name).into_owned()).collect()
}

fn holder() -> String {
    let host = std::env::var("HOSTNAME").unwrap_or_else(|_| "unknown host".into());
    format!("meta-migration {} on {host}, process {}", crate::VERSION, std::process::id())
}

/// What the official tool writes under its lock, so that it (and Milvus 2.2's tools) see a migration at work.
fn official_session() -> String {
    serde_json::json!({
        "ServerID": 0, "ServerName": "migration", "Address": "meta-migration",
        "Exclusive": true, "TriggerKill": false, "Version": crate::VERSION,
    })
    .to_string()
}

/// Keeps the lease alive until it is gone or this task is ended.
async fn keep(etcd: Etcd, lease: i64, seconds: i64, lost: Arc<AtomicBool>) {
    let ttl = Duration::from_secs(seconds.unsigned_abs());
    let mut ends = Instant::now() + ttl;
    loop {
        tokio::time::sleep(ttl / 3).await;
        let asked = Instant::now();
        match tokio::time::timeout(ttl / 3, Box::pin(renew(etcd.client.clone(), lease))).await {
            Ok(Ok(true)) => ends = asked + ttl,
            Ok(Ok(false)) => break,
            _ if Instant::now() > ends => break,
            _ => {}
        }
    }
    lost.store(true, Ordering::Relaxed);
}

/// False when etcd does not know the lease any more.
async fn renew(mut client: Client, lease: i64) -> Result<bool, etcd_client::Error> {
    let (mut keeper, mut answers) = client.lease_keep_alive(lease).await?;
    keeper.keep_alive().await?;
    Ok(answers.message().await?.is_some_and(|answer| answer.ttl() > 0))
}
