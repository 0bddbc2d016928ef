//! The ReplicaSet of a template: found, or made.

use serde_json::{Map, Value, json};

use super::{ACTOR, DESIRED, MAXIMUM, REVISION, Rollout, Set};
use crate::cluster::look::Look;
use crate::cluster::objects::{
    annotation, condition, controlled_by, controller, hash, number, safe_name, uid,
};
use crate::server::{Failure, Kind};

/// Label that tells the pods of one template from those of another.
const HASH: &str = "pod-template-hash";
/// What is not copied from a Deployment to its ReplicaSets.
const OWN: [&str; 4] = ["kubectl.kubernetes.io/last-applied-configuration", REVISION, DESIRED, MAXIMUM];

/// Whether a ReplicaSet's template is a Deployment's.
pub(super) fn same_template(deployment: &Value, set: &Value) -> bool {
    fn labels(template: &Value) -> impl Iterator<Item = (&String, &Value)> {
        template["metadata"]["labels"].as_object().into_iter().flatten().filter(|(key, _)| *key != HASH)
    }
    deployment["spec"] == set["spec"]
        && deployment["metadata"]["annotations"] == set["metadata"]["annotations"]
        && labels(deployment).eq(labels(set))
}

impl Rollout {
    /// Brings the numbers of the new ReplicaSet up to date, and makes it where there is none and it may be
    /// made.
    pub(super) fn find_new(&mut self, look: &mut Look<'_>, make: bool) -> Result<(), Failure> {
        let revision = self.old.iter().map(|set| set.revision).max().unwrap_or_default() + 1;
        if let Some(new) = self.new.clone() {
            let revision = revision.max(new.revision);
            self.refresh(look, &new.name, revision)?;
            return self.tell_revision(look, revision);
        }
        if !make {
            return Ok(());
        }
        let object = self.replica_set(revision);
        match look.create(ACTOR, Kind::ReplicaSet, object.clone()) {
            Ok(()) => {}
            Err(failure) if failure.reason == "AlreadyExists" => {
                self.collide(look, &object);
                return Ok(());
            }
            Err(failure) => return Err(failure),
        }
        let set = Set::of(&object, &self.deployment);
        let message = format!("Created new replica set \"{}\"", set.name);
        self.set_condition(look, ("Progressing", "True", "NewReplicaSetCreated"), &message);
        self.new = Some(set);
        self.tell_revision(look, revision)
    }

    /// What a ReplicaSet takes over from its Deployment.
    fn refresh(&self, look: &mut Look<'_>, set: &str, revision: i64) -> Result<(), Failure> {
        let annotations = self.copied_annotations();
        let seconds = self.deployment["spec"].get("minReadySeconds").cloned();
        look.change(ACTOR, Kind::ReplicaSet, (&self.namespace, set), |object| {
            for (key, value) in annotations {
                object["metadata"]["annotations"][key] = value;
            }
            object["metadata"]["annotations"][REVISION] = revision.to_string().into();
            if let Some(seconds) = seconds {
                object["spec"]["minReadySeconds"] = seconds;
            }
        })?;
        Ok(())
    }

    fn copied_annotations(&self) -> Map<String, Value> {
        let all = self.deployment["metadata"]["annotations"].as_object().cloned().unwrap_or_default();
        all.into_iter().filter(|(key, _)| !OWN.contains(&key.as_str())).collect()
    }

    /// The Deployment carries the revision of its newest template.
    fn tell_revision(&mut self, look: &mut Look<'_>, revision: i64) -> Result<(), Failure> {
        let revision = revision.to_string();
        if annotation(&self.deployment, REVISION) == revision {
            return Ok(());
        }
        self.deployment["metadata"]["annotations"][REVISION] = revision.clone().into();
        let at = (self.namespace.as_str(), self.name.as_str());
        look.annotate_by_status(ACTOR, Kind::Deployment, at, (REVISION, &revision))
    }

    fn replica_set(&self, revision: i64) -> Value {
        let Self { deployment, namespace, name, .. } = self;
        let template = &deployment["spec"]["template"];
        let collisions = number(deployment, "/status/collisionCount").to_string();
        let hash = safe_name(hash(template.to_string().bytes().chain(collisions.bytes())));
        let mut template = template.clone();
        template["metadata"]["labels"][HASH] = hash.clone().into();
        let mut selector = deployment["spec"]["selector"].clone();
        selector["matchLabels"][HASH] = hash.clone().into();
        let mut annotations = self.copied_annotations();
        annotations.insert(REVISION.to_owned(), revision.to_string().into());
        annotations.insert(DESIRED.to_owned(), self.bounds.replicas.to_string().into());
        annotations.insert(MAXIMUM.to_owned(), self.bounds.maximum().to_string().into());
        let room = self.bounds.maximum() - self.sum(|set| set.wanted);
        let mut spec = json!({
            "replicas": room.clamp(0, self.bounds.replicas), "selector": selector, "template": template,
        });
        if let Some(seconds) = deployment["spec"].get("minReadySeconds") {
            spec["minReadySeconds"] = seconds.clone();
        }
        json!({
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "metadata": {
                "name": format!("{name}-{hash}"), "namespace": namespace,
                "labels": template["metadata"]["labels"], "annotations": annotations,
                "ownerReferences": [controlled_by(Kind::Deployment, deployment)],
            },
            "spec": spec,
        })
    }

    /// The name is taken by a ReplicaSet of somebody else, as when a Deployment is made again before what the
    /// last one of its name left is collected: the next look makes one of another name.
    fn collide(&mut self, look: &mut Look<'_>, wanted: &Value) {
        let taken = look.store.get(Kind::ReplicaSet, &self.namespace, super::name(wanted));
        if taken.is_some_and(|set| controller(set) == Some(uid(&self.deployment))) {
            return;
        }
        let count = number(&self.deployment, "/status/collisionCount") + 1;
        self.deployment["status"]["collisionCount"] = count.into();
        look.wake(look.now);
    }

    /// What a Deployment says of the ReplicaSet that it finds when it is seen for the first time.
    pub(super) fn found_message(&self) -> Option<String> {
        let known = condition(&self.deployment, "Progressing").is_some();
        let new = self.new.as_ref().filter(|_| !known)?;
        Some(format!("Found new replica set \"{}\"", new.name))
    }
}
