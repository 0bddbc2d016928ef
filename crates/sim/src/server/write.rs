//! The writes.

use serde_json::{Value, json};

use super::{
    answer::Failure,
    kinds::Kind,
    log::Verb,
    store::{Author, Change, Store},
    target::{Preconditions, Propagation, Target},
};

impl Store {
    /// POST.
    ///
    /// # Errors
    /// As a real API server: 400, 404 for a missing namespace, 409 for one that exists, 422.
    pub fn create(&mut self, actor: &str, kind: Kind, object: Value) -> Result<Value, Failure> {
        let _ = (Author::new(actor, Verb::Create), kind, object);
        Err(self.not_known("POST"))
    }

    /// PUT of an object; its status is not written where it has a path of its own.
    ///
    /// # Errors
    /// As a real API server: 400, 404, 409 for a stale `resourceVersion`, 422.
    pub fn update(&mut self, actor: &str, kind: Kind, object: Value) -> Result<Value, Failure> {
        let _ = (Author::new(actor, Verb::Update), kind, object);
        Err(self.not_known("PUT"))
    }

    /// PUT of `/status`.
    ///
    /// # Errors
    /// As [`Store::update`].
    pub fn update_status(&mut self, actor: &str, kind: Kind, object: Value) -> Result<Value, Failure> {
        let _ = (Author::new(actor, Verb::Update), kind, object);
        Err(self.not_known("PUT"))
    }

    /// PATCH with a JSON merge patch.
    ///
    /// # Errors
    /// As [`Store::update`].
    pub fn patch_merge(&mut self, actor: &str, target: Target<'_>, patch: &Value) -> Result<Value, Failure> {
        let _ = (Author::new(actor, Verb::Patch), target, patch);
        Err(self.not_known("PATCH"))
    }

    /// PATCH with a list of JSON patch operations.
    ///
    /// # Errors
    /// As [`Store::update`], and 422 where an operation can't be done.
    pub fn patch_json(&mut self, actor: &str, target: Target<'_>, patch: &Value) -> Result<Value, Failure> {
        let _ = (Author::new(actor, Verb::Patch), target, patch);
        Err(self.not_known("PATCH"))
    }

    /// PATCH by server-side apply. An object that does not exist is created.
    ///
    /// # Errors
    /// 409 where fields belong to others and nothing is forced, 500 for an object that does not fit its schema, else as
    /// [`Store::update`].
    pub fn apply(
        &mut self,
        manager: &str,
        force: bool,
        target: Target<'_>,
        object: &Value,
    ) -> Result<Value, Failure> {
        let _ = (Author::new(manager, Verb::Apply), force, target, object);
        Err(self.not_known("PATCH"))
    }

    /// DELETE. Gives the object that is deleted or being deleted.
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
        let _ = (Author::new(actor, Verb::Delete), target, preconditions, propagation);
        Err(self.not_known("DELETE"))
    }

    /// One step of the garbage collector: deletes one object whose owners are gone, or lets one owner go whose
    /// dependents are. False when there was nothing to do.
    pub fn collect_garbage(&mut self) -> bool {
        false
    }

    pub(super) fn install_namespace(&mut self, name: &str) {
        let object = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } });
        let author = Author::new("kube-apiserver", Verb::Create);
        let (kind, key) = (Kind::Namespace, ("".into(), name.into()));
        self.commit(author, Change { verb: Verb::Create, kind, key, subresource: None, after: Some(object) });
    }
}
