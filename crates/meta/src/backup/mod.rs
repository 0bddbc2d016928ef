//! Backups: one file with everything below the meta root at one etcd revision.
//!
//! Our own format is a magic number and frames; each frame carries its kind, its length and a SHA-256 over
//! both and its body, and the last one carries the number of records and a SHA-256 over all others. So a file
//! that is cut, flipped or glued together is told from a good one before a byte of it is believed. Records
//! are in key order. Files of the official tool, which have no checksum, can be read too ([`official`]).

pub mod official;
mod read;
mod write;

use std::{
    io::{self, Read},
    path::PathBuf,
};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use snafu::Snafu;

pub use read::{Reader, Summary, from, open, verify};
pub use write::{Writer, move_aside};

/// First bytes of a backup file; the last of them is the version of the format.
pub const MAGIC: [u8; 8] = *b"MVMETA\0\x01";

/// A value in etcd is at most a few MiB; a longer frame is a damaged length.
const LONGEST_FRAME: u32 = 256 << 20;

/// One key of the metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Relative to the meta root.
    pub key: Vec<u8>,
    /// Its value.
    pub value: Vec<u8>,
    /// etcd revision of its last change; 0 where the file does not say.
    pub mod_revision: i64,
}

/// What a backup is of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Header {
    /// Program that wrote it, with its version.
    pub tool: String,
    /// Id of the etcd cluster, in hexadecimal digits; empty where the file does not say.
    pub cluster_id: String,
    /// Root path of the instance.
    pub root_path: String,
    /// Sub path of the metadata.
    pub meta_sub_path: String,
    /// etcd revision that everything was read at; 0 where the file does not say.
    pub revision: i64,
    /// Milvus version that the caller named as the source; empty where the file does not say.
    pub source_version: String,
}

/// Last frame of a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Trailer {
    records: u64,
    sha256: String,
}

/// What is wrong with a backup file, or with the disk that it is on.
#[derive(Debug, Snafu)]
#[snafu(visibility(pub(crate)))]
pub enum BackupError {
    /// The file cannot be opened for reading.
    #[snafu(display("backup {} cannot be opened: {source}", path.display()))]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file cannot be read.
    #[snafu(display("backup {} cannot be read: {source}", path.display()))]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file ends too early.
    #[snafu(display("backup {} is cut: it ends in or after record {record}", path.display()))]
    Cut {
        /// The file.
        path: PathBuf,
        /// Records read before.
        record: u64,
    },
    /// A checksum does not fit, or the bytes make no sense.
    #[snafu(display("backup {} is damaged at record {record}: {what}", path.display()))]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Records read before.
        record: u64,
        /// What does not fit.
        what: String,
    },
    /// The bytes are neither our format nor that of the official tool.
    #[snafu(display("{} is not a backup of Milvus metadata: {what}", path.display()))]
    NotABackup {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        what: String,
    },
    /// The file or its folder cannot be written.
    #[snafu(display("backup {} cannot be written ({what}): {source}", path.display()))]
    Write {
        /// The file.
        path: PathBuf,
        /// What was attempted.
        what: &'static str,
        /// Why.
        source: io::Error,
    },
    /// The header cannot be written as JSON.
    #[snafu(display("header of backup {}: {source}", path.display()))]
    Json {
        /// The file.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
}

impl BackupError {
    /// Whether the disk is to blame, not the bytes on it.
    pub fn is_disk(&self) -> bool {
        match self {
            Self::Write { .. } | Self::Read { .. } => true,
            Self::Open { source, .. } => source.kind() != io::ErrorKind::NotFound,
            _ => false,
        }
    }
}

/// SHA-256 of one frame.
fn frame_digest(kind: u8, body: &[u8]) -> [u8; 32] {
    let mut digest = Sha256::new();
    digest.update([kind]);
    digest.update((body.len() as u64).to_le_bytes());
    digest.update(body);
    digest.finalize().into()
}

fn record_body(record: &Record) -> Vec<u8> {
    let mut body = Vec::with_capacity(record.key.len() + record.value.len() + 16);
    body.extend_from_slice(&(record.key.len() as u64).to_le_bytes());
    body.extend_from_slice(&record.mod_revision.to_le_bytes());
    body.extend_from_slice(&record.key);
    body.extend_from_slice(&record.value);
    body
}

