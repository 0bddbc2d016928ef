//! What one component is asked to be, after the global and its own settings are merged.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{
    Affinity, Container, EnvVar, LocalObjectReference, Probe, ResourceRequirements, SecurityContext,
    Toleration, TopologySpreadConstraint, Volume, VolumeMount,
};
use milvus_plan::Component;

/// Who decides the number of pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replicas {
    /// The spec.
    Fixed(i32),
    /// `-1`: an autoscaler of the user.
    External,
}

impl Replicas {
    /// The number to run, given the number that runs: an autoscaled component keeps its own, but at least one.
    pub fn wanted(self, live: Option<i32>) -> i32 {
        match self {
            Replicas::Fixed(number) => number,
            Replicas::External => live.unwrap_or(1).max(1),
        }
    }
}

/// Probes that the user gives; the others are upstream's defaults.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Probes {
    /// `startupProbe`
    pub startup: Option<Probe>,
    /// `livenessProbe`
    pub liveness: Option<Probe>,
    /// `readinessProbe`
    pub readiness: Option<Probe>,
}

/// What only proxy and standalone have.
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceSettings {
    /// `serviceType`
    pub type_: String,
    /// `port`, else 19530.
    pub port: i32,
    /// `serviceRestfulPort`, if not 0.
    pub restful_port: Option<i32>,
    /// `serviceLabels`
    pub labels: BTreeMap<String, String>,
    /// `serviceAnnotations`
    pub annotations: BTreeMap<String, String>,
}

/// Merged settings of one component.
#[derive(Clone, Debug, PartialEq)]
pub struct ComponentSettings {
    /// Which one.
    pub component: Component,
    /// The image it is to run.
    pub image: String,
    /// How many pods.
    pub replicas: Replicas,
    /// Deployment paused.
    pub paused: bool,
    /// Labels of the pods.
    pub pod_labels: BTreeMap<String, String>,
    /// Annotations of the pods.
    pub pod_annotations: BTreeMap<String, String>,
    /// Replaces `milvus run <role>`.
    pub commands: Vec<String>,
    /// Appends `--run-with-subprocess`.
    pub run_with_sub_process: bool,
    /// Image pull policy of the Milvus container.
    pub image_pull_policy: String,
    /// Image pull secrets.
    pub image_pull_secrets: Vec<LocalObjectReference>,
    /// Environment, global first.
    pub env: Vec<EnvVar>,
    /// Resources of the Milvus container.
    pub resources: Option<ResourceRequirements>,
    /// Scheduler.
    pub scheduler_name: Option<String>,
    /// Node selector.
    pub node_selector: BTreeMap<String, String>,
    /// Affinity.
    pub affinity: Option<Affinity>,
    /// Tolerations.
    pub tolerations: Vec<Toleration>,
    /// Topology spread constraints.
    pub topology_spread: Vec<TopologySpreadConstraint>,
    /// ServiceAccount of the pods.
    pub service_account: Option<String>,
    /// Priority class.
    pub priority_class: Option<String>,
    /// DNS policy.
    pub dns_policy: Option<String>,
    /// Host network.
    pub host_network: bool,
    /// Mounts of the Milvus container.
    pub volume_mounts: Vec<VolumeMount>,
    /// Volumes of the pod.
    pub volumes: Vec<Volume>,
    /// Probes of the Milvus container.
    pub probes: Probes,
    /// Security context of the Milvus container.
    pub security_context: Option<SecurityContext>,
    /// Containers beside Milvus.
    pub sidecars: Vec<Container>,
    /// Init containers after `config`.
    pub init_containers: Vec<Container>,
    /// Service settings of proxy and standalone.
    pub service: Option<ServiceSettings>,
}
