//! What a Milvus is to be: the parsed spec, and its components at one version with their templates.
//!
//! Built once a pass. What must be read, what is decided, what is written and what the status says are all
//! computed from this one value.

use std::sync::Arc;

use milvus_api::Milvus;
use milvus_plan::{Component, Side, Version};
use serde_json::Value;

use crate::manifests::workload::{self, Additions, Rendered};
use crate::manifests::{Error, Tool, too_large};
use crate::records::MilvusRecord;
use crate::refusal::Refusal;
use crate::spec::{self, ComponentSettings, Replicas, Spec};

/// A Milvus whose spec is understood.
#[derive(Clone, Debug)]
pub struct Parsed {
    /// The spec.
    pub spec: Spec,
    /// Its components at the version that it asks for.
    pub desired: Desired,
}

impl Parsed {
    /// Parses the spec and renders the templates of its components. `tool` is what the operator gives to pods.
    ///
    /// # Errors
    /// The outer one is a bug: what can't be rendered. The inner one has every field that can't be understood.
    pub fn of(milvus: &Milvus, tool: &Tool) -> Result<Result<Parsed, Vec<Refusal>>, Error> {
        let held = held(&MilvusRecord::of(milvus));
        let spec = match spec::parse(milvus, held.as_ref()) {
            Ok(spec) => spec,
            Err(refusals) => return Ok(Err(refusals)),
        };
        if let Some(refusal) = too_large(&spec) {
            return Ok(Err(vec![refusal]));
        }
        let desired = Desired::at(&spec, spec.asked.clone(), tool)?;
        Ok(Ok(Parsed { spec, desired }))
    }
}

/// The image that the last finished roll left: what is kept while a change is refused.
pub fn held(milvus: &MilvusRecord) -> Option<Side> {
    let image = milvus.current_image()?;
    Some(Side { image: image.to_owned(), version: Version::of(milvus.current_version(), image) })
}

/// The components of a Milvus at one image.
#[derive(Clone, Debug)]
pub struct Desired {
    /// The image and its version.
    pub side: Side,
    /// In upstream's order.
    pub components: Vec<Arc<DesiredComponent>>,
    /// What the operator gives to pods.
    pub tool: Tool,
}

/// A component with its template.
#[derive(Clone, Debug)]
pub struct DesiredComponent {
    /// Its merged settings.
    pub settings: Arc<ComponentSettings>,
    /// The image that it is to run: its own, else that of the whole Milvus.
    pub image: String,
    /// Pods of two templates must never run at once: the old ones end before the new ones start.
    pub exclusive: bool,
    rendered: Rendered,
}

impl Desired {
    /// The components that exist at the version of `side`, rendered.
    ///
    /// # Errors
    /// Only bugs: what can't be rendered.
    pub fn at(spec: &Spec, side: Side, tool: &Tool) -> Result<Desired, Error> {
        let component = |settings: &Arc<ComponentSettings>| {
            let image = settings.own_image.as_ref().unwrap_or(&side).image.clone();
            Ok(Arc::new(DesiredComponent {
                rendered: Rendered::new(spec, settings, &image, tool)?,
                exclusive: workload::exclusive(spec, &side.version, settings),
                settings: settings.clone(),
                image,
            }))
        };
        let components = spec.components_at(&side.version).map(component).collect::<Result<_, _>>()?;
        Ok(Desired { side, components, tool: tool.clone() })
    }

    /// A component that exists at this version.
    pub fn component(&self, component: Component) -> Option<&DesiredComponent> {
        self.components.iter().find(|c| c.settings.component == component).map(AsRef::as_ref)
    }

    /// Every component is asked to have no pods. In manual mode nobody asks.
    pub fn stopping(&self) -> bool {
        self.components.iter().all(|component| component.settings.replicas == Replicas::Fixed(0))
    }
}

impl DesiredComponent {
    /// Hash of the template.
    pub fn hash(&self) -> &str {
        &self.rendered.hash
    }

    /// The same component at another image.
    ///
    /// # Errors
    /// Only bugs: what can't be rendered.
    pub fn at_image(&self, spec: &Spec, image: &str, tool: &Tool) -> Result<DesiredComponent, Error> {
        Ok(DesiredComponent {
            settings: self.settings.clone(),
            image: image.to_owned(),
            exclusive: self.exclusive,
            rendered: Rendered::new(spec, &self.settings, image, tool)?,
        })
    }

    /// What a live template is compared with; `adopted` as in [`Rendered::compared`].
    ///
    /// # Errors
    /// Only bugs: what can't be written as JSON.
    pub fn compared(&self, adopted: bool) -> Result<Value, Error> {
        self.rendered.compared(adopted)
    }

    /// The template as it is sent.
    ///
    /// # Errors
    /// Only bugs: what can't be written as JSON.
    pub fn template(&self, spec: &Spec, added: Additions<'_>) -> Result<Value, Error> {
        self.rendered.complete(spec, &self.settings, added)
    }
}
