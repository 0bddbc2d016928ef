//! The pod template of one component.
//!
//! Takes the merged settings of a component; gives the template that a real Milvus starts from: the init container `config`
//! puts the tools into `/milvus/tools`, the Milvus container runs `/milvus/tools/run.sh milvus run <role>`.
//! Paths, names, order and probe numbers are upstream's: live pods depend on them.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{
    ConfigMapVolumeSource, Container, ContainerPort, EmptyDirVolumeSource, ExecAction, KeyToPath, Lifecycle,
    LifecycleHandler, PersistentVolumeClaimVolumeSource, PodSecurityContext, PodSpec, PodTemplateSpec,
    SecretVolumeSource, SecurityContext, Volume, VolumeMount,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use milvus_api::keys;
use milvus_api::names::{CONFIG_CONTAINER, REMOVE};

use super::error::Error;
use super::probes::METRICS_PORT;
use super::tool::Tool;
use super::{checksum, env, metadata, probes};
use crate::records::Slot;
use crate::spec::dependencies::Queue;
use crate::spec::{ComponentSettings, Spec};

/// Seconds a pod may take to stop: 30 days, as upstream. A query node drains for as long as its data needs.
const TERMINATION_GRACE_SECONDS: i64 = 2_592_000;
/// Uid of the init container and of `runAsNonRoot` pods.
const NON_ROOT_UID: i64 = 1000;
/// `defaultMode` of the configuration volume, octal 777 as upstream: `run.sh` may be a script there.
const CONFIG_MODE: i32 = 0o777;
/// `defaultMode` of the Kafka CA, octal 444.
const CA_MODE: i32 = 0o444;

/// The template of a component at an image, without what must not restart pods by itself: the label of a slot,
/// the tool image of the operator, and the variable against a Service named `minio`. [`complete`] adds them.
pub fn template(
    spec: &Spec,
    component: &ComponentSettings,
    image: &str,
    tool: &Tool,
) -> Result<PodTemplateSpec, Error> {
    let labels = metadata::component_labels(&spec.name, component.component, None);
    let mut containers = vec![main_container(spec, component, image)];
    containers.extend(component.sidecars.iter().cloned());
    let mut init_containers = vec![config_container(spec, spec.tool_restarts_pods().then_some(tool))];
    init_containers.extend(component.init_containers.iter().cloned());
    let pod = PodSpec {
        termination_grace_period_seconds: Some(TERMINATION_GRACE_SECONDS),
        host_network: component.host_network.then_some(true),
        dns_policy: component.dns_policy.clone(),
        scheduler_name: component.scheduler_name.clone(),
        affinity: component.affinity.clone(),
        tolerations: some(&component.tolerations),
        topology_spread_constraints: some(&component.topology_spread),
        node_selector: (!component.node_selector.is_empty()).then(|| component.node_selector.clone()),
        image_pull_secrets: some(&component.image_pull_secrets),
        service_account_name: component.service_account.clone(),
        // The old name of the same field: the API server fills it in, and would bring a removed name back from it if it were not ours.
        service_account: component.service_account.clone(),
        priority_class_name: component.priority_class.clone(),
        security_context: spec.run_as_non_root.then(|| PodSecurityContext {
            run_as_non_root: Some(true),
            run_as_user: Some(NON_ROOT_UID),
            ..PodSecurityContext::default()
        }),
        init_containers: Some(init_containers),
        containers,
        volumes: some(&volumes(spec, component)),
        ..PodSpec::default()
    };
    let metadata = ObjectMeta {
        labels: Some(pod_labels(component, labels)),
        annotations: Some(annotations(spec, component)?),
        ..ObjectMeta::default()
    };
    Ok(PodTemplateSpec { metadata: Some(metadata), spec: Some(pod) })
}

/// What a template gets when it is sent, beside what was rendered for it.
#[derive(Clone, Copy, Debug)]
pub struct Additions<'a> {
    /// Slot of a component with two Deployments.
    pub slot: Option<Slot>,
    /// Image of the init container.
    pub tool: &'a Tool,
    /// A Service named `minio` is in the namespace.
    pub minio_link: bool,
}

