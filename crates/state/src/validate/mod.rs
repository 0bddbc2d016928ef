//! The user's words, parsed.
//!
//! Takes the `Milvus` as the API server stores it; gives [`Validated`], in which every default is applied and every free-form part is
//! typed, or all objections at once. Nothing after this module reads the raw spec, and nothing ever writes it: upstream persists its
//! defaults into the user's object, which fights with every GitOps tool.

mod collisions;
mod components;
mod config_keys;
mod dependencies;
mod files;
pub mod inert;
mod persistence;
pub mod pins;
mod queues;
mod settings;
mod unsupported;

use std::collections::BTreeMap;

use milvus_api::{Components, Milvus, MilvusSpec, keys, names};
use milvus_plan::{Component, Mode, Side, Topology, UpdateMode, Version, components_of};
use serde_json::{Map, Value};

pub use settings::{
    ClaimSettings, ComponentSettings, DataVolume, MonitorSettings, Probes, Replicas, ServiceSettings, shared,
};

use crate::dependencies::{Dependencies, Queue};
use crate::refusal::Refusal;

/// Rolling mode in which every component has two Deployments.
const TWO_DEPLOYMENTS_EACH: i64 = 3;

/// How the Service names the port of the pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetPort {
    /// By name.
    Name,
    /// By number.
    Number,
}

/// A `Milvus` whose every field is understood.
#[derive(Clone, Debug, PartialEq)]
pub struct Validated {
    /// `metadata.name`
    pub name: String,
    /// `metadata.namespace`
    pub namespace: String,
    /// `metadata.uid`
    pub uid: String,
    /// `metadata.generation`
    pub generation: i64,
    /// The ConfigMap that new pods mount.
    pub config_map_name: String,
    /// Mode and coordinators.
    pub topology: Topology,
    /// The image and version that the spec asks for.
    pub target: Side,
    /// `spec.components.imageUpdateMode`
    pub update_mode: UpdateMode,
    /// `spec.components.enableManualMode`
    pub manual: bool,
    /// `spec.components.rollingMode` is 3: every component has two Deployments, not only query nodes.
    pub two_deployments: bool,
    /// `spec.components.enableRollingUpdate`, else true (false for a standalone with a queue on its volume).
    pub rolling_enabled: bool,
    /// Seconds a pod must be ready before it counts as available.
    pub min_ready_seconds: i32,
    /// A changed configuration restarts no pod.
    pub update_config_map_only: bool,
    /// `spec.components.targetPortType`
    pub target_port: TargetPort,
    /// `spec.components.runAsNonRoot`
    pub run_as_non_root: bool,
    /// `spec.components.toolImage`
    pub tool_image: Option<String>,
    /// A new tool image of the operator restarts pods.
    pub update_tool_image: bool,
    /// Image of an idle slot; upstream's default is the word `dummy`.
    pub dummy_image: String,
    /// Settings of each component that exists, in upstream's order.
    pub components: Vec<ComponentSettings>,
    /// `spec.config`
    pub config: Map<String, Value>,
    /// `spec.hookConfig`
    pub hook_config: Map<String, Value>,
    /// etcd, storage, queue.
    pub dependencies: Dependencies,
    /// Where a queue inside Milvus keeps its data; `None` where the queue is outside.
    pub data: Option<DataVolume>,
    /// The PodMonitor; `None` where `disableMetric` is set.
    pub monitor: Option<MonitorSettings>,
    /// `dependencies.storage.endpoint` as written, for the checksum.
    pub storage_endpoint: String,
    /// The Kafka Secret has `ca.pem`; false also when that could not be read, and then no configuration is written.
    pub kafka_has_ca: bool,
    /// Annotation `milvus.io/kafka-sasl-checksum` of a CR that upstream had.
    pub kafka_sasl_checksum: Option<String>,
    /// Fields that are set and not done yet.
    pub unsupported: Vec<String>,
    /// What is done and probably not meant so, each with its field.
    pub warnings: Vec<String>,
    /// Annotation `milvus.io/allow-upgrade`.
    pub allow_upgrade: Option<String>,
}

