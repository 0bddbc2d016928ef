//! From a request to a plan: the steps, in order, before anything is touched.

use serde::Serialize;

use crate::checks;
use crate::component::{Component, Mode};
use crate::consent::Consents;
use crate::facts::{self, Verdict};
use crate::objection::Objections;
use crate::order;
use crate::request::{Direction, QueueChange, Request, Side, UpdateMode};
use crate::step::{AT_ONCE, STOPPED_FIRST, Step};
use crate::version::Version;
use crate::words;

/// The steps from one image to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Hop {
    /// What is left; `None` at the first start.
    pub from: Option<Side>,
    /// What is gone to.
    pub to: Side,
    /// In order.
    pub steps: Vec<Step>,
}

/// What will be done, in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// What is left; `None` at the first start. In a revert, what the unfinished roll had brought.
    pub from: Option<Side>,
    /// What is gone to.
    pub to: Side,
    /// Which way that is.
    pub direction: Direction,
    /// Whether the steps wait for each other. If not, there is one step with everything.
    pub ordered: bool,
    /// At least one; a change of image is one hop. A component that is in no step (the placeholder
    /// `standalone` of a cluster) waits for nothing.
    pub hops: Vec<Hop>,
    /// What the user should know before this runs.
    pub warnings: Vec<String>,
}

impl Plan {
    /// All steps, in order. The place in this list is the number of a step, from 0.
    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        self.hops.iter().flat_map(|hop| &hop.steps)
    }

    /// The step of this number.
    pub fn step(&self, number: usize) -> Option<&Step> {
        self.steps().nth(number)
    }

    /// Whether a step gives `component` its new template.
    pub fn rolls(&self, component: Component) -> bool {
        self.steps().any(|step| step.components().contains(&component))
    }

    /// Whether something is left for something else: such a plan is recorded before it is begun.
    pub fn moves(&self) -> bool {
        let leaves = |from: &Side| from.image != self.to.image || from.version != self.to.version;
        self.from.as_ref().is_some_and(leaves)
    }

    /// The same steps as the way back from `abandoned`: the target of a roll that is not finished, of which
    /// no pod was ever ready.
    #[must_use]
    pub fn back_from(mut self, abandoned: Side) -> Self {
        self.direction = Direction::Revert;
        if let Some(hop) = self.hops.first_mut() {
            hop.from = Some(abandoned.clone());
        }
        self.from = Some(abandoned);
        self
    }
}

/// The plan for `request`.
///
/// # Errors
/// All that stands against it.
pub fn plan(request: &Request) -> Result<Plan, Objections> {
    let (from, direction) = request.way();
    checks::object(request, direction == Direction::Revert)?;
    let moved = from.is_some_and(|from| from.differs(&request.to));
    let in_order = matches!(request.update_mode, UpdateMode::RollingUpgrade | UpdateMode::RollingDowngrade);
    let ordered = moved && in_order && request.rolling_enabled;
    let steps = match from {
        Some(from) if ordered => ordered_steps(from, request, direction),
        _ => vec![Step::roll(order::rolled(&request.to.version, request.topology), at_once(request, moved))],
    };
    let warnings = warnings(request, from, direction);
    let (from, to) = (from.cloned(), request.to.clone());
    let hops = vec![Hop { from: from.clone(), to: to.clone(), steps }];
    Ok(Plan { from, to, direction, ordered, hops, warnings })
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
        Step::roll(components, if stopped { Some(STOPPED_FIRST) } else { downtime.filter(|_| hit) })
    };
    orders.into_iter().map(|order| with_downtime(order.components)).collect()
}

fn at_once(request: &Request, moved: bool) -> Option<&'static str> {
    let words = match request.topology.mode {
        Mode::Cluster => AT_ONCE,
        Mode::Standalone => STOPPED_FIRST,
    };
    moved.then_some(words)
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
        add(words::tag_differs(stated, &tagged));
    }
    if let (Direction::Start, Some(to)) = (direction, to.version.known()) {
        facts::warnings_on(to).for_each(|one| add(one.text.to_owned()));
    }
    let allowed = Consents::parse(request.override_annotation.as_deref());
    let judged = if direction == Direction::Revert { Vec::new() } else { request.sources() };
    for (left, to) in judged.iter().filter_map(|side| side.version.known().zip(to.version.known())) {
        if let Some(Verdict::Refused { why, .. }) = checks::verdict(left, to, request.running_coordinators) {
            add(words::overridden(left, to, why));
        }
        facts::warnings(left, to).for_each(|one| add(one.text.to_owned()));
    }
    if let QueueChange::Changed { from, to, has_data: true } = request.queue
        && allowed.queue(from, to)
    {
        add(words::queue_overridden(from, to));
    }
    if let (Direction::Revert, Some(from)) = (direction, from) {
        add(words::reverting(from, to));
    }
    list
}
