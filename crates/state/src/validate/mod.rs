//! The user's words, parsed.
//!
//! Takes the `Milvus` as the API server stores it; gives [`Validated`], in which every default is applied and every free-form part is
//! typed, or all objections at once. Nothing after this module reads the raw spec, and nothing ever writes it: upstream persists its
//! defaults into the user's object, which fights with every GitOps tool.

mod components;
mod containers;
mod dependencies;
mod files;
pub mod pins;
mod queues;
mod settings;
mod unsupported;

use std::collections::BTreeMap;

use milvus_api::{Milvus, keys, names};
use milvus_plan::component::components_of;
use milvus_plan::{Component, Mode, Side, Topology, UpdateMode, Version};
use serde_json::{Map, Value};

pub use settings::{ComponentSettings, Probes, Replicas, ServiceSettings};

use crate::dependencies::{Dependencies, Queue};
use crate::refusal::Refusal;

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
    /// `dependencies.storage.endpoint` as written, for the checksum.
    pub storage_endpoint: String,
    /// The Kafka Secret has `ca.pem`; false also when that could not be read, and then no configuration is written.
    pub kafka_has_ca: bool,
    /// Annotation `milvus.io/kafka-sasl-checksum` of a CR that upstream had.
    pub kafka_sasl_checksum: Option<String>,
    /// Fields that are set and not done yet.
    pub unsupported: Vec<String>,
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

    /// Every component is asked to have no pods.
    pub fn stopping(&self) -> bool {
        self.components.iter().all(|settings| settings.replicas == Replicas::Fixed(0))
    }
}

/// Parses a `Milvus`. `kafka_has_ca` is an observation: whether the Kafka Secret has a CA.
///
/// # Errors
/// Every field that can't be understood, each with its path and what to write instead.
pub fn validate(milvus: &Milvus, kafka_has_ca: bool) -> Result<Validated, Vec<Refusal>> {
    let mut refusals = Vec::new();
    let common = &milvus.spec.components;
    let given_image = common.global.image.clone().filter(|image| !image.is_empty());
    let image = given_image.unwrap_or_else(|| milvus_api::milvus::DEFAULT_IMAGE.to_owned());
    let version = Version::of(common.global.version.as_deref().filter(|v| !v.is_empty()), &image);
    let topology = pins::topology(milvus, common);
    check_names(milvus, &mut refusals);
    let dependencies = dependencies::parse(milvus, &version, &mut refusals);
    let components: Vec<ComponentSettings> = components_of(&version, &topology)
        .into_iter()
        .map(|component| components::parse(component, common, &image, topology.mode, &mut refusals))
        .collect();
    for component in &components {
        containers::check(component, &mut refusals);
    }
    let Some(dependencies) = dependencies.filter(|_| refusals.is_empty()) else { return Err(refusals) };
    Ok(assemble(
        milvus,
        Parts { target: Side { image, version }, topology, components, dependencies, kafka_has_ca },
    ))
}

/// What [`validate`] has parsed before it puts the rest together.
struct Parts {
    target: Side,
    topology: Topology,
    components: Vec<ComponentSettings>,
    dependencies: Dependencies,
    kafka_has_ca: bool,
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
        components: parts.components,
        dependencies: parts.dependencies,
        kafka_has_ca: parts.kafka_has_ca,
        kafka_sasl_checksum: annotation(keys::KAFKA_SASL_CHECKSUM),
        allow_upgrade: annotation(keys::ALLOW_UPGRADE),
        name,
    }
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
