//! The API server of the model: what a write does to what is stored.

use k8s_openapi::api::apps::v1::{Deployment, DeploymentSpec};
use k8s_openapi::api::core::v1::{ConfigMap, Service};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{FieldsV1, ManagedFieldsEntry, ObjectMeta};
use milvus_api::{Milvus, MilvusStatus};
use milvus_state::Decided;
use milvus_state::fold::{Applied, Failure};
use milvus_state::records::DeploymentRecord;
use milvus_state::render::{BesideWrite, Kind, MetaWrite, Removal, Removed};
use serde_json::json;

use super::{Change, Fault, World};

/// What one request changes.
type Write = Box<dyn FnOnce(&mut World)>;

impl World {
    /// Creates the custom resource.
    pub fn create(&mut self, mut milvus: Milvus) {
        milvus.metadata.uid = Some(self.uid());
        milvus.metadata.generation = Some(1);
        milvus.metadata.namespace.get_or_insert_with(|| "default".to_owned());
        self.meta = MetaWrite::default();
        self.milvus = Some(milvus);
    }

    pub(super) fn uid(&mut self) -> String {
        self.serial += 1;
        format!("uid-{}", self.serial)
    }

    /// Does a write unless the fault hits it. `None`: the process died. `Some(false)`: the write was refused.
    pub(super) fn write(&mut self, write: impl FnOnce(&mut World)) -> Option<bool> {
        self.writes += 1;
        let number = self.writes;
        match self.fault {
            Some(Fault::Refused(n)) if n == number => Some(false),
            fault => {
                write(self);
                (fault != Some(Fault::DiesAfter(number))).then_some(true)
            }
        }
    }

    /// Writes everything in the order of the fields; stops at the first refusal.
    pub(super) fn carry_out(&mut self, decided: &Decided, applied: &mut Applied) -> Option<()> {
        let objects = decided.objects.clone();
        let mut writes: Vec<(String, Write)> = Vec::new();
        if let Some(meta) = objects.meta {
            writes.push(("Milvus".to_owned(), Box::new(move |w| w.apply_meta(meta))));
        }
        for map in objects.config_maps {
            writes.push(("ConfigMap".to_owned(), Box::new(move |w| w.apply_config_map(map))));
        }
        if let Some(service) = objects.service {
            writes.push(("Service".to_owned(), Box::new(move |w| w.apply_service(service))));
        }
        for write in objects.beside {
            writes.push((write.key(), Box::new(move |w| w.apply_beside(&write))));
        }
        for write in objects.deployments {
            let object: Deployment = serde_json::from_value(write.object).unwrap();
            writes.push((write.name.clone(), Box::new(move |w| w.apply_deployment(object))));
        }
        for removal in objects.removals {
            writes.push((removal.name.clone(), Box::new(move |w| w.remove(&removal))));
        }
        for (name, write) in writes {
            if !self.write(write)? {
                let why = self.refusal.clone();
                applied.failure = Some(Failure { action: format!("apply {name}"), why, refused: true });
                return Some(());
            }
            if let Some(live) = self.deployments.get(&name) {
                applied.deployments.insert(name, DeploymentRecord::of(live));
            } else if let Some(live) = self.beside.get(&name) {
                applied.beside.extend(live["metadata"]["generation"].as_i64().map(|g| (name, g)));
            }
        }
        Some(())
    }

    pub(super) fn put_status(&mut self, status: MilvusStatus) {
        self.history.statuses_written += 1;
        self.milvus.as_mut().unwrap().status = Some(status);
    }

    /// Server-side apply: what we wrote last and do not write now is taken away.
    fn apply_meta(&mut self, wanted: MetaWrite) {
        let meta = &mut self.milvus.as_mut().unwrap().metadata;
        let labels = meta.labels.get_or_insert_default();
        labels.retain(|key, _| !self.meta.labels.contains_key(key));
        labels.extend(wanted.labels.clone());
        let annotations = meta.annotations.get_or_insert_default();
        annotations.retain(|key, _| !self.meta.annotations.contains_key(key));
        annotations.extend(wanted.annotations.clone());
        meta.finalizers = Some(wanted.finalizers.clone());
        self.meta = wanted;
    }

    fn apply_config_map(&mut self, mut map: ConfigMap) {
        map.metadata.uid = Some(self.uid());
        self.config_maps.insert(map.metadata.name.clone().unwrap(), map);
    }

    /// Claims have no generation.
    fn apply_beside(&mut self, write: &BesideWrite) {
        let mut object = write.object.clone();
        let before = self.beside.get(&write.key());
        let (uid, generation) = match before {
            Some(live) => {
                let moved = live["spec"] != object["spec"];
                let generation = live["metadata"]["generation"].as_i64().unwrap_or_default();
                (live["metadata"]["uid"].clone(), generation + i64::from(moved))
            }
            None => (json!(self.uid()), 1),
        };
        object["metadata"]["uid"] = uid;
        if write.kind != Kind::Claim {
            object["metadata"]["generation"] = json!(generation);
        }
        self.beside.insert(write.key(), object);
    }

