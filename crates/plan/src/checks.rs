//! The named checks that a request must pass before there is a plan.
//!
//! Each looks at one thing and gives at most one [`Objection`]: what is refused, why, and what to do. The
//! sentences are made in `words`, the knowledge is in [`crate::facts`].

use crate::component::{Component, Coordinators};
use crate::consent::Consents;
use crate::facts::{self, Verdict};
use crate::objection::{Objection, Objections};
use crate::reason::Reason;
use crate::request::{Direction, OwnImage, QueueChange, Request, Side, UpdateMode};
use crate::version::{MilvusVersion, Relation, Version};
use crate::words;

/// One way from something that runs to the target.
struct Path<'a> {
    /// The component whose image it is; `None` for the whole Milvus.
    component: Option<Component>,
    from: &'a Side,
    to: &'a Side,
    mode: UpdateMode,
    coordinators: Option<Coordinators>,
    allowed: &'a Consents,
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
pub(crate) fn object(request: &Request) -> Result<(), Objections> {
    let allowed = Consents::parse(request.override_annotation.as_deref());
    let mut found = Vec::new();
    for change in request.changes() {
        for from in change.judged() {
            let path = Path {
                component: change.component,
                from,
                to: change.to,
                mode: request.update_mode,
                coordinators: request.running_coordinators,
                allowed: &allowed,
            };
            found.extend(PATH_CHECKS.iter().filter_map(|check| check(&path)));
        }
    }
    if request.changes().any(|change| !change.judged().is_empty() || change.way().1 == Direction::Start) {
        found.extend(request.own.iter().filter_map(|own| mix_allowed(own, request, &allowed)));
    }
    found.extend(queue_kept(request.queue, &allowed));
    Objections::from_list(found).map_or(Ok(()), Err)
}

/// What runs side by side must be able to follow each other: both read and write the same data.
fn mix_allowed(own: &OwnImage, request: &Request, allowed: &Consents) -> Option<Objection> {
    let (one, rest) = own.to.version.known().zip(request.to.version.known())?;
    let (low, high) = if one < rest { (one, rest) } else { (rest, one) };
    let Verdict::Refused { reason, why, .. } = verdict(low, high, request.running_coordinators)? else {
        return None;
    };
    if allowed.version(low, high) {
        return None;
    }
    Some(Objection { reason, message: words::mix_refused(own.component, one, rest, (low, high), why) })
}

/// Both versions must be known: an unknown one may be anything.
fn versions_known(path: &Path<'_>) -> Option<Objection> {
    let message = match (&path.from.version, &path.to.version) {
        (Version::Known(_), Version::Known(_)) => return None,
        (Version::Known(_), Version::Unknown(_)) => words::unknown_target(path.component, path.from, path.to),
        (Version::Unknown(_), _) => words::unknown_source(path.component, path.from, path.to),
    };
    Some(Objection { reason: Reason::UnknownVersion, message })
}

/// The stated version must move with the image.
///
/// It counts more than the tag, so one that was forgotten would hide a path that must not be taken. It was
/// forgotten when it was the tag of the old image, is not that of the new one, and did not change.
fn version_updated(path: &Path<'_>) -> Option<Objection> {
    let (from, to) = path.versions()?;
    if path.component.is_some() {
        // The tag of an image of its own counts more than the version that is stated for the whole Milvus.
        return None;
    }
    let (old_tag, new_tag) = (Version::of(None, &path.from.image), Version::of(None, &path.to.image));
    let (old_tag, new_tag) = (old_tag.known()?, new_tag.known()?);
    let forgotten = from == to && old_tag == from && new_tag != to;
    let message = || words::version_not_updated(to, new_tag);
    forgotten.then(|| Objection { reason: Reason::VersionNotUpdated, message: message() })
}

/// The table of paths must allow it, or the user must have named it.
fn path_allowed(path: &Path<'_>) -> Option<Objection> {
    let (from, to) = path.versions()?;
    let Verdict::Refused { reason, why, way_round } = verdict(from, to, path.coordinators)? else {
        return None;
    };
    if path.allowed.version(from, to) {
        return None;
    }
    Some(Objection { reason, message: words::path_refused(path.component, from, to, why, way_round) })
}

/// What the table says of a path; `None` when the version stays the same.
pub(crate) fn verdict(
    from: &MilvusVersion,
    to: &MilvusVersion,
    coordinators: Option<Coordinators>,
) -> Option<Verdict> {
    (from != to).then(|| facts::path(from, to, coordinators).verdict)
}

/// `rollingUpgrade` goes up, `rollingDowngrade` goes down; both would use the wrong order the other way.
fn direction_fits_mode(path: &Path<'_>) -> Option<Objection> {
    let (from, to) = path.versions()?;
    let (reason, mode) = match (path.mode, Relation::between(&path.from.version, &path.to.version)) {
        (UpdateMode::RollingUpgrade, Relation::Older) => {
            (Reason::OlderUnderRollingUpgrade, UpdateMode::RollingDowngrade)
        }
        (UpdateMode::RollingDowngrade, Relation::Newer) => {
            (Reason::NewerUnderRollingDowngrade, UpdateMode::RollingUpgrade)
        }
        _ => return None,
    };
    Some(Objection { reason, message: words::wrong_mode(path.component, (from, to), path.mode, mode) })
}

/// The message queue must stay while there is data: what is in it and not yet in segments would be lost.
fn queue_kept(change: QueueChange, allowed: &Consents) -> Option<Objection> {
    let QueueChange::Changed { from, to, has_data: true } = change else {
        return None;
    };
    if from == to || allowed.queue(from, to) {
        return None;
    }
    Some(Objection { reason: Reason::MessageQueueChange, message: words::queue_change(from, to) })
}
