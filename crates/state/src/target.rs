//! What each component is to be: its settings, its Deployments, and the hash that tells whether a template is the wanted one.
//!
//! Takes the parsed Milvus and what the watches hold; gives the [`Target`] of every component.

use crate::layout::{self, Layout};
use crate::records::{DeploymentRecord, PodRecord, Slot};
use crate::render::workload;
use crate::render::{Error, Tool};
use crate::snapshot::Core;
use crate::validate::{ComponentSettings, Validated};

/// A component at its target.
#[derive(Clone, Debug)]
pub struct Target {
    /// Its merged settings.
    pub settings: ComponentSettings,
    /// Its Deployments.
    pub layout: Layout,
    /// Pods of two templates must never run at once, so in a hand-over the old ones end before the new ones start.
    pub exclusive: bool,
    /// Hash of its template at the image that the spec asks for.
    pub hash: String,
}

impl Target {
    /// Names of its Deployments, in the order of the slots.
    pub fn names(&self, core: &Core) -> Vec<String> {
        let name = |place| workload::name(core.name(), self.settings.component, place);
        self.layout.places().into_iter().map(name).collect()
    }

    /// Names of its Deployments in any layout.
    pub fn all_names(&self, core: &Core) -> [String; 3] {
        layout::names(core, self.settings.component)
    }

    /// The name of the Deployment that holds a slot.
    pub fn slot_name(&self, core: &Core, slot: Slot) -> String {
        workload::name(core.name(), self.settings.component, self.layout.place(slot))
    }

    /// What was observed of its Deployments; those that do not exist, or belong to somebody else, are left out.
    pub fn records<'c>(&self, core: &'c Core) -> Vec<&'c DeploymentRecord> {
        self.names(core).iter().filter_map(|name| core.deployment(name)).collect()
    }

    /// The Deployment is another operator's and runs the wanted image: its template is exchanged where it is, which restarts nothing while it
    /// means the same. Moving its pods to the other slot would restart all of them.
    pub fn adopts(&self, record: &DeploymentRecord) -> bool {
        record.rendered_hash.is_none() && record.image == self.settings.image
    }

    /// The Deployment has the wanted template.
    pub fn matches(&self, record: &DeploymentRecord) -> bool {
        record.rendered_hash.as_ref() == Some(&self.hash)
    }
}

/// The targets of all components. `pods` are those of the Milvus, where they were listed.
pub fn targets(milvus: &Validated, core: &Core, pods: Option<&[PodRecord]>) -> Result<Vec<Target>, Error> {
    milvus
        .components
        .iter()
        .map(|settings| {
            let hash = hash_at(milvus, settings, &settings.image, &core.tool)?;
            let layout = Layout::of(milvus, settings.component, core, pods);
            let exclusive = workload::exclusive(milvus, settings);
            Ok(Target { settings: settings.clone(), layout, exclusive, hash })
        })
        .collect()
}

/// The hash that a component's template has at an image.
pub fn hash_at(
    milvus: &Validated,
    settings: &ComponentSettings,
    image: &str,
    tool: &Tool,
) -> Result<String, Error> {
    // Neither the slot nor a Service named `minio` is part of the hash, so every answer gives the same.
    Ok(workload::render(milvus, settings, None, image, tool, false)?.hash)
}
