//! What holds in metadata that Milvus 2.2 reads: checked on the computed state before anything is written,
//! and on what is in etcd afterwards.
//!
//! Takes the records of the state in any order, gives every contradiction between them.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use prost::Message as _;

use crate::{
    TOMBSTONE,
    findings::{Problem, Problems},
    key::{self, Key, New},
    proto::{CollectionInfo, CollectionLoadInfo, FieldIndex, PartitionLoadInfo, SegmentIndex},
};

#[derive(Debug)]
struct Segment {
    ids: [i64; 4],
    index: i64,
    deleted: bool,
}

#[derive(Debug)]
struct Load {
    collection: i64,
    partition: Option<i64>,
    indexes: BTreeMap<i64, i64>,
}

/// Keeps what refers to something else, until everything was seen.
#[derive(Debug, Default)]
pub struct Invariants {
    collections: HashMap<i64, BTreeSet<i64>>,
    indexes: HashMap<(i64, i64), (i64, bool)>,
    segments: Vec<Segment>,
    loads: Vec<Load>,
    problems: Problems,
    written_by_22: bool,
}

impl Invariants {
    /// Takes one record; `key` is relative to the meta root.
    pub fn observe(&mut self, key: &[u8], value: &[u8]) {
        if value == TOMBSTONE {
            return;
        }
        if let Err(what) = self.sort(key, value) {
            self.problems.push(Problem::new(key, what));
        }
    }

    fn sort(&mut self, key: &[u8], value: &[u8]) -> Result<(), String> {
        let parsed = Key::parse(key);
        let text = |error: prost::DecodeError| error.to_string();
        match parsed {
            Key::Collection(id) => {
                let info = CollectionInfo::decode(value).map_err(text)?;
                if !info.field_indexes.is_empty() {
                    return Err("the collection still lists its indexes as Milvus 2.1 does".into());
                }
                let fields = info.schema.map(|schema| schema.fields).unwrap_or_default();
                self.collections.insert(id, fields.iter().map(|field| field.field_id).collect());
            }
            Key::New(New::FieldIndex(collection, index)) => {
                let record = FieldIndex::decode(value).map_err(text)?;
                let field = record.index_info.map(|info| info.field_id).unwrap_or_default();
                self.indexes.insert((collection, index), (field, record.deleted));
            }
            Key::New(New::SegmentIndex(ids)) => {
                let record = SegmentIndex::decode(value).map_err(text)?;
                self.segments.push(Segment { ids, index: record.index_id, deleted: record.deleted });
            }
            Key::New(New::CollectionLoad(collection)) => {
                let indexes = CollectionLoadInfo::decode(value).map_err(text)?.field_index_id;
                self.loads.push(Load { collection, partition: None, indexes });
            }
            Key::New(New::PartitionLoad(collection, partition)) => {
                let indexes = PartitionLoadInfo::decode(value).map_err(text)?.field_index_id;
                self.loads.push(Load { collection, partition: Some(partition), indexes });
            }
            Key::New(New::Other) => self.written_by_22 = true,
            _ if parsed.is_v21() => return Err("a key of Milvus 2.1 is left".into()),
            _ => {}
        }
        Ok(())
    }

    /// Every contradiction. Collections that a running 2.2 made lie elsewhere, so once it has written, a
    /// missing collection says nothing.
    pub fn finish(self) -> Problems {
        let mut problems = self.problems;
        let mut complain = |key: String, what: String| problems.push(Problem { key, what });
        for ((collection, index), (field, _)) in &self.indexes {
            let known = self.collections.get(collection).is_some_and(|fields| fields.contains(field));
            if !known && !self.written_by_22 {
                let what = format!("collection {collection} has no field {field}");
                complain(key::ids("field-index", &[*collection, *index]), what);
            }
        }
        let mut builds = HashSet::new();
        for Segment { ids, index, deleted } in &self.segments {
            let name = || key::ids("segment-index", ids);
            if !deleted && !self.indexes.contains_key(&(ids[0], *index)) {
                complain(name(), format!("there is no index {index}"));
            }
            if !builds.insert(ids[3]) {
                complain(name(), format!("build {} is used twice", ids[3]));
            }
        }
        for Load { collection, partition, indexes } in &self.loads {
            let name = || match partition {
                None => key::ids("querycoord-collection-loadinfo", &[*collection]),
                Some(id) => key::ids("querycoord-partition-loadinfo", &[*collection, *id]),
            };
            if !self.written_by_22 && !self.collections.contains_key(collection) {
                complain(name(), "the collection does not exist".into());
            }
            for (field, index) in indexes {
                if self.indexes.get(&(*collection, *index)).is_none_or(|(on, gone)| on != field || *gone) {
                    complain(name(), format!("field {field} has no index {index}"));
                }
            }
        }
        problems
    }
}
