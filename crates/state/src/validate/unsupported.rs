//! What is asked and not done yet. It is said in the condition `SpecSupported`, never silently dropped.

use milvus_api::{Components, MilvusSpec, Persistence};
use milvus_plan::UpdateMode;

use super::components::update_mode;
use crate::dependencies::{Dependencies, Queue};

/// Rolling mode in which every component has two Deployments.
const TWO_DEPLOYMENTS_EACH: i64 = 3;

/// Paths of the fields that are set and have no effect yet, each with what happens instead.
pub fn fields(spec: &MilvusSpec, dependencies: &Dependencies) -> Vec<String> {
    let mut found = components(&spec.components);
    found.extend(installs(spec, dependencies));
    found.extend(volumes(spec, &dependencies.queue));
    found
}

fn components(common: &Components) -> Vec<String> {
    let mut found = Vec::new();
    let mut note = |set: bool, field: &str, instead: &str| {
        if set {
            found.push(format!("spec.components.{field} ({instead})"));
        }
    };
    let rolling_mode = common.rolling_mode == Some(TWO_DEPLOYMENTS_EACH);
    note(rolling_mode, "rollingMode: 3", "query nodes roll between two Deployments, the others within one");
    note(
        common.enable_manual_mode == Some(true),
        "enableManualMode",
        "the operator manages the Deployments as without it",
    );
    note(
        update_mode(common) == UpdateMode::Force,
        "imageUpdateMode: force",
        "everything is replaced at once; terminating pods are not killed",
    );
    note(common.metric_interval.is_some(), "metricInterval", "no PodMonitor is created");
    note(!common.metric_labels.is_empty(), "metricLabels", "no PodMonitor is created");
    for (name, groups) in [
        ("proxy", common.proxy.as_ref().map(|c| &c.groups)),
        ("dataNode", common.data_node.as_ref().map(|c| &c.groups)),
        ("queryNode", common.query_node.as_ref().map(|c| &c.groups)),
        ("streamingNode", common.streaming_node.as_ref().map(|c| &c.groups)),
    ] {
        let set = groups.is_some_and(|groups| !groups.is_empty());
        note(set, &format!("{name}.groups"), "the component runs as one group");
    }
    for (name, service) in
        [("proxy", common.proxy.as_ref().map(|c| &c.service)), ("standalone", common.standalone.as_deref())]
    {
        let set = service.is_some_and(|s| s.ingress.is_some());
        note(set, &format!("{name}.ingress"), "no Ingress is created");
    }
    found
}

/// In-cluster dependencies are used at the addresses of upstream's releases, but not installed.
fn installs(spec: &MilvusSpec, dependencies: &Dependencies) -> Vec<String> {
    let mut found = Vec::new();
    let mut note = |set: bool, field: &str| {
        if set {
            found.push(format!(
                "spec.dependencies.{field} (in-cluster dependencies are not installed; an existing release is used)"
            ));
        }
    };
    note(!dependencies.etcd.external, "etcd");
    note(!dependencies.storage.external, "storage");
    match &dependencies.queue {
        Queue::Pulsar { external, .. } => note(!external, "pulsar"),
        Queue::Kafka { external, .. } => note(!external, "kafka"),
        Queue::Woodpecker { .. } | Queue::Rocksmq | Queue::Natsmq | Queue::Custom => {}
    }
    let tei = spec.dependencies.as_ref().and_then(|d| d.tei.as_ref());
    if tei.is_some_and(|tei| tei.enabled) {
        found.push("spec.dependencies.tei (not installed)".to_owned());
    }
    found
}

fn volumes(spec: &MilvusSpec, queue: &Queue) -> Option<String> {
    let dependencies = spec.dependencies.as_ref()?;
    let built_in = |queue: &Option<milvus_api::BuiltInQueue>| queue.as_ref()?.persistence.clone();
    let (name, persistence): (_, Option<Persistence>) = match queue {
        Queue::Rocksmq => ("rocksmq", built_in(&dependencies.rocksmq)),
        Queue::Natsmq => ("natsmq", built_in(&dependencies.natsmq)),
        Queue::Woodpecker { pools: None } => {
            ("woodpecker", dependencies.woodpecker.as_ref().and_then(|w| w.persistence.clone()))
        }
        _ => return None,
    };
    persistence.filter(|p| p.enabled == Some(true)).map(|_| {
        format!("spec.dependencies.{name}.persistence (the queue lies on an emptyDir and goes with its pod)")
    })
}
