//! Guarded batches: each is one transaction that compares the lock, the absence of sessions, and every key
//! that it writes.
//!
//! A batch that is refused is looked at key by key, in the same answer: what is already as wanted is done (an
//! earlier run, or an attempt whose answer was lost), what is still as expected is tried again with the
//! revision that it has now, and anything else is a conflict and stops the migration.

use etcd_client::{Client, Compare, CompareOp, Txn, TxnOp};
use milvus_plan::migration::Outcome;
use snafu::Snafu;

use super::{
    Etcd, EtcdError,
    lock::{Broken, Lock, ranges},
};
use crate::change::Write;

/// Bytes of a batch; etcd's `--max-request-bytes` is 1.5 MiB unless set.
const BATCH_BYTES: usize = 1 << 20;
/// Operations of a transaction that the guards need.
const GUARDS: usize = 4;

/// Why a batch was not written.
#[derive(Debug, Snafu)]
pub enum WriteError {
    /// The lease ended.
    #[snafu(display(
        "the lock was lost: this process was cut off from etcd for longer than its lease. Call again to go on"
    ))]
    LockLost,
    /// A Milvus came up.
    #[snafu(display("Milvus came up in the middle: session(s) {}. Nothing more was written; stop it and call again", names.join(", ")))]
    Sessions {
        /// The sessions.
        names: Vec<String>,
    },
    /// A key is neither as expected nor as wanted.
    #[snafu(display("{key} was changed by somebody else; nothing more was written"))]
    Conflict {
        /// The key.
        key: String,
    },
    /// etcd did not do as asked.
    #[snafu(transparent)]
    Etcd {
        /// Why.
        source: EtcdError,
    },
}

impl WriteError {
    /// How a call that ends with this ends.
    pub const fn outcome(&self) -> Outcome {
        match self {
            Self::LockLost => Outcome::LockLost,
            Self::Sessions { .. } => Outcome::SessionAlive,
            Self::Conflict { .. } => Outcome::Conflict,
            Self::Etcd { source } => source.outcome(),
        }
    }
}

pub(super) fn refused(broken: Broken) -> WriteError {
    match broken {
        Broken::Lost => WriteError::LockLost,
        Broken::Sessions(names) => WriteError::Sessions { names },
    }
}

/// Gathers writes into batches of a size that etcd takes.
#[derive(Debug)]
pub struct Batcher {
    most: usize,
    bytes: usize,
    batch: Vec<Write>,
}

impl Batcher {
    /// `txn_ops` is the `--max-txn-ops` of the server, of which the guards take a part.
    pub fn new(txn_ops: usize) -> Self {
        Self { most: txn_ops.saturating_sub(GUARDS).max(1), bytes: 0, batch: Vec::new() }
    }

    /// Adds a write; gives a batch when one is full.
    pub fn push(&mut self, write: Write) -> Option<Vec<Write>> {
        let bytes = write.key.len() * 2 + write.after.as_ref().map_or(0, Vec::len) + 64;
        let full =
            !self.batch.is_empty() && (self.batch.len() == self.most || self.bytes + bytes > BATCH_BYTES);
        let ready = if full { self.take() } else { None };
        self.bytes += bytes;
        self.batch.push(write);
        ready
    }

    /// What is left.
    pub fn take(&mut self) -> Option<Vec<Write>> {
        self.bytes = 0;
        let batch = std::mem::take(&mut self.batch);
        (!batch.is_empty()).then_some(batch)
    }
}

impl Etcd {
    /// Writes a batch. Gives the number of keys that this call changed; what was as wanted before is not
    /// counted.
    ///
    /// # Errors
    ///
    /// When etcd can't be asked or has no room, the lock is lost, or somebody else has written one of the
    /// keys.
    pub async fn write(&self, lock: &Lock, batch: Vec<Write>) -> Result<u64, WriteError> {
        let mut waiting = vec![batch];
        let mut written = 0;
        let mut rounds = 0;
        while let Some(batch) = waiting.pop() {
            if lock.is_lost() {
                return Err(WriteError::LockLost);
            }
            match self.attempt(lock, &batch).await {
                Ok(Attempt::Written) => written += batch.len() as u64,
                Ok(Attempt::Left(left)) if left.is_empty() => {}
                // A key that changes under our eyes again and again is somebody else's.
                Ok(Attempt::Left(left)) if rounds > 8 => return Err(conflict(self, &left[0])),
                Ok(Attempt::Left(left)) => {
                    rounds += 1;
                    waiting.push(left);
                }
                Err(WriteError::Etcd { source: EtcdError::TooLarge { .. } }) if batch.len() > 1 => {
                    let mut front = batch;
                    let back = front.split_off(front.len() / 2);
                    waiting.extend([back, front]);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(written)
    }

    async fn attempt(&self, lock: &Lock, batch: &[Write]) -> Result<Attempt, WriteError> {
        let mut when = lock.guards();
        let mut then = Vec::with_capacity(batch.len());
        let mut questions = lock.questions();
        for write in batch {
            let key = self.root.absolute(&write.key);
            when.push(match &write.before {
                None => Compare::create_revision(key.clone(), CompareOp::Equal, 0),
                Some((_, revision)) => Compare::mod_revision(key.clone(), CompareOp::Equal, *revision),
            });
            then.push(match &write.after {
                Some(value) => TxnOp::put(key.clone(), value.clone(), None),
                None => TxnOp::delete(key.clone(), None),
            });
            questions.push(TxnOp::get(key, None));
        }
        let txn = Txn::new().when(when).and_then(then).or_else(questions);
        let request = |mut c: Client| {
            let txn = txn.clone();
            async move { c.txn(txn).await }
        };
        let answer = self.call("write a batch", request).await?;
        if answer.succeeded() {
            return Ok(Attempt::Written);
        }
        let answers = ranges(&answer);
        lock.judge(&answers).map_err(refused)?;
        let mut left = Vec::new();
        for (write, found) in batch.iter().zip(&answers[2.min(answers.len())..]) {
            let now = found.first();
            if now.map(etcd_client::KeyValue::value) == write.after.as_deref() {
                continue;
            }
            match (now, &write.before) {
                (None, None) => left.push(write.clone()),
                (Some(now), Some((value, _))) if now.value() == value.as_slice() => {
                    let before = Some((value.clone(), now.mod_revision()));
                    left.push(Write { before, ..write.clone() });
                }
                _ => return Err(conflict(self, write)),
            }
        }
        Ok(Attempt::Left(left))
    }
}

enum Attempt {
    Written,
    Left(Vec<Write>),
}

fn conflict(etcd: &Etcd, write: &Write) -> WriteError {
    WriteError::Conflict { key: String::from_utf8_lossy(&etcd.root.absolute(&write.key)).into_owned() }
}
