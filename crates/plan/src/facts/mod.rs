//! The only place that knows about Milvus releases.
//!
//! Every fact is a row of one of four tables, with the evidence for it: [`LINES`] (what a release line is like),
//! [`HOPS`] (what may follow what), [`NOTES`] (what to warn of), [`JOINED`] (components that are one step). Code
//! elsewhere asks the functions here and compares no version itself. `docs/reference/versions.md` is [`markdown`].

mod hops;
mod lines;
mod markdown;
mod notes;

use strum::{Display, EnumString};

pub use hops::{HOPS, Hop, Verdict};
pub use lines::{ACTIVE_STANDBY, LINES, Layout, Line, Schema};
pub use markdown::markdown;
pub use notes::{JOINED, Joined, NOTES, Note};

use crate::component::{Component, Coordinators, Mode};
use crate::version::{MilvusVersion, Version};

/// Major, minor, patch.
pub type Numbers = (u64, u64, u64);

/// Versions from one (included) to another (not included), by their numbers: a prerelease counts as its release, as
/// in the Go operator, for which `2.6.0-rc1` is a 2.6.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The first version that is in.
    pub from: Numbers,
    /// The first version that is not in any more.
    pub below: Numbers,
}

impl Span {
    /// Every version.
    pub const ANY: Self = Self { from: (0, 0, 0), below: (u64::MAX, 0, 0) };

    /// The versions from `from` to below `below`.
    pub const fn new(from: Numbers, below: Numbers) -> Self {
        Self { from, below }
    }

    /// Whether `version` is in.
    pub fn contains(&self, version: &MilvusVersion) -> bool {
        (self.from..self.below).contains(&version.numbers())
    }
}

/// What else must be so for a row to apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Nothing else.
    Always,
    /// The version that is left is a prerelease.
    FromPrerelease,
    /// The version that is gone to is a prerelease.
    ToPrerelease,
    /// The cluster runs four coordinators instead of a mixcoord.
    FourCoordinators,
    /// The target is of an older minor (or major) line.
    LowerMinor,
    /// The target is older, in the same minor line.
    LowerPatch,
    /// A minor line is left out on the way up.
    SkipsMinor,
}

impl When {
    fn holds(self, from: &MilvusVersion, to: &MilvusVersion, coordinators: Option<Coordinators>) -> bool {
        let minor = |version: &MilvusVersion| {
            let (major, minor, _) = version.numbers();
            (major, minor)
        };
        match self {
            Self::Always => true,
            Self::FromPrerelease => from.is_prerelease(),
            Self::ToPrerelease => to.is_prerelease(),
            Self::FourCoordinators => coordinators == Some(Coordinators::Four),
            Self::LowerMinor => minor(to) < minor(from),
            Self::LowerPatch => minor(to) == minor(from) && to < from,
            Self::SkipsMinor => minor(to) > (minor(from).0, minor(from).1 + 1),
        }
    }
}

/// How the version that is gone to stands to the one that is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// It is newer.
    Newer,
    /// It is older.
    Older,
    /// It is the same release, maybe another build of it.
    Same,
    /// One of the two is unknown.
    Unknown,
}

/// How `to` stands to `from`.
pub fn relation(from: &Version, to: &Version) -> Relation {
    match to.partial_cmp(from) {
        Some(std::cmp::Ordering::Greater) => Relation::Newer,
        Some(std::cmp::Ordering::Less) => Relation::Older,
        Some(std::cmp::Ordering::Equal) if to.known().is_some() => Relation::Same,
        _ => Relation::Unknown,
    }
}

/// A message queue; `spec.dependencies.msgStreamType`.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    Display,
    EnumString,
    strum::EnumIter,
    serde::Serialize,
    serde::Deserialize,
)]
#[strum(serialize_all = "lowercase")]
#[serde(rename_all = "lowercase")]
pub enum Queue {
    /// Apache Pulsar.
    Pulsar,
    /// Apache Kafka.
    Kafka,
    /// Woodpecker, embedded or as a service.
    Woodpecker,
    /// RocksDB on the volume of the one pod that runs it.
    Rocksmq,
    /// NATS inside the one process that runs it.
    Natsmq,
    /// One that a third party provides.
    Custom,
}

