//! One request and its answer.

use http::{Method, header, request::Parts};
use serde_json::{Value, json};

use super::{
    connection::{Actor, Lag},
    discovery,
    list::{self, Scope, Shown},
    path::{self, Path},
    query::Query,
    selector::Selector,
    watch::Start,
};
use crate::server::{
    answer::Failure,
    kinds::Kind,
    log::Verb,
    object::{no_such_path, scale_of},
    store::{Author, Store},
    target::{Preconditions, Propagation, Subresource, Target},
    write::Patch,
};

/// What is answered.
pub(super) enum Answer {
    /// A status code and an object.
    Json(u16, Value),
    /// A watch begins.
    Watch(Start),
}

type Answered = Result<Answer, Failure>;

fn ok(value: Value) -> Answer {
    Answer::Json(200, value)
}

/// A request, as far as it matters here.
struct Asked<'a> {
    parts: &'a Parts,
    query: Query,
    body: &'a [u8],
    shown: Shown,
}

impl Asked<'_> {
    fn header(&self, name: header::HeaderName) -> &str {
        self.parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Who writes, by the parameter, or by the first word of the user agent.
    fn manager(&self) -> &str {
        match self.query.text("fieldManager") {
            "" => self.header(header::USER_AGENT).split('/').next().unwrap_or_default(),
            manager => manager,
        }
    }

    fn author(&self, verb: Verb) -> Author<'_> {
        let manager = self.manager();
        let actor = self.parts.extensions.get::<Actor>().map_or(manager, |actor| &*actor.0);
        Author { actor, manager, verb, dry_run: self.query.dry_run() }
    }

    fn json(&self) -> Result<Value, Failure> {
        serde_json::from_slice(self.body)
            .map_err(|error| Failure::bad_request(format!("the body is no JSON: {error}")))
    }

    fn words(&self) -> String {
        format!("{} {}", self.parts.method, self.parts.uri)
    }
}

/// Answers a request.
///
/// # Errors
/// What the API server refuses, and 501 for what is not known.
pub(super) fn handle(store: &mut Store, parts: &Parts, body: &[u8]) -> Answered {
    let (query, unknown) = Query::parse(parts.uri.query().unwrap_or_default());
    if let Some(first) = unknown.first() {
        return Err(store.not_known(format!("{first} in {} {}", parts.method, parts.uri)));
    }
    let mut asked = Asked { parts, query, body, shown: Shown::Whole };
    let Some(shown) = Shown::of(asked.header(header::ACCEPT)) else {
        return Err(store.not_known(format!(
            "the form {:?} in {}",
            asked.header(header::ACCEPT),
            asked.words()
        )));
    };
    asked.shown = shown;
    match (&parts.method, Path::parse(parts.uri.path())) {
        (&Method::GET, Path::Version) => Ok(ok(discovery::version())),
        (&Method::GET, Path::CoreVersions) => Ok(ok(discovery::core_versions())),
        (&Method::GET, Path::Groups) => Ok(ok(discovery::groups(store))),
        (&Method::GET, Path::Group(name)) => Ok(ok(discovery::group(store, &name)?)),
        (&Method::GET, Path::Resources { group, version }) => {
            Ok(ok(discovery::resources(store, &group, &version)?))
        }
        (_, Path::Collection { kind, .. } | Path::Object { kind, .. }) if !store.has_kind(kind) => {
            Err(no_such_path())
        }
        (_, Path::Collection { kind, namespace }) => collection(store, &asked, kind, namespace),
        (_, Path::Object { kind, namespace, name, subresource }) => {
            object(store, &asked, path::target(kind, &namespace, &name, subresource))
        }
        _ => Err(store.not_known(asked.words())),
    }
}

fn collection(store: &mut Store, asked: &Asked<'_>, kind: Kind, namespace: Option<String>) -> Answered {
    match (&asked.parts.method, &namespace) {
        (&Method::GET, _) => {
            let (labels, fields) = (asked.query.text("labelSelector"), asked.query.text("fieldSelector"));
            let selector = Selector::parse(kind, labels, fields).map_err(|words| store.not_known(words))?;
            let scope = Scope { kind, namespace, selector, shown: asked.shown };
            if !asked.query.is("watch") {
                return Ok(ok(list::list(store, &scope, &asked.query)?));
            }
            let lag = asked.parts.extensions.get::<Lag>().copied();
            Ok(Answer::Watch(Start::of(scope, &asked.query, lag)?))
        }
        (&Method::POST, _) if namespace.is_some() || !kind.info().namespaced => {
            let namespace = namespace.unwrap_or_default();
            let created = store.create_as(asked.author(Verb::Create), kind, &namespace, asked.json()?)?;
            Ok(Answer::Json(201, asked.shown.object(&created).into_owned()))
        }
        _ => Err(store.not_known(asked.words())),
    }
}

