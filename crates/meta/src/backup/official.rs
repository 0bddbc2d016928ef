//! Reads the backup file of the official tool: little-endian length and protobuf header, then length and
//! `KeyDataPair` until the file ends; no checksum, no order.
//!
//! Its prefix has no slash at the end, so keys of a neighbour (`by-dev/meta2/…` beside `by-dev/meta`) may be
//! in it: only keys below the meta root are taken. An older form holds keys without the root path.

use std::{io::Read, path::Path};

use prost::Message as _;
use snafu::ResultExt as _;

use super::{BackupError, CutSnafu, DamagedSnafu, Header, NotABackupSnafu, ReadSnafu, Record, fill};
use crate::proto::{BackupHeader, KeyDataPair};

/// The header of the official tool is some hundred bytes; anything longer is another kind of file.
const LONGEST_HEADER: u64 = 64 << 10;
/// A value in etcd is at most a few MiB.
const LONGEST_ENTRY: u64 = 256 << 20;

/// Reads the rest of a file whose first eight bytes are `length`. All of it is held in memory, as by the
/// official tool, because its entries are in no order.
pub(super) fn read(
    path: &Path,
    length: [u8; 8],
    file: &mut impl Read,
) -> Result<(Header, Vec<Record>), BackupError> {
    let length = u64::from_le_bytes(length);
    if length == 0 || length > LONGEST_HEADER {
        return NotABackupSnafu { path, what: "the first bytes are of no known format" }.fail();
    }
    let body = take(path, file, length, 0)?;
    let header = BackupHeader::decode(body.as_slice()).ok().filter(|header| header.version == 0);
    let Some(header) = header.filter(|header| !header.meta_path.is_empty()) else {
        return NotABackupSnafu { path, what: "the header makes no sense" }.fail();
    };
    let whole_keys = serde_json::from_slice::<serde_json::Value>(&header.extra)
        .ok()
        .and_then(|extra| extra.get("entry_include_root_path")?.as_bool())
        .unwrap_or(false);
    let root = format!("{}/{}/", header.instance, header.meta_path);
    let mut records = Vec::new();
    let mut count = 0u64;
    loop {
        let mut length = [0; 8];
        match fill(file, &mut length).context(ReadSnafu { path })? {
            0 => break,
            8 => {}
            _ => return CutSnafu { path, record: count }.fail(),
        }
        let length = u64::from_le_bytes(length);
        if length > LONGEST_ENTRY {
            return DamagedSnafu { path, record: count, what: "a length makes no sense" }.fail();
        }
        let body = take(path, file, length, count)?;
        let Ok(entry) = KeyDataPair::decode(body.as_slice()) else {
            return DamagedSnafu { path, record: count, what: "an entry makes no sense" }.fail();
        };
        count += 1;
        let key = if whole_keys { entry.key.strip_prefix(&root) } else { Some(entry.key.as_str()) };
        if let Some(key) = key {
            records.push(Record { key: key.into(), value: entry.data, mod_revision: 0 });
        }
    }
    if count == 0 {
        return CutSnafu { path, record: 0u64 }.fail();
    }
    let expected = u64::try_from(header.entries).unwrap_or(0);
    if expected != 0 && expected != count {
        return CutSnafu { path, record: count }.fail();
    }
    records.sort_unstable_by(|a, b| a.key.cmp(&b.key));
    if records.windows(2).any(|pair| pair[0].key == pair[1].key) {
        return DamagedSnafu { path, record: count, what: "a key is in it twice" }.fail();
    }
    let header = Header {
        tool: "official".into(),
        cluster_id: String::new(),
        root_path: header.instance,
        meta_sub_path: header.meta_path,
        revision: 0,
        source_version: String::new(),
    };
    Ok((header, records))
}

fn take(path: &Path, file: &mut impl Read, length: u64, record: u64) -> Result<Vec<u8>, BackupError> {
    let mut body = Vec::new();
    file.take(length).read_to_end(&mut body).context(ReadSnafu { path })?;
    if body.len() as u64 != length {
        return CutSnafu { path, record }.fail();
    }
    Ok(body)
}
