//! The Deployment controller.
//!
//! As in Kubernetes, a look at a Deployment makes one kind of change at most (the new ReplicaSet larger, the
//! old ones smaller, …) and then writes the status from the counts that it saw before.

mod revision;
mod rolling;
mod scale;
mod sizes;
mod status;

use serde_json::Value;

use super::look::Look;
use super::objects::{
    annotation, controlled_by, controller, is_ending, name, namespace, number, selects, text, uid,
};
use super::still::version;
use crate::server::{Failure, Kind};
use revision::same_template;
use sizes::Bounds;

/// Who writes.
const ACTOR: &str = "deployment-controller";
/// How many pods a ReplicaSet was part of when it was last scaled.
const DESIRED: &str = "deployment.kubernetes.io/desired-replicas";
/// How many pods there might have been at most then.
const MAXIMUM: &str = "deployment.kubernetes.io/max-replicas";
/// Number of a template, counted over the life of the Deployment.
const REVISION: &str = "deployment.kubernetes.io/revision";

/// What the controller needs to know of a ReplicaSet.
#[derive(Clone, Debug)]
struct Set {
    name: String,
    created: String,
    /// Pods that it asks for.
    wanted: i64,
    /// Pods that it has.
    has: i64,
    ready: i64,
    available: i64,
    revision: i64,
    desired: Option<i64>,
    maximum: Option<i64>,
    /// It makes pods of the template of today.
    newest: bool,
    /// Its controller has seen its last change.
    observed: bool,
    failure: Option<Value>,
}

impl Set {
    fn of(object: &Value, deployment: &Value) -> Set {
        Set {
            name: name(object).to_owned(),
            created: text(object, "/metadata/creationTimestamp").to_owned(),
            wanted: number(object, "/spec/replicas"),
            has: number(object, "/status/replicas"),
            ready: number(object, "/status/readyReplicas"),
            available: number(object, "/status/availableReplicas"),
            revision: annotation(object, REVISION).parse().unwrap_or_default(),
            desired: annotation(object, DESIRED).parse().ok(),
            maximum: annotation(object, MAXIMUM).parse().ok(),
            newest: same_template(&deployment["spec"]["template"], &object["spec"]["template"]),
            observed: number(object, "/metadata/generation") <= number(object, "/status/observedGeneration"),
            failure: super::objects::condition(object, "ReplicaFailure").cloned(),
        }
    }
}

/// A Deployment and its ReplicaSets, at one look.
struct Rollout {
    namespace: String,
    name: String,
    deployment: Value,
    bounds: Bounds,
    /// Those of older templates, oldest first.
    old: Vec<Set>,
    /// That of the template of today.
    new: Option<Set>,
}

/// Looks at every Deployment.
pub(super) fn look(look: &mut Look<'_>) -> Result<(), Failure> {
    for (namespace, name) in look.names(Kind::Deployment) {
        let Some(deployment) = look.store.get(Kind::Deployment, &namespace, &name) else { continue };
        let of = uid(deployment).to_owned();
        let own = |object: &&Value| controller(object).is_none_or(|owner| owner == of);
        let sets = look.store.list_in(Kind::ReplicaSet, &namespace).filter(own);
        // Only one that stops its old pods first looks at pods.
        let recreates = deployment["spec"]["strategy"]["type"] == "Recreate";
        let pods = look.store.list_in(Kind::Pod, &namespace).filter(|_| recreates);
        let versions = std::iter::once(deployment).chain(sets).chain(pods).map(version).collect();
        look.unless_still(&of, versions, |look| {
            adopt(look, &namespace, &name)?;
            Rollout::read(look, &namespace, &name).map_or(Ok(()), |mut rollout| rollout.sync(look))
        })?;
    }
    Ok(())
}

/// A ReplicaSet that the selector takes and that nobody controls becomes one of the Deployment.
fn adopt(look: &mut Look<'_>, namespace: &str, of: &str) -> Result<(), Failure> {
    let Some(deployment) = look.store.get(Kind::Deployment, namespace, of) else { return Ok(()) };
    if is_ending(deployment) {
        return Ok(());
    }
    let free = |set: &&Value| {
        controller(set).is_none()
            && !is_ending(set)
            && selects(&deployment["spec"]["selector"], &set["metadata"]["labels"])
    };
    let sets = look.store.list_in(Kind::ReplicaSet, namespace);
    let names: Vec<String> = sets.filter(free).map(|set| name(set).to_owned()).collect();
    let owner = controlled_by(Kind::Deployment, deployment);
    for set in names {
        look.change(ACTOR, Kind::ReplicaSet, (namespace, &set), |object| {
            object["metadata"]["ownerReferences"] = Value::from(vec![owner.clone()]);
        })?;
    }
    Ok(())
}

