//! The garbage collector, one step at a time.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    delete::{FOREGROUND, ORPHAN},
    kinds::Kind,
    log::Verb,
    object::text,
    store::{Author, Store},
    target::{Preconditions, Propagation, Target},
};

const ACTOR: &str = "garbage-collector";

/// Where an object is.
struct Place {
    kind: Kind,
    namespace: String,
    name: String,
}

impl Place {
    fn of(kind: Kind, object: &Value) -> Place {
        let of = |field: &str| text(&object["metadata"], field).to_owned();
        Place { kind, namespace: of("namespace"), name: of("name") }
    }

    fn target(&self) -> Target<'_> {
        self.kind.at(&self.namespace, &self.name)
    }
}

/// One thing to do.
enum Step {
    /// All its owners are gone.
    Delete(Place, Propagation),
    /// Some of its owners are gone, or are to leave it.
    Disown(Place, Vec<String>),
    /// It waits for nothing any more.
    Release(Place, &'static str),
}

impl Store {
    /// One step of the garbage collector: deletes one object whose owners are gone, takes owners that are
    /// gone from one object, or lets one owner go whose dependents are. False when there was nothing to do.
    pub fn collect_garbage(&mut self) -> bool {
        let Some(step) = self.next_step() else { return false };
        let author = Author::new(ACTOR, Verb::Collect);
        let done = match &step {
            Step::Delete(place, how) => {
                self.delete_as(author, place.target(), &Preconditions::default(), Some(*how), None)
            }
            Step::Disown(place, owners) => self.edit(place, |metadata| {
                let kept = |owner: &&Value| !owners.iter().any(|uid| uid == text(owner, "uid"));
                let references = metadata["ownerReferences"].as_array().into_iter().flatten();
                json!({ "ownerReferences": references.filter(kept).collect::<Vec<_>>() })
            }),
            Step::Release(place, finalizer) => self.edit(place, |metadata| {
                let finalizers = metadata["finalizers"].as_array().into_iter().flatten();
                json!({ "finalizers": finalizers.filter(|name| *name != finalizer).collect::<Vec<_>>() })
            }),
        };
        done.is_ok()
    }

    fn edit(
        &mut self,
        place: &Place,
        change: impl FnOnce(&Value) -> Value,
    ) -> Result<Value, super::answer::Failure> {
        let live = self.existing(place.target())?;
        let patch = json!({ "metadata": change(&live["metadata"]) });
        self.patch_as(Author::new(ACTOR, Verb::Collect), place.target(), super::write::Patch::Merge(&patch))
    }

    fn all(&self) -> impl Iterator<Item = (Kind, &Value)> {
        Kind::ALL.into_iter().flat_map(|kind| self.list(kind).map(move |object| (kind, object)))
    }

    fn next_step(&self) -> Option<Step> {
        let by_uid: BTreeMap<&str, &Value> =
            self.all().map(|(_, object)| (text(&object["metadata"], "uid"), object)).collect();
        self.all().find_map(|(kind, object)| {
            self.release(kind, object).or_else(|| of_dependent(kind, object, &by_uid))
        })
    }

    /// What an owner that is being deleted waits for.
    fn release(&self, kind: Kind, owner: &Value) -> Option<Step> {
        let metadata = &owner["metadata"];
        metadata.get("deletionTimestamp")?;
        let uid = text(metadata, "uid");
        let has = |finalizer: &str| {
            metadata["finalizers"].as_array().is_some_and(|all| all.iter().any(|f| f == finalizer))
        };
        let mut dependents = self.all().filter_map(|(kind, object)| {
            let reference = owners(object).find(|owner| text(owner, "uid") == uid)?;
            Some((kind, object, reference))
        });
        if has(ORPHAN) {
            return Some(match dependents.next() {
                Some((kind, object, _)) => Step::Disown(Place::of(kind, object), vec![uid.to_owned()]),
                None => Step::Release(Place::of(kind, owner), ORPHAN),
            });
        }
        if has(FOREGROUND) && !dependents.any(|(.., owner)| owner["blockOwnerDeletion"] == true) {
            return Some(Step::Release(Place::of(kind, owner), FOREGROUND));
        }
        None
    }
}

fn owners(object: &Value) -> impl Iterator<Item = &Value> {
    object["metadata"]["ownerReferences"].as_array().into_iter().flatten()
}

/// What is to be done with an object whose owners are gone or wait for it.
fn of_dependent(kind: Kind, object: &Value, by_uid: &BTreeMap<&str, &Value>) -> Option<Step> {
    let ending = object["metadata"].get("deletionTimestamp").is_some();
    let (mut solid, mut gone, mut waiting) = (false, Vec::new(), Vec::new());
    for owner in owners(object) {
        let uid = text(owner, "uid");
        let same = |found: &&&Value| text(&found["metadata"], "name") == text(owner, "name");
        match by_uid.get(uid).filter(same) {
            None => gone.push(uid.to_owned()),
            Some(owner) if waits_for_dependents(owner) => waiting.push(uid.to_owned()),
            Some(_) => solid = true,
        }
    }
    let place = || Place::of(kind, object);
    if solid {
        let useless: Vec<String> = gone.into_iter().chain(waiting).collect();
        return (!useless.is_empty()).then(|| Step::Disown(place(), useless));
    }
    if ending || (gone.is_empty() && waiting.is_empty()) {
        return None;
    }
    let uid = text(&object["metadata"], "uid");
    let owns = by_uid.values().any(|other| owners(other).any(|owner| text(owner, "uid") == uid));
    let waits = !waiting.is_empty() && owns;
    Some(Step::Delete(place(), if waits { Propagation::Foreground } else { Propagation::Background }))
}

fn waits_for_dependents(owner: &Value) -> bool {
    let metadata = &owner["metadata"];
    let finalizers = metadata["finalizers"].as_array();
    metadata.get("deletionTimestamp").is_some()
        && finalizers.is_some_and(|all| all.iter().any(|f| f == FOREGROUND))
}
