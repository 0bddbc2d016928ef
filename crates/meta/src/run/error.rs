//! Every way in which a call can end without having done what was asked for.

use milvus_plan::migration::{Outcome, Schema, Stage};
use snafu::Snafu;

use crate::{
    backup::BackupError,
    compare::CompareError,
    etcd::{EtcdError, lock::LockError, space::SpaceError, write::WriteError},
    findings::Problems,
};

/// Why a call did not do what was asked for.
#[derive(Debug, Snafu)]
#[snafu(visibility(pub(super)))]
pub enum RunError {
    /// A request to etcd failed.
    #[snafu(transparent)]
    Etcd {
        /// Why.
        source: EtcdError,
    },
    /// The lock could not be taken.
    #[snafu(transparent)]
    Lock {
        /// Why.
        source: LockError,
    },
    /// A batch was not written.
    #[snafu(transparent)]
    Write {
        /// Why.
        source: WriteError,
    },
    /// etcd has no room.
    #[snafu(transparent)]
    Space {
        /// Why.
        source: SpaceError,
    },
    /// The backup cannot be used.
    #[snafu(transparent)]
    Backup {
        /// Why.
        source: BackupError,
    },
    /// Backup and etcd could not be compared.
    #[snafu(transparent)]
    Compare {
        /// Why.
        source: CompareError,
    },
    /// Nothing lies below the meta root.
    #[snafu(display("there is no metadata below {root}/. Check etcd.rootPath and etcd.metaSubPath{hint}"))]
    NothingThere {
        /// The meta root.
        root: String,
        /// Where there is some.
        hint: String,
    },
    /// The metadata is not 2.1's.
    #[snafu(display("{}", schema_words(*schema, root)))]
    WrongSchema {
        /// What it is.
        schema: Schema,
        /// The meta root.
        root: String,
    },
    /// Records that cannot be migrated.
    #[snafu(display("{problems}. Nothing was changed"))]
    Damaged {
        /// Which.
        problems: Problems,
    },
    /// Milvus 2.1 has to send a DDL message first.
    #[snafu(display(
        "root-coord/dd-msg-send is `false`: Milvus 2.1 was stopped before it had sent a DDL message. Start and stop \
         Milvus 2.1 once, so that it sends it, and call again"
    ))]
    UnsentDdl,
    /// The marker forbids it.
    #[snafu(display("{what}"))]
    WrongStage {
        /// What the marker says, and what to do.
        what: String,
        /// The stage.
        stage: Stage,
    },
    /// The backup is not the one that a migration under way was computed from.
    #[snafu(display(
        "backup {path} has the checksum {has}, but the migration under way was computed from {wanted}. Give the \
         backup that it began with"
    ))]
    OtherBackup {
        /// The file.
        path: String,
        /// Its checksum.
        has: String,
        /// The one that the marker names.
        wanted: String,
    },
    /// The backup is of another instance.
    #[snafu(display("backup {path} is of another instance: {what}"))]
    ForeignBackup {
        /// The file.
        path: String,
        /// What differs.
        what: String,
    },
    /// There is no backup that equals what is in etcd.
    #[snafu(display(
        "backup {path} does not hold what is in etcd now ({what}). Make a new one with `backup`"
    ))]
    StaleBackup {
        /// The file.
        path: String,
        /// The first difference.
        what: String,
    },
    /// The backup that was just written does not equal etcd at the revision that it was read at.
    #[snafu(display(
        "the backup that was written does not equal etcd at revision {revision} ({what}); it was thrown away"
    ))]
    BackupDiffers {
        /// The revision.
        revision: i64,
        /// The first difference.
        what: String,
    },
    /// Somebody else has written.
    #[snafu(display(
        "{count} key(s) are neither as in the backup nor as the migration makes them ({examples}). {advice}"
    ))]
    Foreign {
        /// How many.
        count: u64,
        /// The first few.
        examples: String,
        /// What to do.
        advice: String,
    },
    /// The change set came out differently the second time.
    #[snafu(display(
        "the change set computed from the backup ({second}) is not the one computed before ({first}). {advice}"
    ))]
    Disagreement {
        /// Digest of the first.
        first: String,
        /// Digest of the second.
        second: String,
        /// What to do.
        advice: String,
    },
    /// What was written is not what is there.
    #[snafu(display("{what}"))]
    NotAsWritten {
        /// The difference.
        what: String,
    },
    /// `verify` found a difference.
    #[snafu(display("{what}"))]
    Different {
        /// The difference.
        what: String,
    },
    /// A signal.
    #[snafu(display("stopped by a signal between two batches; call again to go on, or roll back"))]
    Interrupted,
}

impl RunError {
    /// How a call that ends with this ends.
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Etcd { source } => source.outcome(),
            Self::Lock { source } => source.outcome(),
            Self::Write { source } => source.outcome(),
            Self::Space { source } => source.outcome(),
            Self::Backup { source } | Self::Compare { source: CompareError::Backup { source } } => {
                if source.is_disk() { Outcome::DiskFailed } else { Outcome::BackupUnusable }
            }
            Self::Compare { source: CompareError::Record { .. } } | Self::Damaged { .. } => Outcome::Damaged,
            Self::NothingThere { .. } => Outcome::NothingThere,
            Self::WrongSchema { .. } | Self::WrongStage { .. } => Outcome::WrongState,
            Self::UnsentDdl => Outcome::UnsentDdl,
            Self::OtherBackup { .. } | Self::StaleBackup { .. } => Outcome::BackupUnusable,
            Self::ForeignBackup { .. } => Outcome::BackupForeign,
            Self::Foreign { .. } | Self::NotAsWritten { .. } => Outcome::Conflict,
            Self::BackupDiffers { .. } | Self::Disagreement { .. } => Outcome::Failed,
            Self::Different { .. } => Outcome::Different,
            Self::Interrupted => Outcome::Interrupted,
        }
    }

    /// Whether the revision that was read is gone, so that reading again from the start helps.
    pub(super) const fn is_compacted(&self) -> bool {
        matches!(self, Self::Etcd { source: EtcdError::Compacted })
    }
}

fn schema_words(schema: Schema, root: &str) -> String {
    match schema {
        Schema::V22 => format!(
            "the metadata below {root} is that of Milvus 2.2 or later already, and no marker says that this program \
             migrated it. There is nothing to migrate"
        ),
        Schema::Mixed => format!(
            "the metadata below {root} has records of Milvus 2.1 and of 2.2, and no marker of a migration: a 2.2 was \
             started on it, or another tool stopped half-way. Restore the backup of that tool (`rollback`), or undo \
             what 2.2 made, then call again"
        ),
        Schema::Empty | Schema::Undetermined | Schema::V21 => {
            format!("the metadata below {root} is not that of Milvus 2.1")
        }
    }
}