fn record_from(body: &[u8]) -> Option<Record> {
    let (length, rest) = body.split_first_chunk::<8>()?;
    let (revision, rest) = rest.split_first_chunk::<8>()?;
    let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
    let (key, value) = rest.split_at_checked(length)?;
    Some(Record { key: key.to_vec(), value: value.to_vec(), mod_revision: i64::from_le_bytes(*revision) })
}

/// Reads until `bytes` is full or the file ends; gives how many were read.
fn fill(file: &mut impl Read, bytes: &mut [u8]) -> io::Result<usize> {
    let mut got = 0;
    while got < bytes.len() {
        match file.read(&mut bytes[got..]) {
            Ok(0) => break,
            Ok(more) => got += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(got)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn header() -> Header {
        Header {
            tool: "test".into(),
            cluster_id: "c1".into(),
            root_path: "by-dev".into(),
            meta_sub_path: "meta".into(),
            revision: 7,
            source_version: "2.1.0".into(),
        }
    }

    fn records() -> Vec<Record> {
        let record =
            |key: &str, value: &[u8]| Record { key: key.into(), value: value.to_vec(), mod_revision: 5 };
        vec![record("a", b"1"), record("b", b""), record("c/d", &[0xff; 40])]
    }

    fn write(path: &std::path::Path, records: &[Record]) {
        let mut writer = Writer::create(path, &header()).unwrap();
        for record in records {
            writer.record(record).unwrap();
        }
        writer.finish().unwrap();
        writer.publish().unwrap();
    }

    #[test]
    fn what_is_read_is_what_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("b");
        write(&path, &records());
        let read: Vec<_> = open(&path).unwrap().map(Result::unwrap).collect();
        assert_eq!(read, records());
        let summary = verify(&path).unwrap();
        assert_eq!((summary.header, summary.records), (header(), 3));
    }

    #[test]
    fn every_cut_and_every_flipped_bit_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let (good, bad) = (folder.path().join("good"), folder.path().join("bad"));
        write(&good, &records());
        let bytes = std::fs::read(&good).unwrap();
        for length in 0..bytes.len() {
            std::fs::write(&bad, &bytes[..length]).unwrap();
            assert!(verify(&bad).is_err(), "cut to {length} bytes");
        }
        for at in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[at / 8] ^= 1 << (at % 8);
            std::fs::write(&bad, &flipped).unwrap();
            assert!(verify(&bad).is_err(), "bit {at} flipped");
        }
    }

    /// A file as our writer would make it: frames with the checksums that fit.
    fn framed(frames: &[(u8, Vec<u8>)]) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        for (kind, body) in frames {
            bytes.push(*kind);
            bytes.extend(u32::try_from(body.len()).unwrap().to_le_bytes());
            bytes.extend(body);
            bytes.extend(frame_digest(*kind, body));
        }
        bytes
    }

    proptest! {
        /// Fuzzing looks for more, and longer (CONTRIBUTING.md).
        #[test]
        fn bytes_of_anybody_are_a_backup_or_an_error(
            official in any::<u8>(),
            bytes in proptest::collection::vec(any::<u8>(), 0..256),
            frames in proptest::collection::vec(
                (prop_oneof![Just(b'R'), Just(b'E'), any::<u8>()], proptest::collection::vec(any::<u8>(), 0..48)),
                0..6,
            ),
        ) {
            let read = |bytes: &[u8]| from(std::path::Path::new("b"), bytes).and_then(Reader::summary);
            // Nothing that was not written by a backup can end with the checksum of one.
            let length = [official, 0, 0, 0, 0, 0, 0, 0];
            let _ = read(&[&length, bytes.as_slice()].concat());
            prop_assert!(read(&[&MAGIC, bytes.as_slice()].concat()).is_err());
            let header = (b'H', serde_json::to_vec(&header()).unwrap());
            let all: Vec<_> = std::iter::once(header).chain(frames).collect();
            prop_assert!(read(&framed(&all)).is_err());
        }
    }

    #[test]
    fn a_backup_is_read_from_memory_as_from_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("b");
        write(&path, &records());
        let bytes = std::fs::read(&path).unwrap();
        assert_eq!(from(&path, bytes.as_slice()).unwrap().summary().unwrap(), verify(&path).unwrap());
    }

    #[test]
    fn records_out_of_order_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("b");
        let mut swapped = records();
        swapped.swap(0, 1);
        write(&path, &swapped);
        assert!(verify(&path).is_err());
    }

    #[test]
    fn an_abandoned_backup_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("b");
        drop(Writer::create(&path, &header()).unwrap());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
