//! The dependencies of a Milvus, parsed: where etcd, object storage and the message queue are.
//!
//! Plain values without defaults left to fill in. Credentials are never here: only the names of the Secrets that hold them, and the
//! free-form `config` values that Milvus itself reads.

use std::collections::{BTreeMap, BTreeSet};

use strum::{Display, EnumString, IntoStaticStr};

/// A credential that the user wrote into `spec.config`. `Debug` shows stars.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Masked(pub String);

impl std::fmt::Debug for Masked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

/// Where a file comes from that a Milvus pod reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PodFile {
    /// A Secret that is mounted as a volume.
    Secret {
        /// Its name.
        name: String,
        /// The key whose value is the content of the file.
        key: String,
    },
    /// Nothing that the operator could read by name: an image, a node, a ConfigMap, a CSI driver.
    Elsewhere {
        /// The path in the pod.
        path: String,
    },
}

/// The files of TLS that a Milvus pod is told of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsFiles {
    /// CA that the server's certificate must come from.
    pub ca: Option<PodFile>,
    /// Certificate that is shown to the server.
    pub certificate: Option<PodFile>,
    /// Its private key.
    pub key: Option<PodFile>,
}

impl TlsFiles {
    /// All that are given.
    pub fn each(&self) -> impl Iterator<Item = &PodFile> {
        [&self.ca, &self.certificate, &self.key].into_iter().flatten()
    }
}

/// etcd as Milvus and the probe reach it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Etcd {
    /// `host:port`, at least one.
    pub endpoints: Vec<String>,
    /// `config.etcd.rootPath`, else the name of the CR.
    pub root_path: String,
    /// Not a release that an operator installs.
    pub external: bool,
    /// `config.etcd.auth`, when enabled.
    pub auth: Option<EtcdAuth>,
    /// `config.etcd.ssl`, when enabled.
    pub tls: Option<TlsFiles>,
}

/// User and password of `config.etcd.auth`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EtcdAuth {
    /// `userName`
    pub user: String,
    /// `password`
    pub password: Masked,
}

/// Kind of object storage (`dependencies.storage.type`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Display, EnumString, IntoStaticStr)]
pub enum StorageKind {
    /// MinIO, or anything that speaks S3 with path-style addresses.
    MinIO,
    /// Amazon S3 and compatibles.
    S3,
    /// Azure Blob.
    Azure,
}

/// Object storage as Milvus and the probe reach it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Storage {
    /// `dependencies.storage.type`
    pub kind: StorageKind,
    /// Host without port.
    pub host: String,
    /// Port; 80, or 443 with TLS, when the endpoint names none (as upstream).
    pub port: u16,
    /// Not a release that an operator installs.
    pub external: bool,
    /// Secret with `accesskey` and `secretkey`.
    pub secret: Option<String>,
    /// `config.minio.bucketName`, else the name of the CR.
    pub bucket: String,
    /// `config.minio.useSSL`
    pub tls: bool,
    /// `config.minio.useIAM`: no Secret, the pod's own identity.
    pub iam: bool,
    /// `config.minio.useVirtualHost`
    pub virtual_host: bool,
    /// `config.minio.region`
    pub region: Option<String>,
    /// Keys in the configuration, where no Secret holds them; Milvus' own default where there are none.
    pub config_keys: (String, Masked),
    /// `config.minio.cloudProvider`
    pub provider: String,
    /// CA for the probe: `dependencies.storage.ssl.caCertificateRef` (key `ca.crt`), else `config.minio.ssl.tlsCACert`.
    pub ca: Option<PodFile>,
    /// `dependencies.storage.ssl.insecureSkipVerify`
    pub insecure: bool,
}

/// One external Woodpecker pool.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Pool {
    /// Name.
    pub name: String,
    /// `host:port` of its nodes.
    pub seeds: Vec<String>,
}

/// `config.kafka`, as far as a client needs it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KafkaSecurity {
    /// `securityProtocol`, in capitals; `None` when it is not set.
    pub protocol: Option<String>,
    /// `saslMechanisms`: `PLAIN`, `SCRAM-SHA-256`, `SCRAM-SHA-512`, ….
    pub mechanism: Option<String>,
    /// `saslUsername`; the Secret's `username` counts more.
    pub user: String,
    /// `saslPassword`; the Secret's `password` counts more.
    pub password: Masked,
    /// `ssl.enabled`
    pub tls: bool,
    /// `ssl.tlsCert`, `tlsKey`, `tlsCaCert`; the Secret's `ca.pem` counts more than the last.
    pub files: TlsFiles,
    /// `ssl.tlsKeyPassword` is set.
    pub key_is_encrypted: bool,
}

