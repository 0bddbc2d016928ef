//! Parts of a pod that Kubernetes would refuse because of each other, and whose field only we can name.
//!
//! The API server names a place in the Deployment that it refuses, which the user has not written.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::VolumeMount;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use milvus_api::RollingUpdate;
use milvus_api::names::{CONFIG_CONTAINER, REMOVE};

use super::settings::ComponentSettings;
use crate::refusal::Refusal;

/// Adds what collides in one component, whose field is `path`.
pub fn check(settings: &ComponentSettings, path: &str, refusals: &mut Vec<Refusal>) {
    let mut names = vec![settings.component.name().to_owned(), CONFIG_CONTAINER.to_owned()];
    for (field, containers) in
        [("sidecars", &settings.sidecars), ("initContainers", &settings.init_containers)]
    {
        for (index, container) in containers.iter().enumerate() {
            let place = format!("{path}.{field}[{index}].name");
            refusals.extend(taken(&place, &container.name, "container", &mut names));
        }
    }
    let mut names = Vec::new();
    for (index, volume) in settings.volumes.iter().enumerate() {
        refusals.extend(taken(&format!("{path}.volumes[{index}].name"), &volume.name, "volume", &mut names));
    }
    if let Some(update) = &settings.rolling_update {
        refusals.extend(rolling_update(update, &format!("{path}.rollingUpdate")));
    }
}

/// Adds paths at which two mounts of a list would be; `path` is the field of the list. A mount that takes the operator's away has none.
pub fn mounts(list: &[VolumeMount], path: &str, refusals: &mut Vec<Refusal>) {
    let mut seen = BTreeSet::new();
    for mount in list.iter().filter(|mount| mount.name != REMOVE) {
        if !seen.insert(&mount.mount_path) {
            let why = format!("{:?} is the mountPath of two of them", mount.mount_path);
            refusals.push(Refusal::invalid(path, why, "Give one of them another path."));
        }
    }
}

/// A name that is missing, or that another one of the pod has.
fn taken(place: &str, name: &str, what: &str, names: &mut Vec<String>) -> Option<Refusal> {
    if name.is_empty() {
        return Some(Refusal::invalid(place, format!("a {what} needs a name"), "Give it one."));
    }
    if names.iter().any(|taken| taken == name) {
        let why = format!("another {what} of the pod is named {name:?}");
        return Some(Refusal::invalid(place, why, "Give it another name."));
    }
    names.push(name.to_owned());
    None
}

/// Numbers of pods that can't be read, or by which no pod could ever be replaced. What is not given is one more and none less.
fn rolling_update(update: &RollingUpdate, path: &str) -> Option<Refusal> {
    let fields = [("maxSurge", &update.max_surge), ("maxUnavailable", &update.max_unavailable)];
    let unreadable = fields.iter().find(|(_, value)| value.as_ref().is_some_and(|v| amount(v).is_none()));
    if let Some((field, _)) = unreadable {
        let why = "it is neither a number of pods nor a share of them";
        return Some(Refusal::invalid(&format!("{path}.{field}"), why, "Write it as `2` or as `25%`."));
    }
    let zero = |value: &Option<IntOrString>| value.as_ref().and_then(amount) == Some(0);
    let stands_still =
        zero(&update.max_surge) && (update.max_unavailable.is_none() || zero(&update.max_unavailable));
    let why = "with maxSurge and maxUnavailable both 0 no pod could ever be replaced";
    stands_still.then(|| Refusal::invalid(path, why, "Give one of them at least 1."))
}

/// A number of pods, or a percentage.
fn amount(value: &IntOrString) -> Option<u32> {
    match value {
        IntOrString::Int(number) => u32::try_from(*number).ok(),
        IntOrString::String(text) => {
            let digits = text.strip_suffix('%')?;
            digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok())?
        }
    }
}
