//! What must hold after every commit, whatever goes wrong with requests, watches, pods and the operators' processes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use milvus_sim::cluster::{holds, is_ending, text};
use milvus_sim::harness::{State, World};
use milvus_sim::server::{Event, Kind};
use serde_json::Value;

use crate::operator::{Dials, is_operator};
use crate::order;
use crate::script::{HOLDER, MILVUS, NAMESPACE, is_current, of};
use crate::told::{keys, row_of, told, unregistered};

/// Demands all of it. `election`: where operators are elected, who they are.
pub fn demand(world: &World, election: Option<Arc<Dials>>) {
    if let Some(dials) = election {
        world.demand("only the leader writes", move |state, event| led(state, event, &dials));
    }
    let mut wanted = BTreeMap::new();
    world.demand("as many pods serve as before", move |state, event| serving(state, event, &mut wanted));
    world.demand("at most two ReplicaSets of a component have pods", few_replica_sets);
    world.demand("the spec is the user's", |_, event| untouched(event));
    world.demand("reasons stand and keys are set where the registries have it", |_, event| registered(event));
    world.demand("one component after the other", order::ordered);
    world.demand("updated means that every pod is", truthful);
}

/// What an operator writes, it writes while the Lease names the process that it is.
fn led(state: &State, event: &Event, dials: &Dials) -> Result<(), String> {
    if event.kind == Kind::Lease || !is_operator(&event.actor) {
        return Ok(());
    }
    let holder = state.list(Kind::Lease).next().map(|lease| text(lease, HOLDER)).unwrap_or_default();
    match dials.identity(&event.actor) {
        Some(own) if own != holder => Err(format!("{} is {own}, and {holder:?} leads", event.actor)),
        // One that is not known has not started: what is seen is from before.
        _ => Ok(()),
    }
}

fn milvus(state: &State) -> Option<&Value> {
    state.get(Kind::Milvus, NAMESPACE, MILVUS)
}

/// All pods run what the status says is reached, and that is what is asked for.
fn is_updated(milvus: &Value) -> bool {
    is_current(milvus) && holds(milvus, "MilvusUpdated")
}

/// Pods that are ready and not ending, by component.
fn available(state: &State) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for pod in state.list(Kind::Pod).filter(|pod| holds(pod, "Ready") && !is_ending(pod)) {
        *counts.entry(of(pod).to_owned()).or_default() += 1;
    }
    counts
}

/// `wanted`: what served when it was last all done.
fn serving(state: &State, event: &Event, wanted: &mut BTreeMap<String, usize>) -> Result<(), String> {
    if !matches!(event.kind, Kind::Milvus | Kind::Pod) {
        return Ok(());
    }
    let Some(milvus) = milvus(state).filter(|milvus| !is_ending(milvus)) else {
        wanted.clear();
        return Ok(());
    };
    let serving = available(state);
    for (component, wanted) in &*wanted {
        let now = serving.get(component).copied().unwrap_or_default();
        if now < *wanted {
            return Err(format!("{component}: {now} of {wanted} pods"));
        }
    }
    if event.kind == Kind::Milvus && is_updated(milvus) {
        *wanted = serving;
    }
    Ok(())
}

fn few_replica_sets(state: &State, event: &Event) -> Result<(), String> {
    if event.kind != Kind::ReplicaSet {
        return Ok(());
    }
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for set in state.list(Kind::ReplicaSet).filter(|set| set["spec"]["replicas"] != 0) {
        *counts.entry(of(set)).or_default() += 1;
    }
    match counts.into_iter().find(|(_, count)| *count > 2) {
        Some((component, count)) => Err(format!("{component}: {count}")),
        None => Ok(()),
    }
}

fn untouched(event: &Event) -> Result<(), String> {
    let (Some(before), Some(after)) = (&event.before, &event.after) else { return Ok(()) };
    let changed = event.kind == Kind::Milvus && is_operator(&event.actor) && before["spec"] != after["spec"];
    if changed { Err(format!("{} became {}", before["spec"], after["spec"])) } else { Ok(()) }
}

fn registered(event: &Event) -> Result<(), String> {
    if !is_operator(&event.actor) {
        return Ok(());
    }
    let told = told(event);
    let unregistered = unregistered(&told);
    if let Some(key) = keys(event).iter().find(|key| row_of(key).is_none()) {
        return Err(format!("{key:?} is set"));
    }
    if unregistered.is_empty() { Ok(()) } else { Err(format!("{unregistered:?}")) }
}

fn truthful(state: &State, event: &Event) -> Result<(), String> {
    if !matches!(event.kind, Kind::Milvus | Kind::Pod) {
        return Ok(());
    }
    let Some(milvus) = milvus(state).filter(|milvus| is_updated(milvus)) else { return Ok(()) };
    let image = text(milvus, "/spec/components/image");
    let pods = state.list(Kind::Pod);
    let others: BTreeSet<String> = pods
        .map(|pod| (of(pod), text(pod, "/spec/containers/0/image")))
        .filter(|(_, runs)| *runs != image)
        .map(|(component, runs)| format!("{component} runs {runs}"))
        .collect();
    if others.is_empty() { Ok(()) } else { Err(format!("asked for {image}: {others:?}")) }
}
