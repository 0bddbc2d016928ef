//! Names of containers. A pod's containers and init containers share one set of names; Kubernetes refuses a pod with two of the same,
//! which would show only when the component's turn has come.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Container;

use super::ComponentSettings;
use super::components::field;
use crate::refusal::Refusal;
use crate::render::CONFIG_CONTAINER;

/// Names the fields whose containers have a name that is taken.
pub fn check(component: &ComponentSettings, refusals: &mut Vec<Refusal>) {
    let mut taken = BTreeMap::from([
        (component.component.name().to_owned(), "the Milvus container".to_owned()),
        (CONFIG_CONTAINER.to_owned(), "the operator's init container".to_owned()),
    ]);
    let lists: [(&str, &[Container]); 2] =
        [("initContainers", &component.init_containers), ("sidecars", &component.sidecars)];
    for (list, containers) in lists {
        for (index, container) in containers.iter().enumerate() {
            let path = format!("spec.components.{}.{list}[{index}]", field(component.component));
            match taken.get(&container.name) {
                Some(who) => {
                    let why = format!("the name {:?} is that of {who}", container.name);
                    let fix = "Give it a name that no other container of the pod has.";
                    refusals.push(Refusal::invalid(&format!("{path}.name"), why, fix));
                }
                None => _ = taken.insert(container.name.clone(), path),
            }
        }
    }
}
