//! `spec.dependencies`: etcd, object storage, message queue, and text embeddings.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr};

use crate::FreeForm;

/// What Milvus needs to run. Each is external, or an in-cluster Helm release that the operator looks after.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Dependencies {
    /// etcd, which holds the metadata.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etcd: Option<Etcd>,

    /// Which message queue is used. When unset: pulsar for a cluster; for a standalone woodpecker from Milvus 2.6, rocksmq
    /// below. It is pinned when the object is first accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub msg_stream_type: Option<MsgStreamType>,

    /// Pulsar, used when `msgStreamType` is `pulsar`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pulsar: Option<Pulsar>,

    /// Kafka, used when `msgStreamType` is `kafka`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kafka: Option<Kafka>,

    /// Woodpecker, used when `msgStreamType` is `woodpecker`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub woodpecker: Option<Woodpecker>,

    /// RocksMQ, used when `msgStreamType` is `rocksmq`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rocksmq: Option<BuiltInQueue>,

    /// NATS MQ, used when `msgStreamType` is `natsmq`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub natsmq: Option<BuiltInQueue>,

    /// Object storage, which holds the data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage: Option<Storage>,

    /// Text Embeddings Inference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tei: Option<Tei>,

    /// Settings for a message queue that somebody else looks after (`msgStreamType: custom`); the operator ignores them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom_msg_stream: Option<FreeForm>,
}

/// etcd.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Etcd {
    /// Release to install when it is not external.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_cluster: Option<InClusterConfig>,

    /// `host:port` of each member. Needed when external.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub endpoints: Vec<String>,

    /// Use the given endpoints and install nothing.
    #[serde(default)]
    pub external: bool,
}

/// Pulsar.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Pulsar {
    /// Release to install when it is not external.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_cluster: Option<InClusterConfig>,

    /// `host:port` of the proxy or broker. Needed when external.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,

    /// Use the given endpoint and install nothing.
    #[serde(default)]
    pub external: bool,
}

/// Kafka.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Kafka {
    /// Release to install when it is not external.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_cluster: Option<InClusterConfig>,

    /// `host:port` of each broker. Needed when external.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub broker_list: Vec<String>,

    /// Secret with `username` and `password`, and optionally `ca.pem`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<String>,

    /// Use the given brokers and install nothing.
    #[serde(default)]
    pub external: bool,
}

/// Woodpecker: embedded in Milvus, or an external log store.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Woodpecker {
    /// Volume of the embedded one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub persistence: Option<Persistence>,

    /// Use an external log store.
    #[serde(default)]
    pub external: bool,

    /// Pools of the external log store. At least one is needed when external.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quorum_buffer_pools: Vec<QuorumBufferPool>,
}

/// A pool of log store nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct QuorumBufferPool {
    /// Name of the pool.
    pub name: String,

    /// `host:port` of nodes to begin with.
    pub seeds: Vec<String>,
}

/// A message queue inside the Milvus process.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BuiltInQueue {
    /// Volume of the queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub persistence: Option<Persistence>,
}

/// A volume for what must outlive a pod.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Persistence {
    /// Keep the data in a volume.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,

    /// Delete the volume claim together with the `Milvus`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pvc_deletion: Option<bool>,

    /// The volume claim to use or to create.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub persistent_volume_claim: Option<PersistentVolumeClaim>,
}

/// A volume claim to use or to create.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PersistentVolumeClaim {
    /// Claim that exists and is used as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub existing_claim: Option<String>,

    /// Labels of the claim.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,

    /// Annotations of the claim.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,

    /// Spec of the claim (Kubernetes `PersistentVolumeClaimSpec`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spec: Option<FreeForm>,
}

/// Object storage.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Storage {
    /// Release to install when it is not external.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_cluster: Option<InClusterConfig>,

    /// Kind of storage.
    #[serde(default, rename = "type")]
    pub type_: StorageType,

    /// Secret with `accesskey` and `secretkey`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<String>,

    /// `host:port` of the storage. Needed when external.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,

    /// Use the given endpoint and install nothing.
    #[serde(default)]
    pub external: bool,

    /// TLS of the operator's own check of the storage; Milvus has its own in `config`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ssl: Option<StorageSsl>,
}

/// TLS of the operator's own check of the storage.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StorageSsl {
    /// Connect with TLS.
    #[serde(default)]
    pub enabled: bool,

    /// Secret with a certificate authority in `ca.crt`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_certificate_ref: Option<String>,

    /// Do not verify the certificate.
    #[serde(default)]
    pub insecure_skip_verify: bool,
}

/// Text Embeddings Inference.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Tei {
    /// Install it.
    #[serde(default)]
    pub enabled: bool,

    /// Release to install.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_cluster: Option<InClusterConfig>,
}

/// A Helm release that the operator looks after.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct InClusterConfig {
    /// Values of the chart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<FreeForm>,

    /// Version of the chart, for example `pulsar-v3` or `etcd-v8`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chart_version: Option<String>,

    /// What becomes of the release when the `Milvus` is deleted.
    #[serde(default)]
    pub deletion_policy: DeletionPolicy,

    /// Delete its volume claims too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pvc_deletion: Option<bool>,
}

/// What becomes of a release when its `Milvus` is deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum DeletionPolicy {
    /// It is uninstalled.
    Delete,
    /// It stays.
    #[default]
    Retain,
}

/// Message queue.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
    Display,
    EnumString,
    IntoStaticStr,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum MsgStreamType {
    /// Apache Pulsar.
    Pulsar,
    /// Apache Kafka.
    Kafka,
    /// Woodpecker.
    Woodpecker,
    /// RocksMQ, inside a standalone.
    #[strum(serialize = "rocksmq")]
    RocksMq,
    /// NATS, inside a standalone.
    #[strum(serialize = "natsmq")]
    NatsMq,
    /// One that somebody else looks after.
    Custom,
    /// The same as none given.
    #[serde(rename = "")]
    #[strum(serialize = "")]
    Unset,
}

/// Kind of object storage.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
    Display,
    EnumString,
    IntoStaticStr,
)]
pub enum StorageType {
    /// MinIO, or what speaks its protocol.
    #[default]
    MinIO,
    /// Amazon S3, or what speaks its protocol.
    S3,
    /// Azure Blob Storage.
    Azure,
    /// The same as none given.
    #[serde(rename = "")]
    #[strum(serialize = "")]
    Unset,
}
