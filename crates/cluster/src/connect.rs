//! The client.
//!
//! Takes nothing, or a kubeconfig context; gives a client that times out. In a pod the service account is used.

use std::time::Duration;

use kube::config::{InferConfigError, KubeConfigOptions, Kubeconfig, KubeconfigError};
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
    /// The kubeconfig, or the context in it.
    #[snafu(display("can't use context {context:?} of the kubeconfig: {source}"))]
    Context {
        /// The context that was asked for.
        context: String,
        /// What is wrong.
        #[snafu(source(from(KubeconfigError, Box::new)))]
        source: Box<KubeconfigError>,
    },
    /// The client itself.
    #[snafu(display("can't make a Kubernetes client: {source}"))]
    Client {
        /// What is wrong.
        #[snafu(source(from(kube::Error, Box::new)))]
        source: Box<kube::Error>,
    },
}

/// A client for a context of the kubeconfig, or for what the environment says.
pub async fn client(context: Option<&str>) -> Result<Client, Error> {
    let mut config = match context {
        None => Config::infer().await.context(InferSnafu)?,
        Some(context) => {
            let options =
                KubeConfigOptions { context: Some(context.to_owned()), ..KubeConfigOptions::default() };
            let kubeconfig = Kubeconfig::read().context(ContextSnafu { context })?;
            Config::from_custom_kubeconfig(kubeconfig, &options).await.context(ContextSnafu { context })?
        }
    };
    config.connect_timeout = Some(CONNECT_TIMEOUT);
    config.read_timeout = Some(READ_TIMEOUT);
    config.write_timeout = Some(WRITE_TIMEOUT);
    Client::try_from(config).context(ClientSnafu)
}
