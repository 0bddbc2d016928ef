//! Kafka: does a broker answer a metadata request, with the TLS and SASL that Milvus will use?

use std::sync::Arc;
use std::time::Duration;

use rskafka::BackoffConfig;
use rskafka::client::{ClientBuilder, Credentials, SaslConfig};

use crate::outcome::{Outcome, reason};
use crate::secret::Secret;
use crate::tls::Tls;
use crate::{fault, net};

/// How Kafka checks a password (`config.kafka.saslMechanisms`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SaslMechanism {
    /// `PLAIN`
    Plain,
    /// `SCRAM-SHA-256`
    ScramSha256,
    /// `SCRAM-SHA-512`
    ScramSha512,
}

/// A user of Kafka.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct KafkaSasl {
    /// How the password is checked.
    pub mechanism: SaslMechanism,
    /// The user's name.
    pub username: String,
    /// The user's password.
    pub password: Secret,
}

/// A Kafka as Milvus is told of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct KafkaTarget {
    /// `host:port` of each broker, as in `dependencies.kafka.brokerList`.
    pub brokers: Vec<String>,
    /// TLS, for security protocols `SSL` and `SASL_SSL`.
    pub tls: Option<Tls>,
    /// The user, for `SASL_PLAINTEXT` and `SASL_SSL`.
    pub sasl: Option<KafkaSasl>,
}

/// Asks all brokers at the same time; ready as soon as one answers, as Milvus learns of the others from it.
pub(super) async fn probe(target: &KafkaTarget) -> Outcome {
    match net::any_of(&target.brokers, |broker| check(broker, target)).await {
        Ok(()) => Outcome::ready(reason::MSG_STREAM_READY, ""),
        Err(why) => {
            let message = format!("no broker can be used:{why}");
            let message = match &target.sasl {
                Some(sasl) => sasl.password.scrub(message),
                None => message,
            };
            Outcome::not_ready(reason::MSG_STREAM_NOT_READY, message)
        }
    }
}

/// One broker. The client asks for the metadata of the cluster when it is built.
async fn check(broker: &str, target: &KafkaTarget) -> Result<(), String> {
    // The library prints connection errors with what it tried and when; a dial says only what is wrong.
    net::dial(broker).await?;
    let mut builder = ClientBuilder::new(vec![broker.to_owned()])
        .client_id("milvus-operator")
        .max_message_size(16 * 1024 * 1024)
        // Retried forever by default. A deadline of nothing means one try.
        .backoff_config(BackoffConfig { deadline: Some(Duration::ZERO), ..BackoffConfig::default() });
    if let Some(tls) = &target.tls {
        builder = builder.tls_config(Arc::new(tls.client_config()?));
    }
    if let Some(sasl) = &target.sasl {
        builder = builder.sasl_config(sasl.config());
    }
    builder.build().await.map(|_client| ()).map_err(|error| fault::describe(&error))
}

impl KafkaSasl {
    fn config(&self) -> SaslConfig {
        let credentials = Credentials::new(self.username.clone(), self.password.expose().to_owned());
        match self.mechanism {
            SaslMechanism::Plain => SaslConfig::Plain(credentials),
            SaslMechanism::ScramSha256 => SaslConfig::ScramSha256(credentials),
            SaslMechanism::ScramSha512 => SaslConfig::ScramSha512(credentials),
        }
    }
}
