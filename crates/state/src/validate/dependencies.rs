//! Parses `spec.dependencies` with upstream's defaults: a dependency without `external` is the Helm release that upstream
//! would have installed, found at the addresses of its Services.

use milvus_api::{Milvus, MilvusSpec, StorageType};
use milvus_plan::{Mode, Queue as Kind, Version, default_queue};
use serde_json::Value;

use crate::convert;
use crate::dependencies::{Dependencies, Etcd, EtcdAuth, Pool, Queue, Storage, StorageKind};
use crate::refusal::Refusal;
use crate::render::config::split_port;

/// Members of the in-cluster etcd release, unless its values say otherwise.
fn default_members(mode: Mode) -> u64 {
    match mode {
        Mode::Cluster => 3,
        Mode::Standalone => 1,
    }
}

/// Parses all dependencies; `None` when one of them is refused.
pub fn parse(milvus: &Milvus, version: &Version, refusals: &mut Vec<Refusal>) -> Option<Dependencies> {
    let before = refusals.len();
    let names =
        Names { name: milvus.metadata.name.as_deref()?, namespace: milvus.metadata.namespace.as_deref()? };
    let etcd = etcd(&milvus.spec, &names, refusals);
    let storage = storage(&milvus.spec, &names, refusals);
    let queue = queue(milvus, &names, version, refusals);
    (refusals.len() == before).then_some(Dependencies { etcd, storage, queue })
}

/// `spec.dependencies.storage.endpoint` with the default of an in-cluster release.
pub fn storage_endpoint(milvus: &Milvus) -> String {
    let names = Names {
        name: milvus.metadata.name.as_deref().unwrap_or_default(),
        namespace: milvus.metadata.namespace.as_deref().unwrap_or_default(),
    };
    let given = milvus.spec.dependencies.as_ref().and_then(|d| d.storage.as_ref());
    match given {
        Some(storage) if storage.external => storage.endpoint.clone().unwrap_or_default(),
        _ => names.minio(),
    }
}

struct Names<'a> {
    name: &'a str,
    namespace: &'a str,
}

impl Names<'_> {
    fn minio(&self) -> String {
        format!("{}-minio.{}:9000", self.name, self.namespace)
    }
}

fn at<'a>(spec: &'a MilvusSpec, path: &[&str]) -> Option<&'a Value> {
    spec.config.as_ref()?.get_path(path)
}

