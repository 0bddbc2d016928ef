//! Merges the global settings with a component's own.
//!
//! A component's value replaces the global one where it is given; environment, labels and annotations are merged by name with the
//! component's value winning, mounts by their path. (Upstream lets the global *label* win over the component's: a defect that is
//! not copied.)

use k8s_openapi::api::core::v1::{EnvVar, VolumeMount};
use milvus_api::{ComponentSpec, Components, FreeForm, ServiceComponent, TargetPortType};
use milvus_plan::{Component, Mode, UpdateMode};

use super::collisions;
use super::decode::{Decode, GLOBAL};
use super::findings::{Findings, overlay};
use super::images;
use super::model::TargetPort;
use super::ports;
use super::settings::{ComponentSettings, Probes, Replicas, ServiceSettings};
use crate::convert;

/// `spec.components.imageUpdateMode`
pub fn update_mode(common: &Components) -> UpdateMode {
    convert::update_mode(common.image_update_mode)
}

/// `spec.components.targetPortType`
pub fn target_port(common: &Components) -> TargetPort {
    match common.target_port_type {
        TargetPortType::String => TargetPort::Name,
        TargetPortType::Integer => TargetPort::Number,
    }
}

/// Merges one component. Everything that can't be typed, or is lost by it, is one of the `findings`.
pub fn parse(
    component: Component,
    common: &Components,
    mode: Mode,
    findings: &mut Findings,
) -> ComponentSettings {
    let name = convert::component_name(component);
    let default = milvus_api::Component::default();
    let own = common.component(name).unwrap_or(&default);
    let (global, spec) = (&common.global, &own.spec);
    let path = format!("{GLOBAL}.{}", component.field());
    let mut decode = Decode { own: &path, findings };
    let settings = ComponentSettings {
        component,
        own_image: images::own(component, common),
        replicas: replicas(component, own.replicas, mode, common.enable_manual_mode == Some(true)),
        paused: flag(spec.paused) || flag(global.paused),
        pod_labels: overlay(&global.pod_labels, &spec.pod_labels),
        pod_annotations: overlay(&global.pod_annotations, &spec.pod_annotations),
        commands: pick(&spec.commands, &global.commands),
        run_with_sub_process: flag(spec.run_with_sub_process.or(global.run_with_sub_process)),
        image_pull_policy: text(spec, global, |s| s.image_pull_policy.as_ref())
            .unwrap_or_else(|| "IfNotPresent".to_owned()),
        image_pull_secrets: pick(&spec.image_pull_secrets, &global.image_pull_secrets),
        env: environment(&global.env, &spec.env),
        resources: spec.resources.clone().or_else(|| global.resources.clone()),
        scheduler_name: text(spec, global, |s| s.scheduler_name.as_ref()),
        node_selector: match spec.node_selector.is_empty() {
            true => global.node_selector.clone(),
            false => spec.node_selector.clone(),
        },
        affinity: spec.affinity.clone().or_else(|| global.affinity.clone()),
        tolerations: pick(&spec.tolerations, &global.tolerations),
        topology_spread: pick(&spec.topology_spread_constraints, &global.topology_spread_constraints),
        service_account: text(spec, global, |s| s.service_account_name.as_ref()),
        priority_class: text(spec, global, |s| s.priority_class_name.as_ref()),
        dns_policy: text(spec, global, |s| s.dns_policy.as_ref()),
        host_network: flag(spec.host_network) || flag(global.host_network),
        volume_mounts: mounts(&global.volume_mounts, &spec.volume_mounts),
        rolling_update: spec.rolling_update.clone().or_else(|| global.rolling_update.clone()),
        volumes: decode.list("volumes", &spec.volumes, &global.volumes),
        probes: probes(spec, global, &mut decode),
        security_context: decode.one("securityContext", free(spec, global, |s| s.security_context.as_ref())),
        sidecars: decode.list("sidecars", &own.sidecars, &[]),
        init_containers: decode.list("initContainers", &own.init_containers, &[]),
        service: common
            .service(name)
            .map(service)
            .or_else(|| component.serves_clients().then(default_service)),
    };
    collisions::mounts(&global.volume_mounts, &format!("{GLOBAL}.volumeMounts"), &mut findings.refusals);
    collisions::mounts(&spec.volume_mounts, &format!("{path}.volumeMounts"), &mut findings.refusals);
    collisions::check(&settings, &path, &mut findings.refusals);
    settings
}

