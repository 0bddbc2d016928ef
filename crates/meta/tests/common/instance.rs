//! A real etcd with metadata of Milvus in it, and the real binary run against it.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
};

use etcd_client::{Client, DeleteOptions, GetOptions};
use milvus_plan::migration::{Outcome, Report, lock_key};
use milvus_testkit::etcd::{Etcd, Options};
use tokio::process::Command;

use super::{REAL, REAL_LIVE, State, dump};

/// Root path of the real dump.
pub const ROOT: &str = "by-dev";
/// Its meta root.
pub const META: &str = "by-dev/meta";

/// How one call of the binary ended.
#[derive(Debug)]
pub struct Ended {
    /// `None` when it was killed.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ended {
    /// The report: the last line of stdout.
    pub fn report(&self) -> Report {
        let line = self.stdout.lines().last().unwrap_or_else(|| panic!("no report: {self:?}"));
        serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The report of a call that ended in that way.
    pub fn expect(&self, outcome: Outcome) -> Report {
        let report = self.report();
        assert_eq!((report.outcome, self.code), (outcome, Some(outcome.exit_code().into())), "{self:?}");
        report
    }
}

pub struct Instance {
    pub etcd: Etcd,
    pub client: Client,
    pub folder: tempfile::TempDir,
}

impl Instance {
    /// With the metadata that the real Milvus 2.1.0 left.
    pub async fn real() -> Self {
        let instance = Self::with(Options::default()).await;
        instance.load_real().await;
        instance
    }

    pub async fn with(options: Options) -> Self {
        let etcd = Etcd::start(options).await.unwrap();
        let client = etcd.client().await.unwrap();
        Self { etcd, client, folder: tempfile::tempdir().unwrap() }
    }

    pub async fn load_real(&self) {
        for (key, value, _) in dump(REAL) {
            self.put(&key, value).await;
        }
    }

    /// The sessions that Milvus 2.1.0 had, under a lease as it had them. Gives the lease.
    pub async fn load_sessions(&self) -> i64 {
        let mut client = self.client.clone();
        let lease = client.lease_grant(600, None).await.unwrap().id();
        for (key, value, leased) in dump(REAL_LIVE) {
            if leased != 0 {
                let options = etcd_client::PutOptions::new().with_lease(lease);
                client.put(key, value, Some(options)).await.unwrap();
            }
        }
        lease
    }

    pub async fn put(&self, key: &str, value: impl Into<Vec<u8>>) {
        self.client.clone().put(key, value, None).await.unwrap();
    }

    pub async fn get(&self, key: &str) -> Option<Vec<u8>> {
        let answer = self.client.clone().get(key, None).await.unwrap();
        answer.kvs().first().map(|kv| kv.value().to_vec())
    }

    pub async fn delete(&self, prefix: &str) {
        let options = DeleteOptions::new().with_prefix();
        self.client.clone().delete(prefix, Some(options)).await.unwrap();
    }

    /// Every key of etcd that is not leased and not ours.
    pub async fn all(&self) -> State {
        let options = GetOptions::new().with_all_keys();
        let answer = self.client.clone().get("", Some(options)).await.unwrap();
        let ours = |key: &[u8]| key.windows(16).any(|part| part == b"/meta-migration/");
        let kept = answer.kvs().iter().filter(|kv| kv.lease() == 0 && !ours(kv.key()));
        kept.map(|kv| (kv.key().to_vec(), kv.value().to_vec())).collect()
    }

    pub fn backup(&self) -> PathBuf {
        self.folder.path().join("migration.bak")
    }

    /// A call with the usual options.
    pub fn command(&self, endpoint: &str, verb: &str, more: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command
            .args([verb, "-o", "json", "--endpoints", endpoint, "--root-path", ROOT, "--backup"])
            .arg(self.backup())
            .args(["--source-version", "2.1.0", "--target-version", "2.2.16", "--patience", "4"])
            .args(["--lock-wait", "0", "--termination-message", "/nonexistent"])
            .args(more)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    pub async fn call(&self, verb: &str, more: &[&str]) -> Ended {
        ended(self.command(&self.etcd.address(), verb, more)).await
    }

    /// Ends the lease of a killed call, as time would.
    pub async fn end_lock(&self) {
        let mut client = self.client.clone();
        let answer = client.get(lock_key(ROOT), None).await.unwrap();
        if let Some(lock) = answer.kvs().first() {
            client.lease_revoke(lock.lease()).await.unwrap();
        }
    }
}

pub async fn ended(mut command: Command) -> Ended {
    let output = command.output().await.unwrap();
    Ended {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// The binary under test: that of this build, or the one that `META_MIGRATION_BINARY` names (the release
/// one).
pub fn binary() -> PathBuf {
    std::env::var_os("META_MIGRATION_BINARY")
        .map_or_else(|| Path::new(env!("CARGO_BIN_EXE_meta-migration")).to_owned(), PathBuf::from)
}

/// Whole keys, as [`Instance::all`] gives them, from keys below the meta root.
pub fn below_meta(state: &State) -> State {
    let prefix = format!("{META}/").into_bytes();
    state
        .iter()
        .filter_map(|(key, value)| Some((key.strip_prefix(prefix.as_slice())?.to_vec(), value.clone())))
        .collect()
}
