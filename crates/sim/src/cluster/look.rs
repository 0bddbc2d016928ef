//! One look of a controller: what it reads, and its writes.

use jiff::Timestamp;
use serde_json::Value;

use super::behaviour::Behaviour;
use super::objects::{name, namespace, uid};
use super::still::{Seen, Still};
use crate::server::{Failure, Kind, Preconditions, Propagation, Store};

/// The store as a controller works on it.
pub struct Look<'a> {
    pub(super) store: &'a mut Store,
    pub(super) behaviour: &'a Behaviour,
    pub(super) still: &'a mut Still,
    pub(super) now: Timestamp,
    /// When something will happen by itself.
    pub(super) due: Option<Timestamp>,
}

impl<'a> Look<'a> {
    pub(super) fn new(store: &'a mut Store, behaviour: &'a Behaviour, still: &'a mut Still) -> Look<'a> {
        let now = store.now();
        Look { store, behaviour, still, now, due: None }
    }

    /// Namespace and name of every object of a kind.
    pub(super) fn names(&self, kind: Kind) -> Vec<(String, String)> {
        self.store.list(kind).map(|o| (namespace(o).to_owned(), name(o).to_owned())).collect()
    }

    /// Looks again at a moment.
    pub(super) fn wake(&mut self, at: Timestamp) {
        self.due = self.due.into_iter().chain([at]).min();
    }

    /// Works on an object, unless the last work on it wrote nothing and nothing has changed since. `versions`: all
    /// that the work depends on, besides the time.
    pub(super) fn unless_still(
        &mut self,
        uid: &str,
        versions: Vec<String>,
        work: impl FnOnce(&mut Self) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        if let Some(seen) = self.still.of(uid, &versions, self.now) {
            self.due = self.due.into_iter().chain(seen.due).min();
            return Ok(());
        }
        let (revision, others) = (self.store.revision(), self.due.take());
        let worked = work(self);
        let due = self.due;
        self.due = due.into_iter().chain(others).min();
        let wrote = worked.is_err() || self.store.revision() != revision;
        self.still.keep(uid, (!wrote).then_some(Seen { versions, due }));
        worked
    }

    pub(super) fn create(&mut self, actor: &str, kind: Kind, object: Value) -> Result<(), Failure> {
        self.store.create(actor, kind, object).map(drop)
    }

    /// Changes an object; whether that changed anything.
    pub(super) fn change(
        &mut self,
        actor: &str,
        kind: Kind,
        at: (&str, &str),
        change: impl FnOnce(&mut Value),
    ) -> Result<bool, Failure> {
        let Some(live) = self.store.get(kind, at.0, at.1) else { return Ok(false) };
        let mut wanted = live.clone();
        change(&mut wanted);
        if wanted == *live {
            return Ok(false);
        }
        self.store.update(actor, kind, wanted)?;
        Ok(true)
    }

    /// Writes the status of an object, unless it is that already.
    pub(super) fn write_status(
        &mut self,
        actor: &str,
        kind: Kind,
        at: (&str, &str),
        status: Value,
    ) -> Result<(), Failure> {
        let Some(live) = self.store.get(kind, at.0, at.1).filter(|live| live["status"] != status) else {
            return Ok(());
        };
        let mut wanted = live.clone();
        wanted["status"] = status;
        self.store.update_status(actor, kind, wanted).map(drop)
    }

    /// Writes an annotation by the path of the status, as the controller of Deployments does.
    pub(super) fn annotate_by_status(
        &mut self,
        actor: &str,
        kind: Kind,
        at: (&str, &str),
        (key, value): (&str, &str),
    ) -> Result<(), Failure> {
        let Some(live) = self.store.get(kind, at.0, at.1) else { return Ok(()) };
        let mut wanted = live.clone();
        wanted["metadata"]["annotations"][key] = value.into();
        self.store.update_status(actor, kind, wanted).map(drop)
    }

    /// Deletes an object, if it is still there.
    pub(super) fn delete(&mut self, actor: &str, kind: Kind, at: (&str, &str)) -> Result<(), Failure> {
        let Some(live) = self.store.get(kind, at.0, at.1) else { return Ok(()) };
        let only = Preconditions { uid: Some(uid(live).to_owned()), resource_version: None };
        self.store.delete(actor, kind.at(at.0, at.1), &only, Propagation::Background).map(drop)
    }

    /// Takes a pod away that has ended, as a kubelet does when the last container of one that was deleted has
    /// stopped.
    pub(super) fn finish_pod(&mut self, actor: &str, at: (&str, &str)) -> Result<(), Failure> {
        self.store.finish(actor, Kind::Pod.at(at.0, at.1))
    }
}
