//! What must hold in every world at every moment, and the record of what was done.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use k8s_openapi::api::apps::v1::DeploymentSpec;
use milvus_api::milvus::DEFAULT_IMAGE;
use milvus_api::{ComponentName, Place};
use milvus_sim::cluster::text;
use milvus_sim::server::{Event, Kind, Verb};
use milvus_state::desired::Parsed;
use serde_json::Value;
use strum::IntoEnumIterator as _;

use super::World;
use super::gate::OPERATOR;
use super::told::{Key, keys, row_of, told, unregistered};

/// A write of a Deployment: before and after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Step of the world.
    pub step: usize,
    /// Deployment.
    pub deployment: String,
    /// Image of the Milvus container.
    pub image: (Option<String>, Option<String>),
    /// `spec.replicas`
    pub replicas: (Option<i32>, Option<i32>),
    /// The template changed.
    pub template: bool,
    /// Images that Deployments of the component with pods asked for before.
    pub ran: Vec<String>,
}

impl Change {
    /// A component that runs got an image that it did not run.
    pub fn moves_image(&self) -> bool {
        let asked = self.image.1.as_ref().filter(|_| self.replicas.1 != Some(0));
        !self.ran.is_empty() && asked.is_some_and(|image| !self.ran.contains(image))
    }
}

/// What was done so far.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// Steps of the world.
    pub steps: usize,
    /// Writes of Deployments.
    pub changes: Vec<Change>,
    /// Distinct messages of `MilvusUpdated`, in order.
    pub messages: Vec<String>,
    /// Every reason that was told, and where.
    pub told: BTreeSet<(Place, String)>,
    /// Labels, annotations and finalizers of ours that were set.
    pub keys: BTreeSet<Key>,
    /// Events, each as it was when it was new.
    pub events: Vec<News>,
    /// Writes of objects, without the status.
    pub objects_written: usize,
    /// Writes of the status.
    pub statuses_written: usize,
}

impl History {
    pub(super) fn add_message(&mut self, message: String) {
        if self.messages.last() != Some(&message) {
            self.messages.push(message);
        }
    }
}

/// An Event about the Milvus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct News {
    /// `reason`
    pub reason: String,
    /// `note`
    pub message: String,
}

/// The image of the Milvus container.
fn main_image(spec: &DeploymentSpec) -> String {
    let pod = spec.template.spec.as_ref().unwrap();
    pod.containers[0].image.clone().unwrap()
}

/// Components that go together: 2.3's datacoord becomes active only when the indexcoord of 2.2 is gone, and the
/// streaming node of 2.6 needs its coordinator.
const TOGETHER: [[&str; 2]; 2] = [["datacoord", "indexcoord"], ["streamingnode", "mixcoord"]];

impl World {
    /// Reads what was committed since.
    pub(super) fn read(&mut self, news: &[Event]) {
        for event in news.iter().filter(|event| *event.actor == *OPERATOR) {
            self.read_registered(event);
        }
        for event in news {
            match event.kind {
                Kind::Event if event.verb == Verb::Create => {
                    let after = event.after.as_deref().unwrap();
                    let (reason, message) = (text(after, "/reason"), text(after, "/note"));
                    self.history.events.push(News { reason: reason.to_owned(), message: message.to_owned() });
                }
                Kind::Deployment if *event.actor == *OPERATOR && event.subresource.is_none() => {
                    self.add_change(event);
                }
                _ => {}
            }
        }
    }

    /// Every reason stands where the registry has it, and every key that is set has its row.
    fn read_registered(&mut self, event: &Event) {
        let told = told(event);
        let unregistered = unregistered(&told);
        assert!(unregistered.is_empty(), "not in the registry: {unregistered:?}\n{}", self.describe());
        self.history.told.extend(told);
        let keys = keys(event);
        let unknown: Vec<_> = keys.iter().filter(|key| row_of(key).is_none()).collect();
        assert!(unknown.is_empty(), "set, and not in the registry of keys: {unknown:?}");
        self.history.keys.extend(keys);
    }

    /// A Deployment was written by the operator.
    fn add_change(&mut self, event: &Event) {
        let spec = |object: &Option<std::sync::Arc<Value>>| -> Option<DeploymentSpec> {
            object.as_deref().map(|object| serde_json::from_value(object["spec"].clone()).unwrap())
        };
        let (before, after) = (spec(&event.before), spec(&event.after));
        if before == after {
            return;
        }
        let image = |spec: &Option<DeploymentSpec>| spec.as_ref().map(main_image);
        let size = |spec: &Option<DeploymentSpec>| spec.as_ref().and_then(|s| s.replicas);
        let name = event.name.to_string();
        let component = World::component_of(&name);
        let siblings = self.deployments.iter().filter(|(other, _)| World::component_of(other) == component);
        let others = siblings.filter(|(other, _)| **other != name).filter_map(|(_, d)| d.spec.as_ref());
        let ran = others.chain(&before).filter(|s| s.replicas != Some(0)).map(main_image).collect();
        let change = Change {
            step: self.history.steps,
            deployment: name,
            image: (image(&before), image(&after)),
            replicas: (size(&before), size(&after)),
            ran,
            template: before.as_ref().map(|s| &s.template) != after.as_ref().map(|s| &s.template),
        };
        self.check_order(&change);
        self.history.changes.push(change);
    }

    /// The component that a Deployment is of.
    pub fn component_of(deployment: &str) -> String {
        let (_, rest) = deployment.split_once("-milvus-").unwrap();
        rest.split('-').next().unwrap().to_owned()
    }

