//! The user's words, parsed.
//!
//! Takes the `Milvus` as the API server stores it; gives [`Validated`], in which every default is applied and every free-form part is
//! typed, or all objections at once. Nothing after this module reads the raw spec, and nothing ever writes it: upstream persists its
//! defaults into the user's object, which fights with every GitOps tool.

mod components;
mod dependencies;
mod pins;
mod settings;
mod unsupported;

use std::collections::BTreeMap;

use milvus_api::{Milvus, keys, names};
use milvus_plan::{Component, Side, Topology, UpdateMode, Version, components_of};
use serde_json::{Map, Value};

pub use pins::resolve;
pub use settings::{ComponentSettings, Probes, Replicas, ServiceSettings};

use crate::dependencies::Dependencies;
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
    /// The Kafka Secret has `ca.pem`.
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
        let entry = match self.topology.mode {
            milvus_plan::Mode::Cluster => Component::Proxy,
            milvus_plan::Mode::Standalone => Component::Standalone,
        };
        self.component(entry)
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
    let spec = &milvus.spec;
    let common = spec.components.clone().unwrap_or_default();
    let image = common.common.image.clone().unwrap_or_else(|| milvus_api::DEFAULT_IMAGE.to_owned());
    let version = Version::of(common.common.version.as_deref(), &image);
    let topology = pins::topology(milvus, &common);
    let dependencies = dependencies::parse(milvus, &version, &mut refusals);
    let list = components_of(&version, &topology);
    let components = list
        .into_iter()
        .filter_map(|component| components::parse(component, &common, &image, topology.mode, &mut refusals))
        .collect::<Vec<_>>();
    let (Some(dependencies), true) = (dependencies, refusals.is_empty()) else { return Err(refusals) };
    let meta = &milvus.metadata;
    let annotation = |key: &str| meta.annotations.as_ref().and_then(|all| all.get(key).cloned());
    let name = meta.name.clone().unwrap_or_default();
    let volume_bound = topology.mode == milvus_plan::Mode::Standalone
        && matches!(dependencies.queue, crate::dependencies::Queue::Rocksmq | crate::dependencies::Queue::Natsmq);
    Ok(Validated {
        namespace: meta.namespace.clone().unwrap_or_default(),
        uid: meta.uid.clone().unwrap_or_default(),
        generation: meta.generation.unwrap_or_default(),
        config_map_name: common.active_config_map.clone().unwrap_or_else(|| names::config_map(&name)),
        topology,
        target: Side { image, version },
        update_mode: components::update_mode(&common),
        rolling_enabled: !volume_bound && common.enable_rolling_update.unwrap_or(true),
        min_ready_seconds: pins::min_ready_seconds(spec),
        update_config_map_only: common.update_config_map_only.unwrap_or(true),
        target_port: components::target_port(&common),
        run_as_non_root: common.run_as_non_root.unwrap_or_default(),
        tool_image: common.tool_image.clone().filter(|image| !image.is_empty()),
        update_tool_image: common.update_tool_image.unwrap_or_default(),
        dummy_image: common.dummy_image.clone().unwrap_or_else(|| "dummy".to_owned()),
        config: spec.config.clone().map(|c| c.0).unwrap_or_default(),
        hook_config: spec.hook_config.clone().map(|c| c.0).unwrap_or_default(),
        storage_endpoint: dependencies::storage_endpoint(milvus),
        unsupported: unsupported::fields(spec, &components),
        components,
        dependencies,
        kafka_has_ca,
        kafka_sasl_checksum: annotation(keys::KAFKA_SASL_CHECKSUM),
        allow_upgrade: annotation(keys::ALLOW_UPGRADE),
        name,
    })
}

/// Labels and annotations, merged: the more specific wins.
fn overlay(
    base: Option<&BTreeMap<String, String>>,
    over: Option<&BTreeMap<String, String>>,
) -> BTreeMap<String, String> {
    base.into_iter().chain(over).flatten().map(|(k, v)| (k.clone(), v.clone())).collect()
}
