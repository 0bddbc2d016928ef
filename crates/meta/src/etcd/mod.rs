//! The store: one etcd, one instance of Milvus in it, and requests that survive a member going away for a
//! while.
//!
//! Reads are paged at one revision ([`scan`]), writes are transactions that compare the lock, the absence of
//! sessions and every key that they touch ([`mod@write`]), so that a request that was applied although its
//! answer was lost can be sent again.

pub mod error;
pub mod lock;
pub mod marker;
mod neighbours;
pub mod scan;
pub mod space;
pub mod write;

use std::{future::Future, time::Duration};

use etcd_client::{Certificate, Client, ConnectOptions, GetOptions, Identity, TlsOptions};
use tokio::time::{Instant, sleep, timeout};

pub use error::EtcdError;
use error::{Kind, kind};

/// Longest wait for one answer. etcd itself gives up on a proposal after 7 s.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// How to reach etcd.
#[derive(Clone, Debug)]
pub struct Access {
    /// `host:port` or URLs.
    pub endpoints: Vec<String>,
    /// User and password.
    pub user: Option<(String, String)>,
    /// TLS; `None` speaks plain text.
    pub tls: Option<Tls>,
    /// How long a request is tried again when etcd does not answer.
    pub patience: Duration,
}

/// Certificates, as PEM.
#[derive(Clone, Debug, Default)]
pub struct Tls {
    /// Who signed the server's certificate.
    pub ca: Option<Vec<u8>>,
    /// Our own certificate and key.
    pub client: Option<(Vec<u8>, Vec<u8>)>,
}

/// Where the metadata of one instance lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Root {
    /// Root path of the instance, for example `by-dev`.
    pub path: String,
    /// Sub path of the metadata, for example `meta`.
    pub meta_sub_path: String,
}

impl Root {
    /// `<rootPath>/<metaSubPath>`, without a slash at the end.
    pub fn meta(&self) -> String {
        format!("{}/{}", self.path, self.meta_sub_path)
    }

    /// A key relative to the meta root, as etcd has it.
    pub fn absolute(&self, key: &[u8]) -> Vec<u8> {
        [self.path.as_bytes(), b"/", self.meta_sub_path.as_bytes(), b"/", key].concat()
    }
}

/// A connected etcd and the instance in it.
#[derive(Clone)]
pub struct Etcd {
    client: Client,
    /// The instance.
    pub root: Root,
    access: Access,
}

impl Etcd {
    /// Connects; with a user this also logs in.
    ///
    /// # Errors
    ///
    /// When no endpoint answers in time, or the login is refused.
    pub async fn connect(access: Access, root: Root) -> Result<Self, EtcdError> {
        let mut options = ConnectOptions::new()
            .with_connect_timeout(Duration::from_secs(5))
            .with_timeout(ANSWER_WITHIN)
            .with_auto_token_refresh(true);
        if let Some((user, password)) = &access.user {
            options = options.with_user(user, password);
        }
        if let Some(tls) = &access.tls {
            let mut given = TlsOptions::new();
            if let Some(ca) = &tls.ca {
                given = given.ca_certificate(Certificate::from_pem(ca));
            }
            if let Some((certificate, key)) = &tls.client {
                given = given.identity(Identity::from_pem(certificate, key));
            }
            options = options.with_tls(given);
        }
        let urls: Vec<String> = access.endpoints.iter().map(|e| url(e, access.tls.is_some())).collect();
        let connect = || {
            let (urls, options) = (urls.clone(), options.clone());
            async move { Client::connect(urls, Some(options)).await }
        };
        let client = retry(&access, "connect", connect).await?;
        Ok(Self { client, root, access })
    }

    /// Sends a request, again and again while etcd does not answer and patience lasts.
    async fn call<T, F, R>(&self, what: &'static str, request: F) -> Result<T, EtcdError>
    where
        F: Fn(Client) -> R,
        R: Future<Output = Result<T, etcd_client::Error>>,
    {
        retry(&self.access, what, || request(self.client.clone())).await
    }

    /// Value and revision of one key (whole, not relative).
    ///
    /// # Errors
    ///
    /// When etcd can't be asked.
    pub async fn get(&self, key: &str) -> Result<Option<(Vec<u8>, i64)>, EtcdError> {
        let answer = self.call("read a key", |mut c| async move { c.get(key, None).await }).await?;
        Ok(answer.kvs().first().map(|kv| (kv.value().to_vec(), kv.mod_revision())))
    }

    /// Names of the live sessions: keys below `session/` other than the counter. At most a hundred.
    ///
    /// # Errors
    ///
    /// When etcd can't be asked.
    pub async fn sessions(&self) -> Result<Vec<String>, EtcdError> {
        let prefix = self.root.absolute(crate::key::SESSIONS.as_bytes());
        let options = GetOptions::new().with_prefix().with_keys_only().with_limit(101);
        let request = |mut c: Client| {
            let (prefix, options) = (prefix.clone(), options.clone());
            async move { c.get(prefix, Some(options)).await }
        };
        let answer = self.call("read the sessions", request).await?;
        let names = answer.kvs().iter().filter_map(|kv| kv.key().get(prefix.len()..));
        let names = names.filter(|name| *name != b"id").take(100);
        Ok(names.map(|name| String::from_utf8_lossy(name).into_owned()).collect())
    }
}

fn url(endpoint: &str, tls: bool) -> String {
    if endpoint.contains("://") {
        return endpoint.to_owned();
    }
    format!("{}://{endpoint}", if tls { "https" } else { "http" })
}

async fn retry<T, F, R>(access: &Access, what: &'static str, request: F) -> Result<T, EtcdError>
where
    F: Fn() -> R,
    R: Future<Output = Result<T, etcd_client::Error>>,
{
    let deadline = Instant::now() + access.patience;
    let mut pause = Duration::from_millis(50);
    loop {
        let error = match timeout(ANSWER_WITHIN, Box::pin(request())).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(error)) => Some(error),
            Err(_) => None,
        };
        let again = error.as_ref().is_none_or(|error| kind(error) == Kind::Transient);
        if !again || Instant::now() + pause > deadline {
            return Err(EtcdError::from_client(what, access, error));
        }
        sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(2));
    }
}
