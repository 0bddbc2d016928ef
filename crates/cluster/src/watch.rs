//! Watches of what a Milvus owns.
//!
//! Takes a client and the namespaces to look at; gives a stream of the Milvus objects that something happened to. On the way every
//! object becomes a record and is dropped: the streams are the only readers of whole objects.

use std::fmt::Debug;
use std::sync::{Arc, MutexGuard};

use futures::{Stream, StreamExt as _, future};
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::{Pod, Service};
use kube::core::PartialObjectMeta;
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Client, Resource, ResourceExt as _};
use milvus_api::keys;
use milvus_state::records::{ConfigMapRecord, DeploymentRecord, IngressRecord, ServiceRecord};
use serde::de::DeserializeOwned;
use tokio::sync::watch;

use crate::records::{Key, Records, Shelf, Versioned};
use crate::scope::Scope;

/// Objects of a page. A page is decoded at once and then dropped, so it bounds the memory of a relist.
const PAGE: u32 = 50;

/// What every watch needs.
#[derive(Clone)]
pub struct Watching {
    /// Client.
    pub client: Client,
    /// Where to look.
    pub scope: Scope,
    /// Where records go.
    pub records: Arc<Records>,
}

/// Tells when a watch has listed everything for the first time. Nothing may be decided before that: an object that was
/// not listed yet would look as if it were missing.
pub type Synced = watch::Receiver<bool>;

impl Watching {
    /// Deployments of all Milvus objects.
    pub fn deployments(&self) -> (impl Stream<Item = Key> + use<>, Synced) {
        self.shelved(DeploymentRecord::of, Records::deployments)
    }

    /// ConfigMaps of all Milvus objects.
    pub fn config_maps(&self) -> (impl Stream<Item = Key> + use<>, Synced) {
        self.shelved(ConfigMapRecord::of, Records::config_maps)
    }

    /// Services of all Milvus objects.
    pub fn services(&self) -> (impl Stream<Item = Key> + use<>, Synced) {
        self.shelved(ServiceRecord::of, Records::services)
    }

    /// Ingresses of all Milvus objects.
    pub fn ingresses(&self) -> (impl Stream<Item = Key> + use<>, Synced) {
        self.shelved(IngressRecord::of, Records::ingresses)
    }

    /// Objects of a kind that become records.
    fn shelved<K, T>(
        &self,
        record: fn(&K) -> T,
        open: fn(&Records) -> MutexGuard<'_, Shelf<T>>,
    ) -> (impl Stream<Item = Key> + use<K, T>, Synced)
    where
        K: Resource<Scope = NamespaceResourceScope> + Clone + Debug + DeserializeOwned + Send + 'static,
        K::DynamicType: Default,
        T: Versioned + Clone + 'static,
    {
        let (records, scope) = (self.records.clone(), self.scope.clone());
        feed(watcher::watcher(self.scope.api::<K>(&self.client), ours()), move |change| {
            shelve(&mut open(&records), &scope, change, record)
        })
    }

    /// Pods of all Milvus objects that are not finished, as triggers only: what a pod says is read when it matters.
    pub fn pods(&self) -> (impl Stream<Item = Key> + use<>, Synced) {
        let unfinished = ours().fields("status.phase!=Succeeded,status.phase!=Failed");
        let events = watcher::watcher(self.scope.api::<PartialObjectMeta<Pod>>(&self.client), unfinished);
        feed(events, |event: Change<PartialObjectMeta<Pod>>| match event {
            Change::Put(pod) | Change::Gone(pod) => owner(&pod).map(|key| vec![key]),
            Change::Relist | Change::Relisted => None,
        })
    }

    /// Services named `minio`, whose links would be taken for settings of Milvus.
    pub fn minio(&self) -> (impl Stream<Item = Key> + use<>, Synced) {
        let (records, scope) = (self.records.clone(), self.scope.clone());
        let named = watcher::Config::default().fields("metadata.name=minio").page_size(PAGE);
        let events = watcher::watcher(self.scope.api::<PartialObjectMeta<Service>>(&self.client), named);
        feed(events, move |event: Change<PartialObjectMeta<Service>>| {
            let mut namespaces = records.minio();
            match event {
                Change::Put(service) => {
                    namespaces.insert(service.namespace().unwrap_or_default());
                }
                Change::Gone(service) => {
                    namespaces.remove(&service.namespace().unwrap_or_default());
                }
                Change::Relist => namespaces.retain(|namespace| !scope.contains(namespace)),
                Change::Relisted => {}
            }
            None
        })
    }
}

/// Objects with the label that all of ours have.
pub(crate) fn ours() -> watcher::Config {
    watcher::Config::default().labels(&format!("{}={}", keys::MANAGED_BY, keys::MANAGER)).page_size(PAGE)
}

/// The Milvus that an object belongs to, by its label: every owned object and pod has it.
fn owner<K: Resource>(object: &K) -> Option<Key> {
    let instance = object.labels().get(keys::INSTANCE)?.clone();
    Some((object.namespace()?, instance))
}

/// A watch event, named by what it means here.
pub(crate) enum Change<K> {
    Relist,
    Put(K),
    Gone(K),
    Relisted,
}

impl<K> From<watcher::Event<K>> for Change<K> {
    fn from(event: watcher::Event<K>) -> Change<K> {
        match event {
            watcher::Event::Init => Change::Relist,
            watcher::Event::InitApply(object) | watcher::Event::Apply(object) => Change::Put(object),
            watcher::Event::Delete(object) => Change::Gone(object),
            watcher::Event::InitDone => Change::Relisted,
        }
    }
}

/// Keeps what a change says on the shelf of its kind; the Milvus objects that it is about.
pub(crate) fn shelve<K: Resource, T: Versioned + Clone>(
    shelf: &mut Shelf<T>,
    scope: &Scope,
    change: Change<K>,
    record: fn(&K) -> T,
) -> Option<Vec<Key>> {
    match change {
        Change::Relist => {
            shelf.relist(scope);
            None
        }
        Change::Put(object) => {
            let key = owner(&object)?;
            shelf.put(&key, &object.name_any(), record(&object));
            Some(vec![key])
        }
        Change::Gone(object) => {
            let key = owner(&object)?;
            shelf.remove(&key, &object.name_any());
            Some(vec![key])
        }
        Change::Relisted => Some(shelf.relisted(scope)),
    }
}

/// Runs a watch with back-off, feeds its events to `keep`, and gives the owners that it names.
fn feed<K, S, F>(events: S, mut keep: F) -> (impl Stream<Item = Key> + use<K, S, F>, Synced)
where
    K: Resource + Clone + Debug + DeserializeOwned + Send + 'static,
    S: Stream<Item = watcher::Result<watcher::Event<K>>> + Send + 'static,
    F: FnMut(Change<K>) -> Option<Vec<Key>> + Send + 'static,
{
    let (announce, synced) = watch::channel(false);
    let stream = events.default_backoff().filter_map(move |event| {
        let keys = match event {
            Ok(event) => {
                if matches!(event, watcher::Event::InitDone) {
                    announce.send_replace(true);
                }
                keep(event.into())
            }
            Err(error) => {
                tracing::warn!(%error, "a watch failed and is retried");
                None
            }
        };
        future::ready(keys)
    });
    (stream.flat_map(futures::stream::iter), synced)
}