/// Those of all components but where this one has one at the same path, and its own.
fn mounts(global: &[VolumeMount], own: &[VolumeMount]) -> Vec<VolumeMount> {
    let kept = global.iter().filter(|mount| own.iter().all(|o| o.mount_path != mount.mount_path));
    kept.chain(own).cloned().collect()
}

fn flag(value: Option<bool>) -> bool {
    value.unwrap_or_default()
}

fn given(value: Option<&String>) -> Option<&String> {
    value.filter(|text| !text.is_empty())
}

fn text(
    own: &ComponentSpec,
    global: &ComponentSpec,
    field: impl Fn(&ComponentSpec) -> Option<&String>,
) -> Option<String> {
    given(field(own)).or_else(|| given(field(global))).cloned()
}

/// The component's own value, else the global one; whether it is the component's own.
fn free<'a>(
    own: &'a ComponentSpec,
    global: &'a ComponentSpec,
    field: impl Fn(&'a ComponentSpec) -> Option<&'a FreeForm>,
) -> Option<(bool, &'a FreeForm)> {
    let mine = field(own).map(|value| (true, value));
    mine.or_else(|| field(global).map(|value| (false, value))).filter(|(_, value)| !value.is_empty())
}

fn pick<T: Clone>(own: &[T], global: &[T]) -> Vec<T> {
    if own.is_empty() { global.to_vec() } else { own.to_vec() }
}

/// One pod unless said otherwise; in a cluster the standalone is a placeholder without pods, as upstream keeps it.
fn replicas(component: Component, given: Option<i32>, mode: Mode, manual: bool) -> Replicas {
    let default = i32::from(!(component == Component::Standalone && mode == Mode::Cluster));
    match given.unwrap_or(default) {
        number if manual => Replicas::Manual(number.abs()),
        -1 => Replicas::External,
        number => Replicas::Fixed(number),
    }
}

/// Global variables in their order, each replaced by the component's of the same name, then the component's own.
fn environment(global: &[EnvVar], own: &[EnvVar]) -> Vec<EnvVar> {
    let replaced = global.iter().map(|var| own.iter().find(|o| o.name == var.name).unwrap_or(var));
    let added = own.iter().filter(|var| global.iter().all(|g| g.name != var.name));
    replaced.chain(added).cloned().collect()
}

fn probes(own: &ComponentSpec, global: &ComponentSpec, decode: &mut Decode<'_>) -> Probes {
    let Some((mine, given)) = free(own, global, |s| s.probes.as_ref()) else { return Probes::default() };
    let mut probe = |name: &str| {
        let inner = given.as_map().get(name).and_then(|value| value.as_object());
        let inner = inner.map(|map| FreeForm(map.clone()));
        decode.one(&format!("probes.{name}"), inner.as_ref().map(|inner| (mine, inner)))
    };
    Probes {
        startup: probe("startupProbe"),
        liveness: probe("livenessProbe"),
        readiness: probe("readinessProbe"),
    }
}

fn service(component: &ServiceComponent) -> ServiceSettings {
    ServiceSettings {
        type_: component.service_type.to_string(),
        port: component.port.filter(|port| *port != 0).unwrap_or(ports::DEFAULT),
        restful_port: component.service_restful_port.filter(|port| *port != 0),
        labels: component.service_labels.clone(),
        annotations: component.service_annotations.clone(),
        ingress: component.ingress.clone(),
    }
}

fn default_service() -> ServiceSettings {
    service(&ServiceComponent::default())
}
