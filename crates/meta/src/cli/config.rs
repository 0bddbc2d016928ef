//! The YAML of the official tool, accepted as it is.
//!
//! Types say what a scalar is, so that a password `0123` or a version `2.2` stays the text that it is. A key
//! that occurs twice counts as its last occurrence, because the Go operator writes `endpoints:` once for each
//! endpoint and the official tool reads it that way. Keys that nobody reads are reported.

use std::{collections::BTreeSet, path::Path};

use serde::Deserialize;
use snafu::{ResultExt, Snafu};

/// Why a configuration file cannot be used.
#[derive(Debug, Snafu)]
pub enum ConfigError {
    /// The file cannot be read.
    #[snafu(display("configuration {path}: {source}"))]
    Read {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not the YAML that is expected.
    #[snafu(display("configuration {path}: {source}"))]
    Yaml {
        /// The file.
        path: String,
        /// Why.
        #[snafu(source(from(serde_saphyr::Error, Box::new)))]
        source: Box<serde_saphyr::Error>,
    },
}

/// The file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_field_names, reason = "the names are those of the YAML")]
pub struct Config {
    /// What to do.
    pub cmd: Cmd,
    /// Versions and backup.
    pub config: Versions,
    /// Kind of store.
    pub metastore: Metastore,
    /// The store.
    pub etcd: EtcdConfig,
}

/// What to do.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Cmd {
    /// `run`, `backup` or `rollback`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Accepted; a backup is always made first.
    pub run_with_backup: Option<bool>,
}

/// Versions and backup.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Versions {
    /// Version that the metadata comes from.
    pub source_version: String,
    /// Version that it goes to.
    pub target_version: String,
    /// The backup file.
    pub backup_file_path: String,
}

/// Kind of store.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Metastore {
    /// Only `etcd`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
}

/// The store.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct EtcdConfig {
    /// `host:port`, a list or separated by commas.
    pub endpoints: Option<Endpoints>,
    /// Root path of the instance.
    pub root_path: Option<String>,
    /// Sub path of the metadata.
    pub meta_sub_path: Option<String>,
    /// Sub path of the allocators, which are never touched.
    pub kv_sub_path: Option<String>,
    /// TLS.
    pub ssl: Ssl,
    /// Login.
    pub auth: Auth,
    /// Embedded etcd, which cannot be reached from here.
    #[serde(rename = "use")]
    pub used: Use,
}

/// One or several endpoints.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Endpoints {
    /// A list.
    Many(Vec<String>),
    /// Separated by commas.
    One(String),
}

impl Endpoints {
    /// As a list without empty entries.
    pub fn list(&self) -> Vec<String> {
        let all: Vec<&str> = match self {
            Self::Many(many) => many.iter().map(String::as_str).collect(),
            Self::One(one) => one.split(',').collect(),
        };
        all.into_iter().map(|one| one.trim().to_owned()).filter(|one| !one.is_empty()).collect()
    }
}

/// TLS.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Ssl {
    /// Whether it is used.
    pub enabled: bool,
    /// Our certificate.
    pub tls_cert: String,
    /// Its key.
    pub tls_key: String,
    /// Who signed the server's certificate.
    #[serde(rename = "tlsCACert")]
    pub tls_ca_cert: String,
    /// `1.0` to `1.3`; below 1.2 nothing is spoken whatever it says.
    pub tls_min_version: String,
}

/// Login.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Auth {
    /// Whether it is used.
    pub enabled: bool,
    /// User.
    pub user_name: String,
    /// Password.
    pub password: String,
}

/// Embedded etcd.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Use {
    /// Whether it is used.
    pub embed: bool,
}

/// Everything that is read, and what the official tool reads and this one has no use for.
const KNOWN: [&str; 28] = [
    "cmd.type",
    "cmd.runWithBackup",
    "config.sourceVersion",
    "config.targetVersion",
    "config.backupFilePath",
    "metastore.type",
    "etcd.endpoints",
    "etcd.rootPath",
    "etcd.metaSubPath",
    "etcd.kvSubPath",
    "etcd.ssl.enabled",
    "etcd.ssl.tlsCert",
    "etcd.ssl.tlsKey",
    "etcd.ssl.tlsCACert",
    "etcd.ssl.tlsMinVersion",
    "etcd.auth.enabled",
    "etcd.auth.userName",
    "etcd.auth.password",
    "etcd.use.embed",
    "etcd.requestTimeout",
    "etcd.data.dir",
    "etcd.log.level",
    "etcd.log.path",
    "log.level",
    "log.file.rootPath",
    "log.format",
    "log.file.maxSize",
    "log.file.maxAge",
];

/// Reads a file. Also gives the keys in it that nobody reads.
///
/// # Errors
///
/// When the file can't be read, or is not the YAML that is expected.
pub fn read(path: &Path) -> Result<(Config, Vec<String>), ConfigError> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).context(ReadSnafu { path: &name })?;
    parse(&text).context(YamlSnafu { path: &name })
}

fn parse(text: &str) -> Result<(Config, Vec<String>), serde_saphyr::Error> {
    let options = || {
        serde_saphyr::options! { duplicate_keys: serde_saphyr::DuplicateKeyPolicy::LastWins }
    };
    let config = serde_saphyr::from_str_with_options(text, options())?;
    let tree: serde_json::Value = serde_saphyr::from_str_with_options(text, options())?;
    let mut unread = BTreeSet::new();
    walk("", &tree, &mut unread);
    Ok((config, unread.into_iter().collect()))
}

fn walk(path: &str, value: &serde_json::Value, unread: &mut BTreeSet<String>) {
    match value {
        serde_json::Value::Object(members) => {
            for (name, value) in members {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                walk(&path, value, unread);
            }
        }
        _ if KNOWN.contains(&path) || path.is_empty() => {}
        _ => {
            unread.insert(path.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the Go operator writes it, with two endpoints.
    const OPERATOR: &str = "
cmd:
  type: run
  runWithBackup: false
config:
  sourceVersion: 2.1.4
  targetVersion: 2.2.0
  backupFilePath: /milvus/data/migration.bak
metastore:
  type: etcd
etcd:
  endpoints:
    - a:2379
  endpoints:
    - b:2379
  rootPath: my-release
  metaSubPath: meta
  kvSubPath: kv
";

    #[test]
    fn the_official_file() {
        let (config, unread) = parse(OPERATOR).unwrap();
        assert_eq!(config.cmd.kind, "run");
        assert_eq!(config.config.target_version, "2.2.0");
        assert_eq!(config.etcd.endpoints.unwrap().list(), ["b:2379"]);
        assert_eq!(config.etcd.root_path.as_deref(), Some("my-release"));
        assert!(unread.is_empty(), "{unread:?}");
    }

    #[test]
    fn text_stays_text_and_unread_keys_are_named() {
        let text = "config: {backupfilepath: x}\netcd: {endpoints: 'a:1,b:2', auth: {enabled: true, userName: root, password: 0123}, ssl: {tlsMinVersion: 1.3}}";
        let (config, unread) = parse(text).unwrap();
        assert_eq!(config.etcd.auth.password, "0123");
        assert_eq!(config.etcd.ssl.tls_min_version, "1.3");
        assert_eq!(config.etcd.endpoints.unwrap().list(), ["a:1", "b:2"]);
        assert_eq!(unread, ["config.backupfilepath"]);
    }
}
