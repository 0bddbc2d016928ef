//! A server and its controllers, without clients.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use milvus_sim::cluster::{Behaviour, Cluster, holds, is_ending, label};
use milvus_sim::server::{ApiServer, Event, Kind, Preconditions, Propagation, Store};
use serde_json::{Value, json};

pub const NAMESPACE: &str = "default";
pub const OLD: &str = "milvus:2.4.9";
pub const NEW: &str = "milvus:2.4.10";

pub struct Bench {
    pub server: ApiServer,
    pub cluster: Cluster,
    pub now: Timestamp,
}

impl Bench {
    pub fn new() -> Bench {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        Bench { server: ApiServer::new(now), cluster: Cluster::new(Behaviour::default()), now }
    }

    /// A Deployment that has come to rest.
    pub fn running(deployment: Value) -> Bench {
        let mut bench = Bench::new();
        bench.create(Kind::Deployment, deployment);
        bench.run(60);
        bench
    }

    pub fn with<T>(&self, work: impl FnOnce(&mut Store) -> T) -> T {
        self.server.with(work)
    }

    pub fn create(&self, kind: Kind, object: Value) {
        self.with(|store| store.create("user", kind, object)).unwrap();
    }

    pub fn patch(&self, kind: Kind, name: &str, patch: &Value) {
        self.with(|store| store.patch_merge("user", kind.at(NAMESPACE, name), patch)).unwrap();
    }

    pub fn set_image(&self, image: &str) {
        let template = json!({ "spec": { "containers": [container(image)] } });
        self.patch(Kind::Deployment, "proxy", &json!({ "spec": { "template": template } }));
    }

    pub fn delete(&self, kind: Kind, name: &str, how: Propagation) {
        let any = Preconditions::default();
        self.with(|store| store.delete("user", kind.at(NAMESPACE, name), &any, how)).unwrap();
    }

    /// Lets so many seconds pass, jumping over those in which nothing happens.
    pub fn run(&mut self, seconds: i64) {
        let end = self.now + SignedDuration::from_secs(seconds);
        while self.now < end {
            let (server, now) = (self.server.clone(), self.now);
            let round = server.with(|store| {
                store.set_now(now);
                self.cluster.step(store).unwrap()
            });
            let next =
                if round.wrote { self.now + Duration::from_millis(100) } else { round.due.unwrap_or(end) };
            self.now = next.max(self.now + Duration::from_millis(1)).min(end);
        }
        self.with(|store| store.set_now(end));
    }

    pub fn get(&self, kind: Kind, name: &str) -> Value {
        self.with(|store| store.get(kind, NAMESPACE, name).cloned()).unwrap_or_default()
    }

    pub fn list(&self, kind: Kind) -> Vec<Value> {
        self.with(|store| store.list(kind).cloned().collect())
    }

    pub fn names(&self, kind: Kind) -> Vec<String> {
        self.list(kind).iter().map(|o| o["metadata"]["name"].as_str().unwrap().to_owned()).collect()
    }

    pub fn log(&self) -> Vec<Event> {
        self.with(|store| store.log().to_vec())
    }

    /// Status and reason of a condition.
    pub fn condition(&self, kind: Kind, name: &str, type_: &str) -> (String, String) {
        let object = self.get(kind, name);
        let found = milvus_sim::cluster::condition(&object, type_).cloned().unwrap_or_default();
        let text = |key: &str| found[key].as_str().unwrap_or_default().to_owned();
        (text("status"), text("reason"))
    }

    /// Images of the pods that are not ending, in order of their names' creation.
    pub fn images(&self) -> Vec<String> {
        let pods = self.list(Kind::Pod);
        let mut images: Vec<String> = pods.iter().filter(|pod| !is_ending(pod)).map(image).collect();
        images.sort();
        images
    }

    pub fn ready(&self) -> usize {
        self.list(Kind::Pod).iter().filter(|pod| holds(pod, "Ready") && !is_ending(pod)).count()
    }
}

pub fn image(pod: &Value) -> String {
    pod["spec"]["containers"][0]["image"].as_str().unwrap().to_owned()
}

pub fn component(pod: &Value) -> &str {
    label(pod, milvus_sim::cluster::COMPONENT)
}

pub fn container(image: &str) -> Value {
    json!({ "name": "milvus", "image": image })
}

pub fn deployment(replicas: i64, strategy: &Value) -> Value {
    let labels = json!({ "app.kubernetes.io/component": "proxy", "app.kubernetes.io/instance": "mix" });
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": { "name": "proxy", "namespace": NAMESPACE, "labels": labels },
        "spec": {
            "replicas": replicas, "strategy": strategy, "selector": { "matchLabels": labels },
            "template": { "metadata": { "labels": labels }, "spec": { "containers": [container(OLD)] } },
        },
    })
}

pub fn rolling(surge: &Value, unavailable: &Value) -> Value {
    json!({ "type": "RollingUpdate", "rollingUpdate": { "maxSurge": surge, "maxUnavailable": unavailable } })
}

pub fn one_more() -> Value {
    rolling(&json!(1), &json!(0))
}
