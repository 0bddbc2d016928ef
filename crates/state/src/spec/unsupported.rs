//! What is asked and not done yet. It is said in the condition `SpecSupported`, never silently dropped.

use milvus_api::{Components, MilvusSpec, names};
use milvus_plan::{Component, UpdateMode};
use strum::IntoEnumIterator as _;

use super::components::update_mode;
use super::dependencies::{Dependencies, Queue};
use super::without_effect::{AUTOSCALER, GROUPS, STATEFUL_SET};
use crate::convert;

/// Paths of the fields that are set and have no effect yet, each with what happens instead.
pub fn fields(spec: &MilvusSpec, dependencies: &Dependencies) -> Vec<String> {
    let mut found = components(&spec.components);
    found.extend(installs(spec, dependencies));
    found
}

/// Names of the Deployments in which another operator runs deployment groups.
pub fn grouped(instance: &str, common: &Components) -> Vec<String> {
    let mut all = Vec::new();
    for component in Component::iter().map(convert::component_name) {
        for group in common.groups(component) {
            let name = |slot| names::deployment(instance, component, Some(&group.name), slot);
            all.extend(
                [None, Some(names::Slot::Zero), Some(names::Slot::One)]
                    .into_iter()
                    .filter_map(|slot| name(slot).ok()),
            );
        }
    }
    all
}

fn components(common: &Components) -> Vec<String> {
    let mut found = Vec::new();
    let mut add = |set: bool, field: &str, instead: &str| {
        if set {
            found.push(format!("spec.components.{field} ({instead})"));
        }
    };
    add(
        update_mode(common) == UpdateMode::Force,
        "imageUpdateMode: force",
        "everything is replaced at once; terminating pods are not killed",
    );
    for component in Component::iter() {
        let (name, field) = (convert::component_name(component), component.field());
        add(!common.groups(name).is_empty(), &format!("{field}.groups"), GROUPS);
        add(
            common.stateful_set(name).is_some_and(|set| set.enabled == Some(true)),
            &format!("{field}.statefulSet"),
            STATEFUL_SET,
        );
        let scaled = common.component(name).is_some_and(|component| component.hpa.is_some());
        add(scaled, &format!("{field}.hpa"), AUTOSCALER);
    }
    found
}

/// In-cluster dependencies are used at the addresses of upstream's releases, but not installed.
fn installs(spec: &MilvusSpec, dependencies: &Dependencies) -> Vec<String> {
    let mut found = Vec::new();
    let mut add = |set: bool, field: &str| {
        if set {
            found.push(format!(
                "spec.dependencies.{field} (in-cluster dependencies are not installed; an existing release is used)"
            ));
        }
    };
    add(!dependencies.etcd.external, "etcd");
    add(!dependencies.storage.external, "storage");
    match &dependencies.queue {
        Queue::Pulsar { external, .. } => add(!external, "pulsar"),
        Queue::Kafka { external, .. } => add(!external, "kafka"),
        Queue::Woodpecker { .. } | Queue::Rocksmq | Queue::Natsmq | Queue::Custom => {}
    }
    let tei = spec.dependencies.as_ref().and_then(|d| d.tei.as_ref());
    if tei.is_some_and(|tei| tei.enabled) {
        found.push("spec.dependencies.tei (not installed)".to_owned());
    }
    found
}
