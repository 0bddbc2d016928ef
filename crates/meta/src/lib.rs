//! Milvus metadata in etcd: what it is, how it gets from 2.1 to 2.2, and how it gets back.
//!
//! The order of everything: read all at one revision → decode all → transform → check in full → back up and
//! verify the backup → compute again from the backup and compare → write (new keys, read back, rewrites,
//! deletes) → verify. The pure part takes records and gives changes; it knows neither etcd nor a clock. The
//! store on etcd is behind the feature `etcd`, the binary `meta-migration` behind `cli`.

#![deny(clippy::missing_errors_doc)]

pub mod backup;
pub mod catalog;
pub mod change;
pub mod compare;
pub mod describe;
#[cfg(feature = "etcd")]
pub mod etcd;
pub mod findings;
pub mod invariants;
pub mod key;
pub mod params;
pub mod proto;
pub mod report;
#[cfg(feature = "etcd")]
pub mod run;
pub mod transform;
pub mod wire;

/// What Milvus writes in place of a removed value where it keeps versions.
pub const TOMBSTONE: &[u8] = &[0xe2, 0x9b, 0xbc];

/// Version of this program, as it appears in reports and backups.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
