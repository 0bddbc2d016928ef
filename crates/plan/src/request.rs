//! What is asked for, what runs, and which way that goes.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumString};

use crate::component::{Coordinators, Topology};
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

/// What is asked for, and what runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// What the last finished roll left (`status.currentImage`); `None` at the first start.
    pub from: Option<Side>,
    /// The distinct images of ready pods, without those of components that `spec` gives an image of their
    /// own.
    pub running: Vec<Side>,
    /// What `spec` asks for.
    pub to: Side,
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
    /// What the target must be reachable from: what is recorded, and whatever else is ready now.
    pub(crate) fn sources(&self) -> Vec<&Side> {
        let recorded = self.from.iter().filter(|side| side.differs(&self.to));
        let running = self.running.iter().filter(|side| side.image != self.to.image);
        let mut found: Vec<&Side> = Vec::new();
        for side in recorded.chain(running) {
            if !found.contains(&side) {
                found.push(side);
            }
        }
        found
    }

    /// What is left, and which way that goes.
    pub(crate) fn way(&self) -> (Option<&Side>, Direction) {
        let abandoned = || {
            let others = self.running.iter().filter(|side| side.image != self.to.image);
            others.reduce(|best, side| if side.version > best.version { side } else { best })
        };
        match &self.from {
            Some(from) if from.differs(&self.to) => (Some(from), Direction::between(from, &self.to)),
            Some(from) => match abandoned() {
                Some(abandoned) => (Some(abandoned), Direction::Revert),
                None => (Some(from), Direction::Same),
            },
            None => match abandoned().or(self.running.first()) {
                Some(running) => (Some(running), Direction::between(running, &self.to)),
                None => (None, Direction::Start),
            },
        }
    }
}
