//! From a request to a plan: the steps, in order, before anything is touched.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumString};

use crate::checks::{self, Objections, Override};
use crate::component::{Component, Coordinators, Mode, Topology};
use crate::explain;
use crate::facts::{self, Queue, Relation, Verdict};
use crate::order;
use crate::version::Version;

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

    /// Whether this is another image, or is now said to be another version.
    fn differs(&self, other: &Self) -> bool {
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

/// What happens to the message queue, beside the image.
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

/// What is asked for, and what runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// What the last finished roll left (`status.currentImage`); `None` at the first start.
    pub from: Option<Side>,
    /// The distinct images of ready pods, without those of components that `spec` gives an image of their own.
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

/// Components that are replaced together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// The names of its components, joined by `+`.
    pub name: String,
    /// At least one component.
    pub components: Vec<Component>,
    /// What does not work while this step runs, and why; `None` when nothing about the versions and the order makes it
    /// so (a volume that only one pod can mount still may).
    pub downtime: Option<String>,
}

/// What will be done, in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// What is left; `None` at the first start. In a revert, what the unfinished roll had brought.
    pub from: Option<Side>,
    /// What is gone to.
    pub to: Side,
    /// Which way that is.
    pub direction: Direction,
    /// Whether the steps wait for each other. If not, there is one step with everything.
    pub ordered: bool,
    /// At least one. A component that is in no step (the placeholder `standalone` of a cluster) waits for nothing.
    pub steps: Vec<Step>,
    /// What the user should know before this runs.
    pub warnings: Vec<String>,
}

/// The plan for `request`, or all that stands against it.
pub fn plan(request: &Request) -> Result<Plan, Objections> {
    let (from, direction) = way(request);
    checks::object(request, direction == Direction::Revert)?;
    let moved = from.is_some_and(|from| from.differs(&request.to));
    let in_order = matches!(request.update_mode, UpdateMode::RollingUpgrade | UpdateMode::RollingDowngrade);
    let ordered = moved && in_order && request.rolling_enabled;
    let steps = match from {
        Some(from) if ordered => ordered_steps(from, request, direction),
        _ => vec![step(order::rolled(&request.to.version, request.topology), at_once(request, moved))],
    };
    let warnings = warnings(request, from, direction);
    Ok(Plan { from: from.cloned(), to: request.to.clone(), direction, ordered, steps, warnings })
}

/// What the target must be reachable from: what is recorded, and whatever else is ready now.
pub(crate) fn sources(request: &Request) -> Vec<&Side> {
    let recorded = request.from.iter().filter(|side| side.differs(&request.to));
    let running = request.running.iter().filter(|side| side.image != request.to.image);
    let mut found: Vec<&Side> = Vec::new();
    for side in recorded.chain(running) {
        if !found.contains(&side) {
            found.push(side);
        }
    }
    found
}

/// What is left, and which way that goes.
fn way(request: &Request) -> (Option<&Side>, Direction) {
    let abandoned = || {
        let others = request.running.iter().filter(|side| side.image != request.to.image);
        others.reduce(|best, side| if side.version > best.version { side } else { best })
    };
    match &request.from {
        Some(from) if from.differs(&request.to) => (Some(from), direction(from, &request.to)),
        Some(from) => match abandoned() {
            Some(abandoned) => (Some(abandoned), Direction::Revert),
            None => (Some(from), Direction::Same),
        },
        None => match abandoned().or(request.running.first()) {
            Some(running) => (Some(running), direction(running, &request.to)),
            None => (None, Direction::Start),
        },
    }
}

fn direction(from: &Side, to: &Side) -> Direction {
    match facts::relation(&from.version, &to.version) {
        Relation::Newer => Direction::Upgrade,
        Relation::Older => Direction::Downgrade,
        Relation::Same | Relation::Unknown => Direction::Same,
    }
}

fn ordered_steps(from: &Side, request: &Request, direction: Direction) -> Vec<Step> {
    let to = &request.to;
    let order_of = match (direction, request.update_mode) {
        (Direction::Same, UpdateMode::RollingDowngrade) => Direction::Downgrade,
        _ => direction,
    };
    let versions = from.version.known().zip(to.version.known());
    let downtime = versions.and_then(|(from, to)| facts::downtime(from, to));
    let orders = order::steps(&from.version, &to.version, &request.topology, order_of);
    let with_downtime = |components: Vec<Component>| {
        let hit = components.iter().any(|one| one.is_coordinator() || *one == Component::Standalone);
        let stopped = request.stopped_first && components.contains(&Component::Standalone);
        step(components, if stopped { Some(explain::STOPPED_FIRST) } else { downtime.filter(|_| hit) })
    };
    orders.into_iter().map(|order| with_downtime(order.components)).collect()
}

fn at_once(request: &Request, moved: bool) -> Option<&'static str> {
    let words = match request.topology.mode {
        Mode::Cluster => explain::AT_ONCE,
        Mode::Standalone => explain::STOPPED_FIRST,
    };
    moved.then_some(words)
}

fn step(components: Vec<Component>, downtime: Option<&str>) -> Step {
    Step { name: explain::step_name(&components), components, downtime: downtime.map(str::to_owned) }
}

fn warnings(request: &Request, from: Option<&Side>, direction: Direction) -> Vec<String> {
    let mut list = Vec::new();
    let mut add = |text: String| {
        if !list.contains(&text) {
            list.push(text);
        }
    };
    let to = &request.to;
    if let (Version::Known(stated), Version::Known(tagged)) = (&to.version, Version::of(None, &to.image))
        && *stated != tagged
    {
        add(explain::tag_differs(stated, &tagged));
    }
    if let (Direction::Start, Some(to)) = (direction, to.version.known()) {
        facts::notes_on(to).for_each(|note| add(note.text.to_owned()));
    }
    let allowed = Override::read(request.override_annotation.as_deref());
    let judged = if direction == Direction::Revert { Vec::new() } else { sources(request) };
    for (left, to) in judged.iter().filter_map(|side| side.version.known().zip(to.version.known())) {
        if let Some(Verdict::Refused { why, .. }) = checks::verdict(left, to, request.running_coordinators) {
            add(explain::overridden(left, to, why));
        }
        facts::notes(left, to).for_each(|note| add(note.text.to_owned()));
    }
    if let QueueChange::Changed { from, to, has_data: true } = request.queue
        && allowed.allows_queue(from, to)
    {
        add(explain::queue_overridden(from, to));
    }
    if let (Direction::Revert, Some(from)) = (direction, from) {
        add(explain::reverting(from, to));
    }
    list
}
