//! The fields of the world: what is stored, and what a test has changed in it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Service};
use milvus_api::{Milvus, keys};
use milvus_sim::cluster::{controller, holds, is_ending, label, text};
use milvus_sim::server::{Kind, Store};
use milvus_state::Probes;
use milvus_state::manifests::Tool;
use milvus_state::records::MonitorKind;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::operator::Operator;
use super::{Behaviour, World};

/// Who changes what a test changes.
pub const USER: &str = "user";
/// Kinds that are shown as they are stored.
const OTHERS: [Kind; 4] =
    [Kind::PersistentVolumeClaim, Kind::Ingress, Kind::PodMonitor, Kind::PodDisruptionBudget];

/// A pod.
#[derive(Clone, Debug)]
pub struct SimPod {
    /// `metadata.name`
    pub name: String,
    /// Deployment that it belongs to.
    pub deployment: String,
    /// Image of the Milvus container.
    pub image: String,
    /// Ready.
    pub ready: bool,
    /// It was told to end.
    pub ending: bool,
    component: String,
}

impl SimPod {
    /// Component, by its label.
    pub fn component(&self) -> &str {
        &self.component
    }
}

/// The fields as they were read last.
#[derive(Default)]
pub struct Mirror {
    pub now: Timestamp,
    milvus: Option<Milvus>,
    config_maps: BTreeMap<String, ConfigMap>,
    others: BTreeMap<String, Value>,
    service: Option<Service>,
    monitor_kind: MonitorKind,
    kafka_ca: Option<bool>,
    probes: Option<Probes>,
    tool: Option<Tool>,
    behaviour: Option<Behaviour>,
    logged: usize,
    revision: Option<u64>,
}

fn all<T: DeserializeOwned>(store: &Store, kind: Kind) -> BTreeMap<String, T> {
    let named = |object: &Value| (text(object, "/metadata/name").to_owned(), decoded(object));
    store.list(kind).map(named).collect()
}

fn decoded<T: DeserializeOwned>(object: &Value) -> T {
    serde_json::from_value(object.clone()).unwrap()
}

fn pods(store: &Store) -> BTreeMap<String, SimPod> {
    let owners: BTreeMap<&str, &str> = store
        .list(Kind::ReplicaSet)
        .map(|set| {
            let owner = set["metadata"]["ownerReferences"][0]["name"].as_str().unwrap_or_default();
            (text(set, "/metadata/uid"), owner)
        })
        .collect();
    let pod = |pod: &Value| {
        let name = text(pod, "/metadata/name").to_owned();
        let deployment = controller(pod).and_then(|uid| owners.get(uid)).copied().unwrap_or_default();
        let shown = SimPod {
            name: name.clone(),
            deployment: deployment.to_owned(),
            image: text(pod, "/spec/containers/0/image").to_owned(),
            ready: holds(pod, "Ready"),
            ending: is_ending(pod),
            component: label(pod, keys::COMPONENT).to_owned(),
        };
        (name, shown)
    };
    store.list(Kind::Pod).map(pod).collect()
}

/// A ConfigMap, as what is compared of it.
fn slim(mut map: ConfigMap) -> ConfigMap {
    map.metadata.managed_fields = None;
    map.metadata.resource_version = None;
    map
}

impl World {
    /// Reads everything, and the log of what happened since.
    pub(super) fn refresh(&mut self) {
        let (objects, statuses) = self.operator.counts();
        self.history.objects_written = objects;
        self.history.statuses_written = statuses;
        let server = self.server.clone();
        let revision = Some(server.with(|store| store.revision()));
        if std::mem::replace(&mut self.mirror.revision, revision) == revision {
            return;
        }
        server.with(|store| {
            let mut milvus = all::<Milvus>(store, Kind::Milvus);
            self.milvus = milvus.pop_first().map(|(_, milvus)| milvus);
            self.deployments = all::<Deployment>(store, Kind::Deployment);
            let maps = all::<ConfigMap>(store, Kind::ConfigMap);
            self.config_maps = maps.into_iter().map(|(name, map)| (name, slim(map))).collect();
            self.service = all::<Service>(store, Kind::Service).pop_first().map(|(_, service)| service);
            self.others = OTHERS
                .into_iter()
                .flat_map(|kind| store.list(kind).map(move |object| (kind, object)))
                .map(|(kind, o)| (format!("{}/{}", kind.info().kind, text(o, "/metadata/name")), o.clone()))
                .collect();
            self.pods = pods(store);
            let news: Vec<_> = store.log()[self.mirror.logged..].to_vec();
            self.mirror.logged = store.log().len();
            self.read(&news);
            assert!(store.unknown().is_empty(), "{:?}", store.unknown());
        });
        self.mirror.milvus.clone_from(&self.milvus);
        self.mirror.config_maps.clone_from(&self.config_maps);
        self.mirror.others.clone_from(&self.others);
        self.mirror.service.clone_from(&self.service);
    }

