//! Message queues.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter, EnumString};

/// A message queue; `spec.dependencies.msgStreamType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Display, EnumString, EnumIter, Serialize, Deserialize)]
#[strum(serialize_all = "lowercase")]
#[serde(rename_all = "lowercase")]
pub enum Queue {
    /// Apache Pulsar.
    Pulsar,
    /// Apache Kafka.
    Kafka,
    /// Woodpecker, embedded or as a service.
    Woodpecker,
    /// RocksDB on the volume of the one pod that runs it.
    Rocksmq,
    /// NATS inside the one process that runs it.
    Natsmq,
    /// One that a third party provides.
    Custom,
}

impl Queue {
    /// Whether the queue lives inside the one Milvus process that uses it, so that a second process can never
    /// run at the same time: such a standalone is stopped before its successor starts (the Go operator turns
    /// rolling update off).
    pub fn is_embedded(self) -> bool {
        matches!(self, Self::Rocksmq | Self::Natsmq)
    }
}
