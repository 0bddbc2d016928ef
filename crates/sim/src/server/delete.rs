//! DELETE.

use std::sync::Arc;

use jiff::ToSpan as _;
use serde_json::{Value, json};

use super::{
    answer::Failure,
    kinds::Kind,
    log::Verb,
    object::{no_such_path, text},
    store::{Author, Store},
    target::{Preconditions, Propagation, Target},
};

/// Finalizer of an owner whose dependents are to be deleted before it.
pub(super) const FOREGROUND: &str = "foregroundDeletion";
/// Finalizer of an owner whose dependents are to stay.
pub(super) const ORPHAN: &str = "orphan";

impl Store {
    /// DELETE. Gives the object that is deleted, or that is being deleted.
    ///
    /// A pod that runs on a node stays, with `deletionTimestamp`, until [`Store::finish`].
    ///
    /// # Errors
    /// 404, and 409 where a precondition does not hold.
    pub fn delete(
        &mut self,
        actor: &str,
        target: Target<'_>,
        preconditions: &Preconditions,
        propagation: Propagation,
    ) -> Result<Value, Failure> {
        self.delete_as(Author::new(actor, Verb::Delete), target, preconditions, Some(propagation), None)
    }

    /// DELETE with no time to end gracefully: what a kubelet does when the containers of a pod have ended.
    /// Finalizers still hold the object.
    ///
    /// # Errors
    /// As [`Store::delete`].
    pub fn finish(&mut self, actor: &str, target: Target<'_>) -> Result<(), Failure> {
        let author = Author::new(actor, Verb::Delete);
        self.delete_as(author, target, &Preconditions::default(), None, Some(0)).map(drop)
    }

    pub(super) fn delete_as(
        &mut self,
        author: Author<'_>,
        target: Target<'_>,
        preconditions: &Preconditions,
        propagation: Option<Propagation>,
        grace: Option<i64>,
    ) -> Result<Value, Failure> {
        if !self.has_kind(target.kind) {
            return Err(no_such_path());
        }
        let live = self.existing(target)?;
        holds(target, &live, preconditions)?;
        if target.kind == Kind::Namespace {
            return Err(self.not_known("DELETE of a namespace"));
        }
        let mut object = (*live).clone();
        let pending =
            target.kind == Kind::Pod && self.pod_ends(&mut object, grace.map(|seconds| seconds.max(0)));
        if pending && object == *live {
            return Ok(object);
        }
        let finalizers = with_propagation(&object["metadata"]["finalizers"], propagation);
        match finalizers.is_empty() {
            true => _ = object["metadata"].as_object_mut().map(|fields| fields.remove("finalizers")),
            false => object["metadata"]["finalizers"] = json!(finalizers),
        }
        if finalizers.is_empty() && !pending {
            if author.dry_run {
                return Ok(object);
            }
            // A pod that has no time left is first seen to end.
            if target.kind == Kind::Pod && object != *live {
                self.put_in(author, target, Some(object));
            }
            return Ok(self.put_in(author, target, None));
        }
        if !pending {
            self.mark_deleting(&mut object);
        }
        if author.dry_run || object == *live {
            return Ok(object);
        }
        Ok(self.put_in(author, target, Some(object)))
    }

    /// Marks an object that is held by finalizers.
    fn mark_deleting(&self, object: &mut Value) {
        let now = self.timestamp();
        let metadata = &mut object["metadata"];
        let since = text(metadata, "deletionTimestamp").to_owned();
        if since.is_empty() {
            count_generation(metadata);
        }
        // Both have the same form, so their order is that of time.
        if since.is_empty() || since > now {
            metadata["deletionTimestamp"] = now.into();
        }
        metadata["deletionGracePeriodSeconds"] = 0.into();
    }

    /// Gives a pod its time to end. Whether it still has some.
    fn pod_ends(&self, pod: &mut Value, grace: Option<i64>) -> bool {
        let phase = text(&pod["status"], "phase").to_owned();
        let over =
            matches!(phase.as_str(), "Succeeded" | "Failed") || text(&pod["spec"], "nodeName").is_empty();
        let own = pod["spec"]["terminationGracePeriodSeconds"].as_i64().unwrap_or(30);
        let asked = if over { 0 } else { grace.unwrap_or(own) };
        let metadata = &mut pod["metadata"];
        let ending = metadata.get("deletionTimestamp").is_some();
        let left = metadata["deletionGracePeriodSeconds"].as_i64();
        if ending && left.unwrap_or_default() == 0 {
            return false;
        }
        if ending && (grace.is_none() || Some(asked) >= left) {
            return true;
        }
        if !ending {
            count_generation(metadata);
        }
        let at = self.now().checked_add(asked.seconds()).unwrap_or(self.now());
        metadata["deletionTimestamp"] = at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string().into();
        metadata["deletionGracePeriodSeconds"] = asked.into();
        asked > 0
    }
}

fn count_generation(metadata: &mut Value) {
    if let Some(generation) = metadata["generation"].as_u64().filter(|generation| *generation > 0) {
        metadata["generation"] = (generation + 1).into();
    }
}

/// Finalizers after a deletion with a policy was asked for.
fn with_propagation(finalizers: &Value, propagation: Option<Propagation>) -> Vec<String> {
    let known = finalizers.as_array().into_iter().flatten().filter_map(Value::as_str);
    let known: Vec<&str> = known.collect();
    let policy = propagation.or(match () {
        () if known.contains(&ORPHAN) => Some(Propagation::Orphan),
        () if known.contains(&FOREGROUND) => Some(Propagation::Foreground),
        () => None,
    });
    let own = match policy {
        Some(Propagation::Orphan) => Some(ORPHAN),
        Some(Propagation::Foreground) => Some(FOREGROUND),
        Some(Propagation::Background) | None => None,
    };
    known
        .into_iter()
        .filter(|name| *name != ORPHAN && *name != FOREGROUND)
        .chain(own)
        .map(str::to_owned)
        .collect()
}

fn holds(target: Target<'_>, live: &Arc<Value>, preconditions: &Preconditions) -> Result<(), Failure> {
    let differs = |wanted: &Option<String>, field: &str| {
        let found = text(&live["metadata"], field);
        wanted.as_deref().is_some_and(|wanted| wanted != found)
    };
    let words = |what: &str, why: &str| {
        Failure::conflict(format!(
            "Operation cannot be fulfilled on {} \"{}\": the {what} in the precondition does not match the {what} in record. \
             The object might have been {why}",
            target.kind.resource(),
            target.name
        ))
    };
    if differs(&preconditions.uid, "uid") {
        return Err(words("UID", "deleted and then recreated"));
    }
    if differs(&preconditions.resource_version, "resourceVersion") {
        return Err(words("ResourceVersion", "modified"));
    }
    Ok(())
}
