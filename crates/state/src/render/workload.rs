//! The Deployment around a pod template.
//!
//! Takes a component's settings and a template; gives the complete object for server-side apply, as JSON, so that a
//! live template of a newer Kubernetes passes through unchanged.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::{DeploymentStrategy, RollingUpdateDeployment};
use k8s_openapi::api::core::v1::PodTemplateSpec;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use milvus_api::{keys, names};
use milvus_plan::{Component, UpdateMode, Version, facts};
use serde_json::{Value, json};

use super::{CONFIG_CONTAINER, Error, Tool, env, meta, pod};
use crate::convert;
use crate::dependencies::Queue;
use crate::hash;
use crate::records::Slot;
use crate::validate::{ComponentSettings, DataVolume, Validated};

/// Seconds without progress before Kubernetes calls a Deployment failed: 30 days, as upstream. The operator judges
/// progress itself and says what it waits for.
const PROGRESS_DEADLINE_SECONDS: i32 = 2_592_000;

/// Whether a component is to live in two Deployments (`…-0`, `…-1`): query nodes always, the others if asked for.
pub fn slotted(milvus: &Validated, component: Component) -> bool {
    milvus.two_deployments || component == Component::QueryNode
}

/// Name of a component's Deployment. It always fits: the name of the Milvus is checked against the shorter limit of its
/// Service when it is validated.
pub fn name(milvus: &str, component: Component, slot: Option<Slot>) -> String {
    names::deployment(milvus, convert::component_name(component), None, slot).unwrap_or_default()
}

/// A pod template and the hash that says whether another one means the same.
#[derive(Clone, Debug, PartialEq)]
pub struct Rendered {
    /// The template.
    pub template: PodTemplateSpec,
    /// Hash without what must not restart pods by itself.
    pub hash: String,
}

/// The template of a component at an image. `tool` is the init container's image.
pub fn render(
    milvus: &Validated,
    settings: &ComponentSettings,
    slot: Option<Slot>,
    image: &str,
    tool: &Tool,
    minio_link: bool,
) -> Result<Rendered, Error> {
    let labels = meta::component_labels(&milvus.name, settings.component, slot);
    let template = pod::template(milvus, settings, labels, image, tool, minio_link)?;
    let hash = template_hash(milvus, settings, &template)?;
    Ok(Rendered { template, hash })
}

/// A new tool image comes with every release of the operator, and a Service named `minio` can appear at any time:
/// neither may restart pods by itself. Both are sent with the next real change. Slots differ in one label.
fn template_hash(
    milvus: &Validated,
    settings: &ComponentSettings,
    template: &PodTemplateSpec,
) -> Result<String, Error> {
    let mut plain = template.clone();
    if let Some(labels) = plain.metadata.as_mut().and_then(|m| m.labels.as_mut()) {
        labels.remove(&keys::group_id(convert::component_name(settings.component)));
    }
    if let Some(spec) = plain.spec.as_mut() {
        let keep_tool = milvus.tool_image.is_some() || milvus.update_tool_image;
        for init in spec.init_containers.iter_mut().flatten() {
            if init.name == CONFIG_CONTAINER && !keep_tool {
                init.image = None;
                init.image_pull_policy = None;
            }
        }
        if let Some(vars) = spec.containers.first_mut().and_then(|c| c.env.as_mut()) {
            vars.retain(|v| v.name != env::MINIO_PORT || settings.env.contains(v));
        }
    }
    hash::of_json(&plain).map_err(|source| Error::Hash { source })
}

/// What is around the template, and its hash: a change of it restarts no pod but must be sent.
pub struct Shell {
    spec: Value,
    /// Hash of strategy, pause and settle time.
    pub hash: String,
}

