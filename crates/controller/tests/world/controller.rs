//! The Deployment controller and the node of the model: one step at a time.

use k8s_openapi::api::apps::v1::{Deployment, DeploymentCondition, DeploymentSpec, DeploymentStatus};
use k8s_openapi::api::core::v1::{Pod, PodTemplateSpec};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde_json::json;

use super::World;
use super::api::main_image;

/// A pod of a Deployment.
#[derive(Clone, Debug)]
pub struct SimPod {
    /// `metadata.name`
    pub name: String,
    /// Deployment that made it.
    pub deployment: String,
    /// Template that it was made from.
    pub template: PodTemplateSpec,
    /// Image of the Milvus container.
    pub image: String,
    /// Steps since it was made.
    pub age: u32,
    /// Ready, and so long that it is available.
    pub ready: bool,
    /// Steps since it was told to end.
    pub ending: Option<u32>,
    /// Its image can't be pulled.
    pub broken: bool,
}

impl SimPod {
    /// Tells it to end.
    pub fn end(&mut self) {
        self.ending.get_or_insert(0);
    }

    /// Component, by its label.
    pub fn component(&self) -> &str {
        let labels = self.template.metadata.as_ref().unwrap().labels.as_ref().unwrap();
        &labels["app.kubernetes.io/component"]
    }

    /// The object as the API server shows it.
    pub fn object(&self) -> Pod {
        let mut metadata = serde_json::to_value(&self.template.metadata).unwrap();
        metadata["name"] = json!(self.name);
        if self.ending.is_some() {
            metadata["deletionTimestamp"] = json!("2027-01-15T08:00:00Z");
        }
        let mut status = json!({"phase": "Running", "conditions": [{"type": "Ready", "status": if self.ready { "True" } else { "False" }}]});
        if self.broken {
            let waiting = json!({"reason": "ImagePullBackOff", "message": format!("Back-off pulling image {:?}", self.image)});
            status["phase"] = json!("Pending");
            status["containerStatuses"] = json!([{"name": "milvus", "image": self.image, "imageID": "", "ready": false,
                "restartCount": 0, "state": {"waiting": waiting}}]);
        }
        serde_json::from_value(json!({"metadata": metadata, "spec": self.template.spec, "status": status}))
            .unwrap()
    }
}

/// What a Deployment may have too much and too little of while it rolls.
struct Bounds {
    recreate: bool,
    surge: usize,
    unavailable: usize,
}

impl Bounds {
    fn of(spec: &DeploymentSpec, replicas: usize) -> Bounds {
        let strategy = spec.strategy.clone().unwrap_or_default();
        let rolling = strategy.rolling_update.unwrap_or_default();
        let number = |value: Option<IntOrString>| match value {
            Some(IntOrString::Int(number)) => usize::try_from(number).unwrap(),
            Some(IntOrString::String(text)) => {
                replicas * text.trim_end_matches('%').parse::<usize>().unwrap() / 100
            }
            None => 0,
        };
        Bounds {
            recreate: strategy.type_.as_deref() == Some("Recreate"),
            surge: number(rolling.max_surge),
            unavailable: number(rolling.max_unavailable),
        }
    }
}

impl World {
    /// One step: pods age, then every Deployment is looked at once. Whether anything changed, or will by itself.
    pub fn tick(&mut self) -> bool {
        self.advance_clock();
        self.history.steps += 1;
        let mut moved = self.age_pods();
        let names: Vec<String> = self.deployments.keys().cloned().collect();
        for name in names {
            moved |= self.sync(&name);
        }
        let status = |live: &Deployment| Some((live.metadata.uid.clone()?, live.status.clone()?));
        self.watched.push_front(self.deployments.values().filter_map(status).collect());
        self.watched.truncate(self.behaviour.watch_lag + 1);
        moved
    }

    fn age_pods(&mut self) -> bool {
        let behaviour = self.behaviour.clone();
        let mut moved = false;
        self.pods.retain(|_, pod| {
            pod.age += 1;
            if let Some(ending) = pod.ending.as_mut() {
                *ending += 1;
                moved = true;
                return *ending < behaviour.ends_after;
            }
            // What has been pulled keeps running.
            pod.broken = !pod.ready && behaviour.broken.contains(&pod.image);
            let ready = pod.ready || (!pod.broken && pod.age >= behaviour.ready_after);
            moved |= ready != pod.ready || (!ready && !pod.broken);
            pod.ready = ready;
            true
        });
        moved
    }

    fn sync(&mut self, name: &str) -> bool {
        let live = self.deployments[name].clone();
        let spec = live.spec.as_ref().unwrap();
        let replicas = usize::try_from(spec.replicas.unwrap()).unwrap();
        let bounds = Bounds::of(spec, replicas);
        let moved = self.roll(name, spec, replicas, &bounds);
        let status = self.count(name, &live, replicas, &bounds);
        let changed = live.status.as_ref() != Some(&status);
        self.deployments.get_mut(name).unwrap().status = Some(status);
        moved || changed
    }

