//! The credentials that probes use.
//!
//! Takes the names of Secrets; gives their content, or what is wrong with it as the condition says it. A Secret is read by name:
//! when its Milvus changes, while a dependency can't be used, and every `secrets_period` (with very many Milvus objects
//! less often). It is never listed and never watched.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kube::Client;
use milvus_api::Reason;
use milvus_cluster::read::{self, SecretData, SecretRead};
use milvus_state::ProbeView;
use milvus_state::spec::Spec;
use milvus_state::spec::dependencies::Queue;
use tokio::time::Instant;

/// A Milvus reads its Secrets up to so many hundredths earlier than the others, so that a thousand do not do it at once.
const SPREAD_PERCENT: u64 = 20;
/// For so many Milvus objects the period is what was asked for. With more of them it is longer in proportion, so that an hour is about
/// two requests a minute.
const OFTEN: usize = 100;
/// How often they are read while one of them can't be used: nothing announces that a missing one has come.
pub const RETRY: Duration = Duration::from_secs(10);

/// Everything that probes of one Milvus need from Secrets.
#[derive(Clone, Debug, Default)]
pub struct Credentials {
    /// By name. A Milvus has one or two: a tree would take room for eleven.
    secrets: Vec<(String, SecretRead)>,
    /// Of Secrets that pods read when they start: what was there before, and is no more.
    changed: Vec<String>,
}

/// Credentials, and when and for what they were read.
#[derive(Clone, Debug)]
struct Read {
    generation: i64,
    at: Instant,
    credentials: Credentials,
    /// Digests of the last values that pods could have started with, by Secret: not forgotten when one can't be read.
    seen: Vec<(String, u64)>,
}

/// The credentials of every Milvus that was looked at, by its UID.
pub struct Cache {
    client: Client,
    period: Duration,
    known: Mutex<HashMap<String, Read>>,
}

impl Cache {
    /// An empty one. `period`: how old Secrets may be while all is well.
    pub fn new(client: Client, period: Duration) -> Cache {
        Cache { client, period, known: Mutex::default() }
    }

    fn known(&self) -> MutexGuard<'_, HashMap<String, Read>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The credentials of a Milvus, read anew when they may be out of date. `healthy`: the last probes with them
    /// succeeded.
    ///
    /// # Errors
    /// The API server gives no answer about a Secret. One that is missing or forbidden is an answer.
    pub async fn of(&self, spec: &Spec, healthy: bool) -> Result<Credentials, read::Error> {
        let (known, period) = {
            let all = self.known();
            (all.get(&spec.uid).cloned(), period(self.period, &spec.uid, all.len()))
        };
        let usable = |read: &Read| {
            let complete = read.credentials.complete(spec);
            let fresh = if healthy && complete { period } else { RETRY / 2 };
            read.generation == spec.generation && read.at.elapsed() < fresh
        };
        if let Some(read) = known.as_ref().filter(|read| usable(read)) {
            return Ok(Credentials { changed: Vec::new(), ..read.credentials.clone() });
        }
        let mut credentials = read_all(&self.client, spec).await?;
        let mut seen = known.map(|read| read.seen).unwrap_or_default();
        for (name, digest) in read_at_start(spec, &credentials) {
            match seen.iter_mut().find(|(known, _)| *known == name) {
                Some((_, before)) if *before == digest => {}
                Some((_, before)) => {
                    *before = digest;
                    credentials.changed.push(name);
                }
                None => seen.push((name, digest)),
            }
        }
        let read =
            Read { generation: spec.generation, at: Instant::now(), credentials: credentials.clone(), seen };
        self.known().insert(spec.uid.clone(), read);
        Ok(credentials)
    }

    /// When the Secrets of a Milvus whose dependencies are well are to be read again; `None` if it has none.
    pub fn due(&self, uid: &str) -> Option<Duration> {
        let all = self.known();
        let read = all.get(uid).filter(|read| !read.credentials.secrets.is_empty())?;
        Some(period(self.period, uid, all.len()).saturating_sub(read.at.elapsed()))
    }

    /// Forgets a Milvus that is gone.
    pub fn forget(&self, uid: &str) {
        self.known().remove(uid);
    }
}

/// The period that was asked for, or up to [`SPREAD_PERCENT`] less; longer for each of more than [`OFTEN`] Milvus objects.
fn period(asked: Duration, uid: &str, milvuses: usize) -> Duration {
    let mut hasher = DefaultHasher::new();
    uid.hash(&mut hasher);
    let percent = u32::try_from(100 - hasher.finish() % SPREAD_PERCENT).unwrap_or(100);
    let share = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    (asked * percent / 100).saturating_mul(share(milvuses.max(OFTEN))) / share(OFTEN)
}

async fn read_all(client: &Client, spec: &Spec) -> Result<Credentials, read::Error> {
    let names = spec.dependencies.secrets();
    let mut secrets = Vec::with_capacity(names.len());
    for name in names.into_keys() {
        secrets.push((name.to_owned(), read::secret(client, &spec.namespace, name).await?));
    }
    Ok(Credentials { secrets, changed: Vec::new() })
}