    /// Sends what a test has changed.
    pub(super) fn flush(&mut self) {
        self.flush_operator();
        self.flush_milvus();
        let (before, now) = (self.mirror.config_maps.clone(), self.config_maps.clone());
        self.differences(Kind::ConfigMap, &before, &now);
        let single = |service: &Option<Service>| {
            service.iter().map(|s| (s.metadata.name.clone().unwrap(), s.clone())).collect()
        };
        let (before, now): (BTreeMap<_, _>, BTreeMap<_, _>) =
            (single(&self.mirror.service), single(&self.service));
        self.differences(Kind::Service, &before, &now);
        for kind in OTHERS {
            let prefix = format!("{}/", kind.info().kind);
            let of = |all: &BTreeMap<String, Value>| -> BTreeMap<String, Value> {
                let mine = all.iter().filter_map(|(key, o)| Some((key.strip_prefix(&prefix)?, o.clone())));
                mine.map(|(name, object)| (name.to_owned(), object)).collect()
            };
            let (before, now) = (of(&self.mirror.others), of(&self.others));
            self.differences(kind, &before, &now);
        }
        self.refresh();
    }

    fn flush_operator(&mut self) {
        if self.now != self.mirror.now {
            self.operator.jump(self.now.duration_since(self.mirror.now));
            self.mirror.now = self.now;
        }
        if self.mirror.kafka_ca != self.kafka_ca {
            self.mirror.kafka_ca = self.kafka_ca;
            self.kafka_secret();
            self.restart();
        }
        if self.mirror.tool.as_ref() != Some(&self.tool) {
            let first = self.mirror.tool.replace(self.tool.clone()).is_none();
            if !first {
                self.restart();
            }
        }
        if self.mirror.behaviour.as_ref() != Some(&self.behaviour) {
            self.cluster.behaviour = self.behaviour.of_pods();
            let before = self.mirror.behaviour.replace(self.behaviour.clone());
            if before.is_some_and(|before| before.watch_lag != self.behaviour.watch_lag) {
                self.restart();
            }
        }
        if self.mirror.probes.as_ref() != Some(&self.probes) {
            self.mirror.probes = Some(self.probes.clone());
            self.operator.answer(&self.probes);
        }
        if self.mirror.monitor_kind != self.monitor_kind {
            self.mirror.monitor_kind = self.monitor_kind;
            self.server.with(|store| match self.monitor_kind {
                MonitorKind::Present => store.add_kind(Kind::PodMonitor),
                MonitorKind::Absent | MonitorKind::Unknown => store.remove_kind(Kind::PodMonitor),
            });
            Operator::look_for_kinds(&self.runtime, &self.local);
            self.now = self.operator.now();
            self.mirror.now = self.now;
        }
    }

    fn flush_milvus(&mut self) {
        let (Some(before), Some(now)) = (&self.mirror.milvus, &self.milvus) else {
            if self.mirror.milvus.is_some() {
                self.vanish();
            }
            return;
        };
        let ends = now.metadata.deletion_timestamp.is_some() && before.metadata.deletion_timestamp.is_none();
        if ends {
            let (namespace, name) =
                (now.metadata.namespace.clone().unwrap(), now.metadata.name.clone().unwrap());
            self.delete(Kind::Milvus, &namespace, &name);
        }
    }

    fn differences<T: Serialize + PartialEq>(
        &mut self,
        kind: Kind,
        before: &BTreeMap<String, T>,
        now: &BTreeMap<String, T>,
    ) {
        for name in before.keys().filter(|name| !now.contains_key(*name)) {
            self.delete(kind, "default", name);
        }
        for (name, object) in now.iter().filter(|(name, object)| before.get(*name) != Some(*object)) {
            let mut object = serde_json::to_value(object).unwrap();
            object["apiVersion"] = json!(kind.api_version());
            object["kind"] = json!(kind.info().kind);
            object["metadata"]["namespace"] = json!("default");
            let metadata = object["metadata"].as_object_mut().unwrap();
            metadata.remove("resourceVersion");
            self.server.with(|store| match before.contains_key(name) {
                true => {
                    store.update(USER, kind, object.clone()).unwrap();
                    if kind.info().status {
                        store.update_status(USER, kind, object).unwrap();
                    }
                }
                false => _ = store.create(USER, kind, object).unwrap(),
            });
        }
    }
}
