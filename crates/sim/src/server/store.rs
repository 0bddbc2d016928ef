//! The objects, their history, and the reads.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::{
    answer::Failure,
    kinds::Kind,
    log::{Event, Verb},
    target::{Subresource, Target},
};

/// Namespace and name of an object.
pub(crate) type Key = (Arc<str>, Arc<str>);

/// Rules that a test of honesty breaks on purpose, to see that it finds out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rules {
    /// A change of metadata counts as a generation.
    pub bump_generation_on_metadata: bool,
    /// A write that changes nothing makes a revision.
    pub commit_without_change: bool,
    /// Server-side apply leaves what its manager no longer applies.
    pub keep_what_is_no_longer_applied: bool,
    /// A stale `resourceVersion` is no conflict.
    pub accept_stale_writes: bool,
}

/// Everything that the server keeps.
#[derive(Clone, Debug)]
pub struct Store {
    pub(super) objects: BTreeMap<Kind, BTreeMap<Key, Arc<Value>>>,
    pub(super) present: BTreeSet<Kind>,
    /// How often a kind came or went.
    turns: u64,
    pub(super) log: Vec<Event>,
    pub(super) revision: u64,
    pub(super) compacted: u64,
    pub(super) created: u64,
    /// Custom resources whose stored form has empty maps in its metadata, which only an apply leaves there.
    /// The next write tidies them up, and so is a change even if it changes nothing else.
    pub(super) untidy: BTreeSet<(Kind, Arc<str>, Arc<str>)>,
    now: Timestamp,
    rules: Rules,
    unknown: Vec<String>,
}

/// Who writes, and how.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Author<'a> {
    /// As in the log.
    pub(crate) actor: &'a str,
    /// As in `managedFields`.
    pub(crate) manager: &'a str,
    pub(crate) verb: Verb,
    /// Checks everything and commits nothing.
    pub(crate) dry_run: bool,
}

impl<'a> Author<'a> {
    pub(crate) fn new(actor: &'a str, verb: Verb) -> Author<'a> {
        Author { actor, manager: actor, verb, dry_run: false }
    }
}

/// A change that is to be committed.
pub(super) struct Change {
    pub(super) verb: Verb,
    pub(super) kind: Kind,
    pub(super) key: Key,
    pub(super) subresource: Option<Subresource>,
    pub(super) after: Option<Value>,
}

impl Store {
    /// A server with the namespaces `default` and `kube-system` and nothing else.
    pub fn new(start: Timestamp) -> Store {
        let mut store = Store {
            objects: BTreeMap::new(),
            present: Kind::ALL.into_iter().collect(),
            turns: 0,
            log: Vec::new(),
            revision: 1,
            compacted: 0,
            created: 0,
            untidy: BTreeSet::new(),
            now: start,
            rules: Rules::default(),
            unknown: Vec::new(),
        };
        for name in ["default", "kube-system"] {
            store.install_namespace(name);
        }
        store
    }

    /// The same in another run, whose clock is tokio's of now.
    #[must_use]
    pub(crate) fn carried_over(&self) -> Store {
        let mut store = self.clone();
        let now = tokio::time::Instant::now();
        store.log.iter_mut().for_each(|event| event.committed = now);
        store
    }

    /// Sets the time of the server: creation and deletion timestamps, times of managed fields.
    pub fn set_now(&mut self, now: Timestamp) {
        self.now = now;
    }

    /// The time of the server.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// The newest revision. It moves with every committed change.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Every committed change, oldest first.
    pub fn log(&self) -> &[Event] {
        &self.log
    }

    /// What was asked for and is not known here. Tests assert that it is empty.
    pub fn unknown(&self) -> &[String] {
        &self.unknown
    }

    /// Records something that is not known, and gives the answer to it.
    pub fn not_known(&mut self, what: impl Into<String>) -> Failure {
        let what = what.into();
        self.unknown.push(what.clone());
        Failure::unknown(format!("the simulator does not know {what}"))
    }

    /// The rules, of which a test of honesty may break one.
    pub fn rules(&self) -> Rules {
        self.rules
    }

    /// Sets the rules.
    pub fn set_rules(&mut self, rules: Rules) {
        self.rules = rules;
    }

    /// An object, if it exists.
    pub fn get(&self, kind: Kind, namespace: &str, name: &str) -> Option<&Value> {
        self.find(kind.at(namespace, name)).map(AsRef::as_ref)
    }

    /// All objects of a kind, in order of namespace and name.
    pub fn list(&self, kind: Kind) -> impl Iterator<Item = &Value> {
        self.objects.get(&kind).into_iter().flat_map(BTreeMap::values).map(AsRef::as_ref)
    }

    /// Objects of a kind in a namespace, in order of name.
    pub fn list_in(&self, kind: Kind, namespace: &str) -> impl Iterator<Item = &Value> {
        let objects = self.objects.get(&kind).into_iter().flatten();
        objects.filter(move |((of, _), _)| &**of == namespace).map(|(_, object)| object.as_ref())
    }

    /// Makes a kind known to the API, as when its definition is installed.
    pub fn add_kind(&mut self, kind: Kind) {
        self.turns += u64::from(self.present.insert(kind));
    }

    /// Takes a kind and its objects away, as when its definition is deleted. Its paths answer 404 from then
    /// on, and its watches end.
    pub fn remove_kind(&mut self, kind: Kind) {
        self.turns += u64::from(self.present.remove(&kind));
        self.objects.remove(&kind);
    }

    /// Whether the API has a kind.
    pub fn has_kind(&self, kind: Kind) -> bool {
        self.present.contains(&kind)
    }

    /// How often a kind came or went.
    pub(super) fn kinds(&self) -> u64 {
        self.turns
    }

    /// Forgets changes below a revision: a watch or a page that asks for an older one gets 410. The log
    /// stays.
    pub fn compact(&mut self, below: u64) {
        self.compacted = self.compacted.max(below.min(self.revision));
    }

    pub(super) fn find(&self, target: Target<'_>) -> Option<&Arc<Value>> {
        let objects = self.objects.get(&target.kind)?;
        objects.get(&(Arc::from(target.namespace), Arc::from(target.name)))
    }

    /// An object, or why there is none.
    pub(super) fn existing(&self, target: Target<'_>) -> Result<Arc<Value>, Failure> {
        self.find(target).cloned().ok_or_else(|| target.kind.not_found(target.name))
    }

    /// Stores a change and logs it. `resourceVersion` becomes the new revision.
    pub(super) fn commit(&mut self, author: Author<'_>, change: Change) -> Option<Arc<Value>> {
        let Change { verb, kind, key, subresource, after } = change;
        self.revision += 1;
        let stamp = |mut object: Value, revision: u64| {
            object["metadata"]["resourceVersion"] = revision.to_string().into();
            Arc::new(object)
        };
        let objects = self.objects.entry(kind).or_default();
        let after = after.map(|object| stamp(object, self.revision));
        let before = match &after {
            Some(object) => objects.insert(key.clone(), object.clone()),
            None => objects.remove(&key),
        };
        let last = match (&after, &before) {
            (None, Some(object)) => Some(stamp((**object).clone(), self.revision)),
            _ => None,
        };
        let (namespace, name) = key;
        let event = Event {
            revision: self.revision,
            time: self.now,
            committed: tokio::time::Instant::now(),
            actor: author.actor.into(),
            verb,
            subresource,
            kind,
            namespace,
            name,
            before,
            after: after.clone(),
            last: last.clone(),
        };
        self.log.push(event);
        after.or(last)
    }
}
