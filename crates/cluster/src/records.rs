//! What the watches have seen, as small records. Everything here can be had again from the API server.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use milvus_api::{Milvus, MilvusUpgrade};
use milvus_state::Watched;
use milvus_state::kinds::Kind;
use milvus_state::records::{
    BudgetRecord, ConfigMapRecord, DeploymentRecord, IngressRecord, MetaRecord, MilvusRecord, MonitorKind,
    ServiceRecord,
};

use crate::cache::{Cache, Key, Versioned, may_replace};
use crate::read::Error;
use crate::stored::Stored;

/// What is kept between passes.
#[derive(Debug, Default)]
pub struct Records {
    deployments: Mutex<Cache<DeploymentRecord>>,
    config_maps: Mutex<Cache<ConfigMapRecord>>,
    services: Mutex<Cache<ServiceRecord>>,
    ingresses: Mutex<Cache<IngressRecord>>,
    pod_monitors: Mutex<Cache<MetaRecord>>,
    jobs: Mutex<Cache<MetaRecord>>,
    stateful_sets: Mutex<Cache<MetaRecord>>,
    /// By [`budgets_key`]: those of others count too.
    budgets: Mutex<Cache<BudgetRecord>>,
    upgrades: Mutex<Cache<Stored<MilvusUpgrade>>>,
    /// Whether the cluster has PodMonitors.
    monitor_kind: Mutex<MonitorKind>,
    /// Namespaces with a Service named `minio`.
    minio: Mutex<HashSet<String>>,
    /// Milvus objects as our own last write left them, until the watch has caught up.
    written: Mutex<HashMap<Key, Milvus>>,
}

/// The key of all PodDisruptionBudgets of a namespace.
pub fn budgets_key(namespace: &str) -> Key {
    (namespace.to_owned(), String::new())
}

macro_rules! versioned {
    ($($record:ty => $($field:ident).+;)+) => {
        $(impl Versioned for $record {
            fn resource_version(&self) -> &str {
                &self.$($field).+
            }
        })+
    };
}

versioned! {
    DeploymentRecord => resource_version;
    ConfigMapRecord => resource_version;
    ServiceRecord => resource_version;
    IngressRecord => meta.resource_version;
    MetaRecord => resource_version;
    BudgetRecord => meta.resource_version;
}

impl Versioned for Stored<MilvusUpgrade> {
    fn resource_version(&self) -> &str {
        kube::Resource::meta(self).resource_version.as_deref().unwrap_or_default()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic elsewhere leaves these maps as they are between two operations: still good.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

macro_rules! caches {
    ($($(#[$doc:meta])* $name:ident: $record:ty;)+) => {
        impl Records {
            $($(#[$doc])*
            pub fn $name(&self) -> MutexGuard<'_, Cache<$record>> {
                lock(&self.$name)
            })+
        }
    };
}

caches! {
    /// Deployments.
    deployments: DeploymentRecord;
    /// ConfigMaps.
    config_maps: ConfigMapRecord;
    /// Services.
    services: ServiceRecord;
    /// Ingresses.
    ingresses: IngressRecord;
    /// PodMonitors.
    pod_monitors: MetaRecord;
    /// Jobs.
    jobs: MetaRecord;
    /// StatefulSets.
    stateful_sets: MetaRecord;
    /// PodDisruptionBudgets, by [`budgets_key`].
    budgets: BudgetRecord;
    /// `MilvusUpgrade` objects, by the Milvus that they name.
    upgrades: Stored<MilvusUpgrade>;
}

impl Records {
    /// Whether the cluster has PodMonitors.
    pub fn monitor_kind(&self) -> MutexGuard<'_, MonitorKind> {
        lock(&self.monitor_kind)
    }

    /// Namespaces with a Service named `minio`.
    pub fn minio(&self) -> MutexGuard<'_, HashSet<String>> {
        lock(&self.minio)
    }

    /// What the watches hold about one Milvus. `now`: the moment of the pass.
    ///
    /// # Errors
    /// One of its objects is there and can't be decoded: what it is like is not known.
    pub fn watched(
        &self,
        key: &Key,
        milvus: &Milvus,
        now: Timestamp,
        operator_version: &str,
    ) -> Result<Watched, Error> {
        self.all_readable(key)?;
        let entry = format!("{}-milvus", key.1);
        Ok(Watched {
            now,
            milvus: MilvusRecord::of(milvus),
            deployments: self.deployments().of(key),
            config_maps: self.config_maps().of(key),
            service: self.services().get(key, &entry).cloned(),
            ingress: self.ingresses().get(key, &entry).cloned(),
            pod_monitor: self.pod_monitors().get(key, &key.1).cloned(),
            monitor_kind: *self.monitor_kind(),
            budgets: self.budgets().of(&budgets_key(&key.0)),
            stateful_sets: self.stateful_sets().of(key),
            jobs: self.jobs().of(key),
            minio_link: self.minio().contains(&key.0),
            operator_version: operator_version.to_owned(),
        })
    }

    /// Every object of a Milvus could be decoded. Of Jobs, StatefulSets and PodMonitors only the metadata is kept,
    /// which always can.
    fn all_readable(&self, key: &Key) -> Result<(), Error> {
        fn of<T: Versioned + Clone>(kind: Kind, cache: &Cache<T>, key: &Key) -> Result<(), Error> {
            let Some((name, why)) = cache.unknown(key) else { return Ok(()) };
            let (namespace, name, why) = (key.0.clone(), name.to_owned(), why.to_owned());
            Err(Error::Unreadable { kind, namespace, name, why })
        }
        of(Kind::Deployment, &self.deployments(), key)?;
        of(Kind::ConfigMap, &self.config_maps(), key)?;
        of(Kind::Service, &self.services(), key)?;
        of(Kind::Ingress, &self.ingresses(), key)
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
