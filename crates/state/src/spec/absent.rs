//! Settings of components that a Milvus of this mode and version does not have, and pods that can't work together.

use milvus_api::Components;
use milvus_plan::{Component, Mode, Version, components_of};
use strum::IntoEnumIterator as _;

use super::dependencies::Queue;
use super::model::Spec;
use super::settings::Replicas;
use crate::convert;

/// What is set and stays without effect because there is no such component.
pub(super) fn warnings(spec: &Spec, common: &Components) -> Vec<String> {
    let present = components_of(&spec.asked.version, &spec.topology);
    let absent = Component::iter().filter(|component| !present.contains(component));
    let mode = spec.topology.mode;
    let set = absent.filter(|component| has_settings(*component, common, mode));
    set.map(|component| {
        let name = component.field();
        let why = match (mode, &spec.asked.version) {
            (Mode::Standalone, _) => "a standalone has none; did you mean spec.mode: cluster?".to_owned(),
            (Mode::Cluster, Version::Known(version)) => {
                format!("Milvus {version} with these coordinators has none, and this has no effect")
            }
            (Mode::Cluster, Version::Unknown(_)) => "this Milvus has none, and this has no effect".to_owned(),
        };
        format!("spec.components.{name}: {why}")
    })
    .collect()
}

/// More than that it is mentioned, or has no pods. The Go operator writes one replica for each component that a cluster had.
fn has_settings(component: Component, common: &Components, mode: Mode) -> bool {
    let name = convert::component_name(component);
    let Some(given) = common.component(name) else { return false };
    let default = milvus_api::Component::default();
    let only_replicas = milvus_api::Component { replicas: given.replicas, ..default.clone() } == *given;
    let service = common.service(name).is_some_and(|service| {
        let component = service.component.clone();
        milvus_api::ServiceComponent { component, ..milvus_api::ServiceComponent::default() } != *service
    });
    let quiet: &[Option<i32>] = match mode {
        Mode::Standalone => &[None, Some(0)],
        Mode::Cluster => &[None, Some(0), Some(1)],
    };
    service || !only_replicas || !quiet.contains(&given.replicas)
}

/// Pods of which only one can work on the same data.
pub(super) fn second_writers(spec: &Spec) -> Vec<String> {
    let queue = &spec.dependencies.queue;
    let settings = spec.components_at(&spec.asked.version);
    let pods = settings.filter_map(|settings| match settings.replicas {
        Replicas::Fixed(number) if number > 0 => Some((settings.component, number)),
        Replicas::Fixed(_) | Replicas::External | Replicas::Manual(_) => None,
    });
    let said = |(component, number): (Component, i32)| {
        let place = format!("spec.components.{}.replicas", component.field());
        if component == Component::Standalone && spec.topology.mode == Mode::Cluster {
            return Some(format!(
                "{place}: a standalone beside the components of a cluster works on the same data, and both can't be right; set it to 0"
            ));
        }
        let why = match component {
            _ if number < 2 => return None,
            Component::Standalone if matches!(queue, Queue::Rocksmq | Queue::Natsmq) => {
                format!("each pod of a standalone with {} has a queue of its own, or waits for the volume of the first", queue.name())
            }
            component if !spec.rolling_enabled && (component.is_coordinator() || component == Component::Standalone) => {
                "without active standby (spec.components.enableRollingUpdate) only one of them can work, and the others crash".to_owned()
            }
            _ => return None,
        };
        Some(format!("{place}: {why}; set it to 1"))
    };
    pods.filter_map(said).collect()
}
