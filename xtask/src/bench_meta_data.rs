//! Metadata in the layout of a real Milvus 2.1.0, as much of it as is wanted.
//!
//! The real dump is copied with other collection and build ids. What the migration does not read keeps its
//! value.

use milvus_meta::{key::Key, proto, wire};
use prost::Message as _;

use crate::Failure;

/// Distance between the ids of two copies; the ids of the dump are closer together than this.
const STEP: i64 = 100_000_000_000;

/// A whole key and its value.
pub(crate) type Pair = (Vec<u8>, Vec<u8>);

/// Whole keys and values of at least `wanted` keys below `by-dev/meta`, in no order.
pub(crate) fn copies(wanted: usize) -> Result<Vec<Pair>, Failure> {
    let rows: Vec<(String, String, i64)> =
        serde_json::from_str(include_str!("../../crates/meta/tests/data/milvus-2.1.0.json"))?;
    let mut all = Vec::with_capacity(wanted + rows.len());
    for copy in 0.. {
        for (key, value, _) in &rows {
            let Some(key) = key.strip_prefix("by-dev/meta/") else { continue };
            if let Some((key, value)) = shifted(key, &unhex(value)?, copy * STEP)? {
                all.push((format!("by-dev/meta/{key}").into_bytes(), value));
            }
        }
        if all.len() >= wanted {
            break;
        }
    }
    all.truncate(wanted.max(rows.len()));
    Ok(all)
}

fn unhex(text: &str) -> Result<Vec<u8>, Failure> {
    (0..text.len()).step_by(2).map(|at| Ok(u8::from_str_radix(&text[at..at + 2], 16)?)).collect()
}

/// One key of a copy; `None` for what there is only once.
fn shifted(key: &str, value: &[u8], by: i64) -> Result<Option<(String, Vec<u8>)>, Failure> {
    if by == 0 {
        return Ok(Some((key.to_owned(), value.to_vec())));
    }
    let snapshot = |name: &str, id: i64, ts: u64| format!("snapshots/root-coord/{name}/{}_ts{ts}", id + by);
    Ok(Some(match Key::parse(key.as_bytes()) {
        Key::Collection(id) => (format!("root-coord/collection/{}", id + by), moved(value, &[1], by)?),
        Key::CollectionSnapshot(id, ts) => (snapshot("collection", id, ts), moved(value, &[1], by)?),
        Key::Index(collection, index) => {
            (format!("root-coord/index/{}/{index}", collection + by), value.to_vec())
        }
        Key::SegmentIndex([collection, index, partition, segment]) => (
            format!("root-coord/segment-index/{}/{index}/{partition}/{segment}", collection + by),
            moved(value, &[1, 6], by)?,
        ),
        Key::Build(id) => (format!("indexes/{}", id + by), moved(value, &[1], by)?),
        Key::LoadState(id) => (format!("queryCoord-collectionMeta/{}", id + by), moved(value, &[1], by)?),
        Key::Alias(name) => alias(name, None, value, by)?,
        Key::AliasSnapshot(name, ts) => alias(name, Some(ts), value, by)?,
        Key::Segment | Key::Untouched => (format!("{key}{by}"), value.to_vec()),
        _ => return Ok(None),
    }))
}

fn alias(name: &str, ts: Option<u64>, value: &[u8], by: i64) -> Result<(String, Vec<u8>), Failure> {
    let name = format!("{name}_{by}");
    let mut info = proto::CollectionInfo::decode(value)?;
    info.id += by;
    info.schema = Some(proto::CollectionSchema { name: name.clone(), fields: Vec::new() });
    let key = match ts {
        None => format!("root-coord/collection-alias/{name}"),
        Some(ts) => format!("snapshots/root-coord/collection-alias/{name}_ts{ts}"),
    };
    Ok((key, info.encode_to_vec()))
}

/// The message with the given number fields raised, unless they are 0 or the value is a tombstone.
fn moved(value: &[u8], numbers: &[u32], by: i64) -> Result<Vec<u8>, Failure> {
    if value == milvus_meta::TOMBSTONE {
        return Ok(value.to_vec());
    }
    let mut out = Vec::with_capacity(value.len() + 8);
    for field in wire::fields(value) {
        let field = field?;
        if numbers.contains(&field.number) {
            let old = prost::decode_length_delimiter(&field.whole[1..])? as u64;
            out.push(field.whole[0]);
            prost::encode_length_delimiter(usize::try_from(old + by.unsigned_abs())?, &mut out)?;
        } else {
            out.extend_from_slice(field.whole);
        }
    }
    Ok(out)
}
