//! The order of components in a roll.

use std::collections::BTreeSet;

use milvus_sim::cluster::{holds, is_ending, text};
use milvus_sim::harness::State;
use milvus_sim::server::{Event, Kind};
use serde_json::Value;

use crate::operator::is_operator;
use crate::script::{MILVUS, NAMESPACE, main_image, of};

/// A component gets an image that it did not run only when no other is in the middle of getting one.
pub fn ordered(state: &State, event: &Event) -> Result<(), String> {
    let Some(component) = moves(state, event) else { return Ok(()) };
    let all: BTreeSet<&str> = state.list(Kind::Deployment).map(of).collect();
    match all.into_iter().find(|other| *other != component && is_mid_roll(state, other)) {
        Some(other) => {
            Err(format!("{component} gets another image while {other} is in the middle of a roll"))
        }
        None => Ok(()),
    }
}

fn size(spec: &Value) -> i64 {
    spec["replicas"].as_i64().unwrap_or(1)
}

/// The component that the operator moves to another image with a write.
pub fn moves(state: &State, event: &Event) -> Option<String> {
    let after =
        event.after.as_deref().filter(|_| event.kind == Kind::Deployment && is_operator(&event.actor))?;
    let before = event.before.as_deref().map(|before| &before["spec"]);
    if before == Some(&after["spec"]) || size(&after["spec"]) == 0 {
        return None;
    }
    let component = of(after);
    let siblings = state.list(Kind::Deployment).filter(|live| of(live) == component);
    let others = siblings.filter(|live| live["metadata"]["name"] != after["metadata"]["name"]);
    let ran: Vec<&str> = others
        .map(|live| &live["spec"])
        .chain(before)
        .filter(|spec| size(spec) != 0)
        .map(main_image)
        .collect();
    (!ran.is_empty() && !ran.contains(&main_image(&after["spec"]))).then(|| component.to_owned())
}

/// It has pods or Deployments of two images, or is at the one that is asked for and not complete.
fn is_mid_roll(state: &State, component: &str) -> bool {
    let milvus = state.get(Kind::Milvus, NAMESPACE, MILVUS);
    let asked = milvus.map(|milvus| text(milvus, "/spec/components/image")).unwrap_or_default();
    let live = state.list(Kind::Deployment).filter(|live| of(live) == component).map(|live| &live["spec"]);
    let live: Vec<&Value> = live.filter(|spec| size(spec) != 0).collect();
    let pods: Vec<&Value> = state.list(Kind::Pod).filter(|pod| of(pod) == component).collect();
    let mut images: BTreeSet<&str> = pods.iter().map(|pod| text(pod, "/spec/containers/0/image")).collect();
    images.extend(live.iter().map(|spec| main_image(spec)));
    let wanted: i64 = live.iter().map(|spec| size(spec)).sum();
    let ready = pods.iter().filter(|pod| holds(pod, "Ready") && !is_ending(pod)).count();
    images.len() > 1 || (images.first() == Some(&asked) && i64::try_from(ready).unwrap_or(i64::MAX) < wanted)
}
