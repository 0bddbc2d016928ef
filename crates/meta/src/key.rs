//! Keys of the metadata as types. All keys here are relative to the meta root `<rootPath>/<metaSubPath>`.
//!
//! A key that does not parse is [`Key::Unknown`]: it is kept as it is and reported, never dropped.

use std::fmt::Write as _;

/// What a key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key<'a> {
    /// `root-coord/collection/<id>`, both schemas.
    Collection(i64),
    /// `snapshots/root-coord/collection/<id>_ts<ts>`, both schemas.
    CollectionSnapshot(i64, u64),
    /// `root-coord/collection-alias/<name>`, 2.1.
    Alias(&'a str),
    /// `snapshots/root-coord/collection-alias/<name>_ts<ts>`, 2.1.
    AliasSnapshot(&'a str, u64),
    /// `root-coord/index/<collection>/<index>`, 2.1.
    Index(i64, i64),
    /// `root-coord/segment-index/<collection>/<index>/<partition>/<segment>`, 2.1.
    SegmentIndex([i64; 4]),
    /// `indexes/<build>`, 2.1.
    Build(i64),
    /// `queryCoord-collectionMeta/<collection>`, 2.1.
    LoadState(i64),
    /// `root-coord/dd-msg-send`, 2.1.
    DdlSent,
    /// `root-coord/dd-operation` and the snapshots of both, 2.1.
    DdlLeftover,
    /// A key that only 2.2 and later write.
    New(New),
    /// `session/id`: the counter of server ids, which must never go back.
    SessionCounter,
    /// Any other key below `session/`: a live Milvus (or the lock of the official tool).
    Session(&'a str),
    /// `datacoord-meta/s/…`: a segment; untouched.
    Segment,
    /// `root-coord/credential/users/…`: untouched.
    User,
    /// A family of 2.1 that the migration does not touch.
    Untouched,
    /// None of the above; untouched as well, and reported.
    Unknown,
}

/// Families that only 2.2 and later write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum New {
    /// `root-coord/aliases/<name>` or its snapshot.
    Alias,
    /// `field-index/<collection>/<index>`.
    FieldIndex(i64, i64),
    /// `segment-index/<collection>/<partition>/<segment>/<build>`.
    SegmentIndex([i64; 4]),
    /// `querycoord-collection-loadinfo/<collection>`.
    CollectionLoad(i64),
    /// `querycoord-partition-loadinfo/<collection>/<partition>`.
    PartitionLoad(i64, i64),
    /// Anything else that a running 2.2 adds.
    Other,
}

/// Separates a key from the timestamp of its snapshot.
const TS: &str = "_ts";
/// Root of the snapshots.
pub const SNAPSHOTS: &str = "snapshots/";
/// Root of the sessions.
pub const SESSIONS: &str = "session/";
/// The counter of server ids.
pub const SESSION_COUNTER: &str = "session/id";
/// The lock of the official tool.
pub const OFFICIAL_LOCK: &str = "session/migration";

/// Families that the migration writes, as prefixes.
pub const WRITTEN: [&str; 6] = [
    "field-index/",
    "querycoord-collection-loadinfo/",
    "querycoord-partition-loadinfo/",
    "root-coord/aliases/",
    "segment-index/",
    "snapshots/root-coord/aliases/",
];

const NEW_OTHER: [&str; 11] = [
    "datacoord-meta/binlog/",
    "datacoord-meta/channel-cp/",
    "datacoord-meta/deltalog/",
    "datacoord-meta/statslog/",
    "queryCoord-ResourceGroup",
    "querycoord-replica/",
    "root-coord/database/",
    "root-coord/fields/",
    "root-coord/partitions/",
    "snapshots/root-coord/fields/",
    "snapshots/root-coord/partitions/",
];

const UNTOUCHED: [&str; 8] = [
    "channelwatch/",
    "datacoord-meta/channel-removal/",
    "queryCoord-",
    "querycoord-handoff/",
    "root-coord/credential/",
    "snapshots/root-coord/credential/",
    "snapshots/root-coord/index/",
    "snapshots/root-coord/segment-index/",
];

impl<'a> Key<'a> {
    /// Parses a key that is relative to the meta root.
    pub fn parse(key: &'a [u8]) -> Self {
        std::str::from_utf8(key).ok().and_then(Self::parse_text).unwrap_or(Self::Unknown)
    }

    fn parse_text(key: &'a str) -> Option<Self> {
        if let Some(rest) = key.strip_prefix(SESSIONS) {
            return Some(if rest == "id" { Self::SessionCounter } else { Self::Session(rest) });
        }
        if let Some(rest) = key.strip_prefix("root-coord/") {
            if let Some(found) = Self::root_coord(rest) {
                return Some(found);
            }
        } else if let Some(rest) = key.strip_prefix("snapshots/root-coord/") {
            if let Some(found) = Self::snapshot(rest) {
                return Some(found);
            }
        } else if let Some(rest) = key.strip_prefix("indexes/") {
            return number(rest).map(Self::Build);
        } else if let Some(rest) = key.strip_prefix("queryCoord-collectionMeta/") {
            return number(rest).map(Self::LoadState);
        }
        if let Some(found) = New::parse(key) {
            return Some(found);
        }
        if key.starts_with("datacoord-meta/s/") {
            return Some(Self::Segment);
        }
        UNTOUCHED.iter().any(|prefix| key.starts_with(prefix)).then_some(Self::Untouched)
    }

    /// `None`: not one of these families. One of them that is malformed is unknown.
    fn root_coord(rest: &'a str) -> Option<Self> {
        if let Some(name) = rest.strip_prefix("collection-alias/") {
            return Some(if name.is_empty() { Self::Unknown } else { Self::Alias(name) });
        }
        if let Some(id) = rest.strip_prefix("collection/") {
            return Some(number(id).map_or(Self::Unknown, Self::Collection));
        }
        if let Some(ids) = rest.strip_prefix("index/") {
            return Some(
                numbers(ids).map_or(Self::Unknown, |[collection, index]| Self::Index(collection, index)),
            );
        }
        if let Some(ids) = rest.strip_prefix("segment-index/") {
            return Some(numbers(ids).map_or(Self::Unknown, Self::SegmentIndex));
        }
        if rest.strip_prefix("credential/users/").is_some_and(|user| !user.contains('/')) {
            return Some(Self::User);
        }
        match rest {
            "dd-msg-send" => Some(Self::DdlSent),
            "dd-operation" => Some(Self::DdlLeftover),
            _ => None,
        }
    }

    fn snapshot(rest: &'a str) -> Option<Self> {
        if let Some(rest) = rest.strip_prefix("collection-alias/") {
            return Some(timestamped(rest).map_or(Self::Unknown, |(name, ts)| Self::AliasSnapshot(name, ts)));
        }
        if let Some(rest) = rest.strip_prefix("collection/") {
            let key = timestamped(rest).and_then(|(id, ts)| Some((number(id)?, ts)));
            return Some(key.map_or(Self::Unknown, |(id, ts)| Self::CollectionSnapshot(id, ts)));
        }
        let ddl = rest.starts_with("dd-msg-send_ts") || rest.starts_with("dd-operation_ts");
        ddl.then(|| timestamped(rest).map_or(Self::Unknown, |_| Self::DdlLeftover))
    }

    /// Whether the key is a sign of 2.1. Load states are none: the migration leaves them.
    pub const fn is_v21(&self) -> bool {
        matches!(
            self,
            Self::Alias(_)
                | Self::AliasSnapshot(..)
                | Self::Index(..)
                | Self::SegmentIndex(_)
                | Self::Build(_)
                | Self::DdlSent
                | Self::DdlLeftover
        )
    }

    /// Whether a backup is compared and restored with this key: everything but sessions and their counter.
    pub const fn is_restored(&self) -> bool {
        !matches!(self, Self::Session(_) | Self::SessionCounter)
    }
}

impl New {
    /// `None`: not one of these families. One of them that is malformed is unknown.
    fn parse(key: &str) -> Option<Key<'_>> {
        let new = |found: Option<Self>| Some(found.map_or(Key::Unknown, Key::New));
        if key.starts_with("root-coord/aliases/") || key.starts_with("snapshots/root-coord/aliases/") {
            return new(Some(Self::Alias));
        }
        if let Some(ids) = key.strip_prefix("field-index/") {
            return new(numbers(ids).map(|[collection, index]| Self::FieldIndex(collection, index)));
        }
        if let Some(ids) = key.strip_prefix("segment-index/") {
            return new(numbers(ids).map(Self::SegmentIndex));
        }
        if let Some(id) = key.strip_prefix("querycoord-collection-loadinfo/") {
            return new(number(id).map(Self::CollectionLoad));
        }
        if let Some(ids) = key.strip_prefix("querycoord-partition-loadinfo/") {
            return new(numbers(ids).map(|[collection, part]| Self::PartitionLoad(collection, part)));
        }
        NEW_OTHER.iter().any(|prefix| key.starts_with(prefix)).then_some(Key::New(Self::Other))
    }
}

