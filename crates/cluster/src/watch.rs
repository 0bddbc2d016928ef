//! Watches of what a Milvus owns.
//!
//! Takes a client and the namespaces to look at; gives a stream of the Milvus objects that something happened to. On
//! the way every object becomes a record and is dropped: the streams are the only readers of whole objects.

use std::fmt::Debug;
use std::mem;
use std::sync::{Arc, MutexGuard};

use futures::stream::BoxStream;
use futures::{Stream, StreamExt as _, future};
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Pod, Service};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::core::PartialObjectMeta;
use kube::runtime::watcher;
use kube::{Client, Resource, ResourceExt as _};
use milvus_api::{MilvusUpgrade, keys};
use milvus_state::kinds::Kind;
use milvus_state::records::{
    BudgetRecord, ConfigMapRecord, DeploymentRecord, IngressRecord, MetaRecord, ServiceRecord,
};
use tokio::sync::watch;

use crate::cache::{Cache, Key, Versioned};
use crate::changes::{Change, Object, changes, keep, owner};
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

    /// The watch of an owned kind, if there is one.
    pub fn owned(&self, kind: Kind) -> Option<Watch> {
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

    fn changes<K: Object + 'static>(
        &self,
        config: &watcher::Config,
    ) -> impl Stream<Item = watcher::Result<Change<K>>> + Send + use<K>
    where
        K::DynamicType: Default,
    {
        changes(&self.scope, &self.client, config)
    }

    /// Objects of a kind that become records.
    fn cached<K, T>(&self, record: fn(&K) -> T, open: fn(&Records) -> MutexGuard<'_, Cache<T>>) -> Watch
    where
        K: Object + 'static,
        K::DynamicType: Default,
        T: Versioned + Clone + 'static,
    {
        let (records, scope) = (self.records.clone(), self.scope.clone());
        feed(self.changes(&ours()), move |change| keep(&mut open(&records), &scope, change, record))
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
        let changes = self.changes::<PodDisruptionBudget>(&watcher::Config::default().page_size(PAGE));
        feed(changes, move |change| {
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
                    news.then(|| vec![owner(&budget.metadata).unwrap_or(key)])
                }
                Change::Unreadable(meta, why) => {
                    let (namespace, name) =
                        (meta.namespace.unwrap_or_default(), meta.name.unwrap_or_default());
                    tracing::warn!(%namespace, %name, %why, "a PodDisruptionBudget can't be decoded and does not count");
                    None
                }
                Change::Gone(meta) => {
                    let key = budgets_key(meta.namespace.as_deref()?);
                    cache.remove(&key, meta.name.as_deref()?);
                    Some(vec![owner(&meta).unwrap_or(key)])
                }
                Change::Relisted => Some(cache.relisted(&scope)),
            }
        })
    }

    /// Pods of all Milvus objects that are not finished, as triggers only: what a pod says is read when it matters. Which
    /// of them went while the watch was broken off is therefore not known, and everything is looked at.
    pub fn pods(&self) -> Watch {
        let unfinished = ours().fields("status.phase!=Succeeded,status.phase!=Failed");
        let (scope, mut listed) = (self.scope.clone(), false);
        feed(self.changes(&unfinished), move |event: Change<PartialObjectMeta<Pod>>| match event {
            Change::Put(PartialObjectMeta { metadata, .. })
            | Change::Unreadable(metadata, _)
            | Change::Gone(metadata) => owner(&metadata).map(|key| vec![key]),
            Change::Relist => None,
            Change::Relisted => mem::replace(&mut listed, true).then(|| vec![everything(&scope)]),
        })
    }

    /// `MilvusUpgrade` objects, each under the key of the Milvus that it names. One that can't be decoded does not stop
    /// the others.
    pub fn upgrades(&self) -> Watch {
        let (records, scope) = (self.records.clone(), self.scope.clone());
        let changes = self.changes::<Stored<MilvusUpgrade>>(&watcher::Config::default().page_size(PAGE));
        feed(changes, move |change| {
            let mut cache = records.upgrades();
            match change {
                Change::Relist => {
                    cache.relist(&scope);
                    None
                }
                Change::Put(upgrade) => {
                    let name = qualified(upgrade.meta());
                    let before = cache.take(&name);
                    let now = named_milvus(&upgrade);
                    if let Some(key) = &now {
                        cache.put(key, &name, upgrade);
                    }
                    Some(before.into_iter().chain(now).collect())
                }
                Change::Unreadable(meta, _) | Change::Gone(meta) => {
                    cache.take(&qualified(&meta)).map(|key| vec![key])
                }
                Change::Relisted => Some(cache.relisted(&scope)),
            }
        })
    }

    /// Services named `minio`, whose links would be taken for settings of Milvus.
    pub fn minio(&self) -> Watch {
        let (records, scope) = (self.records.clone(), self.scope.clone());
        let named = watcher::Config::default().fields("metadata.name=minio").page_size(PAGE);
        feed(self.changes(&named), move |event: Change<PartialObjectMeta<Service>>| {
            let mut namespaces = records.minio();
            match event {
                Change::Put(PartialObjectMeta { metadata, .. }) | Change::Unreadable(metadata, _) => {
                    namespaces.insert(metadata.namespace.unwrap_or_default());
                }
                Change::Gone(metadata) => {
                    namespaces.remove(&metadata.namespace.unwrap_or_default());
                }
                Change::Relist => namespaces.retain(|namespace| !scope.contains(namespace)),
                Change::Relisted => {}
            }
            None
        })
    }
}

/// The key of every Milvus of a scope.
fn everything(scope: &Scope) -> Key {
    match scope {
        Scope::All => Key::default(),
        Scope::Namespace(namespace) => (namespace.clone(), String::new()),
    }
}

/// Objects with the label that all of ours have.
pub(crate) fn ours() -> watcher::Config {
    watcher::Config::default().labels(&format!("{}={}", keys::MANAGED_BY, keys::MANAGER)).page_size(PAGE)
}

/// The Milvus that a `MilvusUpgrade` names. One that can't be decoded is nobody's: nothing about it can be done or
/// written.
fn named_milvus(upgrade: &Stored<MilvusUpgrade>) -> Option<Key> {
    let spec = upgrade.decode().ok()?.spec;
    Some((spec.milvus.namespace.or_else(|| upgrade.namespace())?, spec.milvus.name))
}

/// Namespace and name: a `MilvusUpgrade` may name a Milvus of another namespace.
fn qualified(meta: &ObjectMeta) -> String {
    format!("{}/{}", meta.namespace.as_deref().unwrap_or_default(), meta.name.as_deref().unwrap_or_default())
}

/// Hands the changes of a watch to `keep`, and gives the owners that it names.
fn feed<K, S, F>(changes: S, mut keep: F) -> Watch
where
    S: Stream<Item = watcher::Result<Change<K>>> + Send + 'static,
    F: FnMut(Change<K>) -> Option<Vec<Key>> + Send + 'static,
{
    let (announce, synced) = watch::channel(false);
    let stream = changes.filter_map(move |change| {
        let keys = match change {
            Ok(change) => {
                let listed = matches!(change, Change::Relisted);
                let keys = keep(change);
                if listed {
                    announce.send_replace(true);
                }
                keys
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
