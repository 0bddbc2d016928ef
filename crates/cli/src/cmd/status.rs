//! `kubectl milvus status`: reads the `Milvus` objects and says where they stand.
//!
//! Reads only: a list, and with `--watch` a watch. Nothing is asked at an interval; the second hand on a
//! terminal repaints what is known already.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::{Stream, StreamExt, TryStreamExt};
use jiff::Timestamp;
use kube::api::ListParams;
use kube::core::DeserializeGuard;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, ResourceExt};
use milvus_api::Milvus;

use crate::args;
use crate::context::Context;
use crate::error::Error;
use crate::exit::Exit;
use crate::output::Printer;
use crate::report::Report;
use crate::view::View;

/// Which objects.
#[derive(Clone, Debug)]
enum Scope {
    One { namespace: String, name: String },
    Namespace(String),
    Everywhere,
}

/// The objects as they were last seen, by namespace and name.
type Seen = BTreeMap<(String, String), DeserializeGuard<Milvus>>;

/// Carries out the verb.
///
/// # Errors When the API server can't be asked, when the Milvus that is named is missing, was deleted or does
/// not decode, and when the output can't be written.
pub async fn run(args: &args::Status, context: &Context, printer: &mut Printer) -> Result<Exit, Error> {
    let scope = match (&args.name, args.all_namespaces) {
        (Some(name), _) => Scope::One { namespace: context.namespace.clone(), name: name.clone() },
        (None, true) => Scope::Everywhere,
        (None, false) => Scope::Namespace(context.namespace.clone()),
    };
    let seen = scope.read(context).await?;
    if args.watch {
        return follow(&scope, seen, context, printer).await;
    }
    let report = scope.report(&seen, Timestamp::now())?;
    for problem in unreadable(&seen) {
        printer.warn(&problem.to_string())?;
    }
    if let (Report::All(views), Scope::Namespace(namespace)) = (&report, &scope)
        && views.is_empty()
        && seen.is_empty()
    {
        printer.warn(&format!("There is no Milvus in namespace {namespace}."))?;
    } else if seen.is_empty() {
        printer.warn("There is no Milvus in this cluster.")?;
    }
    printer.print(&report)?;
    Ok(report.exit())
}

/// Shows every change until there is nothing left to wait for, or until Ctrl-C.
async fn follow(
    scope: &Scope,
    mut seen: Seen,
    context: &Context,
    printer: &mut Printer,
) -> Result<Exit, Error> {
    let mut changes = std::pin::pin!(scope.watch(context));
    let mut second = tokio::time::interval(Duration::from_secs(1));
    let mut shown: Option<Report> = None;
    loop {
        // A change that alters nothing that is shown is no change for whoever reads.
        let now = Timestamp::now();
        let as_before = shown.as_ref().and_then(Report::at).unwrap_or(now);
        if shown.as_ref() != Some(&scope.report(&seen, as_before)?) || printer.repaints() {
            let report = scope.report(&seen, now)?;
            printer.change(&report)?;
            if let Some(exit) = report.ending() {
                return Ok(exit);
            }
            shown = Some(report);
        }
        tokio::select! {
            change = changes.next() => match change {
                Some(Ok(objects)) => seen = objects,
                Some(Err(error)) => {
                    let error = Error::of_watch(error, &context.url);
                    if !error.is_transient() { return Err(error); }
                    printer.warn(&format!("{error} (trying again)"))?;
                }
                None => return Ok(Exit::Fine),
            },
            _ = second.tick(), if printer.repaints() => {}
            _ = tokio::signal::ctrl_c() => return Ok(Exit::Interrupted),
        }
        if let (Scope::One { namespace, name }, true) = (scope, seen.is_empty()) {
            return Err(Error::Deleted { name: name.clone(), namespace: namespace.clone() });
        }
    }
}

impl Scope {
    fn api(&self, context: &Context) -> Api<DeserializeGuard<Milvus>> {
        let client = context.client.clone();
        match self {
            Scope::One { namespace, .. } | Scope::Namespace(namespace) => Api::namespaced(client, namespace),
            Scope::Everywhere => Api::all(client),
        }
    }

    /// One is asked for as a list too: a missing object is then an empty list, and a 404 always a missing
    /// kind.
    fn fields(&self) -> Option<String> {
        match self {
            Scope::One { name, .. } => Some(format!("metadata.name={name}")),
            Scope::Namespace(_) | Scope::Everywhere => None,
        }
    }

    async fn read(&self, context: &Context) -> Result<Seen, Error> {
        let params = ListParams { field_selector: self.fields(), ..ListParams::default() };
        let list = self.api(context).list(&params).await;
        let list = list.map_err(|error| Error::of_request(&error, &context.url))?;
        Ok(list.into_iter().map(|object| (key(&object), object)).collect())
    }

    /// All objects, whenever one of them has changed.
    fn watch(&self, context: &Context) -> impl Stream<Item = Result<Seen, watcher::Error>> + use<> {
        let config = watcher::Config { field_selector: self.fields(), ..watcher::Config::default() };
        let events = watcher(self.api(context), config).default_backoff();
        let mut seen = Seen::new();
        events.try_filter_map(move |event| {
            let complete = match event {
                Event::Init => {
                    seen.clear();
                    false
                }
                Event::InitApply(object) => {
                    seen.insert(key(&object), object);
                    false
                }
                Event::InitDone => true,
                Event::Apply(object) => {
                    seen.insert(key(&object), object);
                    true
                }
                Event::Delete(object) => {
                    seen.remove(&key(&object));
                    true
                }
            };
            futures::future::ready(Ok(complete.then(|| seen.clone())))
        })
    }

    fn report(&self, seen: &Seen, now: Timestamp) -> Result<Report, Error> {
        let Scope::One { namespace, name } = self else {
            let readable = seen.values().filter_map(|guard| guard.0.as_ref().ok());
            return Ok(Report::All(readable.map(|milvus| View::of(milvus, now)).collect()));
        };
        if let Some(error) = unreadable(seen).into_iter().next() {
            return Err(error);
        }
        let found = seen.values().find_map(|guard| guard.0.as_ref().ok());
        let view = found.map(|milvus| Report::One(Box::new(View::of(milvus, now))));
        view.ok_or_else(|| Error::NotFound { name: name.clone(), namespace: namespace.clone() })
    }
}

impl Error {
    fn of_watch(error: watcher::Error, url: &str) -> Error {
        match error {
            watcher::Error::InitialListFailed(error)
            | watcher::Error::WatchStartFailed(error)
            | watcher::Error::WatchFailed(error) => Error::of_request(&error, url),
            watcher::Error::WatchError(status) => Error::of_request(&kube::Error::Api(status), url),
            watcher::Error::NoResourceVersion => {
                Error::Server { url: url.to_owned(), why: error.to_string() }
            }
        }
    }
}

fn key(object: &DeserializeGuard<Milvus>) -> (String, String) {
    (object.namespace().unwrap_or_default(), object.name_any())
}

/// Objects that do not decode: they never hide the others.
fn unreadable(seen: &Seen) -> Vec<Error> {
    let broken = seen.iter().filter_map(|(key, guard)| Some((key, guard.0.as_ref().err()?)));
    let error =
        |((namespace, name), why): (&(String, String), &kube::core::error_boundary::InvalidObject)| {
            Error::Unreadable { name: name.clone(), namespace: namespace.clone(), why: why.error.clone() }
        };
    broken.map(error).collect()
}
