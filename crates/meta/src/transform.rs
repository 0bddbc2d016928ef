//! From 2.1 to 2.2, one record at a time: what becomes of a record, given what the first look kept.
//!
//! Pure; the rules are R1 to R9 of the specification of the official tool with its defects corrected. The
//! same record and the same catalog give the same bytes, so that the change set can be computed twice and
//! compared.

use std::collections::BTreeSet;

use prost::Message as _;

use crate::{
    TOMBSTONE,
    catalog::Catalog,
    findings::{Note, Problem},
    key::{self, Key},
    params,
    proto::{
        AliasInfo, CollectionInfo, CollectionLoadInfo, FIELD_INDEXES, FINISHED, FieldIndex, IndexDesc,
        LOAD_COLLECTION, LOAD_PARTITION, LOADED, LoadState, PartitionLoadInfo, SegmentIndex,
        SegmentIndexInfo, UNISSUED,
    },
    wire,
};

/// A file that only the sorted index on a number (STL_SORT) has. 2.1 writes 16 bytes a row, 2.2 reads 8: it
/// copies past the end of its memory and the query node dies, again at every start. Seen with 2.1.0 and
/// 2.2.16. So the record is handed over as one that still has to be built; 2.2 does that in the background,
/// under another file version.
const SORTED: &str = "index_length";

/// What becomes of the key itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Own {
    /// It stays as it is, byte for byte.
    #[default]
    Keep,
    /// It gets this value.
    Replace(Vec<u8>),
    /// It goes.
    Remove,
}

/// What becomes of one record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effect {
    /// What becomes of its key.
    pub own: Own,
    /// Keys that are made from it, with their values.
    pub adds: Vec<(Vec<u8>, Vec<u8>)>,
    /// What is worth knowing about it.
    pub notes: Vec<Note>,
}

impl Effect {
    fn remove() -> Self {
        Self { own: Own::Remove, ..Self::default() }
    }

    fn removed_with(note: Note) -> Self {
        Self { own: Own::Remove, notes: vec![note], ..Self::default() }
    }

    fn moved(key: String, value: Vec<u8>) -> Self {
        Self { own: Own::Remove, adds: vec![(key.into_bytes(), value)], ..Self::default() }
    }
}

/// What becomes of the record `key` = `value`; `key` is relative to the meta root.
///
/// # Errors
///
/// When the record is not what 2.1 writes, or refers to what is not there.
pub fn effect(catalog: &Catalog, key: &[u8], value: &[u8]) -> Result<Effect, Problem> {
    match Key::parse(key) {
        Key::Collection(id) => collection(catalog, id, key, value),
        Key::CollectionSnapshot(..) => Ok(snapshot(value)),
        Key::Alias(name) => alias(name, None, key, value),
        Key::AliasSnapshot(name, ts) => alias(name, Some(ts), key, value),
        Key::Index(collection, index) => Ok(index_definition(catalog, collection, index, value)),
        Key::SegmentIndex(ids) => segment_index(catalog, ids, key, value),
        Key::LoadState(id) => load_state(catalog, id, key, value),
        Key::Build(_) | Key::DdlSent | Key::DdlLeftover => Ok(Effect::remove()),
        _ => Ok(Effect::default()),
    }
}

/// R1, R3 and R4: the collection loses its list of indexes, and each of them gets a record.
fn collection(catalog: &Catalog, id: i64, key: &[u8], value: &[u8]) -> Result<Effect, Problem> {
    if value == TOMBSTONE {
        return Ok(Effect::default());
    }
    let without = wire::without(value, FIELD_INDEXES).map_err(|e| Problem::new(key, e))?;
    let mut effect = Effect { own: without.map_or(Own::Keep, Own::Replace), ..Effect::default() };
    for indexed in catalog.live(id).map_or(&[][..], |live| &live.indexes) {
        let Some(definition) = catalog.definition(id, indexed.index) else {
            effect.notes.push(Note::IndexMissing);
            continue;
        };
        let index_params = params::flatten(&definition.index_params)
            .map_err(|e| Problem::new(key, format!("index {}: {e}", indexed.index)))?;
        let index_name = match definition.index_name.as_str() {
            "_default_idx" => format!("_default_idx_{}", indexed.field),
            name => name.to_owned(),
        };
        let record = FieldIndex {
            index_info: Some(IndexDesc {
                collection_id: id,
                field_id: indexed.field,
                index_name,
                index_id: indexed.index,
                type_params: indexed.type_params.clone(),
                index_params,
                user_index_params: definition.index_params.clone(),
            }),
            deleted: definition.deleted,
            create_time: definition.create_time,
        };
        effect.adds.push((key::ids("field-index", &[id, indexed.index]).into(), record.encode_to_vec()));
    }
    Ok(effect)
}

/// R1 for old versions of a collection: never a reason to refuse.
fn snapshot(value: &[u8]) -> Effect {
    if value == TOMBSTONE {
        return Effect::default();
    }
    // What cannot be read was noted at the first look.
    let without = wire::without(value, FIELD_INDEXES).unwrap_or_default();
    Effect { own: without.map_or(Own::Keep, Own::Replace), ..Effect::default() }
}

