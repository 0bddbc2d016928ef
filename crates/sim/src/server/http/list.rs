//! GET of objects and of collections.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::{query::Query, selector::Selector};
use crate::server::{
    answer::Failure,
    kinds::Kind,
    store::{Key, Store},
};

/// How objects are shown: whole, or their metadata only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    Whole,
    Metadata,
}

impl Shown {
    /// What an `Accept` header asks for; none for a form that is not known.
    pub(super) fn of(accept: &str) -> Option<Shown> {
        let first = accept.split(',').next().unwrap_or_default();
        match first.split(';').find_map(|part| part.trim().strip_prefix("as=")) {
            None => Some(Shown::Whole),
            Some("PartialObjectMetadata" | "PartialObjectMetadataList") => Some(Shown::Metadata),
            Some(_) => None,
        }
    }

    pub(super) fn object(self, object: &Value) -> Cow<'_, Value> {
        match self {
            Shown::Whole => Cow::Borrowed(object),
            Shown::Metadata => {
                let mut shown = json!({ "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1" });
                shown["metadata"] = object["metadata"].clone();
                Cow::Owned(shown)
            }
        }
    }
}

/// What of a collection is asked for.
#[derive(Debug, Clone)]
pub(super) struct Scope {
    pub(super) kind: Kind,
    pub(super) namespace: Option<String>,
    pub(super) selector: Selector,
    pub(super) shown: Shown,
}

impl Scope {
    /// Whether an object belongs to it.
    pub(super) fn selects(&self, namespace: &str, object: &Value) -> bool {
        self.namespace.as_deref().is_none_or(|wanted| wanted == namespace) && self.selector.selects(object)
    }
}

impl Store {
    /// The objects of a kind as they were at a revision.
    pub(super) fn at(&self, kind: Kind, revision: u64) -> BTreeMap<Key, Arc<Value>> {
        let mut objects = self.objects.get(&kind).cloned().unwrap_or_default();
        let newer = self.log.iter().rev().take_while(|event| event.revision > revision);
        for event in newer.filter(|event| event.kind == kind) {
            let key = (event.namespace.clone(), event.name.clone());
            match &event.before {
                Some(before) => _ = objects.insert(key, before.clone()),
                None => _ = objects.remove(&key),
            }
        }
        objects
    }
}

/// A page of a collection.
///
/// # Errors
/// 400, 410 for a page of a revision that is compacted, 504 for a revision that is still to come.
pub(super) fn list(store: &Store, scope: &Scope, query: &Query) -> Result<Value, Failure> {
    let (revision, after) = match query.text("continue") {
        "" => (snapshot(store, query)?, None),
        token => {
            let (revision, key) =
                opened(token).ok_or_else(|| Failure::bad_request("continue key is not valid"))?;
            if revision < store.compacted {
                return Err(Failure::expired("The provided continue parameter is too old"));
            }
            (revision, Some(key))
        }
    };
    let limit = query
        .number("limit")?
        .filter(|limit| *limit > 0)
        .map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
    let objects = store.at(scope.kind, revision);
    let mut rest = objects
        .iter()
        .filter(|(key, _)| after.as_ref().is_none_or(|after| *key > after))
        .filter(|((namespace, _), object)| scope.selects(namespace, object))
        .peekable();
    let (mut items, mut last) = (Vec::new(), None);
    while items.len() < limit
        && let Some((key, object)) = rest.next()
    {
        let mut item = scope.shown.object(object).into_owned();
        if scope.shown == Shown::Whole && !scope.kind.info().custom {
            _ = item.as_object_mut().map(|fields| (fields.remove("apiVersion"), fields.remove("kind")));
        }
        items.push(item);
        last = Some(key);
    }
    let mut metadata = json!({ "resourceVersion": revision.to_string() });
    if scope.kind.info().custom && scope.shown == Shown::Whole {
        // A list of custom resources is no typed list: what is empty stands there, too.
        metadata["continue"] = "".into();
    }
    if let (Some(_), Some((namespace, name))) = (rest.peek(), last) {
        metadata["continue"] = format!("{revision}/{namespace}/{name}").into();
        if scope.selector.is_empty() {
            metadata["remainingItemCount"] = rest.count().into();
        }
    }
    let info = scope.kind.info();
    let (version, kind) = match scope.shown {
        Shown::Whole => (scope.kind.api_version(), format!("{}List", info.kind)),
        Shown::Metadata => ("meta.k8s.io/v1".to_owned(), "PartialObjectMetadataList".to_owned()),
    };
    let mut list = json!({ "kind": kind, "apiVersion": version, "metadata": metadata });
    list["items"] = Value::Array(items);
    Ok(list)
}

fn snapshot(store: &Store, query: &Query) -> Result<u64, Failure> {
    let wanted = query.number("resourceVersion")?.unwrap_or_default();
    if wanted > store.revision {
        return Err(Failure::new(
            504,
            "Timeout",
            format!("Too large resource version: {wanted}, current: {}", store.revision),
        ));
    }
    if query.text("resourceVersionMatch") == "Exact" {
        return match wanted < store.compacted {
            true => Err(Failure::expired("The provided resource version is too old")),
            false => Ok(wanted),
        };
    }
    Ok(store.revision)
}

fn opened(token: &str) -> Option<(u64, Key)> {
    let (revision, key) = token.split_once('/')?;
    let (namespace, name) = key.split_once('/')?;
    Some((revision.parse().ok()?, (namespace.into(), name.into())))
}
