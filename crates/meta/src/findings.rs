//! What is said about single records: problems, which forbid the migration, and notes, which do not.

use std::{collections::BTreeMap, fmt};

use snafu::Snafu;

/// A record that cannot be migrated. Nothing is written while there is one.
#[derive(Clone, Debug, PartialEq, Eq, Snafu)]
#[snafu(display("{key}: {what}"))]
pub struct Problem {
    /// The key, relative to the meta root.
    pub key: String,
    /// What is wrong with it.
    pub what: String,
}

impl Problem {
    /// A problem with the record under `key`.
    pub fn new(key: &[u8], what: impl fmt::Display) -> Self {
        Self { key: String::from_utf8_lossy(key).into_owned(), what: what.to_string() }
    }
}

/// Problems found, of which the first hundred are kept in words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems {
    kept: Vec<Problem>,
    count: u64,
}

impl Problems {
    const KEPT: usize = 100;

    /// Adds one.
    pub fn push(&mut self, problem: Problem) {
        self.count += 1;
        if self.kept.len() < Self::KEPT {
            self.kept.push(problem);
        }
    }

    /// Adds all of another list.
    pub fn extend(&mut self, other: &Self) {
        self.count += other.count - other.kept.len() as u64;
        other.kept.iter().cloned().for_each(|problem| self.push(problem));
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The first hundred.
    pub fn kept(&self) -> &[Problem] {
        &self.kept
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} record(s) cannot be migrated", self.count)?;
        for problem in self.kept.iter().take(5) {
            write!(f, "; {problem}")?;
        }
        if self.count > 5 {
            f.write_str("; …")?;
        }
        Ok(())
    }
}

/// Something worth knowing about a record that does not stand in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, strum::Display)]
pub enum Note {
    /// A collection names an index that has no definition; 2.1 treats it as dropped.
    #[strum(to_string = "index without a definition: left out, as Milvus 2.1 does")]
    IndexMissing,
    /// An index definition that no collection names.
    #[strum(to_string = "index definition that no collection uses: left behind")]
    IndexUnused,
    /// A segment index whose build record is missing.
    #[strum(to_string = "segment index without a build record: left out, Milvus 2.2 builds it again")]
    BuildMissing,
    /// A segment index of an index that is not migrated.
    #[strum(to_string = "segment index of an index that no collection uses: left out")]
    SegmentOfNoIndex,
    /// A segment with too few rows for an index.
    #[strum(to_string = "segment too small to be indexed: left out, Milvus 2.2 makes its record")]
    SmallSegment,
    /// A finished build without files.
    #[strum(to_string = "finished index build that lists no files: kept as it is")]
    FinishedWithoutFiles,
    /// A sorted scalar index that 2.2 cannot read.
    #[strum(
        to_string = "STL_SORT index on a segment: Milvus 2.2 builds it again, because it cannot read that of 2.1"
    )]
    Rebuilt,
    /// A tombstone where an index or a segment index was.
    #[strum(to_string = "tombstone of an index: left behind")]
    IndexTombstone,
    /// A collection that is loaded without an index.
    #[strum(to_string = "loaded without an index: released, because Milvus 2.2 loads nothing without one")]
    Released,
    /// A collection that is loaded in part.
    #[strum(to_string = "loaded to less than 100 %: released, load it again after the upgrade")]
    HalfLoaded,
    /// A load state of a collection that does not exist.
    #[strum(to_string = "load state of a collection that does not exist: left behind")]
    LoadOfNothing,
    /// A loaded partition that its collection does not have.
    #[strum(to_string = "load state of a partition that does not exist: left out")]
    LoadOfNoPartition,
    /// The snapshot of a collection that is no protobuf.
    #[strum(to_string = "old version of a collection that cannot be read: kept as it is")]
    SnapshotUnreadable,
    /// A field that 2.1.0 does not have, in a record that gets another form.
    #[strum(
        to_string = "field unknown to 2.1.0 in a record that gets another form: only the backup keeps it"
    )]
    UnknownField,
    /// A key that this program does not know.
    #[strum(to_string = "key of an unknown kind: kept as it is")]
    UnknownKey,
}

/// Notes by kind: how often, and the first key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notes(BTreeMap<Note, (u64, String)>);

impl Notes {
    /// Adds one.
    pub fn push(&mut self, note: Note, key: &[u8]) {
        self.0.entry(note).or_insert_with(|| (0, String::from_utf8_lossy(key).into_owned())).0 += 1;
    }

    /// Adds all of another list.
    pub fn extend(&mut self, other: Self) {
        for (note, (count, key)) in other.0 {
            self.0.entry(note).or_insert((0, key)).0 += count;
        }
    }

    /// How often a note was made.
    pub fn count(&self, note: Note) -> u64 {
        self.0.get(&note).map_or(0, |(count, _)| *count)
    }

    /// One line per kind.
    pub fn lines(&self) -> Vec<String> {
        self.0.iter().map(|(note, (count, key))| format!("{count} × {note} (first: {key})")).collect()
    }
}
