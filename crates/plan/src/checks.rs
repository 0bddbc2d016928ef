//! The named checks that a request must pass before there is a plan.
//!
//! Each looks at one thing and gives at most one [`Objection`]: what is refused, why, and what to do. The words are
//! made in [`crate::explain`], the knowledge is in [`crate::facts`].

use std::fmt;

use serde::Serialize;
use strum::{Display, EnumIter, IntoStaticStr};

use crate::component::Coordinators;
use crate::explain;
use crate::facts::{self, Queue, Relation, Verdict};
use crate::plan::{QueueChange, Request, Side, UpdateMode, sources};
use crate::version::{MilvusVersion, Version};

/// Why a change is refused; the reason of the condition and of the Event, in `CamelCase`.
///
/// Each has a page in `docs/reasons/`.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Display, EnumIter, IntoStaticStr, Serialize,
)]
pub enum Reason {
    /// The version that is left or gone to cannot be read.
    UnknownVersion,
    /// `spec.components.version` was left as it was when the image changed.
    VersionNotUpdated,
    /// 2.1 to 2.2 or later: the metadata must be migrated by a `MilvusUpgrade`.
    NeedsMetadataMigration,
    /// 1.x to 2.x: the data must be copied.
    NeedsDataMigration,
    /// The target can be reached only by way of another version.
    NeedsIntermediateVersion,
    /// The coordinators must be a mixcoord first.
    NeedsMixCoordinator,
    /// The path exists, but this release of the operator does not take it.
    UpgradeNotSupportedYet,
    /// There is no path from or to this prerelease.
    PrereleaseHasNoPath,
    /// The target is of an older minor line.
    MinorDowngrade,
    /// Nothing is known about the path.
    PathNotKnown,
    /// The target is older, but the mode of the roll is `rollingUpgrade`.
    OlderUnderRollingUpgrade,
    /// The target is newer, but the mode of the roll is `rollingDowngrade`.
    NewerUnderRollingDowngrade,
    /// The message queue changes although there is data.
    MessageQueueChange,
}

impl Reason {
    /// The name as in conditions and Events.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// Something that stands against a change. Nothing is changed while there is one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Objection {
    /// The name of it.
    pub reason: Reason,
    /// What is refused, why, and what to do: whole sentences, with the field and the fix.
    pub message: String,
}

/// All that stands against a change: at least one objection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Objections {
    first: Objection,
    rest: Vec<Objection>,
}

impl Objections {
    /// The objections in `list` without repetitions; `None` when there are none.
    pub fn from_list(list: Vec<Objection>) -> Option<Self> {
        let mut list = list.into_iter();
        let first = list.next()?;
        let mut rest = Vec::new();
        for objection in list {
            if objection != first && !rest.contains(&objection) {
                rest.push(objection);
            }
        }
        Some(Self { first, rest })
    }

    /// The one that gives its reason to the condition.
    pub fn first(&self) -> &Objection {
        &self.first
    }

    /// All of them, the first one first.
    pub fn iter(&self) -> impl Iterator<Item = &Objection> {
        std::iter::once(&self.first).chain(&self.rest)
    }
}

impl fmt::Display for Objections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&explain::objections(self))
    }
}

impl std::error::Error for Objections {}

/// What the annotation `milvus.io/allow-upgrade` allows: a list of `from->to`, separated by commas, of versions (with or
/// without `v`) or of message queues.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Override(Vec<(String, String)>);

impl Override {
    /// Reads the annotation. Parts that are not `from->to` allow nothing.
    pub fn read(annotation: Option<&str>) -> Self {
        let pairs = annotation.unwrap_or_default().split(',').filter_map(|part| part.split_once("->"));
        Self(pairs.map(|(from, to)| (from.trim().to_owned(), to.trim().to_owned())).collect())
    }

    /// Whether this path of versions is allowed by name.
    pub fn allows(&self, from: &MilvusVersion, to: &MilvusVersion) -> bool {
        let is = |text: &str, version: &MilvusVersion| {
            text.parse().is_ok_and(|parsed: MilvusVersion| parsed == *version)
        };
        self.0.iter().any(|(named_from, named_to)| is(named_from, from) && is(named_to, to))
    }

    /// Whether this change of message queue is allowed by name.
    pub fn allows_queue(&self, from: Queue, to: Queue) -> bool {
        let is = |text: &str, queue: Queue| text.eq_ignore_ascii_case(&queue.to_string());
        self.0.iter().any(|(named_from, named_to)| is(named_from, from) && is(named_to, to))
    }
}

