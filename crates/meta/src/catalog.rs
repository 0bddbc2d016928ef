//! First look at all records: counts them, judges their schema, and keeps what the second look needs to
//! join (collections with their indexes, index definitions, builds).
//!
//! Takes records one at a time in any order; keeps a few hundred bytes per collection, index and build, and
//! nothing of any other record, so that memory does not grow with binlogs, channels and snapshots.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use milvus_plan::migration::{Census, Schema};
use prost::Message as _;

use crate::{
    TOMBSTONE,
    findings::{Note, Notes, Problem, Problems},
    key::{Key, New, SNAPSHOTS},
    proto::{CollectionInfo, FIELD_INDEXES, FINISHED, IndexInfo, IndexMeta, KeyValuePair},
    wire,
};

/// What is kept of a collection that is not dropped.
#[derive(Clone, Debug, Default)]
pub struct Collection {
    /// Fields with an index, in the order of the record.
    pub indexes: Vec<FieldIndexed>,
    /// Its partitions.
    pub partitions: BTreeSet<i64>,
}

/// A field that has an index.
#[derive(Clone, Debug)]
pub struct FieldIndexed {
    /// The field.
    pub field: i64,
    /// The index.
    pub index: i64,
    /// Parameters of the field's type.
    pub type_params: Vec<KeyValuePair>,
}

/// What is kept of an index build.
#[derive(Clone, Debug)]
pub struct Build {
    /// Rows of the segment.
    pub num_rows: i64,
    /// `IndexState`.
    pub state: i32,
    /// Why it failed.
    pub fail_reason: Box<str>,
    /// Names of the files, without their folder.
    pub files: Box<[Box<str>]>,
    /// Dropped, and not yet cleaned up.
    pub deleted: bool,
    /// Index node that built it.
    pub node: i64,
    /// A part of the path of its files.
    pub version: i64,
    /// Bytes of its files.
    pub size: u64,
}

/// Everything that the first look keeps.
#[derive(Debug, Default)]
pub struct Catalog {
    collections: HashMap<i64, Collection>,
    indexes: BTreeMap<(i64, i64), IndexInfo>,
    builds: HashMap<i64, Build>,
    census: Census,
    loaded_22: u64,
    problems: Problems,
    notes: Notes,
    v21: bool,
    v22: bool,
    ddl_sent: Option<bool>,
}

impl Catalog {
    /// Takes one record; `key` is relative to the meta root.
    pub fn observe(&mut self, key: &[u8], value: &[u8]) {
        self.census.keys += 1;
        self.census.bytes += (key.len() + value.len()) as u64;
        let parsed = Key::parse(key);
        self.v21 |= parsed.is_v21();
        self.v22 |= matches!(parsed, Key::New(_));
        if let Err(problem) = self.sort(&parsed, key, value) {
            self.problems.push(problem);
        }
    }

    fn sort(&mut self, parsed: &Key<'_>, key: &[u8], value: &[u8]) -> Result<(), Problem> {
        let dropped = value == TOMBSTONE;
        match *parsed {
            Key::Collection(_) if dropped => self.census.dropped_collections += 1,
            Key::Collection(id) => self.collection(id, key, value)?,
            Key::Alias(_) if !dropped => self.census.aliases += 1,
            Key::Index(..) | Key::SegmentIndex(_) if dropped => self.notes.push(Note::IndexTombstone, key),
            Key::Index(collection, index) => self.index(collection, index, key, value)?,
            Key::SegmentIndex(_) => self.census.segment_indexes += 1,
            Key::Build(id) => self.build(id, key, value)?,
            Key::LoadState(_) => self.census.loaded += 1,
            Key::CollectionSnapshot(..) if !dropped => self.snapshot(key, value),
            Key::DdlSent if dropped => {}
            Key::DdlSent => {
                let sent = match value {
                    b"true" => true,
                    b"false" => false,
                    _ => return Err(Problem::new(key, "neither `true` nor `false`")),
                };
                self.ddl_sent = Some(sent);
            }
            Key::New(new) if !dropped => self.count_22(new, key),
            Key::Segment => self.census.segments += 1,
            Key::User => self.census.users += 1,
            Key::Unknown => {
                self.census.unknown_keys += 1;
                self.notes.push(Note::UnknownKey, key);
            }
            _ => {}
        }
        Ok(())
    }

