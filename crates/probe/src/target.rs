//! What can be probed, and the one entry that probes it.

use std::hash::{DefaultHasher, Hash, Hasher};

use crate::etcd::{self, EtcdTarget};
use crate::outcome::Outcome;
use crate::queue::{self, QueueTarget};
use crate::storage::{self, StorageTarget};

/// A dependency with all that is needed to ask it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Target {
    /// An etcd cluster.
    Etcd(EtcdTarget),
    /// A bucket of an object storage.
    Storage(StorageTarget),
    /// A message queue.
    Queue(QueueTarget),
}

/// Tells two targets apart within one process: addresses, credentials and certificates are all part of it.
/// Not stable between releases, so not for storing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(u64);

impl Fingerprint {
    /// The number itself, e.g. to spread timers.
    pub(crate) fn number(self) -> u64 {
        self.0
    }
}

impl Target {
    /// See [`Fingerprint`].
    pub fn fingerprint(&self) -> Fingerprint {
        let mut hasher = DefaultHasher::new();
        self.hash(&mut hasher);
        Fingerprint(hasher.finish())
    }
}

/// Asks `target` once. Takes at most [`crate::DEADLINE`].
pub async fn probe(target: &Target) -> Outcome {
    match target {
        Target::Etcd(etcd) => etcd::probe(etcd).await,
        Target::Storage(storage) => storage::probe(storage).await,
        Target::Queue(queue) => queue::probe(queue).await,
    }
}
