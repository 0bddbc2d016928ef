//! The events of a watch, as they matter to a cache.
//!
//! Takes an API; gives a stream that never ends: what fails is tried again with back-off, a version that is too old for
//! the API server begins anew with a list, and an object that can't be decoded is one of its own, beside the others.

use std::fmt::Debug;

use futures::stream::unfold;
use futures::{Stream, StreamExt as _, TryStreamExt as _};
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::core::DeserializeGuard;
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Api, Client, Resource, ResourceExt as _};
use milvus_api::{Milvus, keys};
use serde::de::DeserializeOwned;

use crate::cache::{Cache, Key, Versioned};
use crate::scope::Scope;

/// The HTTP status of a version that the API server does not have any more.
const GONE: u16 = 410;

/// What can be watched in a namespace.
pub(crate) trait Object:
    Resource<Scope = NamespaceResourceScope> + Clone + Debug + DeserializeOwned + Send
{
}

impl<K> Object for K where
    K: Resource<Scope = NamespaceResourceScope> + Clone + Debug + DeserializeOwned + Send
{
}

/// A watch event, named by what it means here.
pub(crate) enum Change<K> {
    /// A list begins.
    Relist,
    /// An object as it is now.
    Put(K),
    /// An object that is there and can't be decoded, and why.
    Unreadable(ObjectMeta, String),
    /// An object that went; only its metadata counts.
    Gone(ObjectMeta),
    /// A list has ended.
    Relisted,
}

impl<K: Resource + Clone> Change<K> {
    fn of(event: watcher::Event<K>) -> Change<K> {
        match event {
            watcher::Event::Init => Change::Relist,
            watcher::Event::InitApply(object) | watcher::Event::Apply(object) => Change::Put(object),
            watcher::Event::Delete(object) => Change::Gone(object.meta().clone()),
            watcher::Event::InitDone => Change::Relisted,
        }
    }
}

impl<K: Resource + Clone> Change<DeserializeGuard<K>> {
    fn guarded(self) -> Change<K> {
        match self {
            Change::Relist => Change::Relist,
            Change::Put(DeserializeGuard(Ok(object))) => Change::Put(object),
            Change::Put(DeserializeGuard(Err(invalid))) => {
                Change::Unreadable(invalid.metadata, invalid.error)
            }
            Change::Unreadable(meta, why) => Change::Unreadable(meta, why),
            Change::Gone(meta) => Change::Gone(meta),
            Change::Relisted => Change::Relisted,
        }
    }
}

/// The events of a watch, without end. kube begins anew with a list when the API server says in a watch that its
/// version is too old, but not where it says so in place of a watch: then it would ask for the same version for ever.
pub fn events<K>(
    api: Api<K>,
    config: watcher::Config,
) -> impl Stream<Item = watcher::Result<watcher::Event<K>>> + Send
where
    K: Resource + Clone + Debug + DeserializeOwned + Send + 'static,
{
    let begin = move || watcher::watcher(api.clone(), config.clone()).boxed();
    let unbroken = unfold((begin(), begin), |(mut events, begin)| async move {
        let event = events.next().await?;
        if event.as_ref().is_err_and(is_too_old) {
            events = begin();
        }
        Some((event, (events, begin)))
    });
    unbroken.default_backoff()
}

fn is_too_old(error: &watcher::Error) -> bool {
    matches!(error, watcher::Error::WatchStartFailed(kube::Error::Api(status)) if status.code == GONE)
}

/// The changes of a kind. An object that can't be decoded would take the page that it is on with it, and its change
/// would be lost: from the first of them on, each object is decoded for itself, which takes longer.
pub(crate) fn changes<K: Object + 'static>(
    scope: &Scope,
    client: &Client,
    config: &watcher::Config,
) -> impl Stream<Item = watcher::Result<Change<K>>> + Send + use<K>
where
    K::DynamicType: Default,
{
    let whole = events(scope.api::<K>(client), config.clone()).map_ok(Change::of).boxed();
    let each = events(scope.api::<DeserializeGuard<K>>(client), config.clone());
    let each = each.map_ok(|event| Change::of(event).guarded()).boxed();
    unfold((whole, Some(each)), |(mut changes, mut each)| async move {
        let change: watcher::Result<Change<K>> = changes.next().await?;
        if change.as_ref().is_err_and(is_undecodable)
            && let Some(each) = each.take()
        {
            changes = each;
        }
        Some((change, (changes, each)))
    })
}

fn is_undecodable(error: &watcher::Error) -> bool {
    match error {
        watcher::Error::InitialListFailed(kube::Error::SerdeError(error))
        | watcher::Error::WatchFailed(kube::Error::SerdeError(error)) => error.is_data(),
        // A line of a watch that fits nothing else is taken by kube for an error of the API server, without a code.
        watcher::Error::WatchFailed(kube::Error::Api(status)) => status.code == 0,
        _ => false,
    }
}

/// The Milvus that an object of ours belongs to. Its owner says so: a label can be edited, and then the object would be
/// taken for another's. A pod has the label only, and so has an object that was orphaned.
pub(crate) fn owner(meta: &ObjectMeta) -> Option<Key> {
    let labels = meta.labels.as_ref()?;
    if labels.get(keys::MANAGED_BY).is_none_or(|manager| manager != keys::MANAGER) {
        return None;
    }
    let owners = meta.owner_references.iter().flatten();
    let milvus =
        owners.filter(|owner| owner.controller == Some(true)).find(|owner| owner.kind == Milvus::kind(&()));
    let name = milvus.map(|owner| &owner.name).or_else(|| labels.get(keys::INSTANCE))?;
    Some((meta.namespace.clone()?, name.clone()))
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
            let key = owner(object.meta())?;
            cache.put(&key, &object.name_any(), record(&object));
            Some(vec![key])
        }
        Change::Unreadable(meta, why) => {
            let key = owner(&meta)?;
            cache.unreadable(&key, &meta.name.unwrap_or_default(), why);
            Some(vec![key])
        }
        Change::Gone(meta) => {
            let key = owner(&meta)?;
            cache.remove(&key, &meta.name.unwrap_or_default());
            Some(vec![key])
        }
        Change::Relisted => Some(cache.relisted(scope)),
    }
}
