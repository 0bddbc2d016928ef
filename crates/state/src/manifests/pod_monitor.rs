//! The PodMonitor, by which Prometheus finds the pods.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use milvus_api::pod_monitor::{NamespaceSelector, PodMetricsEndpoint, RelabelConfig};
use milvus_api::{PodMonitor, PodMonitorSpec, keys, names};
use snafu::ResultExt as _;

use super::error::{Error, NameSnafu};
use super::metadata::{self, hashed};
use super::object::Manifest;
use crate::kinds::Kind;
use crate::spec::{MonitorSettings, Spec};

/// Upstream's PodMonitor. Its second endpoint, for an etcd in the cluster, is left out: it asks for a port of Milvus pods that they do not have.
pub fn pod_monitor(spec: &Spec, settings: &MonitorSettings) -> Result<Manifest, Error> {
    let name = names::pod_monitor(&spec.name).context(NameSnafu)?;
    let relabel = |(label, value): (&String, &String)| RelabelConfig {
        action: "replace".to_owned(),
        target_label: label.clone(),
        replacement: value.clone(),
    };
    let endpoint = PodMetricsEndpoint {
        port: "metrics".to_owned(),
        path: "/metrics".to_owned(),
        interval: settings.interval.clone(),
        honor_labels: true,
        metric_relabelings: settings.labels.iter().map(relabel).collect(),
    };
    let mut labels = metadata::app_labels(&spec.name);
    labels.remove(keys::MANAGED_BY);
    let target_labels = [keys::INSTANCE, keys::NAME, keys::COMPONENT, keys::DEPLOYMENT_GROUP];
    let monitored = PodMonitorSpec {
        pod_metrics_endpoints: vec![endpoint],
        namespace_selector: NamespaceSelector { match_names: vec![spec.namespace.clone()] },
        selector: LabelSelector { match_labels: Some(labels), match_expressions: None },
        pod_target_labels: target_labels.map(str::to_owned).to_vec(),
    };
    let mut metadata = metadata::object(spec, name.clone(), metadata::app_labels(&spec.name));
    metadata.annotations = Some(hashed(BTreeMap::new(), &monitored)?);
    let object = PodMonitor { metadata, spec: monitored };
    Manifest::of(Kind::PodMonitor, &name, &object)
}