fn config_text(spec: &MilvusSpec, path: &[&str]) -> Option<String> {
    at(spec, path).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// Milvus reads `true` and `"true"` alike.
fn config_flag(spec: &MilvusSpec, path: &[&str]) -> bool {
    at(spec, path).is_some_and(|value| value.as_bool() == Some(true) || value.as_str() == Some("true"))
}

fn etcd(spec: &MilvusSpec, names: &Names<'_>, refusals: &mut Vec<Refusal>) -> Etcd {
    let given = spec.dependencies.as_ref().and_then(|d| d.etcd.clone()).unwrap_or_default();
    let auth = config_flag(spec, &["etcd", "auth", "enabled"]).then(|| EtcdAuth {
        user: config_text(spec, &["etcd", "auth", "userName"]).unwrap_or_default(),
        password: config_text(spec, &["etcd", "auth", "password"]).unwrap_or_default(),
    });
    if given.external && given.endpoints.is_empty() {
        refusals.push(missing("etcd.endpoints", "an external etcd", "- etcd-0.example:2379"));
    }
    let endpoints = match given.endpoints.is_empty() {
        false => given.endpoints,
        true => {
            let values = given.in_cluster.as_ref().and_then(|c| c.values.as_ref());
            let count = values.and_then(|v| v.get_path(&["replicaCount"])).and_then(Value::as_u64);
            let members = count.unwrap_or_else(|| default_members(convert::mode(spec.mode)));
            let (name, namespace) = (names.name, names.namespace);
            (0..members).map(|i| format!("{name}-etcd-{i}.{name}-etcd-headless.{namespace}:2379")).collect()
        }
    };
    Etcd {
        endpoints,
        root_path: config_text(spec, &["etcd", "rootPath"]).unwrap_or_else(|| names.name.to_owned()),
        external: given.external,
        auth,
        tls: config_flag(spec, &["etcd", "ssl", "enabled"]),
    }
}

fn storage(spec: &MilvusSpec, names: &Names<'_>, refusals: &mut Vec<Refusal>) -> Storage {
    let given = spec.dependencies.as_ref().and_then(|d| d.storage.clone()).unwrap_or_default();
    let tls = config_flag(spec, &["minio", "useSSL"]);
    let endpoint = given.endpoint.clone().filter(|e| !e.is_empty());
    if given.external && endpoint.is_none() {
        refusals.push(missing("storage.endpoint", "external object storage", "s3.example:9000"));
    }
    let endpoint = match given.external {
        true => endpoint.unwrap_or_default(),
        false => names.minio(),
    };
    let (host, port) = split_port(&endpoint, if tls { 443 } else { 80 });
    let ssl = given.ssl.unwrap_or_default();
    Storage {
        kind: match given.type_ {
            StorageType::MinIO | StorageType::Unset => StorageKind::MinIO,
            StorageType::S3 => StorageKind::S3,
            StorageType::Azure => StorageKind::Azure,
        },
        host: host.to_owned(),
        port,
        external: given.external,
        secret: match given.external {
            true => given.secret_ref.filter(|name| !name.is_empty()),
            false => Some(format!("{}-minio", names.name)),
        },
        bucket: config_text(spec, &["minio", "bucketName"]).unwrap_or_else(|| names.name.to_owned()),
        tls,
        iam: config_flag(spec, &["minio", "useIAM"]),
        virtual_host: config_flag(spec, &["minio", "useVirtualHost"]),
        region: config_text(spec, &["minio", "region"]),
        ca_secret: ssl.ca_certificate_ref.filter(|name| ssl.enabled && !name.is_empty()),
        insecure: ssl.insecure_skip_verify,
    }
}

/// The queue that is asked for: the spec's, else the one that was pinned when the Milvus was first accepted, else the
/// default of the version that runs. An upgrade never changes it by a default.
fn kind(milvus: &Milvus, version: &Version) -> Kind {
    let asked = milvus.spec.dependencies.as_ref().and_then(|d| d.msg_stream_type).and_then(convert::queue);
    let status = milvus.status.as_ref();
    let mode = convert::mode(milvus.spec.mode);
    let pinned = status
        .and_then(|s| s.resolved.as_ref())
        .filter(|r| r.mode.map(convert::mode) == Some(mode))
        .and_then(|r| r.msg_stream_type.as_deref())
        .and_then(|text| text.parse().ok());
    asked.or(pinned).unwrap_or_else(|| {
        let running = status.and_then(|s| {
            Some(Version::of(
                s.current_version.as_deref().filter(|v| !v.is_empty()),
                s.current_image.as_deref()?,
            ))
        });
        let version = running.filter(|v| v.known().is_some()).unwrap_or_else(|| version.clone());
        match (&version, milvus_plan::component::layout(&version), mode) {
            (Version::Known(version), _, mode) => default_queue(mode, version),
            (Version::Unknown(_), _, Mode::Cluster) => Kind::Pulsar,
            (Version::Unknown(_), milvus_plan::facts::Layout::Streaming, Mode::Standalone) => {
                Kind::Woodpecker
            }
            (Version::Unknown(_), milvus_plan::facts::Layout::IndexNodes, Mode::Standalone) => Kind::Rocksmq,
        }
    })
}

fn queue(milvus: &Milvus, names: &Names<'_>, version: &Version, refusals: &mut Vec<Refusal>) -> Queue {
    let spec = &milvus.spec;
    let given = spec.dependencies.clone().unwrap_or_default();
    match kind(milvus, version) {
        Kind::Pulsar => pulsar(spec, given.pulsar.unwrap_or_default(), names, refusals),
        Kind::Kafka => kafka(spec, given.kafka.unwrap_or_default(), names, refusals),
        Kind::Woodpecker => {
            let woodpecker = given.woodpecker.unwrap_or_default();
            if woodpecker.external && woodpecker.quorum_buffer_pools.is_empty() {
                let example = "- {name: pool1, seeds: [woodpecker-0.example:18080]}";
                refusals.push(missing("woodpecker.quorumBufferPools", "an external Woodpecker", example));
            }
            let pool = |p: milvus_api::QuorumBufferPool| Pool { name: p.name, seeds: p.seeds };
            let pools = woodpecker.quorum_buffer_pools.into_iter().map(pool).collect();
            Queue::Woodpecker { pools: woodpecker.external.then_some(pools) }
        }
        Kind::Rocksmq => Queue::Rocksmq,
        Kind::Natsmq => Queue::Natsmq,
        Kind::Custom => Queue::Custom,
    }
}

fn pulsar(
    spec: &MilvusSpec,
    given: milvus_api::Pulsar,
    names: &Names<'_>,
    refusals: &mut Vec<Refusal>,
) -> Queue {
    let endpoint = given.endpoint.filter(|e| !e.is_empty());
    if given.external && endpoint.is_none() {
        refusals.push(missing("pulsar.endpoint", "an external Pulsar", "pulsar.example:6650"));
    }
    let endpoint = match given.external {
        true => endpoint.unwrap_or_default(),
        false => format!("{}-pulsar-proxy.{}:6650", names.name, names.namespace),
    };
    let auth = config_text(spec, &["pulsar", "authPlugin"]).is_some();
    let text =
        |key: &str, default: &str| config_text(spec, &["pulsar", key]).unwrap_or_else(|| default.to_owned());
    let (tenant, namespace) = (text("tenant", "public"), text("namespace", "default"));
    Queue::Pulsar { endpoint, external: given.external, auth, tenant, namespace }
}

fn kafka(
    spec: &MilvusSpec,
    given: milvus_api::Kafka,
    names: &Names<'_>,
    refusals: &mut Vec<Refusal>,
) -> Queue {
    if given.external && given.broker_list.is_empty() {
        refusals.push(missing("kafka.brokerList", "an external Kafka", "- kafka-0.example:9092"));
    }
    let brokers = match given.external {
        true => given.broker_list,
        false => vec![format!("{}-kafka.{}:9092", names.name, names.namespace)],
    };
    let secret = given.secret_ref.filter(|name| !name.is_empty());
    let secured = secret.is_some()
        || config_text(spec, &["kafka", "securityProtocol"]).is_some_and(|p| p != "PLAINTEXT")
        || config_flag(spec, &["kafka", "ssl", "enabled"]);
    Queue::Kafka { brokers, external: given.external, secret, secured }
}

fn missing(field: &str, what: &str, example: &str) -> Refusal {
    let path = format!("spec.dependencies.{field}");
    Refusal::invalid(&path, format!("{what} needs it"), &format!("Set it, for example `{example}`."))
}
