//! What users and other controllers do.

use k8s_openapi::api::apps::v1::{Deployment, DeploymentSpec};
use milvus_api::{Milvus, MilvusStatus};
use milvus_sim::server::{Kind, Preconditions, Propagation};
use serde_json::{Value, json};

use super::mirror::USER;
use super::{World, crs};

impl World {
    /// Creates the custom resource.
    pub fn create(&mut self, mut milvus: Milvus) {
        self.flush();
        milvus.metadata.namespace.get_or_insert_with(|| "default".to_owned());
        let mut object = serde_json::to_value(&milvus).unwrap();
        object.as_object_mut().unwrap().remove("status");
        self.server.with(|store| store.create(USER, Kind::Milvus, object)).unwrap();
        self.refresh();
    }

    /// Changes the Milvus as a user does.
    pub fn edit(&mut self, change: impl FnOnce(&mut Milvus)) {
        self.flush();
        let mut milvus = self.cr().clone();
        change(&mut milvus);
        let object = serde_json::to_value(&milvus).unwrap();
        self.server.with(|store| store.update(USER, Kind::Milvus, object)).unwrap();
        self.refresh();
    }

    /// Somebody makes an object of another kind.
    pub fn make(&mut self, kind: Kind, mut object: Value) {
        self.flush();
        object["apiVersion"] = json!(kind.api_version());
        object["kind"] = json!(kind.info().kind);
        object["metadata"]["namespace"] = json!("default");
        self.server.with(|store| store.create(USER, kind, object)).unwrap();
        self.refresh();
    }

    /// Somebody changes an object of another kind.
    pub fn patch(&mut self, kind: Kind, name: &str, patch: &Value) {
        self.flush();
        self.server.with(|store| store.patch_merge(USER, kind.at("default", name), patch)).unwrap();
        self.refresh();
    }

    /// The `MilvusUpgrade` objects that name this Milvus, which does not exist, are answered.
    pub fn answer_orphans(&mut self, milvus: &str) {
        self.flush();
        let key = ("default".to_owned(), milvus.to_owned());
        self.operator.answer_orphans(&self.runtime, &self.local, &key);
        self.refresh();
    }

    /// Another operator has left another status.
    pub fn edit_status(&mut self, change: impl FnOnce(&mut MilvusStatus)) {
        self.flush();
        let mut milvus = self.cr().clone();
        change(milvus.status.get_or_insert_default());
        let object = serde_json::to_value(&milvus).unwrap();
        self.server.with(|store| store.update_status(USER, Kind::Milvus, object)).unwrap();
        self.refresh();
    }

    /// A user sends a merge patch.
    pub fn merge(&mut self, patch: &Value) {
        self.flush();
        let name = self.cr().metadata.name.clone().unwrap();
        let target = Kind::Milvus.at("default", &name);
        self.server.with(|store| store.patch_merge(USER, target, patch)).unwrap();
        self.refresh();
    }

    /// Sets the image that the spec asks for.
    pub fn set_image(&mut self, tag: &str) {
        self.edit(|m| m.spec.components.global.image = Some(crs::image(tag)));
    }

    /// Somebody deletes a Deployment: its pods go with it.
    pub fn delete_deployment(&mut self, name: &str) {
        self.flush();
        self.delete(Kind::Deployment, "default", name);
        self.server.with(|store| while store.collect_garbage() {});
        self.refresh();
    }

    /// Somebody else writes the spec of a Deployment.
    pub fn meddle(&mut self, name: &str, change: impl FnOnce(&mut DeploymentSpec)) {
        self.flush();
        let mut live = self.deployments[name].clone();
        change(live.spec.as_mut().unwrap());
        let object = serde_json::to_value(&live).unwrap();
        self.server.with(|store| store.update(USER, Kind::Deployment, object)).unwrap();
        self.refresh();
    }

    /// Another operator writes a Deployment, one that is there or a new one.
    pub fn write_deployment(&mut self, deployment: &Deployment) {
        self.flush();
        let object = serde_json::to_value(deployment).unwrap();
        let there = deployment.metadata.uid.is_some();
        let written = self.server.with(|store| match there {
            true => store.update(USER, Kind::Deployment, object),
            false => store.create(USER, Kind::Deployment, object),
        });
        written.unwrap();
        self.refresh();
    }

    /// An autoscaler sets the number of pods through `/scale`.
    pub fn autoscale(&mut self, name: &str, replicas: i32) {
        self.flush();
        let patch = json!({"spec": {"replicas": replicas}});
        let target = Kind::Deployment.at("default", name).scale();
        self.server.with(|store| store.patch_merge("kube-controller-manager", target, &patch)).unwrap();
        self.refresh();
    }

    /// The Milvus goes without its finalizer, and what it owned is not collected yet.
    pub(super) fn vanish(&mut self) {
        let patch = json!({"metadata": {"finalizers": null}});
        self.server.with(|store| {
            let Some(live) = store.list(Kind::Milvus).next().cloned() else { return };
            let name = live["metadata"]["name"].as_str().unwrap();
            let target = Kind::Milvus.at("default", name);
            store.patch_merge(USER, target, &patch).unwrap();
            store.delete(USER, target, &Preconditions::default(), Propagation::Background).unwrap();
        });
    }

    pub(super) fn delete(&mut self, kind: Kind, namespace: &str, name: &str) {
        let target = kind.at(namespace, name);
        let propagation = Propagation::Background;
        self.server.with(|store| store.delete(USER, target, &Preconditions::default(), propagation)).unwrap();
    }

    /// Somebody deletes all objects of these kinds.
    pub fn delete_all(&mut self, kinds: &[Kind]) {
        self.flush();
        for kind in kinds {
            let names: Vec<String> = self.server.with(|store| {
                store.list(*kind).map(|o| o["metadata"]["name"].as_str().unwrap().to_owned()).collect()
            });
            for name in names {
                self.delete(*kind, "default", &name);
            }
        }
        self.refresh();
    }

    /// The Service is as another manager has made it, which wrote it whole: this operator has never applied it.
    pub fn service_written_by(&mut self, manager: &str) {
        self.flush();
        let mut service = serde_json::to_value(self.service.clone().unwrap()).unwrap();
        service["apiVersion"] = json!("v1");
        service["kind"] = json!("Service");
        let metadata = service["metadata"].as_object_mut().unwrap();
        metadata.retain(|key, _| ["name", "namespace", "labels", "ownerReferences"].contains(&key.as_str()));
        self.delete_all(&[Kind::Service]);
        self.server.with(|store| store.create(manager, Kind::Service, service)).unwrap();
        self.refresh();
    }

    /// A Secret with these keys.
    pub(super) fn secret(&mut self, name: &str, keys: &[&str]) {
        let data: serde_json::Map<String, Value> =
            keys.iter().map(|key| ((*key).to_owned(), json!("dmFsdWU="))).collect();
        let secret = json!({"apiVersion": "v1", "kind": "Secret",
            "metadata": {"name": name, "namespace": "default"}, "data": data});
        self.server.with(|store| store.create(USER, Kind::Secret, secret)).unwrap();
    }

    pub(super) fn kafka_secret(&mut self) {
        let exists = self.server.with(|store| store.get(Kind::Secret, "default", "kafka").is_some());
        if exists {
            self.delete(Kind::Secret, "default", "kafka");
        }
        match self.kafka_ca {
            Some(true) => self.secret("kafka", &["username", "password", "ca.pem"]),
            Some(false) => self.secret("kafka", &["username", "password"]),
            None => {}
        }
    }
}
