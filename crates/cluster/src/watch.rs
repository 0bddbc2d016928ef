//! Watches of what a Milvus owns.
//!
//! Takes a client and the namespaces to look at; gives a stream of the Milvus objects that something happened to. On
//! the way every object becomes a record and is dropped: the streams are the only readers of whole objects.

use std::fmt::Debug;
use std::sync::{Arc, MutexGuard};

use futures::stream::BoxStream;
use futures::{Stream, StreamExt as _, future};
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Pod, Service};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use kube::core::PartialObjectMeta;
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Client, Resource, ResourceExt as _};
use milvus_api::{MilvusUpgrade, keys};
use milvus_state::kinds::Kind;
use milvus_state::records::{
    BudgetRecord, ConfigMapRecord, DeploymentRecord, IngressRecord, MetaRecord, ServiceRecord,
};
use serde::de::DeserializeOwned;
use tokio::sync::watch;

use crate::cache::{Cache, Key, Versioned};
use crate::records::{Records, budgets_key};
use crate::scope::Scope;
use crate::stored::Stored;

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

/// A watch: the Milvus objects that something happened to, and when it has listed everything. A key without a name is
/// every Milvus of its namespace.
pub type Watch = (BoxStream<'static, Key>, Synced);

impl Watching {
    /// All watches but that of a kind which the cluster may lack ([`crate::optional`]): of the owned kinds that the
    /// table says are watched, of pods, of Services named `minio`, and with `upgrades` of `MilvusUpgrade` objects.
    pub fn all(&self, upgrades: bool) -> Vec<Watch> {
        let owned = Kind::all().filter_map(|kind| self.owned(kind));
        let upgrades = upgrades.then(|| self.upgrades());
        owned.chain([self.pods(), self.minio()]).chain(upgrades).collect()
    }

    fn owned(&self, kind: Kind) -> Option<Watch> {
        Some(match kind {
            Kind::ConfigMap => self.cached(ConfigMapRecord::of, Records::config_maps),
            Kind::Service => self.cached(ServiceRecord::of, Records::services),
            Kind::Ingress => self.cached(IngressRecord::of, Records::ingresses),
            Kind::Deployment => self.cached(DeploymentRecord::of, Records::deployments),
            Kind::Job => self.metadata::<Job>(Records::jobs),
            Kind::StatefulSet => self.metadata::<StatefulSet>(Records::stateful_sets),
            Kind::PodDisruptionBudget => self.budgets(),
            // Read by its name, and a kind that may be missing.
            Kind::PersistentVolumeClaim | Kind::PodMonitor => return None,
        })
    }

    /// Objects of a kind that become records.
    fn cached<K, T>(&self, record: fn(&K) -> T, open: fn(&Records) -> MutexGuard<'_, Cache<T>>) -> Watch
    where
        K: Resource<Scope = NamespaceResourceScope> + Clone + Debug + DeserializeOwned + Send + 'static,
        K::DynamicType: Default,
        T: Versioned + Clone + 'static,
    {
        let (records, scope) = (self.records.clone(), self.scope.clone());
        feed(watcher::watcher(self.scope.api::<K>(&self.client), ours()), move |change| {
            keep(&mut open(&records), &scope, change, record)
        })
    }

    /// Objects of a kind of which the metadata is enough.
    fn metadata<K>(&self, open: fn(&Records) -> MutexGuard<'_, Cache<MetaRecord>>) -> Watch
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + Send + 'static,
    {
        self.cached(|object: &PartialObjectMeta<K>| MetaRecord::of(&object.metadata), open)
    }

    /// PodDisruptionBudgets of everybody: two for one pod would block its eviction. Kubernetes writes their status often, so
    /// only one that comes, goes or selects other pods is news.
    fn budgets(&self) -> Watch {
        let (records, scope) = (self.records.clone(), self.scope.clone());
        let api = self.scope.api::<PodDisruptionBudget>(&self.client);
        feed(watcher::watcher(api, watcher::Config::default().page_size(PAGE)), move |change| {
            let mut cache = records.budgets();
            match change {
                Change::Relist => {
                    cache.relist(&scope);
                    None
                }
                Change::Put(budget) => {
                    let key = budgets_key(&budget.namespace()?);
                    let (name, record) = (budget.name_any(), BudgetRecord::of(&budget));
                    let known = cache.get(&key, &name);
                    let news = known.is_none_or(|known| {
                        known.selector != record.selector || known.meta.generation != record.meta.generation
                    });
                    cache.put(&key, &name, record);
                    news.then(|| vec![owner(&budget).unwrap_or(key)])
                }
                Change::Gone(budget) => {
                    let key = budgets_key(&budget.namespace()?);
                    cache.remove(&key, &budget.name_any());
                    Some(vec![owner(&budget).unwrap_or(key)])
                }
                Change::Relisted => Some(cache.relisted(&scope)),
            }
        })
    }

    /// Pods of all Milvus objects that are not finished, as triggers only: what a pod says is read when it matters.
    fn pods(&self) -> Watch {
        let unfinished = ours().fields("status.phase!=Succeeded,status.phase!=Failed");
        let events = watcher::watcher(self.scope.api::<PartialObjectMeta<Pod>>(&self.client), unfinished);
        feed(events, |event: Change<PartialObjectMeta<Pod>>| match event {
            Change::Put(pod) | Change::Gone(pod) => owner(&pod).map(|key| vec![key]),
            Change::Relist | Change::Relisted => None,
        })
    }

    /// `MilvusUpgrade` objects, each under the key of the Milvus that it names. One that can't be decoded does not stop
    /// the others.
    fn upgrades(&self) -> Watch {
        let (records, scope) = (self.records.clone(), self.scope.clone());
        let api = self.scope.api::<Stored<MilvusUpgrade>>(&self.client);
        feed(watcher::watcher(api, watcher::Config::default().page_size(PAGE)), move |change| {
            let mut cache = records.upgrades();
            let key = |upgrade: &Stored<MilvusUpgrade>| {
                let namespace = upgrade.namespace()?;
                // One that can't be decoded is nobody's: nothing about it can be done or written.
                let spec = upgrade.decode().ok()?.spec;
                Some((spec.milvus.namespace.unwrap_or(namespace), spec.milvus.name))
            };
            match change {
                Change::Relist => {
                    cache.relist(&scope);
                    None
                }
                Change::Put(upgrade) => {
                    let key = key(&upgrade)?;
                    cache.put(&key, &upgrade.name_any(), upgrade);
                    Some(vec![key])
                }
                Change::Gone(upgrade) => {
                    let key = key(&upgrade)?;
                    cache.remove(&key, &upgrade.name_any());
                    Some(vec![key])
                }
                Change::Relisted => Some(cache.relisted(&scope)),
            }
        })
    }

    /// Services named `minio`, whose links would be taken for settings of Milvus.
    fn minio(&self) -> Watch {
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
    let ours = object.labels().get(keys::MANAGED_BY).is_some_and(|manager| manager == keys::MANAGER);
    let instance = object.labels().get(keys::INSTANCE).filter(|_| ours)?.clone();
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

/// Keeps what a change says in the cache of its kind; the Milvus objects that it is about.
pub(crate) fn keep<K: Resource, T: Versioned + Clone>(
    cache: &mut Cache<T>,
    scope: &Scope,
    change: Change<K>,
    record: fn(&K) -> T,
) -> Option<Vec<Key>> {
    match change {
        Change::Relist => {
            cache.relist(scope);
            None
        }
        Change::Put(object) => {
            let key = owner(&object)?;
            cache.put(&key, &object.name_any(), record(&object));
            Some(vec![key])
        }
        Change::Gone(object) => {
            let key = owner(&object)?;
            cache.remove(&key, &object.name_any());
            Some(vec![key])
        }
        Change::Relisted => Some(cache.relisted(scope)),
    }
}

/// Runs a watch with back-off, hands its events to `keep`, and gives the owners that it names.
fn feed<K, S, F>(events: S, mut keep: F) -> Watch
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
    (stream.flat_map(futures::stream::iter).boxed(), synced)
}
