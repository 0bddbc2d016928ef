//! The kind PodMonitor, as the Prometheus operator brings it.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::{
    Api,
    api::{DeleteParams, Patch, PatchParams},
    runtime::{conditions::is_crd_established, wait::await_condition},
};
use serde_json::json;

use super::{Ground, SOON};

const NAME: &str = "podmonitors.monitoring.coreos.com";

/// Removes the kind, if it is there.
pub async fn remove(ground: &Ground) {
    let definitions: Api<CustomResourceDefinition> = Api::all(ground.plane.client().unwrap());
    if definitions.get_opt(NAME).await.unwrap().is_some() {
        definitions.delete(NAME, &DeleteParams::default()).await.unwrap();
        let gone =
            await_condition(definitions, NAME, |found: Option<&CustomResourceDefinition>| found.is_none());
        tokio::time::timeout(SOON, gone).await.unwrap().unwrap();
    }
}

/// Installs the kind, if it is not there, and waits until it is served.
pub async fn install(ground: &Ground) {
    let schema = json!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true });
    let definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": { "name": NAME },
        "spec": {
            "group": "monitoring.coreos.com",
            "names": { "kind": "PodMonitor", "listKind": "PodMonitorList", "plural": "podmonitors", "singular": "podmonitor" },
            "scope": "Namespaced",
            "versions": [{ "name": "v1", "served": true, "storage": true, "schema": { "openAPIV3Schema": schema } }],
        },
    });
    let definitions: Api<CustomResourceDefinition> = Api::all(ground.plane.client().unwrap());
    definitions.patch(NAME, &PatchParams::apply("test"), &Patch::Apply(&definition)).await.unwrap();
    let served = await_condition(definitions, NAME, is_crd_established());
    tokio::time::timeout(SOON, served).await.unwrap().unwrap();
}
