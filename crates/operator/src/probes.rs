//! From the parsed dependencies to what is probed, and from what was found to the conditions.

use milvus_probe::etcd::{EtcdTarget, EtcdTransport, EtcdUser};
use milvus_probe::queue::{
    KafkaTarget, PulsarAccess, PulsarTarget, QueueTarget,
};
use milvus_probe::storage::{StorageKeys, StorageKind, StorageTarget};
use milvus_probe::{ProbeKey, Secret, Target, Trust};
use milvus_state::dependencies::{self, Queue, Storage};
use milvus_state::validate::Validated;
use milvus_state::{ProbeView, Probes};

use crate::context::Context;
use crate::credentials::{Credentials, Found};

/// The three dependencies of a Milvus, as part of a probe's key.
const ETCD: &str = "etcd";
const STORAGE: &str = "storage";
const QUEUE: &str = "queue";

/// Separates the parts of a key; it is in no name of Kubernetes.
const SEPARATOR: char = '/';

/// Key of a probe: `<namespace>/<name>/<dependency>`.
fn key(milvus: &Validated, dependency: &str) -> ProbeKey {
    ProbeKey::new(format!("{}{SEPARATOR}{}{SEPARATOR}{dependency}", milvus.namespace, milvus.name))
}

/// The Milvus that a key belongs to.
pub fn owner(key: &ProbeKey) -> Option<(String, String)> {
    let (milvus, _) = key.as_str().rsplit_once(SEPARATOR)?;
    let (namespace, name) = milvus.split_once(SEPARATOR)?;
    Some((namespace.to_owned(), name.to_owned()))
}

/// Stops the probes of a Milvus that is gone.
pub fn forget(ctx: &Context, namespace: &str, name: &str) {
    ctx.prober.forget(&format!("{namespace}{SEPARATOR}{name}{SEPARATOR}"));
}

/// What the last probes found, without asking for new ones.
pub fn healthy(ctx: &Context, milvus: &Validated) -> bool {
    let ready = |dependency| ctx.prober.latest(&key(milvus, dependency)).is_none_or(|o| o.outcome.ready);
    [ETCD, STORAGE, QUEUE].into_iter().all(ready)
}

/// Sees to it that the dependencies are probed, and gives what is known. `first_start`: nothing of this Milvus has run yet, so that
/// a bucket may be missing: Milvus makes it.
pub fn of(ctx: &Context, milvus: &Validated, credentials: &Credentials, first_start: bool) -> Probes {
    let deps = &milvus.dependencies;
    let ask = |dependency, target| ask(ctx, milvus, dependency, target, first_start);
    let storage = storage(&deps.storage, credentials);
    Probes {
        etcd: ask(ETCD, Target::Etcd(etcd(&deps.etcd))),
        storage: match storage {
            Ok(target) => ask(STORAGE, Target::Storage(target)),
            Err(problem) => Some(problem),
        },
        queue: match queue(&deps.queue, credentials) {
            Some(Ok(target)) => ask(QUEUE, Target::Queue(target)),
            Some(Err(problem)) => Some(problem),
            None => Some(ready(milvus_probe::reason::MSG_STREAM_READY)),
        },
    }
}

fn ready(reason: &str) -> ProbeView {
    ProbeView { ready: true, reason: reason.to_owned(), message: String::new() }
}

fn ask(ctx: &Context, milvus: &Validated, dependency: &str, target: Target, first_start: bool) -> Option<ProbeView> {
    let outcome = ctx.prober.ensure(&key(milvus, dependency), target)?.outcome;
    if first_start && !outcome.ready && outcome.usable_for_first_start() {
        return Some(ProbeView { message: outcome.message, ..ready(milvus_probe::reason::STORAGE_READY) });
    }
    Some(ProbeView { ready: outcome.ready, reason: outcome.reason.to_owned(), message: outcome.message })
}

fn etcd(etcd: &dependencies::Etcd) -> EtcdTarget {
    let user = etcd.auth.as_ref();
    EtcdTarget {
        endpoints: etcd.endpoints.clone(),
        user: user.map(|u| EtcdUser { name: u.user.clone(), password: Secret::new(u.password.clone()) }),
        // The certificates are files in the Milvus pods (`config.etcd.ssl.tlsCert`): the operator has none of them.
        transport: if etcd.tls { EtcdTransport::DialOnly } else { EtcdTransport::Plain },
    }
}

fn storage(storage: &Storage, credentials: &Credentials) -> Result<StorageTarget, ProbeView> {
    let keys = found(credentials.storage.as_ref())?;
    let ca = found(credentials.storage_ca.as_ref())?;
    let secret = |data: &Data, key: &str| Secret::new(data.get(key).cloned().unwrap_or_default());
    let trust = match ca.and_then(|data| data.get("ca.crt").cloned()) {
        _ if storage.insecure => Trust::Anything,
        Some(pem) => Trust::Ca(pem),
        None => Trust::System,
    };
    Ok(StorageTarget {
        kind: match storage.kind {
            dependencies::StorageKind::MinIO => StorageKind::Minio,
            dependencies::StorageKind::S3 => StorageKind::S3,
            dependencies::StorageKind::Azure => StorageKind::Azure,
        },
        endpoint: format!("{}:{}", storage.host, storage.port),
        bucket: storage.bucket.clone(),
        keys: keys.map(|data| StorageKeys {
            access_key: secret(data, "accesskey"),
            secret_key: secret(data, "secretkey"),
        }),
        use_ssl: storage.tls,
        trust,
        virtual_host: storage.virtual_host,
        region: storage.region.clone(),
    })
}

type Data = std::collections::BTreeMap<String, String>;

fn found(secret: Option<&Found>) -> Result<Option<&Data>, ProbeView> {
    match secret {
        None => Ok(None),
        Some(Ok(data)) => Ok(Some(data)),
        Some(Err(problem)) => Err(problem.clone()),
    }
}

/// `None`: a queue that can't be asked, because it is inside Milvus or somebody else's.
fn queue(queue: &Queue, credentials: &Credentials) -> Option<Result<QueueTarget, ProbeView>> {
    match queue {
        Queue::Pulsar { endpoint, auth, tenant, namespace, .. } => {
            let access = if *auth { PulsarAccess::DialOnly } else { PulsarAccess::Open };
            let target = PulsarTarget {
                endpoint: endpoint.clone(),
                access,
                tenant: tenant.clone(),
                namespace: namespace.clone(),
            };
            Some(Ok(QueueTarget::Pulsar(target)))
        }
        Queue::Kafka { brokers, secured, .. } => {
            if let Err(problem) = found(credentials.kafka.as_ref()) {
                return Some(Err(problem));
            }
            // Logging in needs mechanism and certificates in forms that Milvus reads from its own files; that the brokers can be
            // reached is what can be said without them.
            let brokers = brokers.clone();
            Some(Ok(match secured {
                true => QueueTarget::Woodpecker(brokers),
                false => QueueTarget::Kafka(KafkaTarget { brokers, tls: None, sasl: None }),
            }))
        }
        Queue::Woodpecker { pools: Some(pools) } => {
            let seeds = pools.iter().flat_map(|p| p.seeds.iter().cloned()).collect();
            Some(Ok(QueueTarget::Woodpecker(seeds)))
        }
        Queue::Woodpecker { pools: None } | Queue::Rocksmq | Queue::Natsmq | Queue::Custom => None,
    }
}
