//! What the watches have seen, as small records, by the Milvus that it belongs to.
//!
//! Takes watch events and the answers to our own writes; gives the current records. A record is never replaced by an older one:
//! the answer to a write is often here before the watch is.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use milvus_api::Milvus;
use milvus_state::records::{
    ConfigMapRecord, DeploymentRecord, IngressRecord, MetaRecord, MonitorKind, ServiceRecord,
};

use crate::scope::Scope;

/// Namespace and name of a Milvus.
pub type Key = (String, String);

/// A kind of record, by Milvus and by name.
#[derive(Debug)]
pub struct Shelf<T> {
    /// A Milvus has few of each kind, most have one: a tree would take room for eleven.
    entries: HashMap<Key, Vec<(String, T)>>,
    /// What the relists under way have named so far; the rest of their scope goes when they end.
    relists: Vec<(Scope, HashSet<(Key, String)>)>,
}

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Shelf { entries: HashMap::new(), relists: Vec::new() }
    }
}

/// A record that knows how new it is.
pub trait Versioned {
    /// `metadata.resourceVersion`
    fn resource_version(&self) -> &str;
}

impl Versioned for DeploymentRecord {
    fn resource_version(&self) -> &str {
        &self.resource_version
    }
}

impl Versioned for ConfigMapRecord {
    fn resource_version(&self) -> &str {
        &self.resource_version
    }
}

impl Versioned for ServiceRecord {
    fn resource_version(&self) -> &str {
        &self.resource_version
    }
}

impl Versioned for IngressRecord {
    fn resource_version(&self) -> &str {
        &self.meta.resource_version
    }
}

impl Versioned for MetaRecord {
    fn resource_version(&self) -> &str {
        &self.resource_version
    }
}

/// Whether `new` may replace `old`. Resource versions of one kind are numbers that grow (Kubernetes guarantees it from 1.35 on, every
/// server has always done it); where they are no numbers, the later arrival wins.
fn may_replace(old: &str, new: &str) -> bool {
    match (old.parse::<u64>(), new.parse::<u64>()) {
        (Ok(old), Ok(new)) => new >= old,
        _ => true,
    }
}

impl<T: Versioned + Clone> Shelf<T> {
    /// Keeps a record, unless a newer one is here.
    pub fn put(&mut self, key: &Key, name: &str, record: T) {
        for (scope, seen) in &mut self.relists {
            if scope.contains(&key.0) {
                seen.insert((key.clone(), name.to_owned()));
            }
        }
        let of_key = self.entries.entry(key.clone()).or_default();
        match of_key.iter_mut().find(|(other, _)| other == name) {
            Some((_, old)) if may_replace(old.resource_version(), record.resource_version()) => *old = record,
            Some(_) => {}
            None => {
                of_key.reserve_exact(1);
                of_key.push((name.to_owned(), record));
            }
        }
    }

    /// Forgets a record.
    pub fn remove(&mut self, key: &Key, name: &str) {
        if let Some(of_key) = self.entries.get_mut(key) {
            of_key.retain(|(other, _)| other != name);
            if of_key.is_empty() {
                self.entries.remove(key);
            }
        }
    }

    /// A relist of a scope begins.
    pub fn relist(&mut self, scope: &Scope) {
        self.relists.retain(|(other, _)| other != scope);
        self.relists.push((scope.clone(), HashSet::new()));
    }

    /// A relist has ended: what is in its scope and it did not name is gone. Gives the owners of what went.
    pub fn relisted(&mut self, scope: &Scope) -> Vec<Key> {
        let Some(at) = self.relists.iter().position(|(other, _)| other == scope) else { return Vec::new() };
        let (_, seen) = self.relists.swap_remove(at);
        let mut gone = Vec::new();
        for (key, of_key) in self.entries.iter().filter(|(key, _)| scope.contains(&key.0)) {
            let entries = of_key.iter().map(|(name, _)| (key.clone(), name.clone()));
            gone.extend(entries.filter(|entry| !seen.contains(entry)));
        }
        for (key, name) in &gone {
            self.remove(key, name);
        }
        gone.into_iter().map(|(key, _)| key).collect()
    }

    /// All records of one Milvus.
    pub fn of(&self, key: &Key) -> BTreeMap<String, T> {
        self.entries.get(key).into_iter().flatten().cloned().collect()
    }
}

