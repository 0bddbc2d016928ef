//! Pulsar: does it let a client in, and does a broker know the namespace?
//!
//! The second question is there for Pulsar's proxy, which answers the first one by itself even with no broker
//! behind it. Nothing is created: upstream opens a reader, which leaves a topic behind.

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use super::pulsar_wire::{self as wire, Answer, BaseCommand, WireError};
use crate::outcome::{Outcome, Reason};
use crate::secret::Secret;
use crate::tls::Tls;
use crate::{DEADLINE, fault, net};

/// The topic that is asked about; upstream's name for it. It need not exist.
const TOPIC: &str = "milvus-operator-topic";

/// How far a probe may go.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum PulsarAccess {
    /// The protocol is spoken.
    Client(PulsarClient),
    /// An `authPlugin` that this program does not have, or whose token only the Milvus pods see: the address
    /// is dialled, no more. Holds what is not checked, and why.
    DialOnly(String),
}

/// Log-in of a client.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct PulsarClient {
    /// `config.pulsar.authParams: token:…`.
    pub token: Option<Secret>,
    /// TLS for an endpoint with the scheme `pulsar+ssl://`; without that it is not used.
    pub tls: Tls,
}

/// A Pulsar as Milvus is told of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PulsarTarget {
    /// `host:port`, as in `dependencies.pulsar.endpoint`; `pulsar://` or `pulsar+ssl://` in front is allowed.
    pub endpoint: String,
    /// How far the probe may go.
    pub access: PulsarAccess,
    /// `config.pulsar.tenant`, `public` by default.
    pub tenant: String,
    /// `config.pulsar.namespace`, `default` by default.
    pub namespace: String,
}

/// Takes at most [`DEADLINE`].
pub(super) async fn probe(target: &PulsarTarget) -> Outcome {
    let (address, tls) = match target.endpoint.strip_prefix("pulsar+ssl://") {
        Some(address) => (address, true),
        None => (target.endpoint.trim_start_matches("pulsar://"), false),
    };
    let address = address.trim_end_matches('/');
    let parts = address.rsplit_once(':');
    if !parts.is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok()) {
        let message = format!("{} is not an address: it must be host:port", target.endpoint);
        return Outcome::not_ready(Reason::CreateClientFailed, message);
    }
    let client = match &target.access {
        PulsarAccess::Client(client) => client,
        PulsarAccess::DialOnly(unchecked) => {
            return match net::dial(address).await {
                Ok(()) => Outcome::ready(Reason::ConnectionOk, unchecked.clone()),
                Err(why) => {
                    Outcome::not_ready(Reason::ConnectionFailed, format!("connect {address} failed: {why}"))
                }
            };
        }
    };
    let topic = format!("persistent://{}/{}/{TOPIC}", target.tenant, target.namespace);
    let talk = async {
        match tls {
            true => ask(net::encrypted(address, &client.tls).await?, client, topic).await,
            false => ask(net::connect(address).await?, client, topic).await,
        }
    };
    match timeout(DEADLINE, talk).await.unwrap_or_else(|_elapsed| Err(fault::no_answer())) {
        Ok(()) => Outcome::ready(Reason::MsgStreamReady, ""),
        Err(why) => {
            let message = format!("connect {address} failed: {why}");
            let message = client.token.as_ref().map_or(message.clone(), |token| token.scrub(message));
            Outcome::not_ready(Reason::ConnectionFailed, message)
        }
    }
}

/// Logs in, and asks about a topic.
async fn ask(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    client: &PulsarClient,
    topic: String,
) -> Result<(), String> {
    send(&mut stream, &wire::connect(client.token.as_ref().map(Secret::expose))).await?;
    match receive(&mut stream).await? {
        Answer::Connected => {}
        other => return Err(refused(other)),
    }
    send(&mut stream, &wire::partitions_of(topic)).await?;
    loop {
        match receive(&mut stream).await? {
            Answer::Ping => send(&mut stream, &wire::pong()).await?,
            Answer::Topic => return Ok(()),
            other => return Err(refused(other)),
        }
    }
}

/// Why it goes no further: the server's own words, where it says no.
fn refused(answer: Answer) -> String {
    match answer {
        Answer::Refused(words) => words,
        _ => WireError::Unexpected.to_string(),
    }
}

async fn send(stream: &mut (impl AsyncWrite + Unpin), command: &BaseCommand) -> Result<(), String> {
    stream.write_all(&wire::encode(command)).await.map_err(|e| fault::describe_io(&e))?;
    stream.flush().await.map_err(|e| fault::describe_io(&e))
}

async fn receive(stream: &mut (impl AsyncRead + Unpin)) -> Result<Answer, String> {
    let size = stream.read_u32().await.map_err(|e| fault::describe_io(&e))?;
    let mut frame = vec![0; wire::checked(size).map_err(|e| e.to_string())?];
    stream.read_exact(&mut frame).await.map_err(|e| fault::describe_io(&e))?;
    wire::answer(&frame).map_err(|e| e.to_string())
}