impl Queue {
    /// Whether the queue lives inside the one Milvus process that uses it, so that a second process can never run
    /// beside it: such a standalone is stopped before its successor starts (the Go operator turns rolling update off).
    pub fn is_embedded(self) -> bool {
        matches!(self, Self::Rocksmq | Self::Natsmq)
    }
}

/// The release line of `version`: the last one for what is newer than the table, the first for what is older.
fn line(version: &MilvusVersion) -> &'static Line {
    let [first, ..] = &LINES;
    LINES.iter().rev().find(|line| version.numbers() >= line.versions.from).unwrap_or(first)
}

/// The set of components of `version`.
pub fn layout(version: &MilvusVersion) -> Layout {
    line(version).layout
}

/// The set of components that the Go operator takes an unreadable version to have: that of 2.6 for `master-…` and for
/// one or two bare numbers that are at least 2.6, else the one before.
///
/// For display and for what runs already; paths are never judged by it.
pub fn layout_of_unknown(text: &str) -> Layout {
    if text.starts_with("master-") {
        return Layout::Streaming;
    }
    let bare = text.strip_prefix('v').unwrap_or(text);
    let numbers: Result<Vec<u64>, _> = bare.split('.').map(str::parse).collect();
    match numbers.as_deref() {
        Ok([major]) => layout(&MilvusVersion::new(*major, 0, 0)),
        Ok([major, minor]) => layout(&MilvusVersion::new(*major, *minor, 0)),
        _ => Layout::IndexNodes,
    }
}

/// How `version` writes its metadata into etcd; `None` where nothing is known about it (before 2.1).
pub fn schema(version: &MilvusVersion) -> Option<Schema> {
    line(version).schema
}

/// The message queue of a Milvus that does not name one, when it is first started. It is recorded then: an upgrade never
/// changes it.
pub fn default_queue(mode: Mode, version: &MilvusVersion) -> Queue {
    match mode {
        Mode::Cluster => line(version).cluster_queue,
        Mode::Standalone => line(version).standalone_queue,
    }
}

/// Whether coordinators of this version can stand by for each other, so that one can be replaced while requests are
/// served: from 2.2.3 on.
pub fn active_standby(version: &MilvusVersion) -> bool {
    ACTIVE_STANDBY.contains(version)
}

/// The verdict on going from one version to another, with the row that gives it.
///
/// `coordinators` are those that run now; `None` where there are none (standalone).
pub fn hop(from: &MilvusVersion, to: &MilvusVersion, coordinators: Option<Coordinators>) -> &'static Hop {
    HOPS.iter().find(|hop| hop.applies(from, to, coordinators)).unwrap_or(&hops::LAST)
}

/// What happens to requests while a coordinator is replaced on the way from one version to the other (in either
/// direction); `None` when another one takes over.
pub fn downtime(from: &MilvusVersion, to: &MilvusVersion) -> Option<&'static str> {
    match hop(from, to, None).verdict {
        Verdict::AllowedWithDowntime { step } => Some(step),
        _ => (!active_standby(from) || !active_standby(to)).then_some(hops::NO_STANDBY),
    }
}

/// What to warn of on the way from one version to another: every row that applies.
pub fn notes(from: &MilvusVersion, to: &MilvusVersion) -> impl Iterator<Item = &'static Note> {
    NOTES.iter().filter(move |note| note.applies(from, to))
}

/// What to warn of when `version` is started for the first time.
pub fn notes_on(version: &MilvusVersion) -> impl Iterator<Item = &'static Note> {
    NOTES.iter().filter(move |note| note.on_target_alone && note.applies(version, version))
}

/// The components that must be one step between the two versions, in either direction.
pub fn joined(one: &MilvusVersion, other: &MilvusVersion) -> Vec<&'static [Component]> {
    let (older, newer) = if one <= other { (one, other) } else { (other, one) };
    let applies = |row: &&Joined| row.older.contains(older) && row.newer.contains(newer);
    JOINED.iter().filter(applies).map(|row| row.components).collect()
}