/// R2: aliases move, tombstones too.
fn alias(name: &str, ts: Option<u64>, key: &[u8], value: &[u8]) -> Result<Effect, Problem> {
    let new_key = key::alias(name, ts);
    if value == TOMBSTONE {
        return Ok(Effect::moved(new_key, TOMBSTONE.to_vec()));
    }
    let info = CollectionInfo::decode(value).map_err(|e| Problem::new(key, e))?;
    let Some(schema) = info.schema else { return Err(Problem::new(key, "the alias has no name")) };
    if schema.name != name {
        return Err(Problem::new(key, format!("the value is of alias {:?}", schema.name)));
    }
    if info.id <= 0 {
        return Err(Problem::new(key, "the alias has no collection"));
    }
    let record =
        AliasInfo { alias_name: schema.name, collection_id: info.id, created_time: ts.unwrap_or_default() };
    let mut effect = Effect::moved(new_key, record.encode_to_vec());
    if wire::has_above(value, 12).map_err(|e| Problem::new(key, e))? {
        effect.notes.push(Note::UnknownField);
    }
    Ok(effect)
}

/// R4: the definition itself goes; what uses it was made from the collection.
fn index_definition(catalog: &Catalog, collection: i64, index: i64, value: &[u8]) -> Effect {
    if value == TOMBSTONE || catalog.is_indexed(collection, index) {
        Effect::remove()
    } else {
        Effect::removed_with(Note::IndexUnused)
    }
}

/// R6: the record of an index on a segment, joined with its build.
fn segment_index(catalog: &Catalog, ids: [i64; 4], key: &[u8], value: &[u8]) -> Result<Effect, Problem> {
    if value == TOMBSTONE {
        return Ok(Effect::remove());
    }
    let old = SegmentIndexInfo::decode(value).map_err(|e| Problem::new(key, e))?;
    let [collection, index, partition, segment] = ids;
    if [old.collection_id, old.index_id, old.partition_id, old.segment_id] != ids {
        return Err(Problem::new(key, "the ids in the value are not those in the key"));
    }
    if old.build_id == 0 && !old.enable_index {
        return Ok(Effect::removed_with(Note::SmallSegment));
    }
    let Some(build) = catalog.built(old.build_id) else {
        return Ok(Effect::removed_with(Note::BuildMissing));
    };
    // A record that is marked as deleted may outlive its index: 2.2 needs it to remove the files.
    if !catalog.is_indexed(collection, index) && !build.deleted {
        return Ok(Effect::removed_with(Note::SegmentOfNoIndex));
    }
    let rebuild = build.state == FINISHED && build.files.iter().any(|file| **file == *SORTED);
    let state = if rebuild { UNISSUED } else { build.state };
    let files = if rebuild { &[][..] } else { &build.files };
    let record = SegmentIndex {
        collection_id: collection,
        partition_id: partition,
        segment_id: segment,
        num_rows: build.num_rows,
        index_id: index,
        build_id: old.build_id,
        node_id: build.node,
        index_version: build.version,
        state,
        fail_reason: build.fail_reason.to_string(),
        index_file_keys: files.iter().map(ToString::to_string).collect(),
        deleted: build.deleted,
        create_time: old.create_time,
        serialize_size: if rebuild { 0 } else { build.size },
        write_handoff: state == FINISHED,
    };
    let new_key = key::ids("segment-index", &[collection, partition, segment, old.build_id]);
    let mut effect = Effect::moved(new_key, record.encode_to_vec());
    if wire::has_above(value, 8).map_err(|e| Problem::new(key, e))? {
        effect.notes.push(Note::UnknownField);
    }
    if rebuild {
        effect.notes.push(Note::Rebuilt);
    }
    Ok(effect)
}

/// R7: what is loaded stays loaded if 2.2 can load it. The old record stays: 2.2 does not read it.
fn load_state(catalog: &Catalog, id: i64, key: &[u8], value: &[u8]) -> Result<Effect, Problem> {
    if value == TOMBSTONE {
        return Ok(Effect::default());
    }
    let old = LoadState::decode(value).map_err(|e| Problem::new(key, e))?;
    if old.collection_id != id {
        return Err(Problem::new(key, format!("the value is of collection {}", old.collection_id)));
    }
    let with = |note| Ok(Effect { notes: vec![note], ..Effect::default() });
    if old.in_memory_percentage < 100 {
        return with(Note::HalfLoaded);
    }
    let Some(live) = catalog.live(id) else { return with(Note::LoadOfNothing) };
    let field_index_id = catalog.loadable(id);
    if field_index_id.is_empty() {
        return with(Note::Released);
    }
    let mut effect = Effect::default();
    match old.load_type {
        LOAD_COLLECTION => {
            let record = CollectionLoadInfo {
                collection_id: id,
                released_partitions: old.released_partition_ids,
                replica_number: old.replica_number,
                status: LOADED,
                field_index_id,
            };
            let new_key = key::ids("querycoord-collection-loadinfo", &[id]);
            effect.adds.push((new_key.into(), record.encode_to_vec()));
        }
        LOAD_PARTITION => {
            for partition in old.partition_ids.into_iter().collect::<BTreeSet<_>>() {
                if !live.partitions.contains(&partition) {
                    effect.notes.push(Note::LoadOfNoPartition);
                    continue;
                }
                let record = PartitionLoadInfo {
                    collection_id: id,
                    partition_id: partition,
                    replica_number: old.replica_number,
                    status: LOADED,
                    field_index_id: field_index_id.clone(),
                };
                let new_key = key::ids("querycoord-partition-loadinfo", &[id, partition]);
                effect.adds.push((new_key.into(), record.encode_to_vec()));
            }
        }
        other => {
            let what = format!("load type {other} is unknown; release the collection in Milvus 2.1");
            return Err(Problem::new(key, what));
        }
    }
    Ok(effect)
}
