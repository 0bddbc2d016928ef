//! In how many Deployments a component lives, and in which.
//!
//! Takes the parsed Milvus and what the watches hold; gives a [`Layout`]. Query nodes have two Deployments, with
//! `spec.components.rollingMode: 3` every component has. A change of that field moves no pod: the Deployment
//! that has them takes the place of one of the two slots, until the next template moves its pods to the other.

use milvus_plan::Component;

use super::slots::SLOTS;
use crate::manifests::workload;
use crate::observed::Watched;
use crate::records::{PodRecord, Slot};
use crate::spec::Spec;

/// The Deployments of a component.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// One, whose name has no slot.
    Single,
    /// Two. A slot whose place is `None` is held by the Deployment without a slot in its name: it takes the place
    /// of the Deployment that it takes over from, or leaves to.
    Slots([Option<Slot>; 2]),
}

/// Both slots have Deployments of their own.
pub const OWN: Layout = Layout::Slots([Some(Slot::Zero), Some(Slot::One)]);

impl Layout {
    /// The layout of a component now. With `pods`, a Deployment has pods until the last of them has ended; without, until none is left
    /// that is not ending.
    pub fn of(spec: &Spec, component: Component, watched: &Watched, pods: Option<&[PodRecord]>) -> Layout {
        let wanted = workload::slotted(spec, component);
        let ending = |place| {
            pods.unwrap_or_default().iter().any(|pod| pod.component == component.name() && pod.slot == place)
        };
        let busy = |place| {
            let record = watched.deployment(&workload::name(watched.name(), component, place));
            record.is_some_and(|record| record.has_pods() || ending(place))
        };
        let substituted = match (busy(Some(Slot::Zero)), busy(Some(Slot::One))) {
            (false, false) if !wanted => return Layout::Single,
            // Pods are moving between both; the third Deployment, if there is one, is not needed.
            (true, true) => None,
            _ if wanted && !busy(None) => None,
            (false, true) => Some(Slot::Zero),
            (_, false) => Some(Slot::One),
        };
        Layout::Slots(SLOTS.map(|slot| (substituted != Some(slot)).then_some(slot)))
    }

    /// The places of its Deployments: the slot in the name, or none.
    pub fn places(self) -> Vec<Option<Slot>> {
        match self {
            Layout::Single => vec![None],
            Layout::Slots(places) => places.to_vec(),
        }
    }

    /// The place of a slot.
    pub fn place(self, slot: Slot) -> Option<Slot> {
        match self {
            Layout::Single => None,
            Layout::Slots([zero, one]) => match slot {
                Slot::Zero => zero,
                Slot::One => one,
            },
        }
    }
}

/// Names that Deployments of a component can have.
pub fn names(watched: &Watched, component: Component) -> [String; 3] {
    [None, Some(Slot::Zero), Some(Slot::One)].map(|place| workload::name(watched.name(), component, place))
}

/// A Deployment of the component, of whichever layout, is asked to have pods.
pub fn runs(watched: &Watched, component: Component) -> bool {
    names(watched, component)
        .iter()
        .filter_map(|name| watched.deployment(name))
        .any(|record| record.replicas > 0)
}
