//! From the parsed dependencies to what is probed, and from what was found to the conditions.

mod targets;

use milvus_api::Reason;
use milvus_controller::Dependencies;
use milvus_controller::credentials::Credentials;
use milvus_probe::{ProbeKey, Prober, Reason as Found, Target};
use milvus_state::spec::Spec;
use milvus_state::{ProbeView, Probes};

/// The three dependencies of a Milvus, as part of a probe's key.
const ETCD: &str = "etcd";
const STORAGE: &str = "storage";
const QUEUE: &str = "queue";

/// Separates the parts of a key; it is in no name of Kubernetes.
const SEPARATOR: char = '/';

/// Probes dependencies in the background.
pub struct Probing(Prober);

impl Probing {
    /// By this prober.
    pub fn new(prober: Prober) -> Probing {
        Probing(prober)
    }

    fn ask(&self, spec: &Spec, dependency: &str, target: Target, first_start: bool) -> Option<ProbeView> {
        let outcome = self.0.ensure(&key(spec, dependency), target)?.outcome;
        if first_start && !outcome.ready && outcome.usable_for_first_start() {
            return Some(ProbeView { message: outcome.message, ..ready(Reason::StorageReady) });
        }
        let message = match outcome.reason {
            Found::BucketMissing => data_is_gone(&spec.dependencies.storage.bucket),
            _ => outcome.message,
        };
        Some(ProbeView { ready: outcome.ready, reason: reason(outcome.reason), message })
    }
}

impl Dependencies for Probing {
    fn healthy(&self, spec: &Spec) -> bool {
        let ready = |dependency| self.0.latest(&key(spec, dependency)).is_none_or(|o| o.outcome.ready);
        [ETCD, STORAGE, QUEUE].into_iter().all(ready)
    }

    fn probes(&self, spec: &Spec, credentials: &Credentials, first_start: bool) -> Probes {
        let ask = |dependency, target| match target {
            Ok(target) => self.ask(spec, dependency, target, first_start),
            // What is probed already goes on being probed as it was: it is the last that was known to be right.
            Err(problem) => Some(problem),
        };
        let queue = targets::queue(spec, credentials).transpose();
        Probes {
            etcd: ask(ETCD, targets::etcd(spec, credentials).map(Target::Etcd)),
            storage: ask(STORAGE, targets::storage(spec, credentials).map(Target::Storage)),
            queue: match queue {
                Some(target) => ask(QUEUE, target.map(Target::Queue)),
                None => Some(ready(Reason::MsgStreamReady)),
            },
        }
    }

    fn forget(&self, namespace: &str, name: &str) {
        self.0.forget(&format!("{namespace}{SEPARATOR}{name}{SEPARATOR}"));
    }
}

/// Key of a probe: `<namespace>/<name>/<dependency>`.
fn key(spec: &Spec, dependency: &str) -> ProbeKey {
    ProbeKey::new(format!("{}{SEPARATOR}{}{SEPARATOR}{dependency}", spec.namespace, spec.name))
}

/// The Milvus that a key belongs to.
pub fn owner(key: &ProbeKey) -> Option<(String, String)> {
    let (milvus, _) = key.as_str().rsplit_once(SEPARATOR)?;
    let (namespace, name) = milvus.split_once(SEPARATOR)?;
    Some((namespace.to_owned(), name.to_owned()))
}

fn ready(reason: Reason) -> ProbeView {
    ProbeView { ready: true, reason, message: String::new() }
}

/// What a probe found, as the reason of a condition.
fn reason(found: Found) -> Reason {
    match found {
        Found::EtcdReady => Reason::EtcdReady,
        Found::EtcdNotReady => Reason::EtcdNotReady,
        Found::StorageReady => Reason::StorageReady,
        Found::ClientError => Reason::ClientError,
        Found::BucketMissing => Reason::BucketMissing,
        Found::MsgStreamReady => Reason::MsgStreamReady,
        Found::MsgStreamNotReady => Reason::MsgStreamNotReady,
        Found::CreateClientFailed => Reason::CreateClientFailed,
        Found::ConnectionOk => Reason::ConnectionOK,
        Found::ConnectionFailed => Reason::ConnectionFailed,
        Found::ProbeCrashed => Reason::ProbeCrashed,
    }
}

/// A bucket that is missing under a Milvus that has run is no bucket to be made.
fn data_is_gone(bucket: &str) -> String {
    format!(
        "bucket {bucket} does not exist, and this Milvus has run: its data was there. Find out where the data is \
         (another endpoint, another config.minio.bucketName, a bucket that was deleted) before anything is created"
    )
}
