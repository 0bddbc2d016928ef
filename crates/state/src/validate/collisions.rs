//! Parts of a pod, other than the names of its containers, that Kubernetes would refuse, and whose field only we can name.
//!
//! The API server names a place in the Deployment that it refuses, which the user has not written.

use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use milvus_api::RollingUpdate;

use super::settings::ComponentSettings;
use crate::refusal::Refusal;

/// Adds what collides in one component, whose field is `path`.
pub fn check(settings: &ComponentSettings, path: &str, refusals: &mut Vec<Refusal>) {
    for (field, containers) in
        [("sidecars", &settings.sidecars), ("initContainers", &settings.init_containers)]
    {
        let nameless = containers.iter().position(|container| container.name.is_empty());
        let place = nameless.map(|index| format!("{path}.{field}[{index}].name"));
        refusals
            .extend(place.map(|place| Refusal::invalid(&place, "a container needs a name", "Give it one.")));
    }
    let mut names = Vec::new();
    for (index, volume) in settings.volumes.iter().enumerate() {
        refusals.extend(taken(&format!("{path}.volumes[{index}].name"), &volume.name, &mut names));
    }
    if let Some(update) = &settings.rolling_update {
        refusals.extend(rolling_update(update, &format!("{path}.rollingUpdate")));
    }
}

/// The name of a volume that is missing, or that another one of the pod has.
fn taken(place: &str, name: &str, names: &mut Vec<String>) -> Option<Refusal> {
    if name.is_empty() {
        return Some(Refusal::invalid(place, "a volume needs a name", "Give it one."));
    }
    if names.iter().any(|taken| taken == name) {
        let why = format!("another volume of the pod is named {name:?}");
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
