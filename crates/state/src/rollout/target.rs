//! A component and its Deployments.

use std::sync::Arc;

use milvus_plan::Component;

use super::layout::{self, Layout};
use crate::desired::{Desired, DesiredComponent};
use crate::manifests::workload;
use crate::observed::Watched;
use crate::records::{DeploymentRecord, PodRecord, Slot};
use crate::spec::{ComponentSettings, Spec};

/// A component as it is to be, and the Deployments that it lives in.
#[derive(Clone, Debug)]
pub struct Target {
    /// What it is to be.
    pub desired: Arc<DesiredComponent>,
    /// Its Deployments.
    pub layout: Layout,
}

impl Target {
    /// The targets of all components. `pods` are those of the Milvus, where they were listed.
    pub fn all(spec: &Spec, desired: &Desired, watched: &Watched, pods: Option<&[PodRecord]>) -> Vec<Target> {
        let target = |component: &Arc<DesiredComponent>| Target {
            layout: Layout::of(spec, component.settings.component, watched, pods),
            desired: component.clone(),
        };
        desired.components.iter().map(target).collect()
    }

    /// Its merged settings.
    pub fn settings(&self) -> &ComponentSettings {
        &self.desired.settings
    }

    /// Which component it is.
    pub fn component(&self) -> Component {
        self.desired.settings.component
    }

    /// Names of its Deployments, in the order of the slots.
    pub fn names(&self, watched: &Watched) -> Vec<String> {
        let name = |place| workload::name(watched.name(), self.component(), place);
        self.layout.places().into_iter().map(name).collect()
    }

    /// Names of its Deployments in any layout.
    pub fn all_names(&self, watched: &Watched) -> [String; 3] {
        layout::names(watched, self.component())
    }

    /// The name of the Deployment that holds a slot.
    pub fn slot_name(&self, watched: &Watched, slot: Slot) -> String {
        workload::name(watched.name(), self.component(), self.layout.place(slot))
    }

    /// What was observed of its Deployments; those that do not exist, or belong to somebody else, are left out.
    pub fn records<'c>(&self, watched: &'c Watched) -> Vec<&'c DeploymentRecord> {
        self.names(watched).iter().filter_map(|name| watched.deployment(name)).collect()
    }

    /// The Deployment is another operator's and runs the wanted image: its template is exchanged where it is, which
    /// restarts nothing while it means the same. Moving its pods to the other slot would restart all of them.
    pub fn adopts(&self, record: &DeploymentRecord) -> bool {
        record.rendered_hash.is_none() && record.image == self.desired.image
    }

    /// The Deployment has the wanted template.
    pub fn matches(&self, record: &DeploymentRecord) -> bool {
        record.rendered_hash.as_deref() == Some(self.desired.hash())
    }
}
