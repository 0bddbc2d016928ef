//! The messages of Milvus metadata that the migration reads or writes: only the fields that it needs, with
//! the numbers and types of the 2.1.0 and 2.2.16 binaries. Enums are their numbers, because a number that
//! this program does not know has to survive.

use std::collections::BTreeMap;

use serde::Serialize;

/// `common.KeyValuePair`.
#[derive(Clone, PartialEq, Eq, prost::Message, Serialize)]
pub struct KeyValuePair {
    /// Name of the parameter.
    #[prost(string, tag = "1")]
    pub key: String,
    /// Its value, always text.
    #[prost(string, tag = "2")]
    pub value: String,
}

/// `common.KeyDataPair`; also an entry of the official backup file.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct KeyDataPair {
    /// Name.
    #[prost(string, tag = "1")]
    pub key: String,
    /// Bytes.
    #[prost(bytes = "vec", tag = "2")]
    pub data: Vec<u8>,
}

/// `schema.FieldSchema`, as far as 2.1 has it.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct FieldSchema {
    /// Id of the field.
    #[prost(int64, tag = "1")]
    pub field_id: i64,
    /// Name, unique in its collection.
    #[prost(string, tag = "2")]
    pub name: String,
    /// Exactly one field of a collection is.
    #[prost(bool, tag = "3")]
    pub is_primary_key: bool,
    /// Parameters of the type, for example `dim`.
    #[prost(message, repeated, tag = "6")]
    pub type_params: Vec<KeyValuePair>,
}

/// `schema.CollectionSchema`.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct CollectionSchema {
    /// Name of the collection, or of the alias.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Its fields, with the two that Milvus adds.
    #[prost(message, repeated, tag = "4")]
    pub fields: Vec<FieldSchema>,
}

/// `etcd.FieldIndexInfo`.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct FieldIndexInfo {
    /// The field (upstream spells it `filedID`).
    #[prost(int64, tag = "1")]
    pub field_id: i64,
    /// The index on it.
    #[prost(int64, tag = "2")]
    pub index_id: i64,
}

/// `etcd.CollectionInfo`.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct CollectionInfo {
    /// Id of the collection.
    #[prost(int64, tag = "1")]
    pub id: i64,
    /// Its schema.
    #[prost(message, optional, tag = "2")]
    pub schema: Option<CollectionSchema>,
    /// Partitions: this list and the two below belong together by position.
    #[prost(int64, repeated, tag = "4")]
    pub partition_ids: Vec<i64>,
    /// Their names.
    #[prost(string, repeated, tag = "5")]
    pub partition_names: Vec<String>,
    /// Which index is on which field: 2.1 only.
    #[prost(message, repeated, tag = "6")]
    pub field_indexes: Vec<FieldIndexInfo>,
    /// When the partitions were made (hybrid timestamp).
    #[prost(uint64, repeated, tag = "9")]
    pub partition_created_timestamps: Vec<u64>,
}

/// Number of `CollectionInfo.field_indexes`, which 2.2 has not.
pub const FIELD_INDEXES: u32 = 6;

/// `etcd.IndexInfo` of 2.1.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct IndexInfo {
    /// Name of the index.
    #[prost(string, tag = "1")]
    pub index_name: String,
    /// Its id.
    #[prost(int64, tag = "2")]
    pub index_id: i64,
    /// Parameters as the user gave them.
    #[prost(message, repeated, tag = "3")]
    pub index_params: Vec<KeyValuePair>,
    /// Dropped, and not yet cleaned up.
    #[prost(bool, tag = "4")]
    pub deleted: bool,
    /// Hybrid timestamp.
    #[prost(uint64, tag = "5")]
    pub create_time: u64,
}

/// `etcd.SegmentIndexInfo` of 2.1.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct SegmentIndexInfo {
    /// Collection of the segment.
    #[prost(int64, tag = "1")]
    pub collection_id: i64,
    /// Partition of the segment.
    #[prost(int64, tag = "2")]
    pub partition_id: i64,
    /// The segment.
    #[prost(int64, tag = "3")]
    pub segment_id: i64,
    /// The indexed field.
    #[prost(int64, tag = "4")]
    pub field_id: i64,
    /// The index.
    #[prost(int64, tag = "5")]
    pub index_id: i64,
    /// Its build; 0 when the segment is too small to be indexed.
    #[prost(int64, tag = "6")]
    pub build_id: i64,
    /// False when the segment is too small to be indexed.
    #[prost(bool, tag = "7")]
    pub enable_index: bool,
    /// Hybrid timestamp.
    #[prost(uint64, tag = "8")]
    pub create_time: u64,
}

