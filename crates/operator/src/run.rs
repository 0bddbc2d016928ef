//! Wires the watches onto the one reconcile key: the Milvus.
//!
//! Takes the shared context; runs until it is told to stop. Every owned object, pod and probe result is a trigger for the Milvus that it
//! belongs to; nothing is polled.

use std::sync::Arc;

use futures::channel::mpsc;
use futures::stream::BoxStream;
use futures::{StreamExt as _, future};
use kube::api::Api;
use kube::runtime::controller::{Config, Controller, Error as ControllerError};
use kube::runtime::reflector::{ObjectRef, store};
use kube::runtime::{WatchStreamExt as _, reflector, watcher};
use milvus_cluster::Packed;
use milvus_cluster::monitors::{self, News};
use milvus_cluster::records::Key;
use milvus_cluster::scope::Scope;
use milvus_cluster::watch::{Synced, Watching};
use milvus_probe::Changes;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::args::Stopped;
use crate::context::Context;
use crate::http::Phase;
use crate::reconcile::{after_failure, reconcile};
use crate::{probes, upgrades};

/// Objects of a page when Milvus objects are listed.
const PAGE: u32 = 50;

/// What [`controllers`] is started with.
pub struct Settings {
    /// What to look at.
    pub scopes: Vec<Scope>,
    /// Passes at a time in each scope; 0 for no limit. One Milvus has one pass at a time in any case.
    pub concurrency: u16,
    /// What is not to be done.
    pub stopped: Stopped,
    /// Becomes [`Phase::Working`] when all watches have listed what exists.
    pub phase: watch::Sender<Phase>,
}

/// Runs the controllers until `stop` is cancelled and the passes under way have ended.
pub async fn controllers(ctx: Arc<Context>, changes: Changes, settings: Settings, stop: CancellationToken) {
    let mut others = JoinSet::new();
    if settings.stopped.upgrades {
        tracing::warn!("MilvusUpgrade objects are not answered: --stop-reconcilers");
    } else {
        for scope in &settings.scopes {
            others.spawn(upgrades::run(ctx.client.clone(), scope.clone()));
        }
    }
    if settings.stopped.milvus {
        tracing::warn!("nothing is done about any Milvus: --stop-reconcilers");
        settings.phase.send_replace(Phase::Working);
        stop.cancelled().await;
    } else {
        instances(ctx, changes, &settings, &stop, &mut others).await;
    }
}

/// Watches what Milvus objects own, and runs a controller of them for each scope.
async fn instances(
    ctx: Arc<Context>,
    changes: Changes,
    settings: &Settings,
    stop: &CancellationToken,
    others: &mut JoinSet<()>,
) {
    let Settings { scopes, concurrency, phase, .. } = settings;
    let (owned, mut synced) = owned(&ctx, scopes);
    let (changed, monitored) = mpsc::unbounded();
    let everyone: Vec<_> = scopes
        .iter()
        .map(|scope| {
            // Whether the cluster has PodMonitors at all comes and goes: then every Milvus of the scope is looked at.
            let (all, everyone) = mpsc::unbounded();
            let (watch, known) = monitors::watch(watching(&ctx, scope), News::new(changed.clone(), all));
            others.spawn(watch);
            synced.push(known);
            everyone
        })
        .collect();
    let owned = futures::stream::select(owned, monitored);
    let probed = changes.into_stream().filter_map(|key| future::ready(probes::owner(&key)));
    let (inlets, outlets): (Vec<_>, Vec<_>) = scopes.iter().map(|scope| route(scope.clone())).unzip();
    others.spawn(futures::stream::select(owned, probed.boxed()).for_each(move |key| {
        for (scope, inlet) in inlets.iter().filter(|(scope, _)| scope.contains(&key.0)) {
            if inlet.unbounded_send(key.clone()).is_err() {
                tracing::debug!(?scope, "the controller of this scope has ended");
            }
        }
        future::ready(())
    }));
    // A pass before the watches have listed everything would take what exists for missing, and "repair" it.
    for mut watch in synced {
        if watch.wait_for(|done| *done).await.is_err() {
            tracing::error!("a watch ended before it had listed anything");
            return;
        }
    }
    phase.send_replace(Phase::Working);
    tracing::info!("all watches have listed what exists");
    let controllers = scopes.iter().zip(outlets).zip(everyone).map(|((scope, one), all)| {
        let triggers = Triggers { one: one.map(reference).boxed(), all: all.boxed() };
        milvus(ctx.clone(), scope, triggers, *concurrency, stop.clone().cancelled_owned())
    });
    future::join_all(controllers).await;
}

