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

use super::error::Error;
use super::metadata;
use super::object::Manifest;
use super::pod;
pub use super::pod::Additions;
use super::tool::Tool;
use crate::convert;
use crate::hash;
use crate::kinds::Kind;
use crate::records::Slot;
use crate::spec::dependencies::Queue;
use crate::spec::{ComponentSettings, DataVolume, Spec};

/// Seconds without progress before Kubernetes calls a Deployment failed: 30 days, as upstream. The operator judges
/// progress itself and says what it waits for.
const PROGRESS_DEADLINE_SECONDS: i32 = 2_592_000;

/// Whether a component is to live in two Deployments (`…-0`, `…-1`): query nodes always, the others if asked for.
pub fn slotted(spec: &Spec, component: Component) -> bool {
    spec.two_deployments || component == Component::QueryNode
}

/// Name of a component's Deployment. It always fits: the name of the Milvus is checked against the shorter limit of its
/// Service when it is validated.
pub fn name(spec: &str, component: Component, slot: Option<Slot>) -> String {
    names::deployment(spec, convert::component_name(component), None, slot).unwrap_or_default()
}

/// A pod template and the hash that says whether another one means the same.
#[derive(Clone, Debug, PartialEq)]
pub struct Rendered {
    /// The template, without what must not restart pods by itself.
    template: PodTemplateSpec,
    /// Hash of it.
    pub hash: String,
}

impl Rendered {
    /// Renders the template of a component at an image.
    ///
    /// # Errors
    /// Only bugs: what can't be hashed.
    pub fn new(
        spec: &Spec,
        settings: &ComponentSettings,
        image: &str,
        tool: &Tool,
    ) -> Result<Rendered, Error> {
        let template = pod::template(spec, settings, image, tool)?;
        let hash = template_hash(settings, &template)?;
        Ok(Rendered { template, hash })
    }

    /// What a live template is compared with: nothing of it may be missing there. `adopted`: it is another
    /// operator's, whose tool image stays until something else changes.
    ///
    /// # Errors
    /// Only bugs: what can't be written as JSON.
    pub fn compared(&self, adopted: bool) -> Result<Value, Error> {
        let mut template = self.template.clone();
        let pod = template.spec.as_mut().filter(|_| adopted);
        let init = pod.and_then(|pod| pod.init_containers.as_mut()).into_iter().flatten();
        for container in init.filter(|container| container.name == names::CONFIG_CONTAINER) {
            (container.image, container.image_pull_policy) = (None, None);
        }
        serde_json::to_value(&template).map_err(|source| Error::Hash { source })
    }

    /// The template as it is sent, as JSON.
    ///
    /// # Errors
    /// Only bugs: what can't be written as JSON.
    pub fn complete(
        &self,
        spec: &Spec,
        settings: &ComponentSettings,
        added: Additions<'_>,
    ) -> Result<Value, Error> {
        let complete = pod::complete(self.template.clone(), spec, settings, added);
        serde_json::to_value(&complete).map_err(|source| Error::Hash { source })
    }
}

/// Slots differ in one label, which a user may have given by hand too.
fn template_hash(settings: &ComponentSettings, template: &PodTemplateSpec) -> Result<String, Error> {
    let slot = keys::group_id(convert::component_name(settings.component));
    let labels = template.metadata.as_ref().and_then(|m| m.labels.as_ref());
    let hash = if labels.is_some_and(|labels| labels.contains_key(&slot)) {
        let mut plain = template.clone();
        plain.metadata.get_or_insert_default().labels.get_or_insert_default().remove(&slot);
        hash::of_json(&plain)
    } else {
        hash::of_json(template)
    };
    hash.map_err(|source| Error::Hash { source })
}

/// What is around the template, and its hash: a change of it restarts no pod but must be sent.
pub struct Shell {
    spec: Value,
    /// Hash of strategy, pause and settle time.
    pub hash: String,
}