/// `etcd.AliasInfo` of 2.2.
#[derive(Clone, PartialEq, Eq, prost::Message, Serialize)]
pub struct AliasInfo {
    /// Name of the alias.
    #[prost(string, tag = "1")]
    pub alias_name: String,
    /// What it stands for.
    #[prost(int64, tag = "2")]
    pub collection_id: i64,
    /// Hybrid timestamp; 0 under the plain key.
    #[prost(uint64, tag = "3")]
    pub created_time: u64,
}

/// `index.BuildIndexRequest` of 2.1, of which only the rows are needed.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct BuildIndexRequest {
    /// Rows of the segment.
    #[prost(int64, tag = "8")]
    pub num_rows: i64,
}

/// `index.IndexMeta` of 2.1.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct IndexMeta {
    /// Id of the build.
    #[prost(int64, tag = "1")]
    pub index_build_id: i64,
    /// `IndexState`; see [`FINISHED`].
    #[prost(int32, tag = "2")]
    pub state: i32,
    /// Why it failed.
    #[prost(string, tag = "3")]
    pub fail_reason: String,
    /// What was asked for.
    #[prost(message, optional, tag = "4")]
    pub req: Option<BuildIndexRequest>,
    /// Object keys of the index files.
    #[prost(string, repeated, tag = "5")]
    pub index_file_paths: Vec<String>,
    /// Dropped, and not yet cleaned up.
    #[prost(bool, tag = "6")]
    pub mark_deleted: bool,
    /// Index node that built it.
    #[prost(int64, tag = "7")]
    pub node_id: i64,
    /// Version of the build: a part of the path of its files.
    #[prost(int64, tag = "8")]
    pub index_version: i64,
    /// Bytes of the index files.
    #[prost(uint64, tag = "10")]
    pub serialize_size: u64,
}

/// `IndexState::Unissued`: still to be built.
pub const UNISSUED: i32 = 1;
/// `IndexState::Finished`.
pub const FINISHED: i32 = 3;

/// `index.IndexInfo` of 2.2.
#[derive(Clone, PartialEq, Eq, prost::Message, Serialize)]
pub struct IndexDesc {
    /// Collection of the field.
    #[prost(int64, tag = "1")]
    pub collection_id: i64,
    /// The indexed field.
    #[prost(int64, tag = "2")]
    pub field_id: i64,
    /// Name of the index.
    #[prost(string, tag = "3")]
    pub index_name: String,
    /// Its id.
    #[prost(int64, tag = "4")]
    pub index_id: i64,
    /// Parameters of the field's type.
    #[prost(message, repeated, tag = "5")]
    pub type_params: Vec<KeyValuePair>,
    /// Parameters of the index, flat, sorted by name.
    #[prost(message, repeated, tag = "6")]
    pub index_params: Vec<KeyValuePair>,
    /// Parameters as the user gave them.
    #[prost(message, repeated, tag = "12")]
    pub user_index_params: Vec<KeyValuePair>,
}

/// `index.FieldIndex` of 2.2.
#[derive(Clone, PartialEq, Eq, prost::Message, Serialize)]
pub struct FieldIndex {
    /// The index.
    #[prost(message, optional, tag = "1")]
    pub index_info: Option<IndexDesc>,
    /// Dropped, and not yet cleaned up.
    #[prost(bool, tag = "2")]
    pub deleted: bool,
    /// Hybrid timestamp.
    #[prost(uint64, tag = "3")]
    pub create_time: u64,
}

