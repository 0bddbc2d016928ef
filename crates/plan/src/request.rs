//! What is asked for, what runs, and which way that goes.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumString};

use crate::component::{Component, Coordinators, Topology};
use crate::queue::Queue;
use crate::version::{Relation, Version};

/// An image and its version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Side {
    /// The image, as in `spec.components.image`.
    pub image: String,
    /// The version of it, if that is known.
    pub version: Version,
}

impl Side {
    /// The image with the version that [`Version::of`] finds.
    pub fn of(explicit: Option<&str>, image: &str) -> Self {
        Self { image: image.to_owned(), version: Version::of(explicit, image) }
    }

    /// Whether this is another image, or is now stated to be another version.
    pub(crate) fn differs(&self, other: &Self) -> bool {
        let other_version =
            self.version.known().zip(other.version.known()).is_some_and(|(one, two)| one != two);
        self.image != other.image || other_version
    }
}

/// `spec.components.imageUpdateMode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Display, EnumString, Serialize, Deserialize)]
#[strum(serialize_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub enum UpdateMode {
    /// In order, upwards; the default.
    RollingUpgrade,
    /// In order, downwards.
    RollingDowngrade,
    /// All at once.
    All,
    /// All at once, without waiting for pods that end.
    Force,
}

/// What happens to the message queue, apart from the image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum QueueChange {
    /// It stays.
    Unchanged,
    /// Another one is asked for than the one that was recorded when the Milvus was first started.
    Changed {
        /// The recorded one.
        from: Queue,
        /// The one asked for.
        to: Queue,
        /// Whether there may be data: true once any pod was ever ready, and whenever that is not known.
        has_data: bool,
    },
}

/// Which way a plan goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Display, Serialize, Deserialize)]
#[strum(serialize_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub enum Direction {
    /// The first start: there is nothing before it.
    Start,
    /// To a newer version.
    Upgrade,
    /// To an older version.
    Downgrade,
    /// Back to what ran before a roll that is not finished.
    Revert,
    /// The version stays: another build or registry of it, or no other image at all.
    Same,
}

impl Direction {
    /// The way from one image to another.
    fn between(from: &Side, to: &Side) -> Self {
        match Relation::between(&from.version, &to.version) {
            Relation::Newer => Self::Upgrade,
            Relation::Older => Self::Downgrade,
            Relation::Same | Relation::Unknown => Self::Same,
        }
    }
}

/// A component that `spec` gives an image of its own, other than that of the rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnImage {
    /// The component.
    pub component: Component,
    /// What the last finished roll left there; `None` at its first start.
    pub from: Option<Side>,
    /// The distinct images of its ready pods.
    pub running: Vec<Side>,
    /// What it is to run.
    pub to: Side,
}

/// What is asked for, and what runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// What the last finished roll left (`status.currentImage`); `None` at the first start.
    pub from: Option<Side>,
    /// The distinct images of ready pods, without those of `own`.
    pub running: Vec<Side>,
    /// What `spec` asks for.
    pub to: Side,
    /// Components with an image of their own. What they run is judged like the rest.
    pub own: Vec<OwnImage>,
    /// `spec.components.imageUpdateMode`.
    pub update_mode: UpdateMode,
    /// `spec.components.enableRollingUpdate`, with the default applied; without it everything goes at once.
    pub rolling_enabled: bool,
    /// A standalone is stopped before its successor starts, because both would need the same volume.
    pub stopped_first: bool,
    /// The set of components that `spec` asks for.
    pub topology: Topology,
    /// The coordinators that run now; `None` where there are none.
    pub running_coordinators: Option<Coordinators>,
    /// What happens to the message queue.
    pub queue: QueueChange,
    /// The value of the annotation `milvus.io/allow-upgrade`.
    pub override_annotation: Option<String>,
}

impl Request {
    /// The image of the whole Milvus, then those of single components.
    pub(crate) fn changes(&self) -> impl Iterator<Item = Change<'_>> {
        let own = self.own.iter().map(|own| Change {
            component: Some(own.component),
            from: own.from.as_ref(),
            running: &own.running,
            to: &own.to,
        });
        std::iter::once(self.whole()).chain(own)
    }

    /// The image of the whole Milvus.
    pub(crate) fn whole(&self) -> Change<'_> {
        Change { component: None, from: self.from.as_ref(), running: &self.running, to: &self.to }
    }
}

/// One image that is asked for, and what it takes the place of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Change<'a> {
    /// The component whose image it is; `None` for the whole Milvus.
    pub(crate) component: Option<Component>,
    from: Option<&'a Side>,
    running: &'a [Side],
    /// What is asked for.
    pub(crate) to: &'a Side,
}

impl<'a> Change<'a> {
    /// What the target must be reachable from: what is recorded, and whatever else is ready now.
    ///
    /// None in a revert: the way back to what ran before is always open.
    pub(crate) fn judged(&self) -> Vec<&'a Side> {
        let mut found: Vec<&Side> = Vec::new();
        if self.way().1 == Direction::Revert {
            return found;
        }
        let recorded = self.from.into_iter().filter(|side| side.differs(self.to));
        let running = self.running.iter().filter(|side| side.image != self.to.image);
        for side in recorded.chain(running) {
            if !found.contains(&side) {
                found.push(side);
            }
        }
        found
    }

    /// What is left, and which way that goes.
    pub(crate) fn way(&self) -> (Option<&'a Side>, Direction) {
        let abandoned = || {
            let others = self.running.iter().filter(|side| side.image != self.to.image);
            others.reduce(|best, side| if side.version > best.version { side } else { best })
        };
        match self.from {
            Some(from) if from.differs(self.to) => (Some(from), Direction::between(from, self.to)),
            Some(from) => match abandoned() {
                Some(abandoned) => (Some(abandoned), Direction::Revert),
                None => (Some(from), Direction::Same),
            },
            None => match abandoned().or(self.running.first()) {
                Some(running) => (Some(running), Direction::between(running, self.to)),
                None => (None, Direction::Start),
            },
        }
    }

    /// What is left is another image, or is now stated to be another version.
    pub(crate) fn moves(&self) -> bool {
        self.way().0.is_some_and(|from| from.differs(self.to))
    }
}