/// The way of triggers to the controller of a scope.
fn route(scope: Scope) -> ((Scope, mpsc::UnboundedSender<Key>), mpsc::UnboundedReceiver<Key>) {
    let (inlet, outlet) = mpsc::unbounded();
    ((scope, inlet), outlet)
}

/// What makes a Milvus be looked at, beside itself.
struct Triggers {
    /// One of them.
    one: BoxStream<'static, ObjectRef<Packed>>,
    /// Each of them.
    all: BoxStream<'static, ()>,
}

/// The controller of Milvus objects.
async fn milvus(
    ctx: Arc<Context>,
    scope: &Scope,
    triggers: Triggers,
    concurrency: u16,
    stop: impl Future<Output = ()> + Send + Sync + 'static,
) {
    let api: Api<Packed> = scope.api(&ctx.client);
    let (reader, writer) = store();
    let events = watcher(api, watcher::Config::default().page_size(PAGE)).default_backoff();
    let objects = reflector(writer, events).touched_objects();
    Controller::for_stream(objects, reader)
        .with_config(Config::default().concurrency(concurrency))
        .reconcile_on(triggers.one)
        .reconcile_all_on(triggers.all)
        .graceful_shutdown_on(stop)
        .run(reconcile, |object, error, ctx| after_failure(&object, error, &ctx), ctx.clone())
        .for_each(|outcome| {
            if let Err(ControllerError::ObjectNotFound(gone)) = &outcome {
                forget(&ctx, gone.namespace.as_deref().unwrap_or_default(), &gone.name);
            }
            future::ready(())
        })
        .await;
}

/// A Milvus is gone: its probes end. What it owned is garbage-collected.
fn forget(ctx: &Context, namespace: &str, name: &str) {
    probes::forget(ctx, namespace, name);
    ctx.records.forget(&(namespace.to_owned(), name.to_owned()));
    ctx.failures.clear(&(namespace.to_owned(), name.to_owned()));
    ctx.metrics.forget(namespace, name);
}

fn reference((namespace, name): Key) -> ObjectRef<Packed> {
    ObjectRef::new(&name).within(&namespace)
}

/// Everything that a Milvus owns, as triggers.
fn owned(ctx: &Context, scopes: &[Scope]) -> (BoxStream<'static, Key>, Vec<Synced>) {
    let (mut streams, mut synced) = (Vec::new(), Vec::new());
    for scope in scopes {
        let watching = watching(ctx, scope);
        let (deployments, first) = watching.deployments();
        let (config_maps, second) = watching.config_maps();
        let (services, third) = watching.services();
        let (pods, fourth) = watching.pods();
        let (minio, fifth) = watching.minio();
        let (ingresses, sixth) = watching.ingresses();
        streams.extend([
            deployments.boxed(),
            config_maps.boxed(),
            services.boxed(),
            pods.boxed(),
            minio.boxed(),
            ingresses.boxed(),
        ]);
        synced.extend([first, second, third, fourth, fifth, sixth]);
    }
    (futures::stream::select_all(streams).boxed(), synced)
}

fn watching(ctx: &Context, scope: &Scope) -> Watching {
    Watching { client: ctx.client.clone(), scope: scope.clone(), records: ctx.records.clone() }
}
