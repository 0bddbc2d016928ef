//! From the parsed dependencies to what is probed, and from what was found to the conditions.

use milvus_probe::{ProbeKey, Target, reason};
use milvus_state::validate::Validated;
use milvus_state::{ProbeView, Probes};

use crate::context::Context;
use crate::credentials::Credentials;
use crate::targets;

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
    let ask = |dependency, target| match target {
        Ok(target) => ask(ctx, milvus, dependency, target, first_start),
        // What is probed already goes on being probed as it was: it is the last that was known to be right.
        Err(problem) => Some(problem),
    };
    let queue = targets::queue(milvus, credentials).transpose();
    Probes {
        etcd: ask(ETCD, targets::etcd(milvus, credentials).map(Target::Etcd)),
        storage: ask(STORAGE, targets::storage(milvus, credentials).map(Target::Storage)),
        queue: match queue {
            Some(target) => ask(QUEUE, target.map(Target::Queue)),
            None => Some(ready(reason::MSG_STREAM_READY)),
        },
    }
}

fn ready(reason: &str) -> ProbeView {
    ProbeView { ready: true, reason: reason.to_owned(), message: String::new() }
}

fn ask(
    ctx: &Context,
    milvus: &Validated,
    dependency: &str,
    target: Target,
    first_start: bool,
) -> Option<ProbeView> {
    let outcome = ctx.prober.ensure(&key(milvus, dependency), target)?.outcome;
    if first_start && !outcome.ready && outcome.usable_for_first_start() {
        return Some(ProbeView { message: outcome.message, ..ready(reason::STORAGE_READY) });
    }
    let message = match outcome.reason {
        reason::BUCKET_MISSING => data_is_gone(&milvus.dependencies.storage.bucket),
        _ => outcome.message,
    };
    Some(ProbeView { ready: outcome.ready, reason: outcome.reason.to_owned(), message })
}

/// A bucket that is missing under a Milvus that has run is no bucket to be made.
fn data_is_gone(bucket: &str) -> String {
    format!(
        "bucket {bucket} does not exist, and this Milvus has run: its data was there. Find out where the data is (another endpoint, \
         another config.minio.bucketName, a bucket that was deleted) before anything is created"
    )
}