/// The template as it is sent.
pub fn complete(
    mut template: PodTemplateSpec,
    spec: &Spec,
    component: &ComponentSettings,
    added: Additions<'_>,
) -> PodTemplateSpec {
    let labels = metadata::component_labels(&spec.name, component.component, added.slot);
    template.metadata.get_or_insert_default().labels.get_or_insert_default().extend(labels);
    let pod = template.spec.get_or_insert_default();
    if let Some(init) = pod.init_containers.iter_mut().flatten().find(|c| c.name == CONFIG_CONTAINER) {
        let (image, policy) = tool_image(spec, added.tool);
        init.image = Some(image);
        init.image_pull_policy = Some(policy);
    }
    if added.minio_link
        && let Some(variable) = env::minio_port(spec, component)
        && let Some(main) = pod.containers.first_mut()
    {
        main.env.get_or_insert_default().insert(0, variable);
    }
    template
}

fn some<T: Clone>(list: &[T]) -> Option<Vec<T>> {
    (!list.is_empty()).then(|| list.to_vec())
}

/// The selector's labels can't be overridden by `podLabels`: pods without them would belong to nobody.
fn pod_labels(component: &ComponentSettings, labels: BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut all = component.pod_labels.clone();
    all.extend(labels);
    if component.service.is_some() {
        all.insert(keys::SERVICE.to_owned(), "true".to_owned());
    }
    all
}

fn annotations(spec: &Spec, component: &ComponentSettings) -> Result<BTreeMap<String, String>, Error> {
    let mut all = component.pod_annotations.clone();
    all.insert(keys::USING_CONFIGMAP.to_owned(), spec.config_map_name.clone());
    if !spec.update_config_map_only {
        all.insert(keys::CONFIG_CHECKSUM.to_owned(), checksum::of(spec)?);
    }
    Ok(all)
}

fn main_container(spec: &Spec, component: &ComponentSettings, image: &str) -> Container {
    Container {
        name: component.component.name().to_owned(),
        image: Some(image.to_owned()),
        image_pull_policy: Some(component.image_pull_policy.clone()),
        args: Some(args(component)),
        env: Some(env::of(spec, component)),
        ports: Some(ports(component)),
        resources: component.resources.clone(),
        startup_probe: Some(component.probes.startup.clone().unwrap_or_else(probes::startup)),
        liveness_probe: Some(component.probes.liveness.clone().unwrap_or_else(probes::liveness)),
        readiness_probe: Some(component.probes.readiness.clone().unwrap_or_else(probes::readiness)),
        lifecycle: component.service.is_some().then(pre_stop),
        volume_mounts: Some(mounts(spec, component)),
        security_context: component.security_context.clone(),
        ..Container::default()
    }
}

fn args(component: &ComponentSettings) -> Vec<String> {
    let mut args = vec!["/milvus/tools/run.sh".to_owned()];
    if component.commands.is_empty() {
        args.extend(["milvus", "run"].map(str::to_owned));
        args.extend(component.component.run_args().iter().map(|arg| (*arg).to_owned()));
    } else {
        args.extend(component.commands.iter().cloned());
    }
    if component.run_with_sub_process {
        args.push("--run-with-subprocess".to_owned());
    }
    args
}

fn ports(component: &ComponentSettings) -> Vec<ContainerPort> {
    let port = |name: &str, number| ContainerPort {
        name: Some(name.to_owned()),
        container_port: number,
        protocol: Some("TCP".to_owned()),
        ..ContainerPort::default()
    };
    let mut ports = Vec::new();
    if let Some(service) = &component.service {
        ports.push(port("milvus", service.port));
    }
    ports.push(port("metrics", METRICS_PORT));
    if let Some(rest) = component.service.as_ref().and_then(|s| s.restful_port) {
        ports.push(port("restful", rest));
    }
    ports
}

/// Endpoints are taken out of the Service while this sleeps, so no new request meets a stopping proxy.
fn pre_stop() -> Lifecycle {
    let command = Some(vec!["sleep".to_owned(), "30".to_owned()]);
    let exec = Some(ExecAction { command });
    Lifecycle {
        pre_stop: Some(LifecycleHandler { exec, ..LifecycleHandler::default() }),
        ..Lifecycle::default()
    }
}

/// The user's tool image, else the operator's.
fn tool_image(spec: &Spec, tool: &Tool) -> (String, String) {
    match &spec.tool_image {
        Some(image) => (image.clone(), "IfNotPresent".to_owned()),
        None => (tool.image.clone(), tool.pull_policy.clone()),
    }
}

