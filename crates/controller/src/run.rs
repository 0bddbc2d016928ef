//! Wires the watches onto the one reconcile key: the Milvus.
//!
//! Takes the shared context; runs until it is told to stop. Every owned object, pod, `MilvusUpgrade` and probe result is a
//! trigger for the Milvus that it belongs to; nothing is polled.

use std::sync::Arc;

use futures::channel::mpsc;
use futures::stream::BoxStream;
use futures::{StreamExt as _, future};
use kube::api::Api;
use kube::runtime::controller::{Config, Controller, Error as ControllerError};
use kube::runtime::reflector::{ObjectRef, store};
use kube::runtime::{WatchStreamExt as _, reflector, watcher};
use milvus_api::Milvus;
use milvus_cluster::changes::events;
use milvus_cluster::optional::{self, News};
use milvus_cluster::scope::Scope;
use milvus_cluster::watch::{Synced, Watching};
use milvus_cluster::{Key, Stored};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::context::Context;
use crate::pass::{after_failure, reconcile};
use crate::upgrades as answers;

/// Objects of a page when Milvus objects are listed.
const PAGE: u32 = 50;

/// What [`controllers`] is started with.
pub struct Settings {
    /// What to look at.
    pub scopes: Vec<Scope>,
    /// Passes at a time in each scope; 0 for no limit. One Milvus has one pass at a time in any case.
    pub concurrency: u16,
    /// `MilvusUpgrade` objects are answered too.
    pub upgrades: bool,
    /// Milvus objects whose dependencies were found to be other than before.
    pub probed: BoxStream<'static, Key>,
    /// Is called when all watches have listed what exists.
    pub working: Box<dyn FnOnce() + Send>,
}

/// Runs the controllers until `stop` is cancelled and the passes under way have ended.
pub async fn controllers(ctx: Arc<Context>, settings: Settings, stop: CancellationToken) {
    let Settings { scopes, concurrency, upgrades, probed, working } = settings;
    let mut others = JoinSet::new();
    let mut synced = Vec::new();
    let (ways, triggers) = ways(&ctx, &scopes, &mut others, &mut synced);
    if !upgrades {
        tracing::warn!("MilvusUpgrade objects are not answered: --stop-reconcilers");
    }
    let owned = owned(&ctx, &scopes, upgrades, &mut synced);
    others.spawn(futures::stream::select(owned, probed).for_each(move |key| {
        route(&ways, &key);
        future::ready(())
    }));
    // A pass before the watches have listed everything would take what exists for missing, and "repair" it.
    for mut watch in synced {
        if watch.wait_for(|done| *done).await.is_err() {
            tracing::error!("a watch ended before it had listed anything");
            return;
        }
    }
    working();
    tracing::info!("all watches have listed what exists");
    let (missing, orphans) = mpsc::unbounded();
    others.spawn(answers::orphans(ctx.clone(), orphans));
    let controllers = scopes.iter().zip(triggers).map(|(scope, triggers)| {
        let stop = stop.clone().cancelled_owned();
        milvus(ctx.clone(), scope, triggers, concurrency, missing.clone(), stop)
    });
    future::join_all(controllers).await;
}

/// The way of triggers to the controller of a scope.
struct Way {
    scope: Scope,
    /// To one Milvus.
    one: mpsc::UnboundedSender<Key>,
    /// To every Milvus of the scope.
    all: mpsc::UnboundedSender<()>,
}

/// What makes a Milvus be looked at, beside itself.
struct Triggers {
    /// One of them.
    one: BoxStream<'static, ObjectRef<Stored<Milvus>>>,
    /// Each of them.
    all: BoxStream<'static, ()>,
}

/// The ways to the controller of each scope, and the watch of the kind that a cluster may lack: whether there are
/// PodMonitors at all comes and goes, and then every Milvus of the scope is looked at.
fn ways(
    ctx: &Context,
    scopes: &[Scope],
    others: &mut JoinSet<()>,
    synced: &mut Vec<Synced>,
) -> (Vec<Way>, Vec<Triggers>) {
    let (mut ways, mut triggers) = (Vec::new(), Vec::new());
    for scope in scopes {
        let (one, of_one) = mpsc::unbounded();
        let (all, of_all) = mpsc::unbounded();
        let (watch, known) = optional::watch(watching(ctx, scope), News::new(one.clone(), all.clone()));
        others.spawn(watch);
        synced.push(known);
        ways.push(Way { scope: scope.clone(), one, all });
        triggers.push(Triggers { one: of_one.map(reference).boxed(), all: of_all.boxed() });
    }
    (ways, triggers)
}

/// Hands a trigger to the controllers of its scope. One without a name is for every Milvus.
fn route(ways: &[Way], key: &Key) {
    for Way { scope, one, all } in ways.iter().filter(|way| way.scope.contains(&key.0)) {
        let sent = match key.1.is_empty() {
            true => all.unbounded_send(()).is_ok(),
            false => one.unbounded_send(key.clone()).is_ok(),
        };
        if !sent {
            tracing::debug!(?scope, "the controller of this scope has ended");
        }
    }
}

/// The controller of Milvus objects. `missing` gets keys under which there is none.
async fn milvus(
    ctx: Arc<Context>,
    scope: &Scope,
    triggers: Triggers,
    concurrency: u16,
    missing: mpsc::UnboundedSender<Key>,
    stop: impl Future<Output = ()> + Send + Sync + 'static,
) {
    let api: Api<Stored<Milvus>> = scope.api(&ctx.parts.client);
    let (reader, writer) = store();
    let events = events(api, watcher::Config::default().page_size(PAGE));
    let objects = reflector(writer, events).touched_objects();
    Controller::for_stream(objects, reader)
        .with_config(Config::default().concurrency(concurrency))
        .reconcile_on(triggers.one)
        .reconcile_all_on(triggers.all)
        .graceful_shutdown_on(stop)
        .run(reconcile, |object, error, ctx| after_failure(&object, error, &ctx), ctx.clone())
        .for_each(|outcome| {
            if let Err(ControllerError::ObjectNotFound(gone)) = &outcome {
                let key = (gone.namespace.clone().unwrap_or_default(), gone.name.clone());
                forget(&ctx, &key);
                // Nobody listens only when the operator ends.
                let _ = missing.unbounded_send(key);
            }
            future::ready(())
        })
        .await;
}

/// A Milvus is gone: its probes end. What it owned is garbage-collected.
fn forget(ctx: &Context, key: &Key) {
    let (namespace, name) = key;
    ctx.parts.dependencies.forget(namespace, name);
    ctx.records.forget(key);
    ctx.failures.clear(key);
    ctx.parts.observer.forget(namespace, name);
}

fn reference((namespace, name): Key) -> ObjectRef<Stored<Milvus>> {
    ObjectRef::new(&name).within(&namespace)
}

/// Everything that a Milvus owns, as triggers.
fn owned(
    ctx: &Context,
    scopes: &[Scope],
    upgrades: bool,
    synced: &mut Vec<Synced>,
) -> BoxStream<'static, Key> {
    let mut streams = Vec::new();
    for (stream, listed) in scopes.iter().flat_map(|scope| watching(ctx, scope).all(upgrades)) {
        streams.push(stream);
        synced.push(listed);
    }
    futures::stream::select_all(streams).boxed()
}

fn watching(ctx: &Context, scope: &Scope) -> Watching {
    Watching { client: ctx.parts.client.clone(), scope: scope.clone(), records: ctx.records.clone() }
}