fn object(store: &mut Store, asked: &Asked<'_>, target: Target<'_>) -> Answered {
    let written = match asked.parts.method {
        Method::GET => return get(store, asked, target),
        Method::PUT => {
            let existed = store.find(target).is_some();
            let object = store.put_as(asked.author(Verb::Update), target, asked.json()?)?;
            (existed, object)
        }
        Method::PATCH => patch(store, asked, target)?,
        Method::DELETE if target.subresource.is_none() => return delete(store, asked, target),
        _ => return Err(store.not_known(asked.words())),
    };
    let (existed, object) = written;
    Ok(Answer::Json(if existed { 200 } else { 201 }, asked.shown.object(&object).into_owned()))
}

fn get(store: &mut Store, asked: &Asked<'_>, target: Target<'_>) -> Answered {
    let found = store.existing(target)?;
    match target.subresource {
        Some(Subresource::Scale) => Ok(ok(scale_of(&found))),
        Some(Subresource::Status) | None => Ok(ok(asked.shown.object(&found).into_owned())),
    }
}

fn patch(store: &mut Store, asked: &Asked<'_>, target: Target<'_>) -> Result<(bool, Value), Failure> {
    let body = asked.json()?;
    let form = asked.header(header::CONTENT_TYPE).to_owned();
    let force = asked.query.is("force");
    let (verb, patch) = match form.as_str() {
        "application/merge-patch+json" => (Verb::Patch, Patch::Merge(&body)),
        "application/json-patch+json" => (Verb::Patch, Patch::Operations(&body)),
        "application/apply-patch+yaml" | "application/apply-patch+json" => {
            if asked.query.text("fieldManager").is_empty() {
                let words = "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch";
                return Err(Failure::new(422, "Invalid", words));
            }
            (Verb::Apply, Patch::Apply { object: &body, force })
        }
        other => return Err(store.not_known(format!("the patch type {other:?} in {}", asked.words()))),
    };
    if force && verb != Verb::Apply {
        let words = "PatchOptions.meta.k8s.io \"\" is invalid: force: Forbidden: may not be specified for non-apply patch";
        return Err(Failure::new(422, "Invalid", words));
    }
    let existed = store.find(target).is_some();
    Ok((existed, store.patch_as(asked.author(verb), target, patch)?))
}

fn delete(store: &mut Store, asked: &Asked<'_>, target: Target<'_>) -> Answered {
    let options = if asked.body.is_empty() { json!({}) } else { asked.json()? };
    let known = ["apiVersion", "kind", "gracePeriodSeconds", "preconditions", "propagationPolicy", "dryRun"];
    let unknown = options.as_object().into_iter().flatten().find(|(name, _)| !known.contains(&name.as_str()));
    if let Some((name, _)) = unknown {
        return Err(store.not_known(format!("the delete option {name}")));
    }
    let policy = options["propagationPolicy"].as_str().unwrap_or(asked.query.text("propagationPolicy"));
    let propagation = match policy {
        "" => None,
        "Background" => Some(Propagation::Background),
        "Foreground" => Some(Propagation::Foreground),
        "Orphan" => Some(Propagation::Orphan),
        other => return Err(store.not_known(format!("the propagation policy {other:?}"))),
    };
    let text = |field: &str| options["preconditions"][field].as_str().map(str::to_owned);
    let preconditions = Preconditions { uid: text("uid"), resource_version: text("resourceVersion") };
    let given = asked.query.number("gracePeriodSeconds")?.and_then(|seconds| i64::try_from(seconds).ok());
    let grace = options["gracePeriodSeconds"].as_i64().or(given);
    let mut author = asked.author(Verb::Delete);
    author.dry_run |= options["dryRun"].as_array().is_some_and(|runs| !runs.is_empty());
    let deleted = store.delete_as(author, target, &preconditions, propagation, grace)?;
    let shows = matches!(target.kind, Kind::Pod | Kind::Service | Kind::PersistentVolumeClaim);
    if shows || store.find(target).is_some() {
        return Ok(ok(asked.shown.object(&deleted).into_owned()));
    }
    let info = target.kind.info();
    let mut details = json!({ "name": target.name, "kind": info.plural, "uid": deleted["metadata"]["uid"] });
    if !info.group.is_empty() {
        details["group"] = info.group.into();
    }
    Ok(ok(
        json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details }),
    ))
}
