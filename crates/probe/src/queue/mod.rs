//! Message queues: does the one that Milvus is told of answer?
//!
//! rocksmq, natsmq and woodpecker inside Milvus need no probe, so they are no targets.

mod kafka;
mod pulsar;
mod pulsar_wire;

pub use kafka::{KafkaAccess, KafkaClient, KafkaSasl, KafkaTarget, SaslMechanism};
pub use pulsar::{PulsarAccess, PulsarClient, PulsarTarget};
pub use pulsar_wire::{Answer as PulsarAnswer, WireError as PulsarWireError, answer as pulsar_answer};

use crate::net;
use crate::outcome::Outcome;

/// A message queue as Milvus is told of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum QueueTarget {
    /// Kafka.
    Kafka(KafkaTarget),
    /// Pulsar.
    Pulsar(PulsarTarget),
    /// Woodpecker as a service of its own: `host:port` of every seed. All are dialled, as upstream does.
    Woodpecker(Vec<String>),
}

/// Asks the queue once. Takes at most [`crate::DEADLINE`].
pub async fn probe(target: &QueueTarget) -> Outcome {
    match target {
        QueueTarget::Kafka(kafka) => kafka::probe(kafka).await,
        QueueTarget::Pulsar(pulsar) => pulsar::probe(pulsar).await,
        QueueTarget::Woodpecker(seeds) => net::dial_all(seeds).await,
    }
}
