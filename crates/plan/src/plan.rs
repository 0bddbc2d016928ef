//! From a request to a plan: the steps, in order, before anything is touched.

use serde::Serialize;

use crate::checks;
use crate::component::{Component, Mode};
use crate::facts;
use crate::objection::Objections;
use crate::order;
use crate::request::{Direction, Request, Side, UpdateMode};
use crate::step::{AT_ONCE, STOPPED_FIRST, Step};
use crate::warnings;

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

/// A component with an image of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OwnRoll {
    /// The component.
    pub component: Component,
    /// What is left there; `None` at its first start.
    pub from: Option<Side>,
    /// What is gone to.
    pub to: Side,
}

impl OwnRoll {
    /// It keeps its image.
    pub fn stays(&self) -> bool {
        self.from.as_ref().is_none_or(|from| !from.differs(&self.to))
    }
}

/// What will be done, in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// What is left; `None` at the first start. In a revert, what the unfinished roll had brought.
    pub from: Option<Side>,
    /// What is gone to.
    pub to: Side,
    /// Components with an image of their own, whose way is another one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub own: Vec<OwnRoll>,
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
        self.whole_moves() || self.own.iter().any(|own| !own.stays())
    }

    /// Whether the image of the whole Milvus is left for another one.
    pub fn whole_moves(&self) -> bool {
        let leaves = |from: &Side| from.image != self.to.image || from.version != self.to.version;
        self.from.as_ref().is_some_and(leaves)
    }

    /// What a component leaves, and what it goes to.
    pub fn way_of(&self, component: Component) -> (Option<&Side>, &Side) {
        let own = self.own.iter().find(|own| own.component == component);
        own.map_or((self.from.as_ref(), &self.to), |own| (own.from.as_ref(), &own.to))
    }

    /// What a component stays at while others move.
    pub fn stays(&self, component: Component) -> Option<&Side> {
        let (from, to) = self.way_of(component);
        (self.moves() && from.is_some_and(|from| !from.differs(to))).then_some(to)
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
    checks::object(request)?;
    let (from, direction) = request.whole().way();
    let direction = overall(direction, request);
    let moved = request.changes().any(|change| change.moves());
    let in_order = matches!(request.update_mode, UpdateMode::RollingUpgrade | UpdateMode::RollingDowngrade);
    let ordered = moved && in_order && request.rolling_enabled;
    let steps = match from {
        Some(from) if ordered => ordered_steps(from, request, direction),
        _ => vec![Step::roll(order::rolled(&request.to.version, request.topology), at_once(request, moved))],
    };
    let own = request.changes().filter_map(|change| {
        let (component, to) = (change.component?, change.to.clone());
        Some(OwnRoll { component, from: change.way().0.cloned(), to })
    });
    let (own, warnings) = (own.collect(), warnings::of(request));
    let (from, to) = (from.cloned(), request.to.clone());
    let hops = vec![Hop { from: from.clone(), to: to.clone(), steps }];
    Ok(Plan { from, to, own, direction, ordered, hops, warnings })
}

/// The way of the whole Milvus; where that stays, the way of the first component that goes elsewhere.
fn overall(direction: Direction, request: &Request) -> Direction {
    if direction != Direction::Same {
        return direction;
    }
    let moving = request.changes().map(|change| change.way().1);
    moving.into_iter().find(|way| !matches!(way, Direction::Same | Direction::Start)).unwrap_or(direction)
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
