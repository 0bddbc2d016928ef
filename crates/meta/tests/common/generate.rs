//! Generated metadata of Milvus 2.1: everything that a running one may leave, in any combination.

use milvus_meta::{TOMBSTONE, proto};
use proptest::{collection::vec, prelude::*};
use prost::Message as _;

use super::State;

/// A field number that no message of 2.1 has, as a later patch release might add.
const STRANGE: &[u8] = &[0xfa, 0x3f, 0x03, b'n', b'e', b'w'];

#[derive(Clone, Debug)]
struct Index {
    deleted: bool,
    defined: bool,
    listed: bool,
    name: &'static str,
    /// Of each segment: 0 too small, 1 built, 2 build record missing, 3 under way, 4 build deleted.
    segments: Vec<u8>,
}

#[derive(Clone, Debug)]
struct Collection {
    dropped: bool,
    strange: bool,
    partitions: i64,
    indexes: Vec<Index>,
    /// 0 not at all, 1 partitions, 2 collection, 3 in part.
    loaded: u8,
    versions: u8,
    alias: Option<String>,
    alias_dropped: bool,
}

fn index() -> impl Strategy<Value = Index> {
    let name = prop_oneof![Just("_default_idx"), Just("vec_idx"), Just("a_ts5")];
    (any::<bool>(), prop::bool::weighted(0.9), prop::bool::weighted(0.9), name, vec(0u8..5, 0..4)).prop_map(
        |(deleted, defined, listed, name, segments)| Index { deleted, defined, listed, name, segments },
    )
}

fn collection() -> impl Strategy<Value = Collection> {
    let alias = prop::option::of("[a-z_]{1,6}(_ts[0-9]{1,3})?");
    (
        prop::bool::weighted(0.2),
        any::<bool>(),
        1i64..4,
        vec(index(), 0..3),
        0u8..4,
        0u8..3,
        alias,
        any::<bool>(),
    )
        .prop_map(|(dropped, strange, partitions, indexes, loaded, versions, alias, alias_dropped)| {
            Collection { dropped, strange, partitions, indexes, loaded, versions, alias, alias_dropped }
        })
}

/// A whole instance.
pub fn instance() -> impl Strategy<Value = State> {
    vec(collection(), 0..5).prop_map(|collections| {
        let mut state = State::new();
        put(&mut state, "root-coord/dd-msg-send", b"true".to_vec());
        put(&mut state, "snapshots/root-coord/dd-operation_ts77", b"{}".to_vec());
        put(&mut state, "session/id", b"9".to_vec());
        put(&mut state, "root-coord/credential/users/root", b"{}".to_vec());
        put(&mut state, "something/unknown", b"\xff\x00".to_vec());
        for (number, collection) in collections.iter().enumerate() {
            write(&mut state, 1000 * (int(number) + 1), collection);
        }
        state
    })
}

fn int(number: usize) -> i64 {
    i64::try_from(number).unwrap()
}

fn put(state: &mut State, key: &str, value: Vec<u8>) {
    state.insert(key.as_bytes().to_vec(), value);
}

fn pair(key: &str, value: &str) -> proto::KeyValuePair {
    proto::KeyValuePair { key: key.into(), value: value.into() }
}

