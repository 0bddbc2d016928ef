//! What is checked of every write before it is stored.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{
    answer::Failure,
    kinds::Kind,
    log::Verb,
    object::{invalid, text},
    rules, schema,
    store::{Author, Change, Store},
    target::Target,
};

impl Store {
    /// A new object: its first state, its checks, and that it does not exist yet.
    pub(super) fn store_new(
        &mut self,
        author: Author<'_>,
        target: Target<'_>,
        mut object: Value,
    ) -> Result<Value, Failure> {
        let kind = target.kind;
        if kind.info().namespaced {
            self.lives(target.namespace, kind, target.name)?;
        }
        self.created += 1;
        let number = self.created;
        let now = self.timestamp();
        let metadata = &mut object["metadata"];
        let stale = !text(metadata, "resourceVersion").is_empty();
        for field in
            ["deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "generation", "resourceVersion"]
        {
            _ = metadata.as_object_mut().map(|fields| fields.remove(field));
        }
        metadata["uid"] = format!("00000000-0000-4000-8000-{number:012x}").into();
        metadata["creationTimestamp"] = now.into();
        let prefix = text(metadata, "generateName").to_owned();
        if text(metadata, "name").is_empty() && !prefix.is_empty() {
            metadata["name"] = rules::name_of_generated(&prefix, number).into();
        }
        rules::created(kind, &mut object);
        if kind == Kind::Service {
            rules::allocate_service(None, &mut object, number);
        }
        let name = text(&object["metadata"], "name").to_owned();
        rules::on_create(kind, &object).map_err(|words| invalid(kind, &name, &words))?;
        checked(kind, &object)?;
        if stale && author.verb == Verb::Create {
            return Err(Failure::internal("resourceVersion should not be set on objects to be created"));
        }
        let target = Target { name: &name, ..target };
        if let Some(existing) = self.find(target) {
            let ending = existing["metadata"].get("deletionTimestamp").is_some();
            let prefix = if ending { "object is being deleted: " } else { "" };
            let words = format!("{prefix}{} \"{name}\" already exists", kind.resource());
            return Err(Failure::new(409, "AlreadyExists", words));
        }
        if author.dry_run {
            return Ok(object);
        }
        Ok(self.put_in(author, target, Some(object)))
    }

    /// A changed object: its `resourceVersion`, what it may not change, its checks. Nothing is stored when
    /// nothing changes, and an object whose last finalizer goes is removed.
    pub(super) fn store_change(
        &mut self,
        author: Author<'_>,
        target: Target<'_>,
        old: &Arc<Value>,
        mut new: Value,
    ) -> Result<Value, Failure> {
        let (kind, name) = (target.kind, target.name);
        let current = text(&old["metadata"], "resourceVersion");
        let given = text(&new["metadata"], "resourceVersion").to_owned();
        let unconditional = !kind.info().custom && !matches!(kind, Kind::Lease | Kind::PodDisruptionBudget);
        if given.is_empty() && !unconditional {
            let words = "metadata.resourceVersion: Invalid value: 0: must be specified for an update";
            return Err(invalid(kind, name, words));
        }
        if !given.is_empty() && given != current && !self.rules().accept_stale_writes {
            return Err(Failure::conflict(format!(
                "Operation cannot be fulfilled on {} \"{name}\": the object has been modified; please apply your changes to \
                 the latest version and try again",
                kind.resource()
            )));
        }
        let always = self.rules().bump_generation_on_metadata
            && old["metadata"]["labels"] != new["metadata"]["labels"];
        rules::updated(kind, target.subresource, old, &mut new, always);
        keep_system_fields(old, &mut new);
        if kind == Kind::Service && target.subresource.is_none() {
            let number = self.created;
            rules::allocate_service(Some(old), &mut new, number);
        }
        rules::on_update(kind, old, &new).map_err(|words| invalid(kind, name, &words))?;
        if *old.as_ref() != new {
            checked(kind, &new)?;
        }
        let untidy = self.untidy.contains(&(kind, target.namespace.into(), name.into()));
        if same_but_times(old, &new) && !untidy {
            let again = self.rules().commit_without_change && !author.dry_run;
            return Ok(if again { self.put_in(author, target, Some(new)) } else { (**old).clone() });
        }
        let held = new["metadata"]["finalizers"].as_array().is_some_and(|list| !list.is_empty());
        let graceless = old["metadata"]["deletionGracePeriodSeconds"].as_i64().unwrap_or_default() == 0;
        if author.dry_run {
            return Ok(new);
        }
        if !held && graceless && old["metadata"].get("deletionTimestamp").is_some() {
            self.put_in(author, target, None);
            return Ok(new);
        }
        Ok(self.put_in(author, target, Some(new)))
    }

    /// Stores an object, or takes it away.
    pub(super) fn put_in(&mut self, author: Author<'_>, target: Target<'_>, after: Option<Value>) -> Value {
        let Target { kind, namespace, name, subresource } = target;
        let key = (Arc::from(namespace), Arc::from(name));
        self.untidy.remove(&(kind, Arc::clone(&key.0), Arc::clone(&key.1)));
        let change = Change { verb: author.verb, kind, key, subresource, after };
        self.commit(author, change).map(|object| (*object).clone()).unwrap_or_default()
    }

    /// Whether a namespace exists and takes new objects.
    fn lives(&self, namespace: &str, kind: Kind, name: &str) -> Result<(), Failure> {
        let Some(found) = self.get(Kind::Namespace, "", namespace) else {
            return Err(Kind::Namespace.not_found(namespace));
        };
        if found["metadata"].get("deletionTimestamp").is_none() {
            return Ok(());
        }
        let words = format!(
            "{} \"{name}\" is forbidden: unable to create new content in namespace {namespace} because it is being terminated",
            kind.resource()
        );
        Err(Failure::new(403, "Forbidden", words))
    }

    /// The time of the server, as objects have it.
    pub(super) fn timestamp(&self) -> String {
        self.now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    }

    pub(super) fn install_namespace(&mut self, name: &str) {
        let object = json!({ "metadata": { "name": name } });
        // A new store refuses nothing of this.
        _ = self.create_as(Author::new("kube-apiserver", Verb::Create), Kind::Namespace, "", object);
    }
}

/// Whether a custom resource keeps to its schema.
fn checked(kind: Kind, object: &Value) -> Result<(), Failure> {
    if !kind.info().custom {
        return Ok(());
    }
    let name = text(&object["metadata"], "name");
    schema::check(schema::of(kind), object).map_err(|words| invalid(kind, name, &words))
}

/// What no write can change: identity, and that the object is being deleted.
fn keep_system_fields(old: &Value, new: &mut Value) {
    for field in ["uid", "creationTimestamp", "resourceVersion", "generateName"] {
        if let Some(value) = old["metadata"].get(field) {
            new["metadata"][field] = value.clone();
        }
    }
    for field in ["deletionTimestamp", "deletionGracePeriodSeconds"] {
        match old["metadata"].get(field) {
            Some(value) => new["metadata"][field] = value.clone(),
            None => _ = new["metadata"].as_object_mut().map(|fields| fields.remove(field)),
        }
    }
}

/// Whether two objects differ in nothing but when their fields were written, by which the list of owners is
/// in order.
fn same_but_times(one: &Value, other: &Value) -> bool {
    let fields = |object: &Value| object.as_object().map_or(0, serde_json::Map::len);
    let same = |(name, value): (&String, &Value)| name == "metadata" || other.get(name) == Some(value);
    let metadata = |object: &Value| {
        let mut metadata = object["metadata"].clone();
        if let Some(Value::Array(owners)) = metadata.get_mut("managedFields") {
            for owner in owners.iter_mut() {
                _ = owner.as_object_mut().map(|owner| owner.remove("time"));
            }
            owners.sort_by_cached_key(ToString::to_string);
        }
        metadata
    };
    fields(one) == fields(other)
        && one.as_object().into_iter().flatten().all(same)
        && metadata(one) == metadata(other)
}
