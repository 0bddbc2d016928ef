//! The credentials that probes use.
//!
//! Takes the names of Secrets; gives their content, or what is wrong with it as the condition says it. A Secret is read by name:
//! when its Milvus changes, while a probe fails, and every [`REREAD`]. It is never listed and never watched.

use std::collections::BTreeMap;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use milvus_api::Reason;
use milvus_cluster::read;
use milvus_state::ProbeView;
use milvus_state::dependencies::Queue;
use milvus_state::validate::Validated;

use crate::context::Context;

/// How old credentials may be while the probes that use them succeed.
pub const REREAD: Duration = Duration::from_secs(600);

/// Content of a Secret, or why there is none to use.
pub type Found = Result<BTreeMap<String, String>, ProbeView>;

/// Everything that probes of one Milvus need from Secrets.
#[derive(Clone, Debug)]
pub struct Credentials {
    generation: i64,
    read_at: Instant,
    /// `accesskey` and `secretkey`; `None` when the storage needs none.
    pub storage: Option<Found>,
    /// `ca.crt` for the storage.
    pub storage_ca: Option<Found>,
    /// `username`, `password` and perhaps `ca.pem`.
    pub kafka: Option<Found>,
}

impl Credentials {
    /// The Kafka Secret has a CA.
    pub fn kafka_has_ca(&self) -> bool {
        matches!(&self.kafka, Some(Ok(data)) if data.contains_key("ca.pem"))
    }

    /// A Secret is missing or incomplete.
    pub fn incomplete(&self) -> bool {
        [&self.storage, &self.storage_ca, &self.kafka].into_iter().flatten().any(Result::is_err)
    }
}

/// The credentials of a Milvus, read anew when they may be out of date. `healthy`: the last probes with them succeeded.
pub async fn of(ctx: &Context, milvus: &Validated, healthy: bool) -> Result<Credentials, read::Error> {
    let known = {
        let cache = ctx.credentials.lock().unwrap_or_else(PoisonError::into_inner);
        cache.get(&milvus.uid).cloned()
    };
    let usable = |c: &Credentials| {
        c.generation == milvus.generation && healthy && !c.incomplete() && c.read_at.elapsed() < REREAD
    };
    if let Some(credentials) = known.filter(usable) {
        return Ok(credentials);
    }
    let fresh = read_all(ctx, milvus).await?;
    let mut cache = ctx.credentials.lock().unwrap_or_else(PoisonError::into_inner);
    cache.insert(milvus.uid.clone(), fresh.clone());
    Ok(fresh)
}

/// Forgets a Milvus that is gone.
pub fn forget(ctx: &Context, uid: &str) {
    ctx.credentials.lock().unwrap_or_else(PoisonError::into_inner).remove(uid);
}

async fn read_all(ctx: &Context, milvus: &Validated) -> Result<Credentials, read::Error> {
    let storage = &milvus.dependencies.storage;
    let kafka = match &milvus.dependencies.queue {
        Queue::Kafka { secret, .. } => secret.as_deref(),
        _ => None,
    };
    let storage_secret = storage.secret.as_deref().filter(|_| !storage.iam);
    Ok(Credentials {
        generation: milvus.generation,
        read_at: Instant::now(),
        storage: one(ctx, milvus, storage_secret, &["accesskey", "secretkey"]).await?,
        storage_ca: one(ctx, milvus, storage.ca_secret.as_deref(), &["ca.crt"]).await?,
        kafka: one(ctx, milvus, kafka, &["username", "password"]).await?,
    })
}

/// Reads one Secret and sees to it that the keys are there. What is wrong names the Secret and the key, never a value.
async fn one(
    ctx: &Context,
    milvus: &Validated,
    name: Option<&str>,
    keys: &[&str],
) -> Result<Option<Found>, read::Error> {
    let Some(name) = name else { return Ok(None) };
    let namespace = &milvus.namespace;
    let not_there = |message: String| {
        Err(ProbeView { ready: false, reason: Reason::SecretNotExist.as_str().to_owned(), message })
    };
    let Some(data) = read::secret(&ctx.client, namespace, name).await? else {
        let keys = keys.join(" and ");
        return Ok(Some(not_there(format!(
            "Secret not exist: {namespace}/{name}; create it with the keys {keys}, or name another one in spec.dependencies"
        ))));
    };
    let empty = |key: &&&str| data.get(**key).is_none_or(String::is_empty);
    let missing: Vec<&str> = keys.iter().filter(empty).copied().collect();
    if missing.is_empty() {
        return Ok(Some(Ok(data)));
    }
    Ok(Some(not_there(format!("{} not exist in secret {namespace}/{name}", missing.join(" and ")))))
}