    /// The image that the spec asks a component to run.
    pub fn wanted_image(&self, component: &str) -> String {
        let components = &self.cr().spec.components;
        let own = component.parse().ok().and_then(|name| components.component(name));
        let own = own.and_then(|c| c.spec.image.clone()).filter(|i| !i.is_empty());
        let global = components.global.image.clone().unwrap();
        // The API server writes the default image where none is given: components of another line contradict it.
        let line = |image: &str| image.rsplit_once('.').map(|(line, _)| line.to_owned());
        let others = ComponentName::iter().filter_map(|name| components.component(name)?.spec.image.clone());
        let contradicts = |image: &String| global == DEFAULT_IMAGE && line(image) != line(&global);
        own.or_else(|| others.into_iter().find(contradicts)).unwrap_or(global)
    }

    /// The order in which components got a new image: each once for each image, those of one step joined.
    pub fn order(&self) -> Vec<String> {
        let mut order: Vec<(usize, String, String)> = Vec::new();
        for change in self.history.changes.iter().filter(|c| c.moves_image()) {
            let component = World::component_of(&change.deployment);
            let image = change.image.1.clone().unwrap();
            match order.last_mut() {
                Some((step, names, of)) if *step == change.step && *of == image => {
                    names.push('+');
                    names.push_str(&component);
                }
                _ => order.push((change.step, component, image)),
            }
        }
        order.into_iter().map(|(_, names, _)| names).collect()
    }

    /// A component has pods of two images, or is at the wanted one and not complete.
    fn mid_roll(&self, component: &str) -> bool {
        let mut images: Vec<&str> =
            self.pods.values().filter(|p| p.component() == component).map(|p| p.image.as_str()).collect();
        let live = self.deployments.iter().filter(|(name, _)| World::component_of(name) == component);
        let live: Vec<_> =
            live.filter_map(|(_, d)| d.spec.as_ref()).filter(|s| s.replicas != Some(0)).collect();
        let asked: Vec<String> = live.iter().map(|s| main_image(s)).collect();
        images.extend(asked.iter().map(String::as_str));
        images.sort_unstable();
        images.dedup();
        let wanted = self.wanted_image(component);
        let replicas: i32 = live.iter().filter_map(|s| s.replicas).sum();
        let ready = self.pods.values().filter(|p| p.component() == component && p.ready && !p.ending);
        images.len() > 1
            || (images == [wanted.as_str()] && ready.count() < usize::try_from(replicas).unwrap())
    }

    fn check_order(&self, change: &Change) {
        if !self.demands.ordered || !change.moves_image() {
            return;
        }
        let component = World::component_of(&change.deployment);
        let mut others: Vec<String> = self.deployments.keys().map(|name| World::component_of(name)).collect();
        others.sort();
        others.dedup();
        let together =
            |other: &str| TOGETHER.iter().any(|pair| pair.contains(&other) && pair.contains(&&*component));
        for other in others.iter().filter(|o| **o != component && !together(o)) {
            assert!(
                !self.mid_roll(other),
                "{component} gets another image while {other} is mid-roll\n{change:?}\n{}",
                self.describe()
            );
        }
    }

    /// Holds after every pass and after every step.
    pub(super) fn check(&self) {
        let Some(milvus) = &self.milvus else { return };
        let observed = milvus.status.as_ref().and_then(|s| s.observed_generation);
        if self.updated() && observed == milvus.metadata.generation {
            for pod in self.pods.values() {
                assert_eq!(
                    pod.image,
                    self.wanted_image(pod.component()),
                    "MilvusUpdated is True, but a pod runs something else\n{}",
                    self.describe()
                );
            }
        }
        if self.demands.serving {
            self.check_serving();
        }
    }

    /// Every component has as many available pods as the spec asks for.
    fn check_serving(&self) {
        let Ok(Ok(parsed)) = Parsed::of(self.cr(), &self.tool) else { return };
        for settings in parsed.desired.components.iter().map(|component| &component.settings) {
            let name = settings.component.name();
            let ready = self.pods.values().filter(|p| p.component() == name && p.ready && !p.ending);
            let ready = i32::try_from(ready.count()).unwrap();
            let wanted = settings.replicas.wanted(None);
            assert!(ready >= wanted, "{name}: {ready} of {wanted} pods serve\n{}", self.describe());
        }
    }

    /// Everything, for the message of a failed test.
    pub fn describe(&self) -> String {
        let mut text = format!("step {} write {}\n", self.history.steps, self.writes());
        for (name, live) in &self.deployments {
            let spec = live.spec.as_ref().unwrap();
            let status = live.status.clone().unwrap_or_default();
            let _ = writeln!(
                text,
                "  {name} generation {:?}/{:?} image {} replicas {:?} updated {:?} available {:?}",
                live.metadata.generation,
                status.observed_generation,
                main_image(spec),
                spec.replicas,
                status.updated_replicas,
                status.available_replicas
            );
        }
        for pod in self.pods.values() {
            let _ =
                writeln!(text, "    {} {} ready {} ending {}", pod.name, pod.image, pod.ready, pod.ending);
        }
        if let Some(status) = self.milvus.as_ref().and_then(|m| m.status.as_ref()) {
            for c in &status.conditions {
                let _ = writeln!(text, "  {}={} {}: {}", c.type_, c.status, c.reason, c.message);
            }
            let _ = writeln!(text, "  upgrade {:?}", status.upgrade);
        }
        text
    }
}
