//! Pulsar: does it let a client in, and does a broker know the namespace?
//!
//! The second question is there for Pulsar's proxy, which answers the first one by itself even with no broker behind it.
//! Nothing is created: upstream opens a reader, which leaves a topic behind.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::pulsar_wire::{self as wire, BaseCommand, WireError};
use crate::outcome::{Outcome, reason};
use crate::{DEADLINE, fault, net};

/// The topic that is asked about; upstream's name for it. It need not exist.
const TOPIC: &str = "milvus-operator-topic";

/// How far a probe may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PulsarAccess {
    /// A plain connection without a login: the protocol is spoken.
    Open,
    /// TLS, or an `authPlugin` whose token or certificate only the Milvus pods have: the address is dialled, no more.
    DialOnly,
}

/// A Pulsar as Milvus is told of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PulsarTarget {
    /// `host:port`, as in `dependencies.pulsar.endpoint`; `pulsar://` in front is allowed.
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
    let address = target.endpoint.trim_start_matches("pulsar://").trim_end_matches('/');
    if target.access == PulsarAccess::DialOnly {
        let address = address.trim_start_matches("pulsar+ssl://").to_owned();
        return net::dial_all(&[address]).await;
    }
    if !address.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok()) {
        let message = format!("{} is not an address: it must be host:port", target.endpoint);
        return Outcome::not_ready(reason::CREATE_CLIENT_FAILED, message);
    }
    let answer = timeout(DEADLINE, check(address, target)).await;
    match answer.unwrap_or_else(|_elapsed| Err(fault::no_answer())) {
        Ok(()) => Outcome::ready(reason::MSG_STREAM_READY, ""),
        Err(why) => Outcome::not_ready(reason::CONNECTION_FAILED, why),
    }
}

async fn check(address: &str, target: &PulsarTarget) -> Result<(), String> {
    let mut stream = TcpStream::connect(address).await.map_err(|e| fault::describe_io(&e))?;
    send(&mut stream, &wire::connect()).await?;
    let connected = receive(&mut stream).await?;
    refused(&connected)?;
    if connected.kind != wire::CONNECTED {
        return Err(WireError::Unexpected.to_string());
    }
    let topic = format!("persistent://{}/{}/{TOPIC}", target.tenant, target.namespace);
    send(&mut stream, &wire::partitions_of(topic)).await?;
    loop {
        let answer = receive(&mut stream).await?;
        refused(&answer)?;
        match answer.kind {
            wire::PING => send(&mut stream, &wire::pong()).await?,
            wire::PARTITIONS_RESPONSE => return Ok(()),
            _ => return Err(WireError::Unexpected.to_string()),
        }
    }
}

/// The server's own words, where it says no.
fn refused(answer: &BaseCommand) -> Result<(), String> {
    if let Some(error) = &answer.error {
        return Err(wire::first_line(&error.message));
    }
    match &answer.partitions_response {
        Some(r) if r.response == Some(wire::FAILED) => {
            Err(wire::first_line(r.message.as_deref().unwrap_or("the broker cannot read its metadata")))
        }
        _ => Ok(()),
    }
}

async fn send(stream: &mut TcpStream, command: &BaseCommand) -> Result<(), String> {
    stream.write_all(&wire::encode(command)).await.map_err(|e| fault::describe_io(&e))
}

async fn receive(stream: &mut TcpStream) -> Result<BaseCommand, String> {
    let size = stream.read_u32().await.map_err(|e| fault::describe_io(&e))?;
    let mut frame = vec![0; wire::checked(size).map_err(|e| e.to_string())?];
    stream.read_exact(&mut frame).await.map_err(|e| fault::describe_io(&e))?;
    wire::decode(&frame).map_err(|e| e.to_string())
}