    /// What 2.2 has, so that a census of its metadata says the same things.
    fn count_22(&mut self, new: New, key: &[u8]) {
        match new {
            New::Alias => self.census.aliases += u64::from(!key.starts_with(SNAPSHOTS.as_bytes())),
            New::FieldIndex(..) => self.census.field_indexes += 1,
            New::SegmentIndex(_) => self.census.segment_indexes += 1,
            New::CollectionLoad(_) | New::PartitionLoad(..) => self.loaded_22 += 1,
            New::Other if key.starts_with(b"root-coord/database/collection-info/") => {
                self.census.collections += 1;
            }
            New::Other if key.starts_with(b"root-coord/partitions/") => self.census.partitions += 1,
            New::Other => {}
        }
    }

    fn collection(&mut self, id: i64, key: &[u8], value: &[u8]) -> Result<(), Problem> {
        let info = CollectionInfo::decode(value).map_err(|e| Problem::new(key, e))?;
        self.v21 |= !info.field_indexes.is_empty();
        let schema = check_collection(id, &info).map_err(|what| Problem::new(key, what))?;
        let mut indexes = Vec::with_capacity(info.field_indexes.len());
        for pair in &info.field_indexes {
            let field = schema.iter().find(|field| field.field_id == pair.field_id);
            let Some(field) = field else {
                let what = format!("index {} is on field {}, which is missing", pair.index_id, pair.field_id);
                return Err(Problem::new(key, what));
            };
            indexes.push(FieldIndexed {
                field: pair.field_id,
                index: pair.index_id,
                type_params: field.type_params.clone(),
            });
        }
        self.census.collections += 1;
        self.census.partitions += info.partition_ids.len() as u64;
        let partitions = info.partition_ids.into_iter().collect();
        self.collections.insert(id, Collection { indexes, partitions });
        Ok(())
    }

    fn snapshot(&mut self, key: &[u8], value: &[u8]) {
        match wire::without(value, FIELD_INDEXES) {
            Ok(without) => self.v21 |= without.is_some(),
            Err(_) => self.notes.push(Note::SnapshotUnreadable, key),
        }
    }

    fn index(&mut self, collection: i64, index: i64, key: &[u8], value: &[u8]) -> Result<(), Problem> {
        let info = IndexInfo::decode(value).map_err(|e| Problem::new(key, e))?;
        if info.index_id != index {
            return Err(Problem::new(key, format!("the value is of index {}", info.index_id)));
        }
        if info.index_name.is_empty() {
            return Err(Problem::new(key, "the index has no name"));
        }
        self.note_unknown(key, value, 5);
        self.census.field_indexes += 1;
        self.indexes.insert((collection, index), info);
        Ok(())
    }

    fn build(&mut self, id: i64, key: &[u8], value: &[u8]) -> Result<(), Problem> {
        let meta = IndexMeta::decode(value).map_err(|e| Problem::new(key, e))?;
        if meta.index_build_id != id {
            return Err(Problem::new(key, format!("the value is of build {}", meta.index_build_id)));
        }
        let Some(req) = meta.req else { return Err(Problem::new(key, "the build has no request")) };
        if meta.state == FINISHED && meta.index_file_paths.is_empty() {
            self.notes.push(Note::FinishedWithoutFiles, key);
        }
        self.note_unknown(key, value, 10);
        self.census.builds += 1;
        let name = |path: &String| path.rsplit('/').next().unwrap_or_default().into();
        let build = Build {
            num_rows: req.num_rows,
            state: meta.state,
            fail_reason: meta.fail_reason.into(),
            files: meta.index_file_paths.iter().map(name).collect(),
            deleted: meta.mark_deleted,
            node: meta.node_id,
            version: meta.index_version,
            size: meta.serialize_size,
        };
        self.builds.insert(id, build);
        Ok(())
    }

