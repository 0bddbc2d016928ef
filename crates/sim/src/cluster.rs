//! The controllers of a small Kubernetes: Deployments, ReplicaSets, Jobs, disruption budgets, a node,
//! garbage.
//!
//! They are plain functions over the [`Store`]: each looks once at all objects and writes what Kubernetes
//! would. The time is the store's; what is kept beside the store is what a kubelet knows of its pods and no
//! object shows.

mod behaviour;
mod deployment;
mod disruption;
mod job;
mod look;
mod node;
mod objects;
mod pod_status;
mod replica_set;
mod still;

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::server::{Event, Failure, Kind, Store};

use still::Still;

pub use behaviour::{Behaviour, COMPONENT, Pods};
pub use look::Look;
pub use node::Node;
pub use objects::{condition, controller, holds, is_ending, label, selects, text};

/// One of the controllers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Controller {
    /// Deployment → ReplicaSets.
    Deployment,
    /// ReplicaSet → pods.
    ReplicaSet,
    /// Scheduler and kubelet.
    Node,
    /// Job → pods.
    Job,
    /// The status of PodDisruptionBudgets.
    Disruption,
    /// What has lost its owner.
    Garbage,
}

impl Controller {
    /// All, in an order in which a change gets through in few rounds.
    pub const ALL: [Controller; 6] = [
        Controller::Deployment,
        Controller::ReplicaSet,
        Controller::Job,
        Controller::Node,
        Controller::Disruption,
        Controller::Garbage,
    ];

    /// Whether a change can give it something to do.
    fn watches(self, event: &Event) -> bool {
        match self {
            Controller::Deployment => matches!(event.kind, Kind::Deployment | Kind::ReplicaSet | Kind::Pod),
            Controller::ReplicaSet => matches!(event.kind, Kind::ReplicaSet | Kind::Pod),
            Controller::Node => event.kind == Kind::Pod,
            Controller::Job => matches!(event.kind, Kind::Job | Kind::Pod),
            Controller::Disruption => matches!(event.kind, Kind::PodDisruptionBudget | Kind::Pod),
            // An owner goes, or is to go, or an object comes whose owner may be gone.
            Controller::Garbage => event.before.is_none() || event.after.as_deref().is_none_or(is_ending),
        }
    }
}

/// The controllers and the node.
#[derive(Clone, Debug, Default)]
pub struct Cluster {
    /// How pods behave.
    pub behaviour: Behaviour,
    node: Node,
    seen: BTreeMap<Controller, Seen>,
    still: Still,
}

/// What a controller has seen, so that it looks again only where that may show something new.
#[derive(Clone, Debug)]
struct Seen {
    /// Events of the log.
    events: usize,
    behaviour: Behaviour,
    due: Option<Timestamp>,
}

/// What a round of looks has come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Round {
    /// Something was written.
    pub wrote: bool,
    /// When something will happen by itself.
    pub due: Option<Timestamp>,
}

impl Round {
    /// Both rounds.
    #[must_use]
    pub fn and(self, other: Round) -> Round {
        let due = self.due.into_iter().chain(other.due).min();
        Round { wrote: self.wrote || other.wrote, due }
    }
}

impl Cluster {
    /// A cluster whose pods behave so.
    pub fn new(behaviour: Behaviour) -> Cluster {
        Cluster { behaviour, ..Cluster::default() }
    }

    /// One look of one controller at everything it works on, if there may be something to do.
    ///
    /// # Errors
    /// The store refuses a write that a real API server would take from its controllers: a fault of the simulation.
    pub fn look(&mut self, controller: Controller, store: &mut Store) -> Result<Round, Failure> {
        if let Some(seen) = self.seen.get(&controller).filter(|seen| self.is_still(controller, seen, store)) {
            return Ok(Round { wrote: false, due: seen.due });
        }
        let events = store.log().len();
        let before = store.revision();
        if self.seen.values().any(|seen| seen.behaviour != self.behaviour) {
            self.still = Still::default();
        }
        let mut look = Look::new(store, &self.behaviour, &mut self.still);
        match controller {
            Controller::Deployment => deployment::look(&mut look)?,
            Controller::ReplicaSet => replica_set::look(&mut look)?,
            Controller::Node => self.node.look(&mut look)?,
            Controller::Job => job::look(&mut look)?,
            Controller::Disruption => disruption::look(&mut look)?,
            Controller::Garbage => while look.store.collect_garbage() {},
        }
        let due = look.due;
        // What it has written itself is something new for it, too.
        self.seen.insert(controller, Seen { events, behaviour: self.behaviour.clone(), due });
        Ok(Round { wrote: store.revision() != before, due })
    }

    fn is_still(&self, controller: Controller, seen: &Seen, store: &Store) -> bool {
        let news = store.log().get(seen.events..).unwrap_or_default();
        seen.behaviour == self.behaviour
            && seen.due.is_none_or(|due| store.now() < due)
            && !news.iter().any(|event| controller.watches(event))
    }

    /// One look of every controller.
    ///
    /// # Errors
    /// As [`Cluster::look`].
    pub fn step(&mut self, store: &mut Store) -> Result<Round, Failure> {
        let mut all = Round::default();
        for controller in Controller::ALL {
            all = all.and(self.look(controller, store)?);
        }
        Ok(all)
    }
}