/// `index.SegmentIndex` of 2.2.
#[derive(Clone, PartialEq, Eq, prost::Message, Serialize)]
pub struct SegmentIndex {
    /// Collection of the segment.
    #[prost(int64, tag = "1")]
    pub collection_id: i64,
    /// Partition of the segment.
    #[prost(int64, tag = "2")]
    pub partition_id: i64,
    /// The segment.
    #[prost(int64, tag = "3")]
    pub segment_id: i64,
    /// Its rows.
    #[prost(int64, tag = "4")]
    pub num_rows: i64,
    /// The index.
    #[prost(int64, tag = "5")]
    pub index_id: i64,
    /// Its build.
    #[prost(int64, tag = "6")]
    pub build_id: i64,
    /// Index node that built it.
    #[prost(int64, tag = "7")]
    pub node_id: i64,
    /// Version of the build: a part of the path of its files.
    #[prost(int64, tag = "8")]
    pub index_version: i64,
    /// `IndexState`; see [`FINISHED`].
    #[prost(int32, tag = "9")]
    pub state: i32,
    /// Why it failed.
    #[prost(string, tag = "10")]
    pub fail_reason: String,
    /// Names of the index files, without their folder.
    #[prost(string, repeated, tag = "11")]
    pub index_file_keys: Vec<String>,
    /// Dropped, and not yet cleaned up.
    #[prost(bool, tag = "12")]
    pub deleted: bool,
    /// Hybrid timestamp.
    #[prost(uint64, tag = "13")]
    pub create_time: u64,
    /// Bytes of the index files.
    #[prost(uint64, tag = "14")]
    pub serialize_size: u64,
    /// The query coordinator has been told.
    #[prost(bool, tag = "15")]
    pub write_handoff: bool,
}

/// `query.CollectionInfo` of 2.1: what is loaded.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct LoadState {
    /// The collection.
    #[prost(int64, tag = "1")]
    pub collection_id: i64,
    /// Loaded partitions.
    #[prost(int64, repeated, tag = "2")]
    pub partition_ids: Vec<i64>,
    /// See [`LOAD_PARTITION`] and [`LOAD_COLLECTION`].
    #[prost(int32, tag = "4")]
    pub load_type: i32,
    /// Partitions that were released from a loaded collection.
    #[prost(int64, repeated, tag = "6")]
    pub released_partition_ids: Vec<i64>,
    /// 100 when it is loaded.
    #[prost(int64, tag = "7")]
    pub in_memory_percentage: i64,
    /// Number of replicas.
    #[prost(int32, tag = "9")]
    pub replica_number: i32,
}

/// `LoadType::LoadPartition`: single partitions are loaded.
pub const LOAD_PARTITION: i32 = 1;
/// `LoadType::LoadCollection`: the whole collection is loaded.
pub const LOAD_COLLECTION: i32 = 2;

/// `query.CollectionLoadInfo` of 2.2.
#[derive(Clone, PartialEq, Eq, prost::Message, Serialize)]
pub struct CollectionLoadInfo {
    /// The collection.
    #[prost(int64, tag = "1")]
    pub collection_id: i64,
    /// Partitions that were released from it.
    #[prost(int64, repeated, tag = "2")]
    pub released_partitions: Vec<i64>,
    /// Number of replicas.
    #[prost(int32, tag = "3")]
    pub replica_number: i32,
    /// `LoadStatus`; see [`LOADED`].
    #[prost(int32, tag = "4")]
    pub status: i32,
    /// The index of each indexed field.
    #[prost(btree_map = "int64, int64", tag = "5")]
    pub field_index_id: BTreeMap<i64, i64>,
}

/// `query.PartitionLoadInfo` of 2.2.
#[derive(Clone, PartialEq, Eq, prost::Message, Serialize)]
pub struct PartitionLoadInfo {
    /// The collection.
    #[prost(int64, tag = "1")]
    pub collection_id: i64,
    /// The partition.
    #[prost(int64, tag = "2")]
    pub partition_id: i64,
    /// Number of replicas.
    #[prost(int32, tag = "3")]
    pub replica_number: i32,
    /// `LoadStatus`; see [`LOADED`].
    #[prost(int32, tag = "4")]
    pub status: i32,
    /// The index of each indexed field.
    #[prost(btree_map = "int64, int64", tag = "5")]
    pub field_index_id: BTreeMap<i64, i64>,
}

/// `LoadStatus::Loaded`.
pub const LOADED: i32 = 2;

/// Header of the official backup file.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct BackupHeader {
    /// 0.
    #[prost(int32, tag = "1")]
    pub version: i32,
    /// Root path.
    #[prost(string, tag = "2")]
    pub instance: String,
    /// Sub path of the metadata.
    #[prost(string, tag = "3")]
    pub meta_path: String,
    /// Number of entries.
    #[prost(int64, tag = "4")]
    pub entries: i64,
    /// JSON; `entry_include_root_path` says whether the keys are whole.
    #[prost(bytes = "vec", tag = "6")]
    pub extra: Vec<u8>,
}
