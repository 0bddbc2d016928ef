//! PodMonitors, a kind that a cluster may not have, may get and may lose.
//!
//! Takes what every watch needs; gives the Milvus objects that something happened to, and tells when the kind has come or gone. Kubernetes
//! announces a new kind only to who may watch definitions in the whole cluster, so it is asked: every [`LOOK_AGAIN`] while the kind is
//! not there, one request each.

use std::time::Duration;

use futures::channel::mpsc::UnboundedSender;
use futures::{StreamExt as _, pin_mut};
use kube::core::{GroupVersionKind, PartialObjectMeta};
use kube::error::DiscoveryError;
use kube::runtime::watcher;
use kube::{Resource as _, discovery};
use milvus_api::PodMonitor;
use milvus_state::records::{MetaRecord, MonitorKind};
use tokio::sync::watch;

use crate::cache::Key;
use crate::changes::{Change, changes, keep};
use crate::watch::{Synced, Watching, ours};

/// Time between two looks for the kind.
pub const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// Where the news goes.
pub struct News {
    /// Milvus objects whose PodMonitor was made, changed or deleted.
    pub changed: UnboundedSender<Key>,
    /// The kind has come or gone: every Milvus is to be looked at.
    pub all: UnboundedSender<()>,
    last: MonitorKind,
}

impl News {
    /// Goes to these.
    pub fn new(changed: UnboundedSender<Key>, all: UnboundedSender<()>) -> News {
        News { changed, all, last: MonitorKind::Unknown }
    }
}

/// Looks for the kind and watches it, until it is dropped. The second value tells when it is known for the first time whether there
/// is such a kind, or that this can't be found out: nothing else waits for more.
pub fn watch(watching: Watching, mut news: News) -> (impl Future<Output = ()> + Send + use<>, Synced) {
    let (known, synced) = watch::channel(false);
    let running = async move {
        loop {
            match there(&watching).await {
                Ok(true) => follow(&watching, &mut news, &known).await,
                Ok(false) => learn(&watching, &mut news, &known, MonitorKind::Absent),
                Err(error) => {
                    tracing::warn!(%error, "can't find out whether the cluster has PodMonitors; none is made");
                    known.send_replace(true);
                }
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    };
    (running, synced)
}

/// The API server serves the kind.
async fn there(watching: &Watching) -> Result<bool, kube::Error> {
    let kind =
        GroupVersionKind::gvk(&PodMonitor::group(&()), &PodMonitor::version(&()), &PodMonitor::kind(&()));
    match discovery::pinned_kind(&watching.client, &kind).await {
        Ok(_) => Ok(true),
        Err(kube::Error::Discovery(DiscoveryError::MissingKind(_) | DiscoveryError::EmptyApiGroup(_))) => {
            Ok(false)
        }
        Err(error) if is_missing(&error) => Ok(false),
        Err(error) => Err(error),
    }
}

fn is_missing(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 404)
}

/// Remembers whether there is the kind, and tells when that is new to this watch; each scope has one.
fn learn(watching: &Watching, news: &mut News, known: &watch::Sender<bool>, kind: MonitorKind) {
    *watching.records.monitor_kind() = kind;
    known.send_replace(true);
    if std::mem::replace(&mut news.last, kind) != kind {
        tracing::info!(?kind, "PodMonitors");
        // Nobody listens only when the operator ends.
        let _ = news.all.unbounded_send(());
    }
}

/// Watches until the kind is gone.
async fn follow(watching: &Watching, news: &mut News, known: &watch::Sender<bool>) {
    let changes = changes::<PartialObjectMeta<PodMonitor>>(&watching.scope, &watching.client, &ours());
    pin_mut!(changes);
    while let Some(change) = changes.next().await {
        let keys = match change {
            Ok(change) => {
                let listed = matches!(change, Change::Relisted);
                let of = |object: &PartialObjectMeta<PodMonitor>| MetaRecord::of(&object.metadata);
                let keys = keep(&mut watching.records.pod_monitors(), &watching.scope, change, of);
                if listed {
                    learn(watching, news, known, MonitorKind::Present);
                }
                keys
            }
            Err(watcher::Error::InitialListFailed(error) | watcher::Error::WatchStartFailed(error))
                if is_missing(&error) =>
            {
                // With the kind, all objects of it are gone.
                let mut kept = watching.records.pod_monitors();
                kept.relist(&watching.scope);
                kept.relisted(&watching.scope);
                drop(kept);
                return learn(watching, news, known, MonitorKind::Absent);
            }
            Err(error) => {
                tracing::warn!(%error, "the watch of PodMonitors failed and is retried");
                known.send_replace(true);
                None
            }
        };
        for key in keys.into_iter().flatten() {
            let _ = news.changed.unbounded_send(key);
        }
    }
}
