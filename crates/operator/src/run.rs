//! Wires the watches onto the one reconcile key: the Milvus.
//!
//! Takes the shared context; runs until it is told to stop. Every owned object, pod and probe result is a trigger for the Milvus that it
//! belongs to; nothing is polled.

use std::sync::Arc;

use futures::channel::mpsc::{self, UnboundedReceiver};
use futures::stream::BoxStream;
use futures::{StreamExt as _, future};
use kube::api::Api;
use kube::runtime::controller::{Config, Controller, Error as ControllerError};
use kube::runtime::reflector::{ObjectRef, store};
use kube::runtime::{WatchStreamExt as _, reflector, watcher};
use milvus_cluster::monitors::{self, News};
use milvus_cluster::records::Key;
use milvus_cluster::watch::{Scope, Synced, Watching};
use milvus_probe::Changes;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::context::Context;
use crate::http::Phase;
use crate::reconcile::{Guarded, after_failure, reconcile};
use crate::{probes, upgrades};

/// Objects of a page when Milvus objects are listed.
const PAGE: u32 = 50;

/// What [`controllers`] is started with.
pub struct Settings {
    /// Namespaces to look at.
    pub scope: Scope,
    /// Passes at a time; 0 for no limit. One Milvus has one pass at a time in any case.
    pub concurrency: u16,
    /// Becomes [`Phase::Working`] when all watches have listed what exists.
    pub phase: watch::Sender<Phase>,
}

/// Runs the controllers until `stop` completes and the passes under way have ended.
pub async fn controllers(
    ctx: Arc<Context>,
    changes: Changes,
    settings: Settings,
    stop: impl Future<Output = ()> + Send + Sync + 'static,
) {
    let Settings { scope, concurrency, phase } = settings;
    let (owned, mut synced) = owned(&ctx, &scope);
    let (monitored, everyone, monitoring, known) = monitors(&ctx, &scope);
    synced.push(known);
    let owned = futures::stream::select(owned, monitored);
    let probed = changes.into_stream().filter_map(|key| future::ready(probes::owner(&key)));
    let (sender, triggers) = mpsc::unbounded();
    let feeding = tokio::spawn(futures::stream::select(owned, probed.boxed()).map(Ok).forward(sender));
    // A pass before the watches have listed everything would take what exists for missing, and "repair" it.
    for mut watch in synced {
        if watch.wait_for(|done| *done).await.is_err() {
            tracing::error!("a watch ended before it had listed anything");
            return;
        }
    }
    phase.send_replace(Phase::Working);
    tracing::info!("all watches have listed what exists");
    let upgrades = tokio::spawn(upgrades::run(ctx.client.clone(), scope.clone()));
    let triggers = Triggers { one: triggers.map(reference).boxed(), all: everyone.boxed() };
    milvus(ctx, &scope, triggers, concurrency, stop).await;
    upgrades.abort();
    monitoring.abort();
    feeding.abort();
}

/// What makes a Milvus be looked at, beside itself.
struct Triggers {
    /// One of them.
    one: BoxStream<'static, ObjectRef<Guarded>>,
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
    let api: Api<Guarded> = scope.api(&ctx.client);
    let (reader, writer) = store();
    let events = watcher(api, watcher::Config::default().page_size(PAGE)).default_backoff().modify(slim);
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

/// Field ownership is half of a stored object, and nothing here reads it.
fn slim(object: &mut Guarded) {
    if let Ok(milvus) = &mut object.0 {
        milvus.metadata.managed_fields = None;
    }
}

/// A Milvus is gone: its probes end. What it owned is garbage-collected.
fn forget(ctx: &Context, namespace: &str, name: &str) {
    probes::forget(ctx, namespace, name);
    ctx.records.forget(&(namespace.to_owned(), name.to_owned()));
    ctx.failures.clear(&(namespace.to_owned(), name.to_owned()));
    ctx.metrics.forget(namespace, name);
}

fn reference((namespace, name): Key) -> ObjectRef<Guarded> {
    ObjectRef::new(&name).within(&namespace)
}

/// Everything that a Milvus owns, as triggers.
fn owned(ctx: &Context, scope: &Scope) -> (BoxStream<'static, Key>, Vec<Synced>) {
    let watching = watching(ctx, scope);
    let (deployments, first) = watching.deployments();
    let (config_maps, second) = watching.config_maps();
    let (services, third) = watching.services();
    let (pods, fourth) = watching.pods();
    let (minio, fifth) = watching.minio();
    let (ingresses, sixth) = watching.ingresses();
    let all = futures::stream::select_all([
        deployments.boxed(),
        config_maps.boxed(),
        services.boxed(),
        pods.boxed(),
        minio.boxed(),
        ingresses.boxed(),
    ]);
    (all.boxed(), vec![first, second, third, fourth, fifth, sixth])
}

fn watching(ctx: &Context, scope: &Scope) -> Watching {
    Watching { client: ctx.client.clone(), scope: scope.clone(), records: ctx.records.clone() }
}

/// PodMonitors as triggers, the coming and going of their kind as a trigger for all, what runs meanwhile, and when the kind is known.
fn monitors(
    ctx: &Context,
    scope: &Scope,
) -> (UnboundedReceiver<Key>, UnboundedReceiver<()>, JoinHandle<()>, Synced) {
    let (changed, one) = mpsc::unbounded();
    let (all, everyone) = mpsc::unbounded();
    let (running, known) = monitors::watch(watching(ctx, scope), News { changed, all });
    (one, everyone, tokio::spawn(running), known)
}