impl Validated {
    /// Settings of one component, if it exists in this version and mode.
    pub fn component(&self, component: Component) -> Option<&ComponentSettings> {
        self.components.iter().find(|settings| settings.component == component)
    }

    /// The component behind the Service.
    pub fn entry(&self) -> Option<&ComponentSettings> {
        self.component(match self.topology.mode {
            Mode::Cluster => Component::Proxy,
            Mode::Standalone => Component::Standalone,
        })
    }

    /// The claim that goes with the Milvus.
    pub fn claim_to_delete(&self) -> Option<&str> {
        match &self.data {
            Some(DataVolume::Claim(claim)) if claim.delete => Some(&claim.name),
            _ => None,
        }
    }

    /// Every component is asked to have no pods. In manual mode nobody asks.
    pub fn stopping(&self) -> bool {
        self.components.iter().all(|settings| settings.replicas == Replicas::Fixed(0))
    }
}

/// Parses a `Milvus`. `kafka_has_ca` is an observation: whether the Kafka Secret has a CA.
///
/// # Errors
/// Every field that can't be understood, each with its path and what to write instead.
pub fn validate(milvus: &Milvus, kafka_has_ca: bool) -> Result<Validated, Vec<Refusal>> {
    let mut findings = Findings::default();
    let common = &milvus.spec.components;
    let given_image = common.global.image.clone().filter(|image| !image.is_empty());
    let image = given_image.unwrap_or_else(|| milvus_api::milvus::DEFAULT_IMAGE.to_owned());
    let version = Version::of(common.global.version.as_deref().filter(|v| !v.is_empty()), &image);
    let topology = pins::topology(milvus, common);
    check_names(milvus, &mut findings.refusals);
    let dependencies = dependencies::parse(milvus, &version, &mut findings.refusals);
    let components = components_of(&version, &topology)
        .into_iter()
        .map(|component| components::parse(component, common, &image, topology.mode, &mut findings))
        .collect();
    let data =
        dependencies.as_ref().and_then(|d| persistence::parse(milvus, &d.queue, &mut findings.refusals));
    let Findings { refusals, warnings } = findings.once();
    let Some(dependencies) = dependencies.filter(|_| refusals.is_empty()) else { return Err(refusals) };
    let parts = Parts {
        target: Side { image, version },
        topology,
        components,
        dependencies,
        data,
        kafka_has_ca,
        warnings,
    };
    Ok(assemble(milvus, parts))
}

/// What is wrong with a spec, and what is odd about it.
#[derive(Default)]
struct Findings {
    refusals: Vec<Refusal>,
    warnings: Vec<String>,
}

impl Findings {
    /// Each of them once: a setting for all components is met by each of them.
    fn once(self) -> Findings {
        let mut said = Findings::default();
        self.refusals.into_iter().for_each(|one| push_new(&mut said.refusals, one));
        self.warnings.into_iter().for_each(|one| push_new(&mut said.warnings, one));
        said
    }
}

fn push_new<T: PartialEq>(list: &mut Vec<T>, one: T) {
    if !list.contains(&one) {
        list.push(one);
    }
}

/// What [`validate`] has parsed before it puts the rest together.
struct Parts {
    target: Side,
    topology: Topology,
    components: Vec<ComponentSettings>,
    dependencies: Dependencies,
    data: Option<DataVolume>,
    kafka_has_ca: bool,
    warnings: Vec<String>,
}

