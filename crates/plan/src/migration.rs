//! The contract between whoever starts a metadata migration (the operator's Job, the plugin, a person)
//! and the program that does it, `meta-migration`: what it reports, how it exits, and the marker that it
//! leaves in etcd. Pure values with a fixed JSON form; nothing here reads or writes anything.

use semver::Version;
use serde::{Deserialize, Serialize};

/// Number of this contract; it grows only when a reader of the old form would be misled.
pub const CONTRACT: u32 = 1;

/// Where Kubernetes reads a container's last words from, unless the pod template says otherwise.
pub const TERMINATION_MESSAGE_PATH: &str = "/dev/termination-log";

/// Kubernetes keeps this many bytes of a termination message.
pub const TERMINATION_MESSAGE_BYTES: usize = 4096;

/// How a path of the binary is spelt in the official image, which existing Jobs call.
pub const BINARY_PATH: &str = "/milvus/bin/meta-migration";

/// The key, below the root path of an instance but outside its meta root, that tells how far a migration is.
pub fn marker_key(root_path: &str) -> String {
    format!("{root_path}/meta-migration/marker")
}

/// The leased key beside the marker that only one migration can hold.
pub fn lock_key(root_path: &str) -> String {
    format!("{root_path}/meta-migration/lock")
}

/// How the metadata of a Milvus release lies in etcd, as far as this migration cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Schema {
    /// Nothing below the meta root.
    Empty,
    /// As Milvus 2.1 writes it.
    V21,
    /// As Milvus 2.2 and later write it.
    V22,
    /// Signs of both: a 2.2 was started on 2.1 metadata, or another tool stopped half-way.
    Mixed,
    /// No sign of either: an instance without index and alias looks like this in both.
    Undetermined,
}

/// What a pair of versions asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hop {
    /// 2.1 to 2.2: the metadata has to be migrated.
    Migrate,
    /// Both ends read the same metadata; there is nothing to do.
    NotNeeded,
    /// This program does not know the way.
    Forbidden,
}

/// What `meta-migration` has to do for a pair of versions. The ranges are those of the official tool:
/// source in `[2.1.0, 2.2.0)`, target in `[2.2.0, 2.3.0)`; a target below 2.2.0 needs nothing.
pub fn hop(source: &Version, target: &Version) -> Hop {
    let in_minor = |v: &Version, minor: u64| v.major == 2 && v.minor == minor;
    if target < source {
        Hop::Forbidden
    } else if target.major < 2 || (target.major == 2 && target.minor < 2) {
        Hop::NotNeeded
    } else if in_minor(source, 1) && in_minor(target, 2) {
        Hop::Migrate
    } else {
        Hop::Forbidden
    }
}

/// What was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, strum::Display)]
#[serde(rename_all = "camelCase")]
#[strum(serialize_all = "camelCase")]
pub enum Verb {
    /// Look, count, judge; writes nothing.
    Inspect,
    /// Write a verified backup file.
    Backup,
    /// Compute the change set; writes nothing.
    Plan,
    /// Write the change set, from a backup that exists.
    Apply,
    /// Compare what is in etcd with what should be; writes nothing.
    Verify,
    /// Put back what the backup holds.
    Rollback,
    /// Backup, plan, apply and verify in one.
    Run,
}

/// How a call ended. Every outcome has one exit code, and the codes are part of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, strum::Display, strum::EnumIter)]
#[serde(rename_all = "camelCase")]
#[strum(serialize_all = "camelCase")]
pub enum Outcome {
    /// What was asked for holds now.
    Done,
    /// Something that this program did not foresee.
    Failed,
    /// The command line, the YAML or the pair of versions cannot be used.
    BadRequest,
    /// There is no metadata below the meta root.
    NothingThere,
    /// A Milvus is registered in etcd, or appeared while writing.
    SessionAlive,
    /// Another migration holds the lock.
    Locked,
    /// The metadata is not in the schema that was asked for, or a marker forbids this verb now.
    WrongState,
    /// Records that cannot be decoded or contradict each other.
    Damaged,
    /// Milvus 2.1 still has to send a DDL message.
    UnsentDdl,
    /// etcd has no room for the new keys, or its space alarm is raised.
    NoRoom,
    /// The backup file is missing, cut, changed, or not a backup.
    BackupUnusable,
    /// The backup file is of another instance.
    BackupForeign,
    /// etcd holds what neither the backup nor the migration explains.
    Conflict,
    /// etcd did not answer, or went away.
    Unreachable,
    /// etcd refused the user, the password or the certificate.
    Denied,
    /// The disk of the backup file could not be written or read.
    DiskFailed,
    /// Stopped by a signal, between two batches.
    Interrupted,
    /// The lock was lost in the middle.
    LockLost,
    /// `verify` found a difference.
    Different,
}

/// Whether calling again can help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// It is done.
    NotNeeded,
    /// The same call may succeed later, as it is.
    Again,
    /// Only after somebody has changed something.
    AfterChange,
}

impl Outcome {
    /// The exit code. 0 is success; 1 and 2 are what shells and argument parsers use; 100 stays unused
    /// because the official tool reserves it.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::BadRequest => 2,
            Self::NothingThere => 10,
            Self::SessionAlive => 11,
            Self::Locked => 12,
            Self::WrongState => 13,
            Self::Damaged => 14,
            Self::UnsentDdl => 15,
            Self::NoRoom => 16,
            Self::BackupUnusable => 17,
            Self::BackupForeign => 18,
            Self::Conflict => 19,
            Self::Unreachable => 20,
            Self::Denied => 21,
            Self::DiskFailed => 22,
            Self::Interrupted => 23,
            Self::LockLost => 24,
            Self::Different => 25,
        }
    }

    /// Whether calling again can help.
    pub const fn retry(self) -> Retry {
        match self {
            Self::Done => Retry::NotNeeded,
            Self::SessionAlive | Self::Locked | Self::Unreachable | Self::Interrupted | Self::LockLost => {
                Retry::Again
            }
            _ => Retry::AfterChange,
        }
    }
}

