//! Which Deployments must be written, and with what.
//!
//! A component whose turn has not come keeps the template that it has. While only the image changes, that is the template
//! rendered at the image that runs, so a drift of it is still repaired; when more than the image changes, it is left exactly as it is
//! until its turn.

use std::collections::BTreeMap;

use milvus_plan::{Version, components_of};
use serde_json::Value;

use super::objects::DeploymentWrite;
use super::workload::{self, Body, Rendered, Shell};
use super::{Error, Tool};
use crate::records::{DeploymentRecord, Slot};
use crate::slots::{self, Size, SlotPlan, Template};
use crate::snapshot::Snapshot;
use crate::survey;
use crate::target::{self, Target};
use crate::validate::{Replicas, Validated};

/// Everything a component's Deployments are made from.
pub struct Workload<'a> {
    /// The parsed Milvus.
    pub milvus: &'a Validated,
    /// All reads.
    pub snapshot: &'a Snapshot,
    /// The component.
    pub target: &'a Target,
    /// Its new template may be sent.
    pub open: bool,
}

impl Workload<'_> {
    /// The Deployment of a component that has one.
    pub fn single(&self) -> Result<Vec<DeploymentWrite>, Error> {
        let core = &self.snapshot.core;
        let name = workload::name(core.name(), self.target.settings.component, None);
        let record = core.deployment(&name);
        let Some((image, written)) = self.image(record)? else { return Ok(Vec::new()) };
        let replicas = self.replicas(record);
        self.write(None, record, replicas, &image, written).map(|write| write.into_iter().collect())
    }

    /// Both Deployments of a component with slots, and the plan that they follow.
    pub fn slots(&self) -> Result<(SlotPlan, Vec<DeploymentWrite>), Error> {
        let core = &self.snapshot.core;
        let component = self.target.settings.component;
        let views = survey::slot_views(self.target, self.snapshot);
        let live = views.iter().flatten().map(|v| v.replicas).max();
        let replicas = self.target.settings.replicas;
        let size = Size {
            wanted: replicas.wanted(live),
            autoscaled: replicas == Replicas::External,
            exclusive: self.target.exclusive,
        };
        let hint = survey::slot_hint(core, component);
        let plan = match (self.target.settings.paused, replicas) {
            (true, _) => slots::paused(hint, views, size.wanted),
            (false, Replicas::Manual(first)) => slots::manual(hint, views, first),
            (false, Replicas::Fixed(_) | Replicas::External) => slots::plan(hint, views, size, self.open),
        };
        let mut writes = Vec::new();
        // The slot that pods move to comes first: new pods are asked for before old ones are let go.
        for slot in [plan.current, plan.current.other()] {
            let goal = plan.goal(slot);
            let place = self.target.layout.place(slot);
            let record = core.deployment(&workload::name(core.name(), component, place));
            let write = match goal.template {
                Template::Target => match self.image(record)? {
                    Some((image, written)) => {
                        self.write(place, record, Some(goal.replicas), &image, written)?
                    }
                    None => None,
                },
                Template::Idle => self.idle(place, record)?,
                Template::Keep => self.resize(place, record, goal.replicas)?,
            };
            writes.extend(write);
        }
        Ok((plan, writes))
    }

    /// The image to render at, and whether the template is the wanted one. `None`: leave the Deployment alone.
    fn image(&self, record: Option<&DeploymentRecord>) -> Result<Option<(String, bool)>, Error> {
        let settings = &self.target.settings;
        let Some(record) = record else {
            // Before its turn it comes back as it was; what was not there before is not made before its turn.
            let image = if self.open { Some(settings.image.clone()) } else { self.recorded_image() };
            return Ok(image.map(|image| (image, true)));
        };
        if self.open || self.target.matches(record) {
            return Ok(Some((settings.image.clone(), true)));
        }
        for image in [Some(record.image.clone()), self.recorded_image()].into_iter().flatten() {
            let hash = target::hash_at(self.milvus, settings, &image, &self.snapshot.core.tool)?;
            if record.rendered_hash.as_ref() == Some(&hash) {
                return Ok(Some((image, false)));
            }
        }
        Ok(None)
    }

    /// The image that the status says this component runs, else the one that the whole Milvus ran last, if that version
    /// has the component.
    fn recorded_image(&self) -> Option<String> {
        let status = self.snapshot.core.milvus.status.as_ref()?;
        let component = self.target.settings.component;
        let own = status.components_deploy_status.get(component.name());
        if let Some(own) = own.filter(|s| !s.image.is_empty()) {
            return Some(own.image.clone());
        }
        let image = status.current_image.clone().filter(|i| !i.is_empty())?;
        let version = Version::of(status.current_version.as_deref().filter(|v| !v.is_empty()), &image);
        components_of(&version, &self.milvus.topology).contains(&component).then_some(image)
    }

    /// The number to send; `None` leaves it to the autoscaler, or the user, who owns it.
    fn replicas(&self, record: Option<&DeploymentRecord>) -> Option<i32> {
        match (self.target.settings.replicas, record) {
            (Replicas::External, Some(record)) if record.scaled_by_other && record.replicas > 0 => None,
            (Replicas::Manual(_), Some(record)) if record.scaled_by_other => None,
            (replicas, record) => Some(replicas.wanted(record.map(|r| r.replicas))),
        }
    }

    /// The write of a rendered template, if anything differs.
    fn write(
        &self,
        slot: Option<Slot>,
        record: Option<&DeploymentRecord>,
        replicas: Option<i32>,
        image: &str,
        rewritten: bool,
    ) -> Result<Option<DeploymentWrite>, Error> {
        let core = &self.snapshot.core;
        let settings = &self.target.settings;
        let shell = workload::shell(self.milvus, settings, slot)?;
        let mut rendered = self.rendered(slot, image, &core.tool)?;
        if let Some(record) = record {
            let same = record.rendered_hash.as_ref() == Some(&rendered.hash);
            if same && self.in_sync(record, &shell, replicas) {
                return Ok(None);
            }
            if let (true, Some((tool, policy))) = (same || self.target.adopts(record), &record.tool) {
                // Nothing of the template changes, or it is taken over from another operator at the image that it has: the tool image stays
                // too, or pods would restart for it.
                let pull_policy = policy.clone().unwrap_or_else(|| core.tool.pull_policy.clone());
                rendered = self.rendered(slot, image, &Tool { image: tool.clone(), pull_policy })?;
            }
        }
        let fresh = record.is_none_or(|r| r.rendered_hash.as_ref() != Some(&rendered.hash));
        let earlier = record.and_then(|r| r.written_at).filter(|_| !(fresh && rewritten));
        let template = serde_json::to_value(&rendered.template).map_err(|source| Error::Hash { source })?;
        let body = Body {
            template,
            hash: Some(rendered.hash),
            replicas,
            written_at: earlier.unwrap_or(self.milvus.generation),
        };
        self.assemble(slot, &shell, body).map(Some)
    }

    fn rendered(&self, slot: Option<Slot>, image: &str, tool: &Tool) -> Result<Rendered, Error> {
        let minio = self.snapshot.core.minio_link;
        workload::render(self.milvus, &self.target.settings, slot, image, tool, minio)
    }

    /// An idle twin: it takes part in nothing until the next roll, and its image can't be pulled by mistake.
    fn idle(
        &self,
        place: Option<Slot>,
        record: Option<&DeploymentRecord>,
    ) -> Result<Option<DeploymentWrite>, Error> {
        if record.is_some() {
            return Ok(None);
        }
        let rendered = self.rendered(place, &self.milvus.dummy_image, &self.snapshot.core.tool)?;
        let shell = workload::shell(self.milvus, &self.target.settings, place)?;
        let template = serde_json::to_value(&rendered.template).map_err(|source| Error::Hash { source })?;
        let body = Body { template, hash: Some(rendered.hash), replicas: Some(0), written_at: 0 };
        self.assemble(place, &shell, body).map(Some)
    }

    /// Changes the size of a slot and nothing else: the template that it has is sent back.
    fn resize(
        &self,
        place: Option<Slot>,
        record: Option<&DeploymentRecord>,
        replicas: i32,
    ) -> Result<Option<DeploymentWrite>, Error> {
        let Some(record) = record else { return self.idle(place, None) };
        if record.replicas == replicas {
            return Ok(None);
        }
        if self.target.matches(record) {
            // Its template is the one that is rendered anyway.
            return self.write(place, Some(record), Some(replicas), &self.target.settings.image, false);
        }
        let Some(template) = self.snapshot.templates.get(&record.name) else { return Ok(None) };
        let shell = workload::shell(self.milvus, &self.target.settings, place)?;
        let body = Body {
            template: template.clone(),
            hash: record.rendered_hash.clone(),
            replicas: Some(replicas),
            written_at: record.written_at.unwrap_or_default(),
        };
        self.assemble(place, &shell, body).map(Some)
    }

    /// Nothing of ours differs, and nobody has written the spec since our last write.
    fn in_sync(&self, record: &DeploymentRecord, shell: &Shell, replicas: Option<i32>) -> bool {
        let empty = BTreeMap::new();
        let status = self.snapshot.core.milvus.status.as_ref();
        let applied = status.map_or(&empty, |s| &s.applied_generations);
        record.rendered_spec_hash.as_ref() == Some(&shell.hash)
            && replicas.is_none_or(|number| number == record.replicas)
            && applied.get(&record.name) == Some(&record.generation)
    }

    fn assemble(&self, slot: Option<Slot>, shell: &Shell, body: Body) -> Result<DeploymentWrite, Error> {
        let settings = &self.target.settings;
        let name = workload::name(&self.milvus.name, settings.component, slot);
        let object: Value = workload::deployment(self.milvus, settings, slot, shell, body)?;
        Ok(DeploymentWrite { component: settings.component, name, object })
    }
}
