//! Runs a sequence on a server and keeps what it answers.

use std::collections::BTreeMap;
use std::fmt;
use std::pin::pin;

use futures::TryStreamExt as _;
use http::Request;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use kube::{
    Api, Client,
    api::{PostParams, WatchEvent, WatchParams},
    core::{ApiResource, DynamicObject, GroupVersionKind},
};
use milvus_sim::server::Kind;
use serde_json::{Value, json};

use crate::sequence::{Body, Sequence, Step};

/// Name of the ConfigMap that ends the comparison of a watch.
const LAST: &str = "last";

/// What came of a request, or an event of the watch, without what each server makes by itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    pub code: u16,
    pub reason: String,
    pub object: Value,
    /// Words of a failure, which are not compared.
    words: Words,
}

/// Equal to all others.
#[derive(Debug, Clone, Default)]
struct Words(String);

impl PartialEq for Words {
    fn eq(&self, _: &Words) -> bool {
        true
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} {}", self.code, self.reason, self.words.0, self.object)
    }
}

/// A server, and a sequence that runs on it.
pub struct World<'a> {
    client: Client,
    sequence: &'a Sequence,
    /// Objects as they were last read, by kind and name.
    remembered: BTreeMap<(Kind, String), Value>,
}

impl<'a> World<'a> {
    pub fn new(client: Client, sequence: &'a Sequence) -> World<'a> {
        World { client, sequence, remembered: BTreeMap::new() }
    }

    /// Runs all requests, then reads what a watch from the beginning shows.
    pub async fn run(mut self) -> Vec<Outcome> {
        let namespace = self.sequence.namespace();
        let object: Namespace = serde_json::from_value(json!({ "metadata": { "name": namespace } })).unwrap();
        Api::<Namespace>::all(self.client.clone()).create(&PostParams::default(), &object).await.unwrap();
        let request = Request::get(self.path(self.sequence.steps[0].kind)).body(Vec::new()).unwrap();
        let empty: Value = self.client.request(request).await.unwrap();
        let from = empty["metadata"]["resourceVersion"].as_str().unwrap().to_owned();
        let mut outcomes = Vec::new();
        for (index, step) in self.sequence.steps.iter().enumerate() {
            outcomes.push(self.step(step).await);
            // What is remembered is sometimes the newest and sometimes not.
            if index % 3 == 0 {
                self.remember(step).await;
            }
        }
        outcomes.extend(self.watched(&namespace, &from).await);
        outcomes
    }

    fn path(&self, kind: Kind) -> String {
        let info = kind.info();
        let prefix = if info.group.is_empty() { "/api".to_owned() } else { format!("/apis/{}", info.group) };
        format!("{prefix}/{}/namespaces/{}/{}", info.version, self.sequence.namespace(), info.plural)
    }

    async fn remember(&mut self, step: &Step) {
        let path = format!("{}/{}", self.path(step.kind), step.name);
        let request = Request::get(path).body(Vec::new()).unwrap();
        if let Ok(object) = self.client.request::<Value>(request).await {
            self.remembered.insert((step.kind, step.name.clone()), object);
        }
    }

    async fn current(&self, step: &Step) -> Value {
        let path = format!("{}/{}", self.path(step.kind), step.name);
        let request = Request::get(path).body(Vec::new()).unwrap();
        self.client.request(request).await.unwrap_or_else(|_| missing(step))
    }

    async fn body(&self, step: &Step) -> Vec<u8> {
        let remembered = self.remembered.get(&(step.kind, step.name.clone()));
        let object = match &step.body {
            Body::None => return Vec::new(),
            Body::Fixed(value) => value.clone(),
            Body::Current(change) => merged(self.current(step).await, change),
            Body::Remembered(change) => merged(remembered.cloned().unwrap_or_else(|| missing(step)), change),
            Body::WithVersion(value) => {
                let version =
                    remembered.map_or(json!("1"), |object| object["metadata"]["resourceVersion"].clone());
                merged(value.clone(), &json!({ "metadata": { "resourceVersion": version } }))
            }
            Body::Preconditions { uid, version } => {
                let of = |wanted: bool, field: &str| {
                    let known = remembered.map_or(json!("1"), |object| object["metadata"][field].clone());
                    if wanted { known } else { Value::Null }
                };
                json!({ "preconditions": { "uid": of(*uid, "uid"), "resourceVersion": of(*version, "resourceVersion") } })
            }
        };
        object.to_string().into_bytes()
    }

    async fn step(&self, step: &Step) -> Outcome {
        let request = Request::builder()
            .method(step.method)
            .uri(format!("{}{}", self.path(step.kind), step.suffix))
            .header("content-type", step.form)
            .body(self.body(step).await)
            .unwrap();
        match self.client.request::<Value>(request).await {
            Ok(object) => {
                Outcome { code: 200, reason: String::new(), object: plain(object), words: Words::default() }
            }
            Err(kube::Error::Api(status)) => Outcome {
                code: status.code,
                reason: status.reason.clone(),
                object: Value::Null,
                words: Words(status.message.clone()),
            },
            Err(other) => panic!("{other}"),
        }
    }

    async fn watched(&self, namespace: &str, from: &str) -> Vec<Outcome> {
        let last: ConfigMap = serde_json::from_value(json!({ "metadata": { "name": LAST } })).unwrap();
        let api: Api<ConfigMap> = Api::namespaced(self.client.clone(), namespace);
        api.create(&PostParams::default(), &last).await.unwrap();
        let kind = self.sequence.steps[0].kind;
        let info = kind.info();
        let resource = ApiResource::from_gvk_with_plural(
            &GroupVersionKind::gvk(info.group, info.version, info.kind),
            info.plural,
        );
        let api: Api<DynamicObject> = Api::namespaced_with(self.client.clone(), namespace, &resource);
        // Where the last object is of another kind, an object of this kind ends the watch.
        if kind != Kind::ConfigMap {
            let body = crate::objects::object(&mut fastrand::Rng::with_seed(3), kind, LAST);
            let request = Request::post(self.path(kind)).body(body.to_string().into_bytes()).unwrap();
            self.client.request::<Value>(request).await.unwrap();
        }
        let params = WatchParams { bookmarks: false, ..WatchParams::default() }.timeout(60);
        let mut events = pin!(api.watch(&params, from).await.unwrap());
        let mut seen = Vec::new();
        while let Some(event) = events.try_next().await.unwrap() {
            let (code, object) = match event {
                WatchEvent::Added(object) => (1, object),
                WatchEvent::Modified(object) => (2, object),
                WatchEvent::Deleted(object) => (3, object),
                WatchEvent::Bookmark(_) => continue,
                WatchEvent::Error(status) => panic!("{status:?}"),
            };
            if object.metadata.name.as_deref() == Some(LAST) {
                break;
            }
            let object = plain(serde_json::to_value(&object).unwrap());
            seen.push(Outcome { code, reason: "event".to_owned(), object, words: Words::default() });
        }
        seen
    }
}

fn missing(step: &Step) -> Value {
    json!({
        "apiVersion": step.kind.api_version(),
        "kind": step.kind.info().kind,
        "metadata": { "name": step.name, "resourceVersion": "1" },
    })
}

fn merged(mut object: Value, change: &Value) -> Value {
    fn lay(value: &mut Value, patch: &Value) {
        let Value::Object(patch) = patch else {
            *value = patch.clone();
            return;
        };
        if !value.is_object() {
            *value = json!({});
        }
        for (name, change) in patch {
            if change.is_null() {
                value.as_object_mut().unwrap().remove(name);
            } else {
                lay(&mut value[name.as_str()], change);
            }
        }
    }
    lay(&mut object, change);
    object
}

/// An answer without what a server makes by itself.
fn plain(mut object: Value) -> Value {
    if let Some(items) = object.get_mut("items").and_then(Value::as_array_mut) {
        for item in items {
            *item = plain(item.take());
        }
    }
    let known = ["uid", "resourceVersion", "creationTimestamp", "deletionTimestamp", "continue"];
    for field in known {
        if let Some(value) = object["metadata"].get_mut(field).filter(|value| **value != "") {
            *value = json!("made by the server");
        }
    }
    if let Some(uid) = object.pointer_mut("/details/uid") {
        *uid = json!("made by the server");
    }
    let owners = object.pointer_mut("/metadata/managedFields").and_then(Value::as_array_mut);
    if let Some(owners) = owners {
        for owner in owners.iter_mut() {
            if let Some(time) = owner.get_mut("time") {
                *time = json!("some time");
            }
        }
        // Their order follows the times.
        owners.sort_by_key(ToString::to_string);
    }
    if object["kind"] == "Service" || object["spec"].get("clusterIP").is_some() {
        for field in ["clusterIP", "clusterIPs", "healthCheckNodePort"] {
            if let Some(value) = object["spec"].get_mut(field) {
                *value = json!("made by the server");
            }
        }
        for port in object["spec"]["ports"].as_array_mut().into_iter().flatten() {
            if let Some(value) = port.get_mut("nodePort") {
                *value = json!("made by the server");
            }
        }
    }
    object
}