fn assemble(milvus: &Milvus, parts: Parts) -> Validated {
    let (meta, spec, common) = (&milvus.metadata, &milvus.spec, &milvus.spec.components);
    let annotation = |key: &str| meta.annotations.as_ref().and_then(|all| all.get(key).cloned());
    let name = meta.name.clone().unwrap_or_default();
    let volume_bound = parts.topology.mode == Mode::Standalone
        && matches!(parts.dependencies.queue, Queue::Rocksmq | Queue::Natsmq);
    let given = |value: &Option<String>| value.clone().filter(|text| !text.is_empty());
    Validated {
        namespace: meta.namespace.clone().unwrap_or_default(),
        uid: meta.uid.clone().unwrap_or_default(),
        generation: meta.generation.unwrap_or_default(),
        config_map_name: given(&common.active_config_map).unwrap_or_else(|| name.clone()),
        topology: parts.topology,
        target: parts.target,
        update_mode: components::update_mode(common),
        manual: common.enable_manual_mode == Some(true),
        two_deployments: common.rolling_mode == Some(TWO_DEPLOYMENTS_EACH),
        rolling_enabled: !volume_bound && common.enable_rolling_update.unwrap_or(true),
        min_ready_seconds: pins::min_ready_seconds(spec),
        update_config_map_only: common.update_config_map_only.unwrap_or(true),
        target_port: components::target_port(common),
        run_as_non_root: common.run_as_non_root.unwrap_or_default(),
        tool_image: given(&common.tool_image),
        update_tool_image: common.update_tool_image.unwrap_or_default(),
        dummy_image: given(&common.dummy_image).unwrap_or_else(|| "dummy".to_owned()),
        config: spec.config.clone().map(|c| c.0).unwrap_or_default(),
        hook_config: spec.hook_config.clone().map(|c| c.0).unwrap_or_default(),
        storage_endpoint: dependencies::storage_endpoint(milvus),
        unsupported: unsupported::fields(spec, &parts.dependencies),
        warnings: warnings(parts.warnings, spec, parts.topology.mode, &parts.dependencies.queue),
        monitor: monitor(common),
        data: parts.data,
        components: parts.components,
        dependencies: parts.dependencies,
        kafka_has_ca: parts.kafka_has_ca,
        kafka_sasl_checksum: annotation(keys::KAFKA_SASL_CHECKSUM),
        allow_upgrade: annotation(keys::ALLOW_UPGRADE),
        name,
    }
}

/// Upstream's interval.
const METRIC_INTERVAL: &str = "30s";

fn monitor(common: &Components) -> Option<MonitorSettings> {
    let interval = common.metric_interval.clone().filter(|text| !text.is_empty());
    (common.disable_metric != Some(true)).then(|| MonitorSettings {
        interval: interval.unwrap_or_else(|| METRIC_INTERVAL.to_owned()),
        labels: common.metric_labels.clone(),
    })
}

/// What can be told from the spec alone.
fn warnings(mut found: Vec<String>, spec: &MilvusSpec, mode: Mode, queue: &Queue) -> Vec<String> {
    if mode == Mode::Cluster && matches!(queue, Queue::Rocksmq | Queue::Natsmq) {
        found.push(format!(
            "spec.dependencies.msgStreamType: Milvus does not support {} in a cluster, where every component would have a queue of \
             its own; use pulsar, kafka or woodpecker",
            queue.name()
        ));
    }
    found.extend(spec.config.as_ref().map(|c| config_keys::warnings(c.as_map())).unwrap_or_default());
    found
}

/// A name that is too long for what is derived from it is refused here, before the first of several writes fails.
fn check_names(milvus: &Milvus, refusals: &mut Vec<Refusal>) {
    let name = milvus.metadata.name.as_deref().unwrap_or_default();
    for result in [names::instance(name), names::service(name), names::config_map(name)] {
        if let Err(error) = result {
            refusals.push(Refusal::invalid("metadata.name", error, "Create it anew under a name that fits."));
            return;
        }
    }
}

/// Labels and annotations, merged: the more specific wins.
fn overlay(base: &BTreeMap<String, String>, over: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    base.iter().chain(over).map(|(k, v)| (k.clone(), v.clone())).collect()
}