/// One way from something that runs to the target.
struct Path<'a> {
    from: &'a Side,
    to: &'a Side,
    mode: UpdateMode,
    coordinators: Option<Coordinators>,
    allowed: &'a Override,
}

impl<'a> Path<'a> {
    fn versions(&self) -> Option<(&'a MilvusVersion, &'a MilvusVersion)> {
        Some((self.from.version.known()?, self.to.version.known()?))
    }
}

type Check = fn(&Path<'_>) -> Option<Objection>;

/// The checks of one path, in the order in which they are reported.
const PATH_CHECKS: [Check; 4] = [versions_known, version_updated, path_allowed, direction_fits_mode];

/// Everything that stands against `request`.
///
/// A revert is judged by its message queue only: the way back to what ran before is always open.
pub(crate) fn object(request: &Request, is_revert: bool) -> Result<(), Objections> {
    let allowed = Override::read(request.override_annotation.as_deref());
    let mut found = Vec::new();
    if !is_revert {
        for from in sources(request) {
            let path = Path {
                from,
                to: &request.to,
                mode: request.update_mode,
                coordinators: request.running_coordinators,
                allowed: &allowed,
            };
            found.extend(PATH_CHECKS.iter().filter_map(|check| check(&path)));
        }
    }
    found.extend(queue_kept(request.queue, &allowed));
    Objections::from_list(found).map_or(Ok(()), Err)
}

/// Both versions must be known: an unknown one may be anything.
fn versions_known(path: &Path<'_>) -> Option<Objection> {
    let message = match (&path.from.version, &path.to.version) {
        (Version::Known(_), Version::Known(_)) => return None,
        (Version::Known(_), Version::Unknown(_)) => explain::unknown_target(path.from, path.to),
        (Version::Unknown(_), _) => explain::unknown_source(path.from, path.to),
    };
    Some(Objection { reason: Reason::UnknownVersion, message })
}

/// The stated version must move with the image.
///
/// It counts more than the tag, so one that was forgotten would hide a path that must not be taken. It was forgotten when
/// it was the tag of the old image, is not that of the new one, and did not change.
fn version_updated(path: &Path<'_>) -> Option<Objection> {
    let (from, to) = path.versions()?;
    let (old_tag, new_tag) = (Version::of(None, &path.from.image), Version::of(None, &path.to.image));
    let (old_tag, new_tag) = (old_tag.known()?, new_tag.known()?);
    let forgotten = from == to && old_tag == from && new_tag != to;
    let message = || explain::version_not_updated(to, new_tag);
    forgotten.then(|| Objection { reason: Reason::VersionNotUpdated, message: message() })
}

/// The table of paths must allow it, or the user must have named it.
fn path_allowed(path: &Path<'_>) -> Option<Objection> {
    let (from, to) = path.versions()?;
    let Verdict::Refused { reason, why, way_round } = verdict(from, to, path.coordinators)? else {
        return None;
    };
    if path.allowed.allows(from, to) {
        return None;
    }
    Some(Objection { reason, message: explain::path_refused(from, to, why, way_round) })
}

/// What the table says of a path; `None` when the version stays the same.
pub(crate) fn verdict(
    from: &MilvusVersion,
    to: &MilvusVersion,
    coordinators: Option<Coordinators>,
) -> Option<Verdict> {
    (from != to).then(|| facts::hop(from, to, coordinators).verdict)
}

/// `rollingUpgrade` goes up, `rollingDowngrade` goes down; both would use the wrong order the other way.
fn direction_fits_mode(path: &Path<'_>) -> Option<Objection> {
    let (from, to) = path.versions()?;
    let (reason, mode) = match (path.mode, facts::relation(&path.from.version, &path.to.version)) {
        (UpdateMode::RollingUpgrade, Relation::Older) => {
            (Reason::OlderUnderRollingUpgrade, UpdateMode::RollingDowngrade)
        }
        (UpdateMode::RollingDowngrade, Relation::Newer) => {
            (Reason::NewerUnderRollingDowngrade, UpdateMode::RollingUpgrade)
        }
        _ => return None,
    };
    Some(Objection { reason, message: explain::wrong_mode(from, to, path.mode, mode) })
}

/// The message queue must stay while there is data: what is in it and not yet in segments would be lost.
fn queue_kept(change: QueueChange, allowed: &Override) -> Option<Objection> {
    let QueueChange::Changed { from, to, has_data: true } = change else {
        return None;
    };
    if from == to || allowed.allows_queue(from, to) {
        return None;
    }
    Some(Objection { reason: Reason::MessageQueueChange, message: explain::queue_change(from, to) })
}