/// How Milvus logs in to Pulsar (`config.pulsar.authPlugin`, `authParams`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PulsarLogin {
    /// Not at all.
    Open,
    /// With a token in the configuration.
    Token(Masked),
    /// With a token in a file.
    TokenFile(PodFile),
    /// With something else.
    Other {
        /// `authPlugin`
        plugin: String,
    },
}

/// The message queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Queue {
    /// Apache Pulsar at `host:port`.
    Pulsar {
        /// `host:port`
        endpoint: String,
        /// Not a release that an operator installs.
        external: bool,
        /// How Milvus logs in.
        login: PulsarLogin,
        /// `config.pulsar.tenant`, else `public`.
        tenant: String,
        /// `config.pulsar.namespace`, else `default`.
        namespace: String,
    },
    /// Apache Kafka.
    Kafka {
        /// `host:port` of the brokers.
        brokers: Vec<String>,
        /// Not a release that an operator installs.
        external: bool,
        /// Secret with `username`, `password` and perhaps `ca.pem`.
        secret: Option<String>,
        /// How brokers are spoken to, and who logs in.
        security: KafkaSecurity,
    },
    /// Woodpecker; with pools, an external log store, else inside Milvus.
    Woodpecker {
        /// External log store.
        pools: Option<Vec<Pool>>,
    },
    /// Inside a standalone, on its volume.
    Rocksmq,
    /// Inside a standalone, on its volume.
    Natsmq,
    /// Somebody else configures it in `config`.
    Custom,
}

impl Queue {
    /// `dependencies.msgStreamType`, and `mq.type` in the configuration.
    pub fn name(&self) -> &'static str {
        match self {
            Queue::Pulsar { .. } => "pulsar",
            Queue::Kafka { .. } => "kafka",
            Queue::Woodpecker { .. } => "woodpecker",
            Queue::Rocksmq => "rocksmq",
            Queue::Natsmq => "natsmq",
            Queue::Custom => "custom",
        }
    }

    /// Its data lies in the Milvus pod (`/var/lib/milvus`).
    pub fn built_in(&self) -> bool {
        matches!(self, Queue::Rocksmq | Queue::Natsmq | Queue::Woodpecker { pools: None })
    }
}

/// All dependencies of one Milvus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dependencies {
    /// Metadata.
    pub etcd: Etcd,
    /// Objects.
    pub storage: Storage,
    /// Log.
    pub queue: Queue,
}

impl Dependencies {
    /// The Secrets that a client of the dependencies needs, each with the keys that it must have.
    pub fn secrets(&self) -> BTreeMap<&str, BTreeSet<&str>> {
        let mut needed: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        let mut need = |name, key| _ = needed.entry(name).or_default().insert(key);
        if let Some(secret) = &self.storage.secret {
            for key in self.storage.secret_keys() {
                need(secret, key);
            }
        }
        if let Queue::Kafka { secret: Some(secret), .. } = &self.queue {
            for key in ["username", "password"] {
                need(secret, key);
            }
        }
        for file in self.files() {
            if let PodFile::Secret { name, key } = file {
                need(name, key);
            }
        }
        needed
    }

    fn files(&self) -> impl Iterator<Item = &PodFile> {
        let etcd = self.etcd.tls.iter().flat_map(TlsFiles::each);
        let queue = match &self.queue {
            Queue::Kafka { security, .. } => Some(&security.files),
            _ => None,
        };
        let token = match &self.queue {
            Queue::Pulsar { login: PulsarLogin::TokenFile(file), .. } => Some(file),
            _ => None,
        };
        etcd.chain(&self.storage.ca).chain(queue.into_iter().flat_map(TlsFiles::each)).chain(token)
    }
}

impl Storage {
    /// The keys that the Secret must have: none where the pods' own identity is used, which of Azure tells no account.
    fn secret_keys(&self) -> &'static [&'static str] {
        match (self.iam, self.kind) {
            (false, _) => &["accesskey", "secretkey"],
            (true, StorageKind::Azure) => &["accesskey"],
            (true, StorageKind::MinIO | StorageKind::S3) => &[],
        }
    }
}

/// Every broker of a list. Milvus joins the items by commas, so one item may hold several.
pub fn each_broker(list: &[String]) -> Vec<String> {
    let each = list.iter().flat_map(|item| item.split(',')).map(str::trim);
    each.filter(|broker| !broker.is_empty()).map(str::to_owned).collect()
}

/// Splits `host:port`; without a port, `default`.
pub fn split_port(endpoint: &str, default: u16) -> (&str, u16) {
    match endpoint.rsplit_once(':') {
        Some((host, port)) => match port.parse() {
            Ok(port) => (host, port),
            Err(_) => (endpoint, default),
        },
        None => (endpoint, default),
    }
}
