//! `PodMonitor` of the Prometheus operator, as far as it is written here. Its definition is not ours: a cluster may not have it.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::CustomResource;
use serde::{Deserialize, Serialize};

/// Which pods Prometheus scrapes, and how.
#[derive(Clone, Debug, Default, PartialEq, CustomResource, Serialize, Deserialize)]
#[kube(
    group = "monitoring.coreos.com",
    version = "v1",
    kind = "PodMonitor",
    plural = "podmonitors",
    namespaced,
    schema = "disabled",
    derive = "PartialEq",
    doc = "Which pods Prometheus scrapes, and how."
)]
#[serde(rename_all = "camelCase", default)]
pub struct PodMonitorSpec {
    /// Ports to scrape.
    pub pod_metrics_endpoints: Vec<PodMetricsEndpoint>,
    /// Namespaces of the pods.
    pub namespace_selector: NamespaceSelector,
    /// Labels of the pods.
    pub selector: LabelSelector,
    /// Labels of the pods that become labels of the series.
    pub pod_target_labels: Vec<String>,
}

/// A port to scrape.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PodMetricsEndpoint {
    /// Name of the container port.
    pub port: String,
    /// Path of the metrics.
    pub path: String,
    /// Prometheus duration between two scrapes.
    pub interval: String,
    /// Labels of the series win over those of the target.
    pub honor_labels: bool,
    /// What is done to the labels of every series.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub metric_relabelings: Vec<RelabelConfig>,
}

/// Sets a label of a series.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RelabelConfig {
    /// `replace`
    pub action: String,
    /// The label.
    pub target_label: String,
    /// Its value.
    pub replacement: String,
}

/// Namespaces by name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NamespaceSelector {
    /// The names.
    pub match_names: Vec<String>,
}