    fn note_unknown(&mut self, key: &[u8], value: &[u8], highest: u32) {
        // The value was decoded a moment ago, so the walk cannot fail where decoding did not.
        if wire::has_above(value, highest).unwrap_or(true) {
            self.notes.push(Note::UnknownField, key);
        }
    }

    /// A collection that is not dropped.
    pub fn live(&self, collection: i64) -> Option<&Collection> {
        self.collections.get(&collection)
    }

    /// The definition of an index.
    pub fn definition(&self, collection: i64, index: i64) -> Option<&IndexInfo> {
        self.indexes.get(&(collection, index))
    }

    /// Whether a live collection has that index, with a definition.
    pub fn is_indexed(&self, collection: i64, index: i64) -> bool {
        self.definition(collection, index).is_some()
            && self.live(collection).is_some_and(|c| c.indexes.iter().any(|field| field.index == index))
    }

    /// An index build.
    pub fn built(&self, build: i64) -> Option<&Build> {
        self.builds.get(&build)
    }

    /// Index of each indexed field, without dropped indexes and those without a definition.
    pub fn loadable(&self, collection: i64) -> BTreeMap<i64, i64> {
        let fields = self.live(collection).map_or(&[][..], |c| &c.indexes);
        let usable = |f: &&FieldIndexed| self.definition(collection, f.index).is_some_and(|d| !d.deleted);
        fields.iter().filter(usable).map(|f| (f.field, f.index)).collect()
    }

    /// Numbers of what was seen. Sessions are not records and are filled in by whoever reads them. The load
    /// states of 2.1 outlive the migration, so in metadata of 2.2 only its own are counted.
    pub fn census(&self) -> Census {
        let loaded = if self.v22 { self.loaded_22 } else { self.census.loaded };
        Census { loaded, ..self.census.clone() }
    }

    /// Records that cannot be migrated.
    pub const fn problems(&self) -> &Problems {
        &self.problems
    }

    /// What is worth knowing.
    pub const fn notes(&self) -> &Notes {
        &self.notes
    }

    /// Whether Milvus 2.1 still has to send a DDL message; it would do so at its next start.
    pub fn has_unsent_ddl(&self) -> bool {
        self.ddl_sent == Some(false)
    }

    /// The schema, judged by which families there are.
    pub const fn schema(&self) -> Schema {
        match (self.v21, self.v22) {
            _ if self.census.keys == 0 => Schema::Empty,
            (true, true) => Schema::Mixed,
            (true, false) => Schema::V21,
            (false, true) => Schema::V22,
            (false, false) => Schema::Undetermined,
        }
    }
}

/// What 2.2 takes for granted about a collection. Gives its fields.
fn check_collection(id: i64, info: &CollectionInfo) -> Result<&[crate::proto::FieldSchema], String> {
    if info.id != id {
        return Err(format!("the value is of collection {}", info.id));
    }
    let Some(schema) = &info.schema else { return Err("the collection has no schema".into()) };
    if schema.fields.is_empty() {
        return Err("the collection has no fields".into());
    }
    let (ids, names) = (info.partition_ids.len(), info.partition_names.len());
    let created = info.partition_created_timestamps.len();
    if ids == 0 {
        return Err("the collection has no partition; Milvus 2.2 would lose its fields".into());
    }
    if names < ids || created < ids {
        return Err(format!("{ids} partitions, but {names} names and {created} creation times"));
    }
    let mut seen_ids = BTreeSet::new();
    let mut seen_names = BTreeSet::new();
    for field in &schema.fields {
        if !seen_ids.insert(field.field_id) || !seen_names.insert(field.name.as_str()) {
            return Err(format!("two fields have the id {} or the name {:?}", field.field_id, field.name));
        }
    }
    let keys = schema.fields.iter().filter(|field| field.is_primary_key).count();
    if keys != 1 {
        return Err(format!("the collection has {keys} primary keys"));
    }
    let mut indexes = BTreeSet::new();
    if let Some(twice) = info.field_indexes.iter().find(|pair| !indexes.insert(pair.index_id)) {
        return Err(format!("index {} is listed twice", twice.index_id));
    }
    Ok(&schema.fields)
}