/// Renders the Deployment without template and replicas.
pub fn shell(milvus: &Validated, settings: &ComponentSettings, slot: Option<Slot>) -> Result<Shell, Error> {
    let mut spec = json!({
        "progressDeadlineSeconds": PROGRESS_DEADLINE_SECONDS,
        "selector": {"matchLabels": meta::component_labels(&milvus.name, settings.component, slot)},
        "strategy": strategy(milvus, settings),
        "paused": settings.paused,
    });
    if milvus.rolling_enabled || slot.is_some() {
        spec["minReadySeconds"] = json!(milvus.min_ready_seconds);
    }
    let hash = hash::of_json(&spec).map_err(|source| Error::Hash { source })?;
    Ok(Shell { spec, hash })
}

/// Replaced pod by pod, the new one first; at once where two at a time would be wrong.
fn strategy(milvus: &Validated, settings: &ComponentSettings) -> DeploymentStrategy {
    let rolling = |surge: IntOrString, unavailable: IntOrString| DeploymentStrategy {
        type_: Some("RollingUpdate".to_owned()),
        rolling_update: Some(RollingUpdateDeployment {
            max_surge: Some(surge),
            max_unavailable: Some(unavailable),
        }),
    };
    if milvus.update_mode == UpdateMode::Force || milvus.manual {
        let all = || IntOrString::String("100%".to_owned());
        return rolling(all(), all());
    }
    if exclusive(milvus, settings) {
        return DeploymentStrategy { type_: Some("Recreate".to_owned()), rolling_update: None };
    }
    let given = settings.rolling_update.clone().unwrap_or_default();
    rolling(
        given.max_surge.unwrap_or(IntOrString::Int(1)),
        given.max_unavailable.unwrap_or(IntOrString::Int(0)),
    )
}

/// Two pods of the component must not run at once: coordinators that can't stand by, a standalone whose queue lies on its own volume.
pub fn exclusive(milvus: &Validated, settings: &ComponentSettings) -> bool {
    let standalone = settings.component == Component::Standalone;
    let standby = milvus.rolling_enabled
        && match &milvus.target.version {
            Version::Known(version) => facts::active_standby(version),
            // What runs under an unreadable tag keeps upstream's strategy.
            Version::Unknown(_) => true,
        };
    (standalone && one_at_a_time(milvus)) || ((standalone || settings.component.is_coordinator()) && !standby)
}

/// A second pod of a standalone would write to the same queue, or would wait for a volume that the first one holds.
pub fn one_at_a_time(milvus: &Validated) -> bool {
    let volume = match &milvus.data {
        Some(DataVolume::Claim(claim)) => !claim.shared(),
        // What its access mode is can change without us.
        Some(DataVolume::Existing(_)) => true,
        Some(DataVolume::Scratch) | None => false,
    };
    volume || matches!(milvus.dependencies.queue, Queue::Rocksmq | Queue::Natsmq)
}

/// The complete Deployment. `replicas: None` leaves the number to whoever else owns it (an autoscaler).
pub fn deployment(
    milvus: &Validated,
    settings: &ComponentSettings,
    slot: Option<Slot>,
    shell: &Shell,
    body: Body,
) -> Result<Value, Error> {
    let labels = meta::component_labels(&milvus.name, settings.component, slot);
    let mut metadata = meta::object(milvus, name(&milvus.name, settings.component, slot), labels);
    let mut annotations = BTreeMap::from([(keys::RENDERED_SPEC_HASH.to_owned(), shell.hash.clone())]);
    annotations.extend(body.hash.map(|hash| (keys::RENDERED_HASH.to_owned(), hash)));
    if slot.is_some() {
        annotations.insert(keys::GENERATION.to_owned(), body.written_at.to_string());
    }
    metadata.annotations = Some(annotations);
    let mut spec = shell.spec.clone();
    spec["template"] = body.template;
    if let Some(replicas) = body.replicas {
        spec["replicas"] = json!(replicas);
    }
    let metadata = serde_json::to_value(metadata).map_err(|source| Error::Hash { source })?;
    Ok(json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}))
}

/// What goes into the shell.
pub struct Body {
    /// The pod template.
    pub template: Value,
    /// Its hash; `None` for a template that the operator did not render (an idle slot, one taken over).
    pub hash: Option<String>,
    /// `spec.replicas`
    pub replicas: Option<i32>,
    /// Generation of the Milvus at which the template was written.
    pub written_at: i64,
}
