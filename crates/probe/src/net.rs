//! Several addresses at the same time, and plain TCP dials for dependencies whose credentials only the Milvus pods have.

use futures::StreamExt;
use futures::future::join_all;
use futures::stream::FuturesUnordered;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::outcome::{Outcome, reason};
use crate::{DEADLINE, fault};

/// Opens a connection to `address` (`host:port`) and closes it. The error is what to tell the user.
pub(crate) async fn dial(address: &str) -> Result<(), String> {
    match timeout(DEADLINE, TcpStream::connect(address)).await {
        Ok(Ok(_stream)) => Ok(()),
        Ok(Err(error)) => Err(fault::describe_io(&error)),
        Err(_elapsed) => Err(fault::no_answer()),
    }
}

/// Dials all of `addresses` at the same time; ready when every one accepts, as upstream has it.
pub(crate) async fn dial_all(addresses: &[String]) -> Outcome {
    if addresses.is_empty() {
        return Outcome::not_ready(reason::CONNECTION_FAILED, "no address is configured");
    }
    let answers = join_all(addresses.iter().map(|address| dial(address))).await;
    for (address, answer) in addresses.iter().zip(answers) {
        if let Err(why) = answer {
            return Outcome::not_ready(reason::CONNECTION_FAILED, format!("connect {address} failed: {why}"));
        }
    }
    Outcome::ready(reason::CONNECTION_OK, "")
}

/// Asks all of `addresses` at the same time and is done with the first that can be used, or else after [`DEADLINE`]. The
/// error lists what is wrong with each, in their order: answers come in another order each time.
pub(crate) async fn any_of<'a, F>(addresses: &'a [String], check: impl Fn(&'a str) -> F) -> Result<(), String>
where
    F: Future<Output = Result<(), String>>,
{
    let mut answers: FuturesUnordered<_> = addresses
        .iter()
        .enumerate()
        .map(|(index, address)| {
            let answer = timeout(DEADLINE, check(address));
            async move { (index, answer.await.unwrap_or_else(|_elapsed| Err(fault::no_answer()))) }
        })
        .collect();
    let mut faults = Vec::with_capacity(addresses.len());
    while let Some((index, answer)) = answers.next().await {
        match answer {
            Ok(()) => return Ok(()),
            Err(why) => faults.push((index, format!("[{}:{why}]", addresses[index]))),
        }
    }
    if faults.is_empty() {
        return Err("no address is configured".into());
    }
    faults.sort_unstable();
    Err(faults.into_iter().map(|(_, fault)| fault).collect())
}
