//! The kind PodMonitor, as the Prometheus operator brings it.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::{
    Api,
    api::PostParams,
    runtime::{conditions::is_crd_established, wait::await_condition},
};
use serde_json::json;

use super::{Ground, SOON};

/// Installs the kind, and waits until it is served.
pub async fn install(ground: &Ground) {
    let name = "podmonitors.monitoring.coreos.com";
    let schema = json!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true });
    let definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": { "name": name },
        "spec": {
            "group": "monitoring.coreos.com",
            "names": { "kind": "PodMonitor", "listKind": "PodMonitorList", "plural": "podmonitors", "singular": "podmonitor" },
            "scope": "Namespaced",
            "versions": [{ "name": "v1", "served": true, "storage": true, "schema": { "openAPIV3Schema": schema } }],
        },
    });
    let definitions: Api<CustomResourceDefinition> = Api::all(ground.plane.client().unwrap());
    let definition = serde_json::from_value(definition).unwrap();
    definitions.create(&PostParams::default(), &definition).await.unwrap();
    let served = await_condition(definitions, name, is_crd_established());
    tokio::time::timeout(SOON, served).await.unwrap().unwrap();
}