/// Key of an alias in 2.2.
pub fn alias(name: &str, snapshot: Option<u64>) -> String {
    match snapshot {
        None => format!("root-coord/aliases/{name}"),
        Some(ts) => format!("{SNAPSHOTS}root-coord/aliases/{name}{TS}{ts}"),
    }
}

/// `<family>/<id>/<id>…`.
pub fn ids(family: &str, ids: &[i64]) -> String {
    ids.iter().fold(family.to_owned(), |mut key, id| {
        // Writing to a String cannot fail.
        let _ = write!(key, "/{id}");
        key
    })
}

/// Splits at the last `_ts`: a name may contain the separator as well.
fn timestamped(key: &str) -> Option<(&str, u64)> {
    let (name, ts) = key.rsplit_once(TS)?;
    if name.is_empty() || !ts.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some((name, ts.parse().ok()?))
}

/// A decimal number in the only form that Milvus writes: no sign, no leading zero.
fn number(text: &str) -> Option<i64> {
    let number: i64 = text.parse().ok()?;
    (number >= 0 && number.to_string() == text).then_some(number)
}

fn numbers<const N: usize>(text: &str) -> Option<[i64; N]> {
    let mut found = [0; N];
    let mut parts = text.split('/');
    for slot in &mut found {
        *slot = number(parts.next()?)?;
    }
    parts.next().is_none().then_some(found)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("root-coord/collection/7", Key::Collection(7))]
    #[case("snapshots/root-coord/collection/7_ts9", Key::CollectionSnapshot(7, 9))]
    #[case("root-coord/collection-alias/a_ts1", Key::Alias("a_ts1"))]
    #[case("snapshots/root-coord/collection-alias/a_ts1_ts2", Key::AliasSnapshot("a_ts1", 2))]
    #[case("snapshots/root-coord/collection-alias/a_tsx", Key::Unknown)]
    #[case("root-coord/index/1/2", Key::Index(1, 2))]
    #[case("root-coord/index/1", Key::Unknown)]
    #[case("root-coord/segment-index/1/2/3/4", Key::SegmentIndex([1, 2, 3, 4]))]
    #[case("indexes/5", Key::Build(5))]
    #[case("indexes/05", Key::Unknown)]
    #[case("indexes/+5", Key::Unknown)]
    #[case("root-coord/dd-msg-send", Key::DdlSent)]
    #[case("snapshots/root-coord/dd-msg-send_ts3", Key::DdlLeftover)]
    #[case("session/id", Key::SessionCounter)]
    #[case("session/id2", Key::Session("id2"))]
    #[case("session/rootcoord", Key::Session("rootcoord"))]
    #[case("root-coord/credential/users/root", Key::User)]
    #[case("root-coord/credential/roles/public", Key::Untouched)]
    #[case("queryCoord-ReplicaMeta/1", Key::Untouched)]
    #[case("queryCoord-ResourceGroup/1", Key::New(New::Other))]
    #[case("segment-index/1/2/3/4", Key::New(New::SegmentIndex([1, 2, 3, 4])))]
    #[case("root-coord/aliases/a", Key::New(New::Alias))]
    #[case("something/else", Key::Unknown)]
    fn parses(#[case] text: &str, #[case] expected: Key<'_>) {
        assert_eq!(Key::parse(text.as_bytes()), expected);
    }

    #[test]
    fn bytes_that_are_not_text_are_unknown() {
        assert_eq!(Key::parse(b"root-coord/collection/\xff"), Key::Unknown);
    }
}
