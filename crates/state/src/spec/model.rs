//! The parsed spec.

use std::sync::Arc;

use milvus_plan::components_of;
use milvus_plan::{Component, Mode, Side, Topology, UpdateMode, Version};
use serde_json::{Map, Value};

use super::dependencies::Dependencies;
use super::settings::{ComponentSettings, DataVolume, MonitorSettings, Reading, Variable};

/// How the Service names the port of the pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetPort {
    /// By name.
    Name,
    /// By number.
    Number,
}

/// A `Milvus` whose every field is understood, whichever version it is to run.
#[derive(Clone, Debug, PartialEq)]
pub struct Spec {
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
    pub asked: Side,
    /// `spec.components.image`, where every component has an image of its own, so that nothing runs it.
    pub unused_image: Option<String>,
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
    /// Settings of each component that exists at the version that is asked for or at the one that runs.
    pub components: Vec<Arc<ComponentSettings>>,
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
    /// Annotation `milvus.io/kafka-sasl-checksum` of a CR that upstream had.
    pub kafka_sasl_checksum: Option<String>,
    /// Components with several pods get a PodDisruptionBudget.
    pub budgets: bool,
    /// Variables that Milvus reads over keys that the operator writes.
    pub variables: Vec<Variable>,
    /// Names that the Deployments of deployment groups have.
    pub grouped: Vec<String>,
    /// Fields that are set and not done yet.
    pub unsupported: Vec<String>,
    /// What is done and probably not meant so, each with its field.
    pub warnings: Vec<String>,
    /// Annotation `milvus.io/allow-upgrade`.
    pub allow_upgrade: Option<String>,
}

impl Spec {
    /// Settings of the components that exist at a version, in upstream's order.
    pub fn components_at(&self, version: &Version) -> impl Iterator<Item = &Arc<ComponentSettings>> {
        let present = components_of(version, &self.topology);
        present.into_iter().filter_map(|component| self.settings(component))
    }

    fn settings(&self, component: Component) -> Option<&Arc<ComponentSettings>> {
        self.components.iter().find(|settings| settings.component == component)
    }

    /// The variable that gives every component the same value for a key that the operator writes, and that value.
    pub fn overridden(&self, key: &str) -> Option<(&Variable, &str)> {
        let variable = self.variables.iter().find(|variable| variable.key == key)?;
        match &variable.reading {
            Reading::Everywhere(value) => Some((variable, value)),
            Reading::Somewhere | Reading::Unreadable => None,
        }
    }

    /// The component behind the Service.
    pub fn entry(&self) -> Option<&ComponentSettings> {
        let component = match self.topology.mode {
            Mode::Cluster => Component::Proxy,
            Mode::Standalone => Component::Standalone,
        };
        self.settings(component).map(AsRef::as_ref)
    }

    /// The claim that goes with the Milvus.
    pub fn claim_to_delete(&self) -> Option<&str> {
        match &self.data {
            Some(DataVolume::Claim(claim)) if claim.delete => Some(&claim.name),
            _ => None,
        }
    }

    /// A new tool image restarts pods: the user named it, or asked for that.
    pub fn tool_restarts_pods(&self) -> bool {
        self.tool_image.is_some() || self.update_tool_image
    }
}
