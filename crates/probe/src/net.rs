//! Several addresses at the same time, and plain TCP dials for dependencies whose credentials only the Milvus
//! pods have.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::outcome::{Outcome, Reason};
use crate::tls::Tls;
use crate::{DEADLINE, fault};

/// How long the other addresses have after the first that can be used, so that one that is silent is named
/// and yet does not hold up what needs only one.
const GRACE: Duration = Duration::from_secs(1);

/// Opens a connection to `address` (`host:port`). The error is what to tell the user.
pub(crate) async fn connect(address: &str) -> Result<TcpStream, String> {
    TcpStream::connect(address).await.map_err(|error| fault::describe_io(&error))
}

/// The same with TLS, up to the end of the handshake.
pub(crate) async fn encrypted(address: &str, tls: &Tls) -> Result<TlsStream<TcpStream>, String> {
    let stream = connect(address).await?;
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    let name = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    let name = ServerName::try_from(name)
        .map_err(|_| format!("{host} is not a name that a certificate can be for"))?;
    let connector = TlsConnector::from(Arc::new(tls.client_config()?));
    connector.connect(name, stream).await.map_err(|error| fault::describe(&error))
}

/// Opens a connection to `address` (`host:port`) and closes it. The error is what to tell the user.
pub(crate) async fn dial(address: &str) -> Result<(), String> {
    match timeout(DEADLINE, connect(address)).await {
        Ok(answer) => answer.map(|_stream| ()),
        Err(_elapsed) => Err(fault::no_answer()),
    }
}

/// Dials all of `addresses` at the same time; ready when every one accepts, as upstream has it.
pub(crate) async fn dial_all(addresses: &[String]) -> Outcome {
    if addresses.is_empty() {
        return Outcome::not_ready(Reason::ConnectionFailed, "no address is configured");
    }
    let answers = join_all(addresses.iter().map(|address| dial(address))).await;
    for (address, answer) in addresses.iter().zip(answers) {
        if let Err(why) = answer {
            return Outcome::not_ready(Reason::ConnectionFailed, format!("connect {address} failed: {why}"));
        }
    }
    Outcome::ready(Reason::ConnectionOk, "")
}

/// What came of asking several addresses of which one is enough.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Survey {
    /// At least one can be used.
    pub(crate) usable: bool,
    /// `[address:what is wrong]` for each of the others, in the order of the spec: answers come in another
    /// order each time.
    pub(crate) faults: String,
}

impl Survey {
    /// `ready`, and which addresses can't be used all the same.
    pub(crate) fn praise(&self, ready: &str, but: &str) -> String {
        match (self.faults.is_empty(), ready.is_empty()) {
            (true, _) => ready.to_owned(),
            (false, true) => format!("{but}:{}", self.faults),
            (false, false) => format!("{ready}, but {but}:{}", self.faults),
        }
    }
}

/// Asks all of `addresses` at the same time, until all have answered, or [`GRACE`] after the first that can
/// be used, or else for [`DEADLINE`].
pub(crate) async fn any_of<'a, F>(addresses: &'a [String], check: impl Fn(&'a str) -> F) -> Survey
where
    F: Future<Output = Result<(), String>>,
{
    if addresses.is_empty() {
        return Survey { usable: false, faults: "no address is configured".into() };
    }
    let asked = addresses
        .iter()
        .enumerate()
        .map(|(index, address)| check(address).map(move |answer| (index, answer)));
    let mut pending: FuturesUnordered<_> = asked.collect();
    let mut answers: Vec<Option<Result<(), String>>> = vec![None; addresses.len()];
    let mut usable = false;
    let end = tokio::time::sleep(DEADLINE);
    tokio::pin!(end);
    loop {
        let (index, answer) = tokio::select! {
            next = pending.next() => match next {
                Some(answer) => answer,
                None => break,
            },
            () = &mut end => break,
        };
        if answer.is_ok() && !usable {
            usable = true;
            let grace = Instant::now() + GRACE;
            if grace < end.deadline() {
                end.as_mut().reset(grace);
            }
        }
        answers[index] = Some(answer);
    }
    Survey {
        usable,
        faults: addresses.iter().zip(answers).filter_map(|(a, answer)| fault_of(a, answer, usable)).collect(),
    }
}

fn fault_of(address: &str, answer: Option<Result<(), String>>, usable: bool) -> Option<String> {
    let why = match answer {
        Some(Ok(())) => return None,
        Some(Err(why)) => why,
        None if usable => fault::no_answer_within(GRACE),
        None => fault::no_answer(),
    };
    Some(format!("[{address}:{why}]"))
}