/// Renders the Deployment without template and replicas, for the version that it runs.
///
/// # Errors
/// Only bugs: what can't be hashed.
pub fn shell(
    spec: &Spec,
    version: &Version,
    settings: &ComponentSettings,
    slot: Option<Slot>,
) -> Result<Shell, Error> {
    let mut around = json!({
        "progressDeadlineSeconds": PROGRESS_DEADLINE_SECONDS,
        "selector": {"matchLabels": metadata::component_labels(&spec.name, settings.component, slot)},
        "strategy": strategy(spec, version, settings),
        "paused": settings.paused,
    });
    if spec.rolling_enabled || slot.is_some() {
        around["minReadySeconds"] = json!(spec.min_ready_seconds);
    }
    let hash = hash::of_json(&around).map_err(|source| Error::Hash { source })?;
    Ok(Shell { spec: around, hash })
}

/// Replaced pod by pod, the new one first; at once where two at a time would be wrong.
fn strategy(spec: &Spec, version: &Version, settings: &ComponentSettings) -> DeploymentStrategy {
    let rolling = |surge: IntOrString, unavailable: IntOrString| DeploymentStrategy {
        type_: Some("RollingUpdate".to_owned()),
        rolling_update: Some(RollingUpdateDeployment {
            max_surge: Some(surge),
            max_unavailable: Some(unavailable),
        }),
    };
    if spec.update_mode == UpdateMode::Force || spec.manual {
        let all = || IntOrString::String("100%".to_owned());
        return rolling(all(), all());
    }
    if exclusive(spec, version, settings) {
        return DeploymentStrategy { type_: Some("Recreate".to_owned()), rolling_update: None };
    }
    let given = settings.rolling_update.clone().unwrap_or_default();
    rolling(
        given.max_surge.unwrap_or(IntOrString::Int(1)),
        given.max_unavailable.unwrap_or(IntOrString::Int(0)),
    )
}

/// Two pods of the component must not run at once: coordinators that can't stand by, a standalone whose queue lies on its own volume.
pub fn exclusive(spec: &Spec, version: &Version, settings: &ComponentSettings) -> bool {
    let standalone = settings.component == Component::Standalone;
    let standby = spec.rolling_enabled
        && match version {
            Version::Known(version) => facts::active_standby(version),
            // What runs under an unreadable tag keeps upstream's strategy.
            Version::Unknown(_) => true,
        };
    (standalone && one_at_a_time(spec)) || ((standalone || settings.component.is_coordinator()) && !standby)
}

/// A second pod of a standalone would write to the same queue, or would wait for a volume that the first one holds.
pub fn one_at_a_time(spec: &Spec) -> bool {
    let volume = match &spec.data {
        Some(DataVolume::Claim(claim)) => !claim.shared(),
        // What its access mode is can change without us.
        Some(DataVolume::Existing(_)) => true,
        Some(DataVolume::Scratch) | None => false,
    };
    volume || matches!(spec.dependencies.queue, Queue::Rocksmq | Queue::Natsmq)
}

/// The complete Deployment. `replicas: None` leaves the number to whoever else owns it (an autoscaler).
///
/// # Errors
/// Only bugs: what can't be written as JSON.
pub fn deployment(
    spec: &Spec,
    settings: &ComponentSettings,
    slot: Option<Slot>,
    shell: &Shell,
    body: Body,
) -> Result<Manifest, Error> {
    let labels = metadata::component_labels(&spec.name, settings.component, slot);
    let name = name(&spec.name, settings.component, slot);
    let mut metadata = metadata::object(spec, name.clone(), labels);
    let mut annotations = BTreeMap::from([(keys::RENDERED_SPEC_HASH.to_owned(), shell.hash.clone())]);
    annotations.extend(body.hash.map(|hash| (keys::RENDERED_HASH.to_owned(), hash)));
    if slot.is_some() {
        annotations.insert(keys::GENERATION.to_owned(), body.written_at.to_string());
    }
    metadata.annotations = Some(annotations);
    let mut deployment = shell.spec.clone();
    deployment["template"] = body.template;
    if let Some(replicas) = body.replicas {
        deployment["replicas"] = json!(replicas);
    }
    let metadata = serde_json::to_value(metadata).map_err(|source| Error::Hash { source })?;
    let object =
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": deployment});
    Ok(Manifest { kind: Kind::Deployment, name, object })
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