/// How far a migration is, as the marker says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, strum::Display)]
#[serde(rename_all = "camelCase")]
#[strum(serialize_all = "camelCase")]
pub enum Stage {
    /// New keys are being written; every old key is as it was.
    AddingKeys,
    /// The new keys were read back; collections are being rewritten.
    Rewriting,
    /// Old keys are being removed.
    Removing,
    /// The metadata is that of 2.2 and was read back.
    Migrated,
    /// A rollback has begun and is not finished.
    RollingBack,
    /// The metadata is again what the backup holds, and was read back.
    RolledBack,
}

/// Value of the marker key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Marker {
    /// [`CONTRACT`] of the writer.
    pub contract: u32,
    /// How far it is.
    pub stage: Stage,
    /// SHA-256 (hex) of the backup that everything is computed from.
    pub backup_sha256: String,
    /// etcd revision that the backup was read at.
    pub backup_revision: i64,
    /// Digest (hex) of the change set.
    pub plan_sha256: String,
    /// Version that the metadata came from, as it was asked for.
    pub source_version: String,
    /// Version that the metadata goes to.
    pub target_version: String,
    /// The rollback was told to lose what was written after the migration.
    #[serde(default)]
    pub loss_accepted: bool,
    /// Version of the program that wrote the marker.
    pub tool: String,
}

/// Facts about a backup file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BackupFact {
    /// Where it is.
    pub path: String,
    /// SHA-256 (hex) over all of its records.
    pub sha256: String,
    /// etcd revision that it was read at; 0 where the file does not say.
    pub revision: i64,
    /// Number of records.
    pub records: u64,
    /// It was there already and holds the same as etcd.
    pub reused: bool,
}

/// The change set in numbers of keys.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Changes {
    /// Keys that 2.2 has and 2.1 has not.
    pub new_keys: u64,
    /// Keys that keep their name and get another value.
    pub rewritten: u64,
    /// Keys that only 2.1 has.
    pub removed: u64,
    /// Keys that stay as they are, byte for byte.
    pub untouched: u64,
    /// Digest (hex) of the change set: same input, same digest.
    pub plan_sha256: String,
}

/// What is below the meta root, in numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Census {
    /// All keys below the meta root, without leased ones.
    pub keys: u64,
    /// Bytes of their keys and values.
    pub bytes: u64,
    /// Collections that are not dropped.
    pub collections: u64,
    /// Collections that are dropped (a tombstone is left).
    pub dropped_collections: u64,
    /// Partitions of the collections that are not dropped.
    pub partitions: u64,
    /// Aliases that are not dropped.
    pub aliases: u64,
    /// Indexes on fields.
    pub field_indexes: u64,
    /// Records of an index on a segment.
    pub segment_indexes: u64,
    /// Index builds of 2.1.
    pub builds: u64,
    /// Segments.
    pub segments: u64,
    /// Collections or partitions that are loaded.
    pub loaded: u64,
    /// Users.
    pub users: u64,
    /// Keys that this program does not know; they stay as they are.
    pub unknown_keys: u64,
    /// Live sessions.
    pub sessions: Vec<String>,
}

/// The last words of `meta-migration`: one line of JSON on stdout, and the termination message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// [`CONTRACT`] of the writer.
    pub contract: u32,
    /// Version of the program.
    pub tool: String,
    /// What was asked for.
    pub verb: Verb,
    /// How it ended.
    pub outcome: Outcome,
    /// One sentence for people: what happened and what to do.
    pub message: String,
    /// `<rootPath>/<metaSubPath>`.
    pub meta_root: String,
    /// Schema that was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema: Option<Schema>,
    /// Stage that the marker has now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stage: Option<Stage>,
    /// etcd revision that was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<i64>,
    /// The backup file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backup: Option<BackupFact>,
    /// The change set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changes: Option<Changes>,
    /// What is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub census: Option<Census>,
    /// Keys that this call has written or removed.
    pub written: u64,
    /// Kinds of things worth knowing, each with its count and an example.
    #[serde(default)]
    pub notes: Vec<String>,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rstest::rstest;
    use strum::IntoEnumIterator as _;

    use super::*;

    #[rstest]
    #[case("2.1.0", "2.2.0", Hop::Migrate)]
    #[case("2.1.4", "2.2.16", Hop::Migrate)]
    #[case("2.1.0", "2.1.4", Hop::NotNeeded)]
    #[case("2.1.4", "2.1.0", Hop::Forbidden)]
    #[case("2.0.2", "2.2.0", Hop::Forbidden)]
    #[case("2.1.4", "2.3.0", Hop::Forbidden)]
    #[case("2.2.0", "2.2.16", Hop::Forbidden)]
    fn hops(#[case] source: &str, #[case] target: &str, #[case] expected: Hop) {
        assert_eq!(hop(&Version::parse(source).unwrap(), &Version::parse(target).unwrap()), expected);
    }

    #[test]
    fn every_outcome_has_an_exit_code_of_its_own() {
        let codes: BTreeSet<u8> = Outcome::iter().map(Outcome::exit_code).collect();
        assert_eq!(codes.len(), Outcome::iter().count());
        assert!(!codes.contains(&100), "the official tool reserves it");
    }
}
