//! The operator's client.
//!
//! Takes what the environment says; gives a client that times out. In a pod the service account is used.

use std::time::Duration;

use kube::config::InferConfigError;
use kube::{Client, Config};
use snafu::{ResultExt as _, Snafu};

/// Longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest wait for bytes of an answer. A watch is a request whose answer may be silent for long: the API server ends it after 5
/// minutes, and a bookmark comes every minute.
const READ_TIMEOUT: Duration = Duration::from_secs(295);
/// Longest wait for a write to be taken.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// Why there is no client.
#[derive(Debug, Snafu)]
pub enum Error {
    /// Neither a kubeconfig nor a service account.
    #[snafu(display(
        "no Kubernetes cluster is configured: set KUBECONFIG, or run in a pod with a service account: {source}"
    ))]
    Infer {
        /// What was tried.
        #[snafu(source(from(InferConfigError, Box::new)))]
        source: Box<InferConfigError>,
    },
    /// The client itself.
    #[snafu(display("can't make a Kubernetes client: {source}"))]
    Client {
        /// What is wrong.
        #[snafu(source(from(kube::Error, Box::new)))]
        source: Box<kube::Error>,
    },
}

/// A client for the cluster that the environment names.
pub async fn client() -> Result<Client, Error> {
    let mut config = Config::infer().await.context(InferSnafu)?;
    config.connect_timeout = Some(CONNECT_TIMEOUT);
    config.read_timeout = Some(READ_TIMEOUT);
    config.write_timeout = Some(WRITE_TIMEOUT);
    Client::try_from(config).context(ClientSnafu)
}
