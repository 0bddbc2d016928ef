//! A change in words that people and programs can read: what `plan -o yaml|json` prints.

use prost::Message as _;
use serde::Serialize;
use serde_json::Value;

use crate::{
    TOMBSTONE,
    change::hex,
    key::{Key, New},
    proto::{AliasInfo, CollectionInfo, CollectionLoadInfo, FieldIndex, PartitionLoadInfo, SegmentIndex},
    transform::{Effect, Own},
};

/// What is done to a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Op {
    /// The key is new.
    Add,
    /// The key gets another value.
    Rewrite,
    /// The key goes.
    Remove,
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// What is done.
    pub op: Op,
    /// To which key, relative to the meta root.
    pub key: String,
    /// The record that is written; for a rewrite, what it loses.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub record: Value,
    /// The value that is written, in hexadecimal digits.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub value: String,
}

/// The changes that a record gives.
pub fn lines(key: &[u8], value: &[u8], effect: &Effect) -> Vec<Line> {
    let text = |key: &[u8]| String::from_utf8_lossy(key).into_owned();
    let mut lines = Vec::with_capacity(effect.adds.len() + 1);
    for (new_key, new_value) in &effect.adds {
        let record = record(new_key, new_value).unwrap_or_default();
        lines.push(Line { op: Op::Add, key: text(new_key), record, value: hex(new_value) });
    }
    match &effect.own {
        Own::Keep => {}
        Own::Replace(new) => {
            let record = dropped(value);
            lines.push(Line { op: Op::Rewrite, key: text(key), record, value: hex(new) });
        }
        Own::Remove => {
            lines.push(Line { op: Op::Remove, key: text(key), record: Value::Null, value: String::new() });
        }
    }
    lines
}

/// The list of indexes that a collection loses.
fn dropped(value: &[u8]) -> Value {
    let indexes = CollectionInfo::decode(value).map(|info| info.field_indexes).unwrap_or_default();
    let pair = |pair: &crate::proto::FieldIndexInfo| serde_json::json!([pair.field_id, pair.index_id]);
    serde_json::json!({ "withoutFieldIndexes": indexes.iter().map(pair).collect::<Vec<_>>() })
}

/// A value of a family that the migration writes.
fn record(key: &[u8], value: &[u8]) -> Option<Value> {
    if value == TOMBSTONE {
        return Some("tombstone".into());
    }
    let Key::New(new) = Key::parse(key) else { return None };
    match new {
        New::Alias => serde_json::to_value(AliasInfo::decode(value).ok()?),
        New::FieldIndex(..) => serde_json::to_value(FieldIndex::decode(value).ok()?),
        New::SegmentIndex(_) => serde_json::to_value(SegmentIndex::decode(value).ok()?),
        New::CollectionLoad(_) => serde_json::to_value(CollectionLoadInfo::decode(value).ok()?),
        New::PartitionLoad(..) => serde_json::to_value(PartitionLoadInfo::decode(value).ok()?),
        New::Other => return None,
    }
    .ok()
}