/// The Secrets in the environment of pods, with a digest of what pods take from them; it never leaves this process.
fn read_at_start(spec: &Spec, credentials: &Credentials) -> Vec<(String, u64)> {
    let kafka = match &spec.dependencies.queue {
        Queue::Kafka { secret, .. } => secret.as_deref(),
        _ => None,
    };
    let storage = spec.dependencies.storage.secret.as_deref();
    let all = [(storage, ["accesskey", "secretkey"]), (kafka, ["username", "password"])];
    let digest = |(name, keys): (Option<&str>, [&str; 2])| {
        let SecretRead::Data(data) = credentials.secret(name?)? else { return None };
        let mut hasher = DefaultHasher::new();
        keys.map(|key| data.get(key)).hash(&mut hasher);
        Some((name?.to_owned(), hasher.finish()))
    };
    all.into_iter().filter_map(digest).collect()
}

impl Credentials {
    /// The Secrets in the environment of pods that have changed since the last pass that looked.
    pub fn changed(&self) -> &[String] {
        &self.changed
    }

    /// Whether the Kafka Secret has a CA; `None` when that is not known.
    pub fn kafka_ca(&self, spec: &Spec) -> Option<bool> {
        let Queue::Kafka { secret: Some(secret), .. } = &spec.dependencies.queue else {
            return Some(false);
        };
        match self.secret(secret)? {
            SecretRead::Data(data) => Some(data.get("ca.pem").is_some()),
            SecretRead::Missing | SecretRead::Forbidden(_) => None,
        }
    }

    fn secret(&self, name: &str) -> Option<&SecretRead> {
        self.secrets.iter().find(|(other, _)| other == name).map(|(_, read)| read)
    }

    /// Everything that is needed is there.
    fn complete(&self, spec: &Spec) -> bool {
        let needed = spec.dependencies.secrets();
        needed.iter().all(|(name, keys)| keys.iter().all(|key| self.text(spec, name, key).is_ok()))
    }

    /// The value of a key that must be there. What is wrong names the Secret and its keys, never a value.
    pub fn text(&self, spec: &Spec, name: &str, key: &str) -> Result<&str, ProbeView> {
        let place = format!("{}/{name}", spec.namespace);
        let data = match self.secret(name) {
            Some(SecretRead::Data(data)) => data,
            Some(SecretRead::Forbidden(why)) => {
                return Err(problem(Reason::SecretError, format!("can't read Secret {place}: {why}")));
            }
            Some(SecretRead::Missing) | None => {
                let keys = needed(spec, name, |_| true);
                let message = format!(
                    "Secret not exist: {place}; create it with the keys {keys}, or name another one in spec.dependencies"
                );
                return Err(problem(Reason::SecretNotExist, message));
            }
        };
        let Some(value) = data.get(key) else {
            let keys = needed(spec, name, |key| data.get(key).is_none());
            let message = format!("{keys} not exist in secret {place}, {}", found_instead(data));
            return Err(problem(Reason::SecretNotExist, message));
        };
        std::str::from_utf8(value).map_err(|_| {
            problem(Reason::SecretDecodeError, format!("{key} in secret {place} is not text: write it anew"))
        })
    }

    /// The value of a key that may be missing, in a Secret that must be there.
    pub fn optional(&self, spec: &Spec, name: &str, key: &str) -> Result<Option<&str>, ProbeView> {
        match self.secret(name) {
            Some(SecretRead::Data(data)) if data.get(key).is_none() => Ok(None),
            _ => self.text(spec, name, key).map(Some),
        }
    }
}

fn problem(reason: Reason, message: String) -> ProbeView {
    ProbeView { ready: false, reason, message }
}

/// The keys that a Secret must have, those that `wanted` takes.
fn needed(spec: &Spec, name: &str, wanted: impl Fn(&str) -> bool) -> String {
    let secrets = spec.dependencies.secrets();
    let keys = secrets.get(name).into_iter().flatten().copied().filter(|key| wanted(key));
    keys.collect::<Vec<_>>().join(" and ")
}

/// Which keys a Secret has that lacks one: their names often show that it is another kind of Secret.
fn found_instead(data: &SecretData) -> String {
    let keys: Vec<&str> = data.keys().collect();
    match keys.is_empty() {
        true => "which is empty".to_owned(),
        false => format!("which has {}", keys.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_period_is_what_was_asked_for_until_there_are_very_many() {
        let hour = Duration::from_hours(1);
        for uid in ["a", "b", "c"] {
            let alone = period(hour, uid, 1);
            assert!(alone <= hour && alone > hour * 4 / 5, "{alone:?}");
            assert_eq!(period(hour, uid, OFTEN), alone);
            assert_eq!(period(hour, uid, 10 * OFTEN), 10 * alone);
        }
    }

    #[test]
    fn a_thousand_are_read_less_than_three_times_a_minute() {
        let all = (0..1000).map(|number| period(Duration::from_hours(1), &number.to_string(), 1000));
        let a_minute: f64 = all.map(|every| 60.0 / every.as_secs_f64()).sum();
        assert!(a_minute < 3.0, "{a_minute}");
    }
}