impl Rollout {
    fn read(look: &Look<'_>, namespace: &str, name: &str) -> Option<Rollout> {
        let deployment = look.store.get(Kind::Deployment, namespace, name)?.clone();
        let of = uid(&deployment).to_owned();
        let all = look.store.list_in(Kind::ReplicaSet, namespace);
        let own = all.filter(|set| controller(set) == Some(&of) && !is_ending(set));
        let mut old: Vec<Set> = own.map(|set| Set::of(set, &deployment)).collect();
        old.sort_by(|a, b| (&a.created, &a.name).cmp(&(&b.created, &b.name)));
        let new = old.iter().position(|set| set.newest).map(|at| old.remove(at));
        let bounds = Bounds::of(&deployment);
        Some(Rollout { namespace: namespace.to_owned(), name: name.to_owned(), deployment, bounds, old, new })
    }

    fn sync(&mut self, look: &mut Look<'_>) -> Result<(), Failure> {
        if is_ending(&self.deployment) {
            return self.write_status(look, false);
        }
        self.say_paused(look);
        if self.deployment["spec"]["paused"] == true {
            self.find_new(look, false)?;
            self.scale(look)?;
            return self.write_status(look, false);
        }
        let replicas = self.bounds.replicas;
        let scaled = |set: &&Set| set.wanted > 0 && set.desired.is_some_and(|desired| desired != replicas);
        if self.all().any(|set| scaled(&set)) {
            self.find_new(look, false)?;
            self.scale(look)?;
            return self.write_status(look, false);
        }
        if self.bounds.recreate {
            self.recreate(look)?;
        } else {
            self.roll(look)?;
        }
        self.write_status(look, true)?;
        self.clean_up(look)
    }

    /// All ReplicaSets, the new one last.
    fn all(&self) -> impl Iterator<Item = &Set> {
        self.old.iter().chain(&self.new)
    }

    fn sum(&self, count: impl Fn(&Set) -> i64) -> i64 {
        self.all().map(count).sum()
    }

    /// Sets the number of pods of a ReplicaSet.
    fn resize(&self, look: &mut Look<'_>, set: &str, wanted: i64) -> Result<bool, Failure> {
        let (desired, maximum) = (self.bounds.replicas, self.bounds.maximum());
        look.change(ACTOR, Kind::ReplicaSet, (&self.namespace, set), |object| {
            object["spec"]["replicas"] = wanted.into();
            object["metadata"]["annotations"][DESIRED] = desired.to_string().into();
            object["metadata"]["annotations"][MAXIMUM] = maximum.to_string().into();
        })
    }

    /// Old ReplicaSets beyond `revisionHistoryLimit` go when the roll is complete.
    fn clean_up(&self, look: &mut Look<'_>) -> Result<(), Failure> {
        let keep = self.deployment["spec"]["revisionHistoryLimit"].as_u64().unwrap_or(10);
        if !self.is_complete() {
            return Ok(());
        }
        let mut empty: Vec<&Set> =
            self.old.iter().filter(|set| set.wanted == 0 && set.has == 0 && set.observed).collect();
        empty.sort_by_key(|set| set.revision);
        let excess = self.old.len().saturating_sub(usize::try_from(keep).unwrap_or(usize::MAX));
        for set in empty.into_iter().take(excess) {
            look.delete(ACTOR, Kind::ReplicaSet, (&self.namespace, &set.name))?;
        }
        Ok(())
    }

    /// Every pod is of the newest template and available.
    fn is_complete(&self) -> bool {
        let replicas = self.bounds.replicas;
        self.new.as_ref().map_or(0, |set| set.has) == replicas
            && self.sum(|set| set.has) == replicas
            && self.sum(|set| set.available) == replicas
    }

    /// Pods of older templates that still exist, those that are ending included.
    fn old_pods_run(&self, look: &Look<'_>) -> bool {
        let old: Vec<&str> = self.old.iter().map(|set| set.name.as_str()).collect();
        let pods = look.store.list_in(Kind::Pod, namespace(&self.deployment));
        pods.filter(|pod| !matches!(text(pod, "/status/phase"), "Failed" | "Succeeded")).any(|pod| {
            let owners = pod["metadata"]["ownerReferences"].as_array();
            owners.is_some_and(|all| all.iter().any(|owner| old.contains(&text(owner, "/name"))))
        })
    }
}
