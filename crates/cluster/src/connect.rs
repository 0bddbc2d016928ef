//! The operator's client.
//!
//! Takes what the environment says and who asks; gives a client that times out. In a pod the service account is used.

use std::path::{Path, PathBuf};
use std::time::Duration;

use http::header::{HeaderValue, InvalidHeaderValue, USER_AGENT};
use kube::client::ClientBuilder;
use kube::config::{InferConfigError, KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::{Client, Config};
use snafu::{ResultExt as _, Snafu};
use tower::limit::RateLimitLayer;

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
    /// The kubeconfig that was named.
    #[snafu(display("can't use the kubeconfig {}: {source}", path.display()))]
    Kubeconfig {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[snafu(source(from(KubeconfigError, Box::new)))]
        source: Box<KubeconfigError>,
    },
    /// The name of the process can't be sent.
    #[snafu(display("{agent:?} can't be sent as User-Agent: {source}"))]
    UserAgent {
        /// The whole of it.
        agent: String,
        /// Which rule it breaks.
        source: InvalidHeaderValue,
    },
    /// The client itself.
    #[snafu(display("can't make a Kubernetes client: {source}"))]
    Client {
        /// What is wrong.
        #[snafu(source(from(kube::Error, Box::new)))]
        source: Box<kube::Error>,
    },
}

/// How many requests may be sent: `burst` of them at once, and on average `per_second`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// At least 1.
    pub burst: u32,
    /// More than 0.
    pub per_second: f64,
}

/// A client for the cluster of a kubeconfig, or for the one that the environment names. `agent` is what the API server's audit log shows of
/// every request: which program, and which of its processes.
pub async fn client(agent: &str, kubeconfig: Option<&Path>, rate: Option<Rate>) -> Result<Client, Error> {
    let mut config = config(kubeconfig).await?;
    let name = HeaderValue::from_str(agent).context(UserAgentSnafu { agent })?;
    config.headers.push((USER_AGENT, name));
    config.connect_timeout = Some(CONNECT_TIMEOUT);
    config.read_timeout = Some(READ_TIMEOUT);
    config.write_timeout = Some(WRITE_TIMEOUT);
    let Some(Rate { burst, per_second }) = rate else { return Client::try_from(config).context(ClientSnafu) };
    let window = Duration::try_from_secs_f64(f64::from(burst) / per_second).unwrap_or(Duration::MAX);
    let limit = RateLimitLayer::new(burst.into(), window);
    Ok(ClientBuilder::try_from(config).context(ClientSnafu)?.with_layer(&limit).build())
}

async fn config(kubeconfig: Option<&Path>) -> Result<Config, Error> {
    let Some(path) = kubeconfig else { return Config::infer().await.context(InferSnafu) };
    let read = async {
        Config::from_custom_kubeconfig(Kubeconfig::read_from(path)?, &KubeConfigOptions::default()).await
    };
    read.await.context(KubeconfigSnafu { path })
}
