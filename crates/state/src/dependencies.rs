//! The dependencies of a Milvus, parsed: where etcd, object storage and the message queue are.
//!
//! Plain values without defaults left to fill in. Credentials are never here: only the names of the Secrets that hold them, and the
//! free-form `config` values that Milvus itself reads.

use strum::{Display, EnumString, IntoStaticStr};

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
    /// `config.etcd.ssl.enabled`
    pub tls: bool,
}

/// User and password of `config.etcd.auth`. `Debug` hides the password.
#[derive(Clone, PartialEq, Eq)]
pub struct EtcdAuth {
    /// `userName`
    pub user: String,
    /// `password`
    pub password: String,
}

impl std::fmt::Debug for EtcdAuth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EtcdAuth").field("user", &self.user).finish_non_exhaustive()
    }
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
    /// Secret with `ca.crt` for the probe (`dependencies.storage.ssl.caCertificateRef`).
    pub ca_secret: Option<String>,
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

/// The message queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Queue {
    /// Apache Pulsar at `host:port`.
    Pulsar {
        /// `host:port`
        endpoint: String,
        /// Not a release that an operator installs.
        external: bool,
        /// `config.pulsar.authPlugin` is set: the probe only dials.
        auth: bool,
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
        /// TLS or SASL is configured in `config.kafka`: the probe only dials.
        secured: bool,
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
