//! What the simulated API server does, asked by the kube client.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper of a test fails as the test does")]

mod apply;
mod deleting;
mod generations;
mod reading;
mod unknown;
mod watching;
mod writing;

use http::Request;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::{Api, Client};
use milvus_sim::server::{ApiServer, Kind};
use serde_json::{Value, json};

/// A server and a client of it. Nothing unknown may have been asked for at the end.
struct World {
    server: ApiServer,
    client: Client,
}

impl World {
    fn new() -> World {
        let server = ApiServer::new(Timestamp::from_second(1_700_000_000).unwrap());
        World { client: Client::new(server.service(), "default"), server }
    }

    fn config_maps(&self) -> Api<ConfigMap> {
        Api::namespaced(self.client.clone(), "default")
    }

    /// An object as the server has it.
    fn get(&self, kind: Kind, name: &str) -> Value {
        self.server.with(|store| store.get(kind, "default", name).cloned()).unwrap()
    }

    /// A raw request; its answer, or the status of its failure.
    async fn send(&self, method: &str, path: &str, body: &Value) -> Result<Value, kube::core::Status> {
        let form = if method == "PATCH" { "application/apply-patch+yaml" } else { "application/json" };
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let request =
            Request::builder().method(method).uri(path).header("content-type", form).body(body).unwrap();
        match self.client.request(request).await {
            Ok(value) => Ok(value),
            Err(kube::Error::Api(status)) => Err(*status),
            Err(other) => panic!("{other}"),
        }
    }

    async fn apply(
        &self,
        manager: &str,
        force: bool,
        path: &str,
        object: &Value,
    ) -> Result<Value, kube::core::Status> {
        self.send("PATCH", &format!("{path}?fieldManager={manager}&force={force}"), object).await
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert_eq!(self.server.with(|store| store.unknown().to_vec()), Vec::<String>::new());
        }
    }
}

const DEPLOYMENT: &str = "/apis/apps/v1/namespaces/default/deployments/d";

/// A Deployment with an image.
fn deployment(image: &str) -> Value {
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": { "name": "d", "namespace": "default", "labels": { "app": "d" } },
        "spec": {
            "selector": { "matchLabels": { "app": "d" } },
            "template": {
                "metadata": { "labels": { "app": "d" } },
                "spec": { "containers": [{ "name": "m", "image": image, "ports": [{ "containerPort": 1 }] }] },
            },
        },
    })
}

fn config_map(name: &str, data: &Value) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": { "name": name, "namespace": "default" },
        "data": data,
    })
}