    fn apply_service(&mut self, mut service: Service) {
        service.metadata.uid = Some(self.uid());
        self.service = Some(service);
    }

    fn apply_deployment(&mut self, wanted: Deployment) {
        let name = wanted.metadata.name.clone().unwrap();
        let before = self.deployments.remove(&name);
        let scaled = before.as_ref().filter(|d| DeploymentRecord::of(d).scaled_by_other);
        let mut spec = wanted.spec.clone().unwrap();
        let managed = match (spec.replicas, scaled) {
            (None, Some(live)) => {
                spec.replicas = live.spec.as_ref().and_then(|s| s.replicas);
                live.metadata.managed_fields.clone()
            }
            _ => None,
        };
        spec.replicas.get_or_insert(1);
        let (uid, generation, status) = match &before {
            Some(live) => {
                let moved = live.spec.as_ref() != Some(&spec);
                let generation = live.metadata.generation.unwrap() + i64::from(moved);
                (live.metadata.uid.clone(), generation, live.status.clone())
            }
            None => (Some(self.uid()), 1, None),
        };
        let metadata = ObjectMeta {
            uid,
            generation: Some(generation),
            managed_fields: managed,
            resource_version: Some(self.uid()),
            ..wanted.metadata
        };
        self.note_change(&name, before.as_ref().and_then(|d| d.spec.as_ref()), Some(&spec));
        self.deployments.insert(name, Deployment { metadata, spec: Some(spec), status });
    }

    fn remove(&mut self, removal: &Removal) {
        if let Removed::Beside(kind) = removal.kind {
            let key = format!("{kind}/{}", removal.name);
            self.beside.retain(|k, live| *k != key || live["metadata"]["uid"] != json!(removal.uid));
            return;
        }
        let mine = self
            .deployments
            .get(&removal.name)
            .is_some_and(|d| d.metadata.uid.as_ref() == Some(&removal.uid));
        if mine {
            self.delete_deployment(&removal.name);
        }
    }

    /// Somebody deletes a Deployment: its pods go with it.
    pub fn delete_deployment(&mut self, name: &str) {
        let gone = self.deployments.remove(name).unwrap();
        self.note_change(name, gone.spec.as_ref(), None);
        for pod in self.pods.values_mut().filter(|p| p.deployment == name) {
            pod.end();
        }
    }

    /// Somebody else writes the spec of a Deployment.
    pub fn meddle(&mut self, name: &str, change: impl FnOnce(&mut DeploymentSpec)) {
        let live = self.deployments.get_mut(name).unwrap();
        let spec = live.spec.as_mut().unwrap();
        let before = spec.clone();
        change(spec);
        if *spec != before {
            live.metadata.generation = live.metadata.generation.map(|g| g + 1);
        }
    }

    /// An autoscaler sets the number of pods through `/scale`.
    pub fn autoscale(&mut self, name: &str, replicas: i32) {
        self.meddle(name, |spec| spec.replicas = Some(replicas));
        let entry = ManagedFieldsEntry {
            manager: Some("kube-controller-manager".to_owned()),
            subresource: Some("scale".to_owned()),
            fields_v1: Some(FieldsV1(json!({"f:spec": {"f:replicas": {}}}))),
            ..ManagedFieldsEntry::default()
        };
        self.deployments.get_mut(name).unwrap().metadata.managed_fields = Some(vec![entry]);
    }

    fn note_change(&mut self, name: &str, before: Option<&DeploymentSpec>, after: Option<&DeploymentSpec>) {
        let image = |spec: Option<&DeploymentSpec>| spec.map(main_image);
        let size = |spec: Option<&DeploymentSpec>| spec.and_then(|s| s.replicas);
        let component = self.component_of(name);
        let siblings = self.deployments.iter().filter(|(other, _)| self.component_of(other) == component);
        let specs = siblings.filter_map(|(_, d)| d.spec.as_ref()).chain(before);
        let ran = specs.filter(|s| s.replicas != Some(0)).map(main_image).collect();
        let change = Change {
            step: self.history.steps,
            deployment: name.to_owned(),
            image: (image(before), image(after)),
            replicas: (size(before), size(after)),
            ran,
            template: before.map(|s| &s.template) != after.map(|s| &s.template),
        };
        self.check_order(&change);
        self.history.changes.push(change);
    }
}

/// The image of the Milvus container.
pub fn main_image(spec: &DeploymentSpec) -> String {
    let pod = spec.template.spec.as_ref().unwrap();
    pod.containers[0].image.clone().unwrap()
}
