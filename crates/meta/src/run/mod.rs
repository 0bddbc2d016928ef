//! The verbs: the order of reads, checks and writes on a real etcd.
//!
//! Every verb takes a [`Migration`] and fills in [`Facts`] as it learns them, so that a report can say what
//! is known also when the verb fails. None of them prints, asks for the time of day, or ends the process.

mod apply;
mod error;
mod inspect;
mod look;
mod rollback;
mod save;
mod verify;

use std::{path::PathBuf, time::Duration};

use milvus_plan::migration::{BackupFact, CONTRACT, Census, Changes, Marker, Schema, Stage};
use tokio_util::sync::CancellationToken;

pub use error::RunError;
pub use look::Look;

use crate::{
    VERSION,
    change::Plan,
    etcd::{Etcd, lock::Lock, marker::Found},
};

/// What the caller decides.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Version that the metadata comes from.
    pub source_version: String,
    /// Version that it goes to.
    pub target_version: String,
    /// The backup file.
    pub backup: PathBuf,
    /// `--max-txn-ops` of the etcd server.
    pub txn_ops: usize,
    /// Time to live of the lock, in seconds.
    pub lock_seconds: i64,
    /// How long to wait for another holder of the lock.
    pub lock_wait: Duration,
    /// The rollback may lose what was written after the migration.
    pub accept_loss: bool,
    /// The backup may be of the etcd cluster with this id (hexadecimal digits).
    pub other_cluster: Option<String>,
}

/// What a verb has learnt and done.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Schema that was found.
    pub schema: Option<Schema>,
    /// Stage that the marker has now.
    pub stage: Option<Stage>,
    /// etcd revision that was read.
    pub revision: Option<i64>,
    /// The backup file.
    pub backup: Option<BackupFact>,
    /// The change set.
    pub changes: Option<Changes>,
    /// What is there.
    pub census: Option<Census>,
    /// Keys written or removed.
    pub written: u64,
    /// What is worth knowing.
    pub notes: Vec<String>,
}

/// Called with a step, how much of it is done, and how much it is in all, where that is known.
pub type Progress = Box<dyn Fn(&str, u64, Option<u64>) + Send + Sync>;

/// Everything that a verb works with.
pub struct Migration {
    /// The store.
    pub etcd: Etcd,
    /// What the caller decides.
    pub settings: Settings,
    /// Who wants to know how far it is.
    pub progress: Progress,
    /// Asks to stop between two batches.
    pub stop: CancellationToken,
}

impl Migration {
    fn check_stop(&self) -> Result<(), RunError> {
        if self.stop.is_cancelled() { Err(RunError::Interrupted) } else { Ok(()) }
    }

    /// Takes the lock, runs `work`, gives the lock back whatever came of it.
    async fn locked<T>(&self, work: impl AsyncFnOnce(&Lock) -> Result<T, RunError>) -> Result<T, RunError> {
        let space = self.etcd.space().await?;
        if space.alarm {
            // Taking a lease is a write; the words of this check say what to do.
            space.check(0, 0)?;
        }
        let lock = Lock::acquire(&self.etcd, self.settings.lock_seconds, self.settings.lock_wait).await?;
        let result = Box::pin(work(&lock)).await;
        lock.release().await;
        result
    }

    /// The marker of a migration that begins.
    fn new_marker(&self, stage: Stage, backup: &BackupFact, plan: Option<&Plan>) -> Marker {
        Marker {
            contract: CONTRACT,
            stage,
            backup_sha256: backup.sha256.clone(),
            backup_revision: backup.revision,
            plan_sha256: plan.map(|plan| plan.changes.plan_sha256.clone()).unwrap_or_default(),
            source_version: self.settings.source_version.clone(),
            target_version: self.settings.target_version.clone(),
            loss_accepted: false,
            tool: VERSION.to_owned(),
        }
    }

    /// Writes the marker with another stage.
    async fn stage(
        &self,
        lock: &Lock,
        found: Found,
        marker: &Marker,
        stage: Stage,
        facts: &mut Facts,
    ) -> Result<Found, RunError> {
        let marker = Marker { stage, tool: VERSION.to_owned(), ..marker.clone() };
        let found = self.etcd.mark(lock, &found, marker).await?;
        facts.stage = Some(stage);
        Ok(found)
    }
}