fn config_container(spec: &Spec, tool: Option<&Tool>) -> Container {
    let (image, policy) = tool.map(|tool| tool_image(spec, tool)).unzip();
    Container {
        name: CONFIG_CONTAINER.to_owned(),
        image,
        image_pull_policy: policy,
        command: Some(vec!["/bin/sh".to_owned()]),
        args: Some(vec!["/init.sh".to_owned()]),
        volume_mounts: Some(vec![config_mount(), tools_mount()]),
        security_context: Some(SecurityContext {
            run_as_non_root: Some(true),
            run_as_user: Some(NON_ROOT_UID),
            ..SecurityContext::default()
        }),
        ..Container::default()
    }
}

fn mount(name: &str, path: &str, read_only: bool) -> VolumeMount {
    VolumeMount {
        name: name.to_owned(),
        mount_path: path.to_owned(),
        read_only: read_only.then_some(true),
        ..VolumeMount::default()
    }
}

fn config_mount() -> VolumeMount {
    mount("milvus-config", "/milvus/configs/operator", true)
}

fn tools_mount() -> VolumeMount {
    mount("tools", "/milvus/tools", false)
}

fn mounts(spec: &Spec, component: &ComponentSettings) -> Vec<VolumeMount> {
    let (remove, users): (Vec<_>, Vec<_>) =
        component.volume_mounts.iter().cloned().partition(|m| m.name == REMOVE);
    // Two mounts at one path, or two volumes of one name, are no valid pod: the user's takes the place of the operator's.
    let taken: Vec<String> = users.iter().map(|m| m.mount_path.clone()).collect();
    let mut mounts = Vec::new();
    if spec.data.is_some() {
        mounts.push(mount("milvus-data", "/var/lib/milvus", false));
    }
    mounts.push(config_mount());
    mounts.push(tools_mount());
    if kafka_secret(spec).is_some() {
        mounts.push(mount("kafka-ca", "/milvus/configs/kafka-ca", true));
    }
    let removed = |m: &VolumeMount| remove.iter().any(|r| r.mount_path == m.mount_path);
    mounts.retain(|m| !taken.contains(&m.mount_path) && !removed(m));
    let mut all = users;
    all.append(&mut mounts);
    all
}

fn claimed(name: &str) -> PersistentVolumeClaimVolumeSource {
    PersistentVolumeClaimVolumeSource {
        claim_name: name.to_owned(),
        ..PersistentVolumeClaimVolumeSource::default()
    }
}

fn kafka_secret(spec: &Spec) -> Option<&String> {
    match &spec.dependencies.queue {
        Queue::Kafka { secret, .. } => secret.as_ref(),
        _ => None,
    }
}

fn volumes(spec: &Spec, component: &ComponentSettings) -> Vec<Volume> {
    let named = |name: &str| Volume { name: name.to_owned(), ..Volume::default() };
    let empty = || Some(EmptyDirVolumeSource::default());
    let mut volumes = Vec::new();
    // In every component, as upstream: pods that are taken over have it, and Milvus keeps local files there too.
    if let Some(data) = &spec.data {
        let volume = named("milvus-data");
        volumes.push(match data.claim_name() {
            None => Volume { empty_dir: empty(), ..volume },
            Some(claim) => Volume { persistent_volume_claim: Some(claimed(claim)), ..volume },
        });
    }
    let config = ConfigMapVolumeSource {
        name: spec.config_map_name.clone(),
        default_mode: Some(CONFIG_MODE),
        ..ConfigMapVolumeSource::default()
    };
    volumes.push(Volume { config_map: Some(config), ..named("milvus-config") });
    volumes.push(Volume { empty_dir: empty(), ..named("tools") });
    if let Some(secret) = kafka_secret(spec) {
        let ca = KeyToPath { key: "ca.pem".to_owned(), path: "ca.pem".to_owned(), ..KeyToPath::default() };
        let source = SecretVolumeSource {
            secret_name: Some(secret.clone()),
            items: Some(vec![ca]),
            default_mode: Some(CA_MODE),
            optional: Some(true),
        };
        volumes.push(Volume { secret: Some(source), ..named("kafka-ca") });
    }
    let mut all = component.volumes.clone();
    volumes.retain(|volume| all.iter().all(|users| users.name != volume.name));
    all.append(&mut volumes);
    all
}
