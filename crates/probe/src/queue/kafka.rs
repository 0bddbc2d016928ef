//! Kafka: does a broker answer a metadata request, with the TLS and SASL that Milvus will use?

use std::sync::Arc;
use std::time::Duration;

use rskafka::BackoffConfig;
use rskafka::client::{ClientBuilder, Credentials, SaslConfig};

use crate::outcome::{Outcome, Reason};
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
    /// How they are spoken to.
    pub access: KafkaAccess,
}

/// How brokers are spoken to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum KafkaAccess {
    /// In full: metadata is asked for.
    Client(KafkaClient),
    /// We lack what it takes (a mechanism that this program does not have, a file that only the Milvus pods
    /// see): the brokers are dialled, no more. Holds what is not checked, and why.
    DialOnly(String),
}

/// TLS and log-in of a client.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct KafkaClient {
    /// TLS, for security protocols `SSL` and `SASL_SSL`.
    pub tls: Option<Tls>,
    /// The user, for `SASL_PLAINTEXT` and `SASL_SSL`.
    pub sasl: Option<KafkaSasl>,
}

/// Asks all brokers at the same time; ready when one answers, as Milvus learns of the others from it.
pub(super) async fn probe(target: &KafkaTarget) -> Outcome {
    let client = match &target.access {
        KafkaAccess::Client(client) => client,
        KafkaAccess::DialOnly(unchecked) => {
            let found = net::any_of(&target.brokers, net::dial).await;
            return match found.usable {
                true => Outcome::ready(Reason::ConnectionOk, found.praise(unchecked, NOT_ALL)),
                false => Outcome::not_ready(
                    Reason::ConnectionFailed,
                    format!("no broker accepts connections:{}", found.faults),
                ),
            };
        }
    };
    let found = net::any_of(&target.brokers, |broker| check(broker, client)).await;
    let outcome = match found.usable {
        true => Outcome::ready(Reason::MsgStreamReady, found.praise("", NOT_ALL)),
        false => {
            Outcome::not_ready(Reason::MsgStreamNotReady, format!("no broker can be used:{}", found.faults))
        }
    };
    match &client.sasl {
        Some(sasl) => Outcome { message: sasl.password.scrub(outcome.message), ..outcome },
        None => outcome,
    }
}

/// Before the list of brokers that can't be used.
const NOT_ALL: &str = "these brokers can't be used";

/// One broker. The client asks for the metadata of the cluster when it is built.
async fn check(broker: &str, target: &KafkaClient) -> Result<(), String> {
    // The library prints connection errors with what it tried and when, and those of TLS as mere text; a
    // connection of our own says only what is wrong.
    match &target.tls {
        Some(tls) => drop(net::encrypted(broker, tls).await?),
        None => net::dial(broker).await?,
    }
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
    builder.build().await.map(|_client| ()).map_err(|error| without_retries(&fault::describe(&error)))
}

/// The cause behind what the library says about retries that did not take place.
fn without_retries(text: &str) -> String {
    text.rsplit_once("Source: ").map_or(text, |(_, cause)| cause).to_owned()
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
