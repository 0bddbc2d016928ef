//! Which Deployments must be written, and with what.
//!
//! A component whose turn has not come keeps the template that it has. While only the image changes, that is the template
//! rendered at the image that runs, so a drift of it is still repaired; when more than the image changes, it is left exactly as it is
//! until its turn.

use std::borrow::Cow;

use milvus_plan::{Version, components_of};
use serde_json::Value;

use super::objects::Write;
use crate::desired::{Desired, DesiredComponent};
use crate::manifests::workload::{self, Additions, Body, Shell};
use crate::manifests::{Error, Tool, env, live};
use crate::observed::Snapshot;
use crate::records::{DeploymentRecord, Slot};
use crate::rollout::slots::{self, Size, SlotPlan, Template};
use crate::rollout::{Target, progress};
use crate::spec::{Replicas, Spec};

/// Everything a component's Deployments are made from.
pub struct Workload<'a> {
    /// The parsed spec.
    pub spec: &'a Spec,
    /// The version that is rolled out, and what the operator gives to pods.
    pub desired: &'a Desired,
    /// All reads.
    pub snapshot: &'a Snapshot,
    /// The component.
    pub target: &'a Target,
    /// Its new template may be sent.
    pub open: bool,
    /// The roll is held: no more pods move from one Deployment to the other.
    pub held: bool,
}

