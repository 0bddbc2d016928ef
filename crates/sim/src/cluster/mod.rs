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

use jiff::Timestamp;

use crate::server::{Failure, Store};

pub use behaviour::{Behaviour, COMPONENT, Pods};
pub use look::Look;
pub use node::Node;
pub use objects::{condition, controller, holds, is_ending, label, selects, text};

/// One of the controllers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
}

/// The controllers and the node.
#[derive(Clone, Debug, Default)]
pub struct Cluster {
    /// How pods behave.
    pub behaviour: Behaviour,
    node: Node,
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
        Cluster { behaviour, node: Node::default() }
    }

    /// One look of one controller at everything it works on.
    ///
    /// # Errors
    /// The store refuses a write that a real API server would take from its controllers: a fault of the simulation.
    pub fn look(&mut self, controller: Controller, store: &mut Store) -> Result<Round, Failure> {
        let before = store.revision();
        let mut look = Look::new(store, &self.behaviour);
        match controller {
            Controller::Deployment => deployment::look(&mut look)?,
            Controller::ReplicaSet => replica_set::look(&mut look)?,
            Controller::Node => self.node.look(&mut look)?,
            Controller::Job => job::look(&mut look)?,
            Controller::Disruption => disruption::look(&mut look)?,
            Controller::Garbage => while look.store.collect_garbage() {},
        }
        let due = look.due;
        Ok(Round { wrote: store.revision() != before, due })
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
