//! What one component is asked to be, after the global and its own settings are merged.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{
    Affinity, Container, EnvVar, LocalObjectReference, Probe, ResourceRequirements, SecurityContext,
    Toleration, TopologySpreadConstraint, Volume, VolumeMount,
};
use milvus_api::{Ingress, RollingUpdate};
use milvus_plan::{Component, Side};
use serde_json::{Map, Value};

/// Who decides the number of pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replicas {
    /// The spec.
    Fixed(i32),
    /// `-1`: an autoscaler of the user.
    External,
    /// Manual mode: the user, by scaling Deployments. The number is what a new one begins with.
    Manual(i32),
}

impl Replicas {
    /// The number to run, given the number that runs: an autoscaled component keeps its own, but at least one; in manual mode it is
    /// whatever it is.
    pub fn wanted(self, live: Option<i32>) -> i32 {
        match self {
            Replicas::Fixed(number) => number,
            Replicas::External => live.unwrap_or(1).max(1),
            Replicas::Manual(first) => live.unwrap_or(first),
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
    /// `ingress`
    pub ingress: Option<Ingress>,
}

/// The PodMonitor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MonitorSettings {
    /// `metricInterval`, else `30s`.
    pub interval: String,
    /// `metricLabels`
    pub labels: BTreeMap<String, String>,
}

/// What lies under `/var/lib/milvus`, where a queue inside Milvus keeps its data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DataVolume {
    /// A directory that goes with its pod.
    Scratch,
    /// A claim of the user's own, by its name.
    Existing(String),
    /// The claim `<milvus>-data`.
    Claim(ClaimSettings),
}

/// The claim that is made for a queue inside Milvus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimSettings {
    /// Its name.
    pub name: String,
    /// Labels, exactly.
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    pub annotations: BTreeMap<String, String>,
    /// Its spec with access modes and size filled in.
    pub spec: Map<String, Value>,
    /// It goes with its Milvus.
    pub delete: bool,
}

impl ClaimSettings {
    /// Pods on several nodes may have it at a time.
    pub fn shared(&self) -> bool {
        shared(&self.spec)
    }
}

/// A claim with this spec can be attached to several nodes for writing.
pub fn shared(spec: &Map<String, Value>) -> bool {
    let modes = spec.get("accessModes").and_then(Value::as_array);
    modes.into_iter().flatten().any(|mode| mode == "ReadWriteMany")
}

impl DataVolume {
    /// The claim that the pods mount.
    pub fn claim_name(&self) -> Option<&str> {
        match self {
            DataVolume::Scratch => None,
            DataVolume::Existing(name) => Some(name),
            DataVolume::Claim(claim) => Some(&claim.name),
        }
    }
}

/// A variable of the user that Milvus reads over a key that the operator writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// The key.
    pub key: &'static str,
    /// Where the variable stands.
    pub place: String,
    /// What Milvus gets from it.
    pub reading: Reading,
    /// What each component gets: `datanode=other`, joined by commas.
    pub values: String,
    /// The field in which it belongs.
    pub instead: String,
}

/// What Milvus gets from a variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reading {
    /// The same value in every component.
    Everywhere(String),
    /// Some components have it, or with other values.
    Somewhere,
    /// It comes from somewhere else, which the spec does not tell.
    Unreadable,
}

/// Merged settings of one component.
#[derive(Clone, Debug, PartialEq)]
pub struct ComponentSettings {
    /// Which one.
    pub component: Component,
    /// An image of its own, instead of the one of the whole Milvus.
    pub own_image: Option<Side>,
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
    /// How many pods change at once, where the spec says it.
    pub rolling_update: Option<RollingUpdate>,
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
