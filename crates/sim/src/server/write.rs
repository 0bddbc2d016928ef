//! The writes, as requests ask for them.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{
    answer::Failure,
    apply::{Manager, Owners, Write, owners_of, set_owners},
    kinds::Kind,
    log::Verb,
    object::{is_empty, misfit, no_such_path, place, same_name, scale_of, text, uid_differs, without_owners},
    patch, rules, schema,
    store::{Author, Store},
    target::{Subresource, Target},
};

/// The API server merges the oldest entries of `managedFields` when there are more of updates.
const MOST_UPDATERS: usize = 10;

/// A patch, by its content type.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Patch<'a> {
    Merge(&'a Value),
    Operations(&'a Value),
    Apply { object: &'a Value, force: bool },
}

impl Store {
    /// POST.
    ///
    /// # Errors
    /// As a real API server: 400, 404 for a missing namespace, 409 for one that exists, 422.
    pub fn create(&mut self, actor: &str, kind: Kind, object: Value) -> Result<Value, Failure> {
        let namespace = text(&object["metadata"], "namespace").to_owned();
        self.create_as(Author::new(actor, Verb::Create), kind, &namespace, object)
    }

    /// PUT of an object; its status is not written where it has a path of its own.
    ///
    /// # Errors
    /// As a real API server: 400, 404, 409 for a stale `resourceVersion`, 422.
    pub fn update(&mut self, actor: &str, kind: Kind, object: Value) -> Result<Value, Failure> {
        self.put(actor, kind, None, object)
    }

    /// PUT of `/status`.
    ///
    /// # Errors
    /// As [`Store::update`].
    pub fn update_status(&mut self, actor: &str, kind: Kind, object: Value) -> Result<Value, Failure> {
        self.put(actor, kind, Some(Subresource::Status), object)
    }

    fn put(
        &mut self,
        actor: &str,
        kind: Kind,
        part: Option<Subresource>,
        object: Value,
    ) -> Result<Value, Failure> {
        let of = |field: &str| text(&object["metadata"], field).to_owned();
        let (namespace, name) = (of("namespace"), of("name"));
        let target = Target { subresource: part, ..kind.at(&namespace, &name) };
        self.put_as(Author::new(actor, Verb::Update), target, object)
    }

    /// PATCH with a JSON merge patch.
    ///
    /// # Errors
    /// As [`Store::update`].
    pub fn patch_merge(&mut self, actor: &str, target: Target<'_>, patch: &Value) -> Result<Value, Failure> {
        self.patch_as(Author::new(actor, Verb::Patch), target, Patch::Merge(patch))
    }

    /// PATCH with a list of JSON patch operations.
    ///
    /// # Errors
    /// As [`Store::update`], and 422 where an operation can't be done.
    pub fn patch_json(&mut self, actor: &str, target: Target<'_>, patch: &Value) -> Result<Value, Failure> {
        self.patch_as(Author::new(actor, Verb::Patch), target, Patch::Operations(patch))
    }

    /// PATCH by server-side apply. An object that does not exist is created.
    ///
    /// # Errors
    /// 409 where fields belong to others and nothing is forced, 500 for an object that does not fit its
    /// schema, else as [`Store::update`].
    pub fn apply(
        &mut self,
        manager: &str,
        force: bool,
        target: Target<'_>,
        object: &Value,
    ) -> Result<Value, Failure> {
        self.patch_as(Author::new(manager, Verb::Apply), target, Patch::Apply { object, force })
    }

    pub(super) fn create_as(
        &mut self,
        author: Author<'_>,
        kind: Kind,
        namespace: &str,
        mut object: Value,
    ) -> Result<Value, Failure> {
        self.has(kind)?;
        self.read(kind, &mut object, true).map_err(|words| misfit(kind, &object, &words))?;
        place(kind, namespace, &mut object)?;
        let name = text(&object["metadata"], "name").to_owned();
        let target = kind.at(namespace, &name);
        let owners = self.owners_after(author, target, &rules::empty(kind), &object, Owners::new());
        set_owners(&owners, &mut object);
        self.store_new(author, target, object)
    }

    pub(super) fn put_as(
        &mut self,
        author: Author<'_>,
        target: Target<'_>,
        mut object: Value,
    ) -> Result<Value, Failure> {
        let kind = target.kind;
        self.has(kind)?;
        if target.subresource == Some(Subresource::Scale) {
            let live = self.existing(target)?;
            let mut scaled = (*live).clone();
            scaled["spec"]["replicas"] = object["spec"]["replicas"].as_i64().unwrap_or_default().into();
            scaled["metadata"]["resourceVersion"] = object["metadata"]["resourceVersion"].clone();
            return self.changed(author, target, &live, scaled).map(|object| scale_of(&object));
        }
        self.read(kind, &mut object, true).map_err(|words| misfit(kind, &object, &words))?;
        place(kind, target.namespace, &mut object)?;
        same_name(target, &object)?;
        let uid = text(&object["metadata"], "uid").to_owned();
        let Some(live) = self.find(target).cloned() else {
            if target.subresource.is_some() || !matches!(kind, Kind::Lease | Kind::Event | Kind::Service) {
                return Err(kind.not_found(target.name));
            }
            if !uid.is_empty() {
                return Err(uid_differs(target, &uid, ""));
            }
            let owners = self.owners_after(author, target, &rules::empty(kind), &object, Owners::new());
            set_owners(&owners, &mut object);
            return self.store_new(author, target, object);
        };
        let live_uid = text(&live["metadata"], "uid");
        if !uid.is_empty() && uid != live_uid {
            return Err(uid_differs(target, &uid, live_uid));
        }
        self.changed(author, target, &live, object)
    }

    pub(super) fn patch_as(
        &mut self,
        author: Author<'_>,
        target: Target<'_>,
        patch: Patch<'_>,
    ) -> Result<Value, Failure> {
        self.has(target.kind)?;
        if let Patch::Apply { object, force } = patch {
            return self.apply_as(author, target, object, force);
        }
        let live = self.existing(target)?;
        let scale = target.subresource == Some(Subresource::Scale);
        let mut object = if scale { scale_of(&live) } else { (*live).clone() };
        match patch {
            Patch::Operations(operations) => patch::operations(&mut object, operations)?,
            Patch::Merge(change) | Patch::Apply { object: change, .. } => patch::merge(&mut object, change),
        }
        if scale {
            return self.put_as(author, target, object);
        }
        let invalid = |words: String| Failure::new(422, "Invalid", format!("patch: Invalid value: {words}"));
        self.read(target.kind, &mut object, true).map_err(invalid)?;
        place(target.kind, target.namespace, &mut object)?;
        same_name(target, &object)?;
        self.changed(author, target, &live, object)
    }

    /// What a PUT or a patch has made of an object: who owns it now, then the store.
    fn changed(
        &mut self,
        author: Author<'_>,
        target: Target<'_>,
        live: &Arc<Value>,
        mut object: Value,
    ) -> Result<Value, Failure> {
        let given = object["metadata"].get("managedFields").and_then(Value::as_array);
        let is_reset =
            given.is_some_and(|list| list.is_empty() || matches!(&list[..], [only] if *only == json!({})));
        let owners = match given {
            Some(_) if target.subresource.is_none() && is_reset => Owners::new(),
            Some(_) if target.subresource.is_none() => owners_of(&object),
            _ => owners_of(live),
        };
        let untracked = owners.is_empty();
        let owners = match target.subresource {
            _ if untracked => owners,
            Some(Subresource::Scale) => {
                self.writing(author.manager, target, false).scale(live, &object, owners)
            }
            _ => self.owners_after(author, target, live, &object, owners),
        };
        set_owners(&owners, &mut object);
        self.store_change(author, target, live, object)
    }

    fn owners_after(
        &mut self,
        author: Author<'_>,
        target: Target<'_>,
        live: &Value,
        object: &Value,
        owners: Owners,
    ) -> Owners {
        let owners = self.writing(author.manager, target, false).update(live, object, owners);
        if owners.keys().filter(|manager| manager.updates()).count() > MOST_UPDATERS {
            self.not_known("more than ten managers that update one object");
        }
        owners
    }

    fn writing(&self, manager: &str, target: Target<'_>, applies: bool) -> Write<'static> {
        let Target { kind, subresource, .. } = target;
        Write {
            schema: schema::of(kind),
            manager: Manager::new(manager, applies, &kind.api_version(), subresource),
            reset: rules::reset(kind, subresource),
            now: self.timestamp(),
        }
    }

    fn apply_as(
        &mut self,
        author: Author<'_>,
        target: Target<'_>,
        applied: &Value,
        force: bool,
    ) -> Result<Value, Failure> {
        let kind = target.kind;
        if target.subresource == Some(Subresource::Scale) {
            return Err(self.not_known("server-side apply of a scale"));
        }
        if text(applied, "apiVersion") != kind.api_version() || text(applied, "kind") != kind.info().kind {
            return Err(Failure::bad_request("Incorrect version specified in apply patch."));
        }
        if applied["metadata"].get("managedFields").is_some_and(|owners| !owners.is_null()) {
            return Err(Failure::bad_request("metadata.managedFields must be nil"));
        }
        let live = self.find(target).cloned();
        if live.is_none() && target.subresource.is_some() {
            return Err(kind.not_found(target.name));
        }
        let before = match &live {
            Some(live) => without_owners(live),
            None => json!({ "apiVersion": kind.api_version(), "kind": kind.info().kind }),
        };
        let mut owners = live.as_ref().map(|live| owners_of(live)).unwrap_or_default();
        if owners.is_empty() && live.is_some() {
            let before_apply = self.writing("before-first-apply", target, false);
            owners = before_apply.update(&rules::empty(kind), &before, owners);
        }
        let keep = self.rules().keep_what_is_no_longer_applied;
        let write = self.writing(author.manager, target, true);
        let (new, owners) = write.apply(&before, applied, owners, force, keep)?;
        let mut object = new.unwrap_or(before);
        let untidy = kind.info().custom
            && object["metadata"].as_object().is_some_and(|all| all.values().any(is_empty));
        self.read(kind, &mut object, false).map_err(|words| misfit(kind, &object, &words))?;
        place(kind, target.namespace, &mut object)?;
        same_name(target, &object)?;
        set_owners(&owners, &mut object);
        let uid = text(&object["metadata"], "uid").to_owned();
        let written = match live {
            Some(live) if uid == text(&live["metadata"], "uid") => {
                self.store_change(author, target, &live, object)
            }
            Some(live) => Err(uid_differs(target, &uid, text(&live["metadata"], "uid"))),
            None if uid.is_empty() => self.store_new(author, target, object),
            None => Err(uid_differs(target, &uid, "")),
        };
        if untidy && written.is_ok() && !author.dry_run {
            self.untidy.insert((kind, target.namespace.into(), target.name.into()));
        }
        written
    }

    /// Brings an object into the form in which it is kept, with its defaults. It was `sent`, or is what an
    /// apply has made.
    fn read(&mut self, kind: Kind, object: &mut Value, sent: bool) -> Result<(), String> {
        if !object.is_object() {
            return Err("the object is no map".to_owned());
        }
        object["apiVersion"] = kind.api_version().into();
        object["kind"] = kind.info().kind.into();
        if object.get("stringData").is_some() {
            self.not_known("stringData of a Secret");
        }
        if object.get("metadata").is_none_or(Value::is_null) {
            object["metadata"] = json!({});
        }
        let schema = schema::of(kind);
        let decoded = schema::decode(schema, object);
        if kind.info().custom {
            if sent {
                schema::drop_nulls(schema, object);
            }
            // What has another type is refused when the object is checked.
            schema::fill_defaults(schema, object);
        } else {
            decoded?;
            rules::fill(kind, object);
        }
        Ok(())
    }

    fn has(&self, kind: Kind) -> Result<(), Failure> {
        if self.has_kind(kind) { Ok(()) } else { Err(no_such_path()) }
    }
}
