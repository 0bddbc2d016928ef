//! What must hold after every single commit, also after each of several that one look of a controller makes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::server::{Event, Kind, Store};

/// By namespace and name.
type Objects = BTreeMap<(Arc<str>, Arc<str>), Arc<Value>>;

/// What the server held right after a commit, made again from its log.
#[derive(Clone, Debug, Default)]
pub struct State {
    objects: BTreeMap<Kind, Objects>,
}

impl State {
    /// An object, if it existed.
    pub fn get(&self, kind: Kind, namespace: &str, name: &str) -> Option<&Value> {
        let objects = self.objects.get(&kind)?;
        objects.get(&(Arc::from(namespace), Arc::from(name))).map(AsRef::as_ref)
    }

    /// All objects of a kind, in order of namespace and name.
    pub fn list(&self, kind: Kind) -> impl Iterator<Item = &Value> {
        self.objects.get(&kind).into_iter().flat_map(BTreeMap::values).map(AsRef::as_ref)
    }

    fn apply(&mut self, event: &Event) {
        let objects = self.objects.entry(event.kind).or_default();
        let key = (event.namespace.clone(), event.name.clone());
        match &event.after {
            Some(object) => objects.insert(key, object.clone()),
            None => objects.remove(&key),
        };
    }
}

/// What must hold after a commit, or why it does not.
pub(super) type Check = Box<dyn FnMut(&State, &Event) -> Result<(), String> + Send>;

/// Reads the log of a server, and checks.
#[derive(Default)]
pub(super) struct Watcher {
    state: State,
    checks: Vec<(String, Check)>,
    read: usize,
    /// When something was last written that counts, since the start.
    pub(super) last_change: Duration,
}

impl Watcher {
    pub(super) fn demand(&mut self, name: &str, check: Check) {
        self.checks.push((name.to_owned(), check));
    }

    /// Reads what is new, and gives a line for each commit and the first demand that does not hold.
    pub(super) fn read(&mut self, store: &Store, at: Duration) -> (Vec<String>, Option<String>) {
        let mut lines = Vec::new();
        let log = store.log();
        for event in &log[self.read..] {
            self.state.apply(event);
            lines.push(line(event));
            if !is_noise(event) {
                self.last_change = at;
            }
            for (name, check) in &mut self.checks {
                if let Err(why) = check(&self.state, event) {
                    self.read = log.len();
                    return (lines, Some(format!("{name}: {why}")));
                }
            }
        }
        self.read = log.len();
        let unknown = store.unknown().first();
        (lines, unknown.map(|what| format!("the simulated API server does not know {what}")))
    }
}

/// What is written again and again without anything to do.
pub(super) fn is_noise(event: &Event) -> bool {
    event.kind == Kind::Lease
}

fn line(event: &Event) -> String {
    let Event { revision, actor, verb, kind, name, .. } = event;
    let verb = format!("{verb:?}").to_lowercase();
    let part = event.subresource.map(|part| format!("/{}", part.as_str())).unwrap_or_default();
    format!("  r{revision} {actor}: {verb} {}{part} {name}", kind.info().plural)
}
