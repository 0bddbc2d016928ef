//! Which cluster and which namespace, as kubectl decides it: `--kubeconfig`, else `$KUBECONFIG` (several
//! files are merged), else `~/.kube/config`, else the service account of the pod that this runs in; the
//! context of `--context`, else the current one; the namespace of `--namespace`, else that of the context,
//! else `default`.

use std::io::ErrorKind;
use std::time::Duration;

use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::{Client, Config};
use snafu::ResultExt;

use crate::args::Connection;
use crate::error::{ClientSnafu, Error, KubeconfigSnafu};

/// Seconds after which an API server that does not answer is taken to be away. kubectl waits 30.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A cluster and a namespace of it.
#[derive(Clone)]
pub struct Context {
    /// Sends requests.
    pub client: Client,
    /// The namespace to look at.
    pub namespace: String,
    /// Address of the API server, for messages.
    pub url: String,
}

impl Context {
    /// Makes a client. Nothing is sent yet.
    ///
    /// # Errors
    /// When no cluster is known, or the kubeconfig can't be used.
    pub async fn connect(connection: &Connection) -> Result<Context, Error> {
        let mut config = config(connection).await.context(KubeconfigSnafu)?;
        config.connect_timeout = Some(CONNECT_TIMEOUT);
        let url = config.cluster_url.to_string().trim_end_matches('/').to_owned();
        let namespace = connection.namespace.clone().unwrap_or_else(|| config.default_namespace.clone());
        let client = Client::try_from(config).map_err(Box::new).context(ClientSnafu)?;
        Ok(Context { client, namespace, url })
    }
}

async fn config(connection: &Connection) -> Result<Config, KubeconfigError> {
    let options = KubeConfigOptions { context: connection.context.clone(), ..KubeConfigOptions::default() };
    let read = match &connection.kubeconfig {
        Some(file) => Kubeconfig::read_from(file),
        None => Kubeconfig::read(),
    };
    let explicit = connection.kubeconfig.is_some() || connection.context.is_some();
    match read {
        Ok(kubeconfig) => Config::from_custom_kubeconfig(kubeconfig, &options).await,
        // Only where nobody named a file or a context: another cluster than the one that was meant is worse
        // than none.
        Err(error) if !explicit && is_missing(&error) => Config::incluster().map_err(|_| error),
        Err(error) => Err(error),
    }
}

fn is_missing(error: &KubeconfigError) -> bool {
    match error {
        KubeconfigError::FindPath => true,
        KubeconfigError::ReadConfig(cause, _) => cause.kind() == ErrorKind::NotFound,
        _ => false,
    }
}