    fn refuses(&self, name: &str, spec: &DeploymentSpec) -> bool {
        let refused = self.behaviour.refused.as_ref();
        refused.is_some_and(|(component, image)| {
            self.component_of(name) == *component && main_image(spec) == *image
        })
    }

    /// Names of the pods that are not ending: those of the newest template, and the others.
    fn split(&self, name: &str, spec: &DeploymentSpec) -> (Vec<String>, Vec<String>) {
        let live = self.pods.values().filter(|p| p.deployment == name && p.ending.is_none());
        let (new, old): (Vec<_>, Vec<_>) = live.partition(|p| p.template == spec.template);
        let names = |list: Vec<&SimPod>| list.into_iter().map(|p| p.name.clone()).collect();
        (names(new), names(old))
    }

    /// What the controller does in one look: at most make pods and end pods as far as the bounds allow.
    fn roll(&mut self, name: &str, spec: &DeploymentSpec, replicas: usize, bounds: &Bounds) -> bool {
        let (new, old) = self.split(name, spec);
        let before = self.pods.len();
        if bounds.recreate && !old.is_empty() {
            self.end(&old);
            return true;
        }
        let ending = self.pods.values().any(|p| p.deployment == name && p.ending.is_some());
        if bounds.recreate && ending && new.is_empty() {
            return true;
        }
        let room = (replicas + bounds.surge).saturating_sub(new.len() + old.len());
        let surge_free = if old.is_empty() { replicas } else { replicas + bounds.surge };
        let missing = replicas.saturating_sub(new.len()).min(room).min(surge_free);
        if !self.refuses(name, spec) {
            (0..missing).for_each(|_| self.start(name, spec));
        }
        let excess: Vec<String> = new.into_iter().skip(replicas).collect();
        self.end(&excess);
        let ended = self.end_old(name, spec, replicas, bounds);
        self.pods.len() != before || !excess.is_empty() || ended
    }

    /// Old pods that are not ready go first; the others as far as enough pods stay available.
    fn end_old(&mut self, name: &str, spec: &DeploymentSpec, replicas: usize, bounds: &Bounds) -> bool {
        let (new, old) = self.split(name, spec);
        let available = |names: &[String]| names.iter().filter(|n| self.pods[*n].ready).count();
        let floor = replicas.saturating_sub(bounds.unavailable);
        let new_unavailable = new.len() - available(&new);
        let all = new.len() + old.len();
        let mut may_go = all.saturating_sub(floor).saturating_sub(new_unavailable);
        let spare = (available(&new) + available(&old)).saturating_sub(floor);
        let (ready, unready): (Vec<String>, Vec<String>) = old.into_iter().partition(|n| self.pods[n].ready);
        let mut going: Vec<String> = unready.into_iter().take(may_go).collect();
        may_go -= going.len();
        going.extend(ready.into_iter().take(may_go.min(spare)));
        self.end(&going);
        !going.is_empty()
    }

    fn end(&mut self, names: &[String]) {
        for name in names {
            self.pods.get_mut(name).unwrap().end();
        }
    }

    fn start(&mut self, deployment: &str, spec: &DeploymentSpec) {
        self.serial += 1;
        let name = format!("{deployment}-{:04}", self.serial);
        let pod = SimPod {
            name: name.clone(),
            deployment: deployment.to_owned(),
            template: spec.template.clone(),
            image: main_image(spec),
            age: 0,
            ready: false,
            ending: None,
            broken: false,
        };
        self.pods.insert(name, pod);
    }

    fn count(&self, name: &str, live: &Deployment, replicas: usize, bounds: &Bounds) -> DeploymentStatus {
        let (new, old) = self.split(name, live.spec.as_ref().unwrap());
        let number = |count: usize| (count > 0).then(|| i32::try_from(count).unwrap());
        let ready = new.iter().chain(&old).filter(|n| self.pods[*n].ready).count();
        let floor = if bounds.recreate { replicas } else { replicas.saturating_sub(bounds.unavailable) };
        let refused = self.refuses(name, live.spec.as_ref().unwrap());
        let failure = (refused && new.len() < replicas).then(|| DeploymentCondition {
            type_: "ReplicaFailure".to_owned(),
            status: "True".to_owned(),
            reason: Some("FailedCreate".to_owned()),
            message: Some("exceeded quota: team".to_owned()),
            ..DeploymentCondition::default()
        });
        let condition = DeploymentCondition {
            type_: "Available".to_owned(),
            status: if ready >= floor { "True" } else { "False" }.to_owned(),
            reason: Some("MinimumReplicas".to_owned()),
            ..DeploymentCondition::default()
        };
        DeploymentStatus {
            observed_generation: live.metadata.generation,
            replicas: number(new.len() + old.len()),
            updated_replicas: number(new.len()),
            ready_replicas: number(ready),
            available_replicas: number(ready),
            conditions: Some(std::iter::once(condition).chain(failure).collect()),
            ..DeploymentStatus::default()
        }
    }
}