fn write(state: &mut State, id: i64, collection: &Collection) {
    let partitions: Vec<i64> = (1..=collection.partitions).map(|number| id + number).collect();
    let listed = collection.indexes.iter().enumerate().filter(|(_, index)| index.listed);
    let field = |number: i64, name: &str| proto::FieldSchema {
        field_id: 100 + number,
        name: format!("{name}{number}"),
        is_primary_key: number == 0,
        type_params: vec![pair("dim", "8")],
    };
    let info = proto::CollectionInfo {
        id,
        schema: Some(proto::CollectionSchema {
            name: format!("c{id}"),
            fields: (0..4).map(|n| field(n, "f")).collect(),
        }),
        partition_names: partitions.iter().map(i64::to_string).collect(),
        partition_created_timestamps: partitions.iter().map(|_| 5).collect(),
        partition_ids: partitions.clone(),
        field_indexes: listed
            .map(|(number, _)| proto::FieldIndexInfo {
                field_id: 101 + int(number),
                index_id: id + 100 + int(number),
            })
            .collect(),
    };
    let mut value = info.encode_to_vec();
    if collection.strange {
        value.extend_from_slice(STRANGE);
    }
    for version in 0..collection.versions {
        put(state, &format!("snapshots/root-coord/collection/{id}_ts{}", 50 + version), value.clone());
    }
    if collection.dropped {
        put(state, &format!("snapshots/root-coord/collection/{id}_ts60"), TOMBSTONE.to_vec());
        value = TOMBSTONE.to_vec();
    }
    put(state, &format!("root-coord/collection/{id}"), value);
    for (number, index) in collection.indexes.iter().enumerate() {
        write_index(state, (id, id + 100 + int(number), partitions[0]), index);
    }
    write_load(state, id, &partitions, collection.loaded);
    if let Some(alias) = &collection.alias {
        let schema = Some(proto::CollectionSchema { name: alias.clone(), fields: Vec::new() });
        let value = proto::CollectionInfo { id, schema, ..Default::default() }.encode_to_vec();
        put(state, &format!("snapshots/root-coord/collection-alias/{alias}_ts61"), value.clone());
        let plain = if collection.alias_dropped { TOMBSTONE.to_vec() } else { value };
        put(state, &format!("root-coord/collection-alias/{alias}"), plain);
    }
}

fn write_index(state: &mut State, (collection, id, partition): (i64, i64, i64), index: &Index) {
    if index.defined {
        let info = proto::IndexInfo {
            index_name: index.name.into(),
            index_id: id,
            index_params: vec![pair("index_type", "IVF_FLAT"), pair("params", "{\"nlist\": 128}")],
            deleted: index.deleted,
            create_time: 7,
        };
        put(state, &format!("root-coord/index/{collection}/{id}"), info.encode_to_vec());
    }
    for (number, kind) in index.segments.iter().enumerate() {
        let segment = collection + 500 + int(number);
        let build_id = if *kind == 0 { 0 } else { id * 100 + int(number) };
        let info = proto::SegmentIndexInfo {
            collection_id: collection,
            partition_id: partition,
            segment_id: segment,
            field_id: 101,
            index_id: id,
            build_id,
            enable_index: *kind != 0,
            create_time: 8,
        };
        let key = format!("root-coord/segment-index/{collection}/{id}/{partition}/{segment}");
        put(state, &key, info.encode_to_vec());
        if [1, 3, 4].contains(kind) {
            let meta = proto::IndexMeta {
                index_build_id: build_id,
                state: if *kind == 3 { 2 } else { proto::FINISHED },
                req: Some(proto::BuildIndexRequest { num_rows: 2000 }),
                index_file_paths: vec![format!("files/index_files/{build_id}/1/{partition}/{segment}/IVF")],
                mark_deleted: *kind == 4,
                index_version: 1,
                serialize_size: 3,
                ..Default::default()
            };
            put(state, &format!("indexes/{build_id}"), meta.encode_to_vec());
        }
    }
}

fn write_load(state: &mut State, id: i64, partitions: &[i64], loaded: u8) {
    if loaded == 0 {
        return;
    }
    let info = proto::LoadState {
        collection_id: id,
        partition_ids: if loaded == 1 { [partitions, &[partitions[0], 99]].concat() } else { Vec::new() },
        load_type: if loaded == 1 { proto::LOAD_PARTITION } else { proto::LOAD_COLLECTION },
        in_memory_percentage: if loaded == 3 { 60 } else { 100 },
        replica_number: 1,
        ..Default::default()
    };
    put(state, &format!("queryCoord-collectionMeta/{id}"), info.encode_to_vec());
}