impl Workload<'_> {
    /// The Deployment of a component that has one.
    pub fn single(&self) -> Result<Vec<Write>, Error> {
        let watched = &self.snapshot.watched;
        let name = workload::name(watched.name(), self.target.component(), None);
        let record = watched.deployment(&name);
        let Some((component, rewritten)) = self.rendered(record)? else { return Ok(Vec::new()) };
        let replicas = self.replicas(record);
        let write = self.write(None, record, replicas, &component, rewritten)?;
        Ok(write.into_iter().collect())
    }

    /// Both Deployments of a component with slots, and the plan that they follow.
    pub fn slots(&self) -> Result<(SlotPlan, Vec<Write>), Error> {
        let watched = &self.snapshot.watched;
        let component = self.target.component();
        let views = progress::slot_views(self.target, self.snapshot);
        let live = views.iter().flatten().map(|v| v.replicas).max();
        let replicas = self.target.settings().replicas;
        let size = Size {
            wanted: replicas.wanted(live),
            autoscaled: replicas == Replicas::External,
            exclusive: self.target.desired.exclusive,
        };
        let hint = progress::slot_hint(watched, component);
        let plan = match (self.target.settings().paused || self.held, replicas) {
            (true, _) => slots::paused(hint, views, size.wanted),
            (false, Replicas::Manual(first)) => slots::manual(hint, views, first),
            (false, Replicas::Fixed(_) | Replicas::External) => slots::plan(hint, views, size, self.open),
        };
        let mut writes = Vec::new();
        // The slot that pods move to comes first: new pods are asked for before old ones are let go.
        for slot in [plan.current, plan.current.other()] {
            let goal = plan.goal(slot);
            let place = self.target.layout.place(slot);
            let record = watched.deployment(&workload::name(watched.name(), component, place));
            let write = match goal.template {
                Template::Target => match self.rendered(record)? {
                    Some((component, rewritten)) => {
                        self.write(place, record, Some(goal.replicas), &component, rewritten)?
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

    /// The component as it is rendered now, and whether that is as it is wanted. `None`: leave the Deployment
    /// alone.
    fn rendered(
        &self,
        record: Option<&DeploymentRecord>,
    ) -> Result<Option<(Cow<'_, DesiredComponent>, bool)>, Error> {
        let wanted = || Some((Cow::Borrowed(&*self.target.desired), true));
        let Some(record) = record else {
            // Before its turn it comes back as it was; what was not there before is not made before its turn.
            return match (self.open, self.recorded_image()) {
                (true, _) => Ok(wanted()),
                (false, Some(image)) => Ok(Some((Cow::Owned(self.at(&image)?), true))),
                (false, None) => Ok(None),
            };
        };
        if self.open || self.target.matches(record) {
            return Ok(wanted());
        }
        for image in [Some(record.image.clone()), self.recorded_image()].into_iter().flatten() {
            let there = self.at(&image)?;
            if record.rendered_hash.as_deref() == Some(there.hash()) {
                return Ok(Some((Cow::Owned(there), false)));
            }
        }
        Ok(None)
    }

    fn at(&self, image: &str) -> Result<DesiredComponent, Error> {
        self.target.desired.at_image(self.spec, image, &self.desired.tool)
    }

    /// The image that the status says this component runs, else the one that the whole Milvus ran last, if that version
    /// has the component.
    fn recorded_image(&self) -> Option<String> {
        let milvus = &self.snapshot.watched.milvus;
        let component = self.target.component();
        let own = milvus.status.components_deploy_status.get(component.name());
        if let Some(own) = own.filter(|s| !s.image.is_empty()) {
            return Some(own.image.clone());
        }
        let image = milvus.current_image()?;
        let version = Version::of(milvus.current_version(), image);
        components_of(&version, &self.spec.topology).contains(&component).then(|| image.to_owned())
    }

    /// The number to send; `None` leaves it to the autoscaler, or the user, who owns it.
    fn replicas(&self, record: Option<&DeploymentRecord>) -> Option<i32> {
        match (self.target.settings().replicas, record) {
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
        component: &DesiredComponent,
        rewritten: bool,
    ) -> Result<Option<Write>, Error> {
        let shell = self.shell(slot)?;
        let same = |record: &DeploymentRecord| record.rendered_hash.as_deref() == Some(component.hash());
        if record.is_some_and(|record| same(record) && self.in_sync(record, &shell, replicas)) {
            return Ok(None);
        }
        let Some(template) = self.template(slot, record, component)? else { return Ok(None) };
        let fresh = !record.is_some_and(same);
        let earlier = record.and_then(|r| r.written_at).filter(|_| !(fresh && rewritten));
        let body = Body {
            template,
            hash: Some(component.hash().to_owned()),
            replicas,
            written_at: earlier.unwrap_or(self.spec.generation),
        };
        self.assemble(slot, &shell, body).map(Some)
    }

    /// The template that is sent: the live one where that means the same, else what is wanted, over one of another
    /// operator in the order that it has. `None` while the template that pods of another operator have is not known: it
    /// is not written over unread.
    fn template(
        &self,
        slot: Option<Slot>,
        record: Option<&DeploymentRecord>,
        component: &DesiredComponent,
    ) -> Result<Option<Value>, Error> {
        let same = |record: &DeploymentRecord| record.rendered_hash.as_deref() == Some(component.hash());
        let live = record.and_then(|record| self.snapshot.templates.get(&record.name));
        let foreign = record.is_some_and(|record| record.rendered_hash.is_none());
        if let (Some(live), Some(record)) = (live, record)
            && (foreign || (same(record) && !self.lacks_minio_port(component, live)))
            // A tool image that the user names is rolled out.
            && let Some(unchanged) = live::unchanged(&component.compared(foreign && self.spec.tool_image.is_none())?, live)
        {
            return Ok(Some(unchanged));
        }
        let tool = self.tool(record.filter(|record| same(record) || self.target.adopts(record)));
        let wanted = component.template(self.spec, self.additions(slot, &tool))?;
        Ok(match (foreign, live) {
            // Ours is always the same text for the same spec: a way back finds the ReplicaSet that it left.
            (false, _) => Some(wanted),
            (true, Some(live)) => Some(live::in_live_order(&wanted, live)),
            (true, None) => (!record.is_some_and(DeploymentRecord::has_pods)).then_some(wanted),
        })
    }

    /// A Service named `minio` has come, and the pods do not have the variable that undoes its link.
    fn lacks_minio_port(&self, component: &DesiredComponent, live: &Value) -> bool {
        let Some(wanted) = env::minio_port(self.spec, &component.settings) else { return false };
        let name = component.settings.component.name();
        let containers = live["spec"]["containers"].as_array().into_iter().flatten();
        let mut of_milvus = containers.filter(|container| container["name"] == name);
        let has = |container: &Value| {
            container["env"].as_array().into_iter().flatten().any(|var| var["name"] == wanted.name.as_str())
        };
        self.snapshot.watched.minio_link && !of_milvus.any(has)
    }

    /// The tool image. `kept`: a Deployment of whose template nothing changes, or one that is taken over from another
    /// operator at the image that it has: its tool image stays too, or pods would restart for it.
    fn tool(&self, kept: Option<&DeploymentRecord>) -> Tool {
        let ours = &self.desired.tool;
        match kept.and_then(|record| record.tool.clone()) {
            Some((image, policy)) => {
                Tool { image, pull_policy: policy.unwrap_or_else(|| ours.pull_policy.clone()) }
            }
            None => ours.clone(),
        }
    }

    fn additions<'t>(&self, slot: Option<Slot>, tool: &'t Tool) -> Additions<'t> {
        Additions { slot, tool, minio_link: self.snapshot.watched.minio_link }
    }

    fn shell(&self, slot: Option<Slot>) -> Result<Shell, Error> {
        workload::shell(self.spec, &self.desired.side.version, self.target.settings(), slot)
    }

    /// An idle Deployment: it takes part in nothing until the next roll, and its image can't be pulled by mistake.
    fn idle(&self, place: Option<Slot>, record: Option<&DeploymentRecord>) -> Result<Option<Write>, Error> {
        if record.is_some() {
            return Ok(None);
        }
        let idle = self.at(&self.spec.dummy_image)?;
        let body = Body {
            template: idle.template(self.spec, self.additions(place, &self.desired.tool))?,
            hash: Some(idle.hash().to_owned()),
            replicas: Some(0),
            written_at: 0,
        };
        self.assemble(place, &self.shell(place)?, body).map(Some)
    }

    /// Changes the size of a slot and nothing else: the template that it has is sent back.
    fn resize(
        &self,
        place: Option<Slot>,
        record: Option<&DeploymentRecord>,
        replicas: i32,
    ) -> Result<Option<Write>, Error> {
        let Some(record) = record else { return self.idle(place, None) };
        if record.replicas == replicas {
            return Ok(None);
        }
        if self.target.matches(record) {
            // Its template is the one that is rendered anyway.
            return self.write(place, Some(record), Some(replicas), &self.target.desired, false);
        }
        let Some(template) = self.snapshot.templates.get(&record.name) else { return Ok(None) };
        let body = Body {
            template: live::as_it_is(template),
            hash: record.rendered_hash.clone(),
            replicas: Some(replicas),
            written_at: record.written_at.unwrap_or_default(),
        };
        self.assemble(place, &self.shell(place)?, body).map(Some)
    }

    /// Nothing of ours differs, and nobody has written the spec since our last write.
    fn in_sync(&self, record: &DeploymentRecord, shell: &Shell, replicas: Option<i32>) -> bool {
        let applied = &self.snapshot.watched.milvus.status.applied_generations;
        record.rendered_spec_hash.as_ref() == Some(&shell.hash)
            && replicas.is_none_or(|number| number == record.replicas)
            && applied.get(&record.name) == Some(&record.generation)
    }

    fn assemble(&self, slot: Option<Slot>, shell: &Shell, body: Body) -> Result<Write, Error> {
        let manifest = workload::deployment(self.spec, self.target.settings(), slot, shell, body)?;
        Ok(Write { component: Some(self.target.component()), ..Write::from(manifest) })
    }
}