/// Everything that is kept between passes. All of it can be had again from the API server.
#[derive(Debug, Default)]
pub struct Records {
    deployments: Mutex<Shelf<DeploymentRecord>>,
    config_maps: Mutex<Shelf<ConfigMapRecord>>,
    services: Mutex<Shelf<ServiceRecord>>,
    ingresses: Mutex<Shelf<IngressRecord>>,
    pod_monitors: Mutex<Shelf<MetaRecord>>,
    /// Whether the cluster has PodMonitors.
    monitor_kind: Mutex<MonitorKind>,
    /// Namespaces with a Service named `minio`.
    minio: Mutex<HashSet<String>>,
    /// Milvus objects as our own last write left them, until the watch has caught up.
    written: Mutex<HashMap<Key, Milvus>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic elsewhere leaves these maps as they are between two operations: still good.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Records {
    /// Deployments.
    pub fn deployments(&self) -> MutexGuard<'_, Shelf<DeploymentRecord>> {
        lock(&self.deployments)
    }

    /// ConfigMaps.
    pub fn config_maps(&self) -> MutexGuard<'_, Shelf<ConfigMapRecord>> {
        lock(&self.config_maps)
    }

    /// Services.
    pub fn services(&self) -> MutexGuard<'_, Shelf<ServiceRecord>> {
        lock(&self.services)
    }

    /// Ingresses.
    pub fn ingresses(&self) -> MutexGuard<'_, Shelf<IngressRecord>> {
        lock(&self.ingresses)
    }

    /// PodMonitors.
    pub fn pod_monitors(&self) -> MutexGuard<'_, Shelf<MetaRecord>> {
        lock(&self.pod_monitors)
    }

    /// Whether the cluster has PodMonitors.
    pub fn monitor_kind(&self) -> MutexGuard<'_, MonitorKind> {
        lock(&self.monitor_kind)
    }

    /// Namespaces with a Service named `minio`.
    pub fn minio(&self) -> MutexGuard<'_, HashSet<String>> {
        lock(&self.minio)
    }

    /// Remembers a Milvus as a write of ours returned it.
    pub fn wrote(&self, key: Key, milvus: Milvus) {
        lock(&self.written).insert(key, milvus);
    }

    /// The newer of what the watch has and what our own last write returned, so that a pass never decides on a status
    /// that is older than its own.
    pub fn newest(&self, key: &Key, watched: Milvus) -> Milvus {
        let mut written = lock(&self.written);
        let version = |m: &Milvus| m.metadata.resource_version.clone().unwrap_or_default();
        match written.get(key) {
            Some(ours)
                if ours.metadata.uid == watched.metadata.uid
                    && !may_replace(&version(ours), &version(&watched)) =>
            {
                ours.clone()
            }
            Some(_) => {
                written.remove(key);
                watched
            }
            None => watched,
        }
    }

    /// Forgets a Milvus that is gone.
    pub fn forget(&self, key: &Key) {
        lock(&self.written).remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(name: &str, version: &str) -> DeploymentRecord {
        let mut object = k8s_openapi::api::apps::v1::Deployment::default();
        object.metadata.name = Some(name.to_owned());
        object.metadata.resource_version = Some(version.to_owned());
        DeploymentRecord::of(&object)
    }

    fn key(name: &str) -> Key {
        ("ns".to_owned(), name.to_owned())
    }

    #[test]
    fn an_older_record_never_replaces_a_newer_one() {
        let mut shelf = Shelf::default();
        shelf.put(&key("a"), "d", record("d", "10"));
        shelf.put(&key("a"), "d", record("d", "9"));
        assert_eq!(shelf.of(&key("a"))["d"].resource_version, "10");
        shelf.put(&key("a"), "d", record("d", "11"));
        assert_eq!(shelf.of(&key("a"))["d"].resource_version, "11");
    }

    #[test]
    fn a_relist_drops_what_it_does_not_name_and_tells_whose_it_was() {
        let mut shelf = Shelf::default();
        shelf.put(&key("a"), "kept", record("kept", "1"));
        shelf.put(&key("b"), "gone", record("gone", "1"));
        shelf.relist(&Scope::All);
        shelf.put(&key("a"), "kept", record("kept", "1"));
        assert_eq!(shelf.relisted(&Scope::All), vec![key("b")]);
        assert!(shelf.of(&key("b")).is_empty());
        assert_eq!(shelf.of(&key("a")).len(), 1);
    }
    #[test]
    fn a_relist_of_one_namespace_drops_nothing_in_another() {
        let mut shelf = Shelf::default();
        let elsewhere = ("elsewhere".to_owned(), "a".to_owned());
        shelf.put(&key("a"), "gone", record("gone", "1"));
        shelf.put(&elsewhere, "kept", record("kept", "1"));
        let (here, there) = (Scope::Namespace("ns".to_owned()), Scope::Namespace("elsewhere".to_owned()));
        shelf.relist(&there);
        shelf.relist(&here);
        assert_eq!(shelf.relisted(&here), vec![key("a")]);
        assert_eq!(shelf.of(&elsewhere).len(), 1);
        assert_eq!(shelf.relisted(&there), vec![elsewhere], "the other relist did not name it");
    }
}
