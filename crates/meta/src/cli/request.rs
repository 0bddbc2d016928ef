//! From command line and YAML to what is to be done; everything that cannot be right is refused here, before
//! etcd is asked anything.

use std::{fs, path::PathBuf, time::Duration};

use milvus_meta::{
    etcd::{Access, Root, Tls},
    run::Settings,
};
use milvus_plan::migration::{Hop, Verb, hop};
use semver::Version;
use snafu::{OptionExt as _, ResultExt as _, Snafu, ensure};

use super::{
    args::{Cli, Format, Options, VerbArg},
    config::{self, Config, ConfigError},
};

/// Why a call makes no sense.
#[derive(Debug, Snafu)]
pub enum RequestError {
    /// The YAML cannot be used.
    #[snafu(transparent)]
    Config {
        /// Why.
        source: ConfigError,
    },
    /// Neither a verb nor a file.
    #[snafu(display(
        "nothing to do: give a verb (inspect, backup, plan, apply, verify, rollback, run), or -config FILE"
    ))]
    NoVerb,
    /// A file without a verb that we know.
    #[snafu(display("cmd.type is {kind:?}; it has to be run, backup or rollback"))]
    Kind {
        /// What it is.
        kind: String,
    },
    /// Another store.
    #[snafu(display("metastore.type is {kind:?}; only etcd is supported"))]
    Metastore {
        /// What it is.
        kind: String,
    },
    /// Something that is needed is not given.
    #[snafu(display("{what} is missing: give {how}"))]
    Missing {
        /// What.
        what: &'static str,
        /// How.
        how: &'static str,
    },
    /// Something is given that cannot be right.
    #[snafu(display("{what} is {value:?}: {why}"))]
    Value {
        /// What.
        what: &'static str,
        /// What it is.
        value: String,
        /// Why it cannot be right.
        why: String,
    },
    /// A file that is named cannot be read.
    #[snafu(display("{what} {}: {source}", path.display()))]
    File {
        /// What it is for.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A way that this program does not know.
    #[snafu(display(
        "migration from {source_version} to {target_version} is not possible: the source has to be at least 2.1.0 and \
         below 2.2.0, the target at least 2.2.0 and below 2.3.0. To go further, migrate to 2.2 first, then upgrade from there"
    ))]
    Forbidden {
        /// From.
        source_version: Version,
        /// To.
        target_version: Version,
    },
}

/// A call that makes sense.
#[derive(Debug)]
pub struct Request {
    /// What to do.
    pub verb: Verb,
    /// The target reads the same metadata as the source: there is nothing to do.
    pub not_needed: bool,
    /// How to reach etcd.
    pub access: Access,
    /// Which instance.
    pub root: Root,
    /// How to do it.
    pub settings: Settings,
    /// Form of the output.
    pub format: Format,
    /// Keys of the YAML that nobody reads.
    pub unread: Vec<String>,
}

impl Request {
    /// Reads files, but nothing else.
    ///
    /// # Errors
    ///
    /// When a file can't be read, or what is asked for contradicts itself.
    pub fn new(cli: &Cli) -> Result<Self, RequestError> {
        let options = &cli.options;
        let (config, unread) = match &options.config {
            Some(path) => config::read(path)?,
            None => (Config::default(), Vec::new()),
        };
        let verb = verb(cli, &config)?;
        if let Some(kind) = config.metastore.kind.as_ref().filter(|kind| *kind != "etcd") {
            return MetastoreSnafu { kind }.fail();
        }
        let root = root(options, &config)?;
        let (settings, not_needed) = settings(verb, options, &config, &root)?;
        let official = cli.verb.is_none();
        let format = options.output.unwrap_or(if official { Format::Json } else { Format::Table });
        Ok(Self { verb, not_needed, access: access(options, &config)?, root, settings, format, unread })
    }
}

fn verb(cli: &Cli, config: &Config) -> Result<Verb, RequestError> {
    Ok(match cli.verb {
        Some(VerbArg::Inspect) => Verb::Inspect,
        Some(VerbArg::Backup) => Verb::Backup,
        Some(VerbArg::Plan) => Verb::Plan,
        Some(VerbArg::Apply) => Verb::Apply,
        Some(VerbArg::Verify) => Verb::Verify,
        Some(VerbArg::Rollback) => Verb::Rollback,
        Some(VerbArg::Run) => Verb::Run,
        None if cli.options.config.is_none() => return NoVerbSnafu.fail(),
        None => match config.cmd.kind.as_str() {
            "run" => Verb::Run,
            "backup" => Verb::Backup,
            "rollback" => Verb::Rollback,
            kind => return KindSnafu { kind }.fail(),
        },
    })
}

fn root(options: &Options, config: &Config) -> Result<Root, RequestError> {
    let pick =
        |what, flag: &Option<String>, yaml: &Option<String>, default: &str| -> Result<String, RequestError> {
            let value = flag.as_ref().or(yaml.as_ref()).map_or(default, String::as_str);
            let value = value.trim_matches('/').to_owned();
            let fine = !value.is_empty() && !value.contains("//");
            ensure!(fine, ValueSnafu { what, value, why: "it has to name a path" });
            Ok(value)
        };
    Ok(Root {
        path: pick("etcd.rootPath", &options.root_path, &config.etcd.root_path, "by-dev")?,
        meta_sub_path: pick("etcd.metaSubPath", &options.meta_sub_path, &config.etcd.meta_sub_path, "meta")?,
    })
}

fn settings(
    verb: Verb,
    options: &Options,
    config: &Config,
    root: &Root,
) -> Result<(Settings, bool), RequestError> {
    let given = |flag: &Option<String>, yaml: &String| flag.clone().unwrap_or_else(|| yaml.clone());
    let source = given(&options.source_version, &config.config.source_version);
    let target = given(&options.target_version, &config.config.target_version);
    let not_needed = if matches!(verb, Verb::Run | Verb::Apply) {
        let source_version = version("config.sourceVersion", &source)?;
        let target_version = version("config.targetVersion", &target)?;
        match hop(&source_version, &target_version) {
            Hop::Migrate => false,
            Hop::NotNeeded => true,
            Hop::Forbidden => return ForbiddenSnafu { source_version, target_version }.fail(),
        }
    } else {
        false
    };
    let backup = options.backup.clone().unwrap_or_else(|| PathBuf::from(&config.config.backup_file_path));
    if backup.as_os_str().is_empty()
        && matches!(verb, Verb::Run | Verb::Apply | Verb::Backup | Verb::Rollback)
    {
        let how = "--backup FILE, or config.backupFilePath";
        return MissingSnafu { what: "the path of the backup", how }.fail();
    }
    let accept_loss = match &options.lose_writes_since_backup {
        None => false,
        Some(named) if verb == Verb::Rollback && *named == root.meta() => true,
        Some(value) => {
            let why = format!("it has to be the meta root, {}, and the verb has to be rollback", root.meta());
            return ValueSnafu { what: "--lose-writes-since-backup", value, why }.fail();
        }
    };
    let settings = Settings {
        source_version: source,
        target_version: target,
        backup,
        txn_ops: usize::try_from(options.max_txn_ops).unwrap_or(128),
        lock_seconds: options.lock_ttl,
        lock_wait: Duration::from_secs(options.lock_wait),
        accept_loss,
        other_cluster: options.backup_of_cluster.clone(),
    };
    Ok((settings, not_needed))
}

fn version(what: &'static str, text: &str) -> Result<Version, RequestError> {
    let how = if what.contains("source") {
        "--source-version, or config.sourceVersion"
    } else {
        "--target-version, or config.targetVersion"
    };
    ensure!(!text.is_empty(), MissingSnafu { what, how });
    let parsed = Version::parse(text.strip_prefix('v').unwrap_or(text));
    parsed.map_err(|error| RequestError::Value { what, value: text.to_owned(), why: error.to_string() })
}

fn access(options: &Options, config: &Config) -> Result<Access, RequestError> {
    let etcd = &config.etcd;
    if etcd.used.embed {
        let why = "an embedded etcd cannot be reached; start it as a process of its own".to_owned();
        return ValueSnafu { what: "etcd.use.embed", value: "true", why }.fail();
    }
    let from_yaml = || etcd.endpoints.as_ref().map(config::Endpoints::list).unwrap_or_default();
    let endpoints = if options.endpoints.is_empty() { from_yaml() } else { options.endpoints.clone() };
    ensure!(
        !endpoints.is_empty(),
        MissingSnafu { what: "the address of etcd", how: "--endpoints, or etcd.endpoints" }
    );
    let patience = Duration::from_secs(options.patience);
    let tls = tls(options, config)?;
    let plain = endpoints.iter().find(|endpoint| endpoint.starts_with("http://"));
    if let (Some(value), true) = (plain, tls.is_some()) {
        let why = "TLS is switched on".to_owned();
        return ValueSnafu { what: "etcd.endpoints", value, why }.fail();
    }
    Ok(Access { endpoints, user: user(options, config)?, tls, patience })
}

fn user(options: &Options, config: &Config) -> Result<Option<(String, String)>, RequestError> {
    let auth = &config.etcd.auth;
    if let Some(user) = &options.user {
        let password = match &options.password_file {
            Some(path) => {
                let text = fs::read_to_string(path).context(FileSnafu { what: "password", path })?;
                text.trim_end_matches(['\r', '\n']).to_owned()
            }
            None => std::env::var("META_MIGRATION_PASSWORD").ok().context(MissingSnafu {
                what: "the password",
                how: "--password-file, or META_MIGRATION_PASSWORD",
            })?,
        };
        return Ok(Some((user.clone(), password)));
    }
    ensure!(
        !auth.enabled || !auth.user_name.is_empty(),
        MissingSnafu { what: "etcd.auth.userName", how: "it, or set etcd.auth.enabled to false" }
    );
    Ok(auth.enabled.then(|| (auth.user_name.clone(), auth.password.clone())))
}

fn tls(options: &Options, config: &Config) -> Result<Option<Tls>, RequestError> {
    let ssl = &config.etcd.ssl;
    let yaml = |text: &String| (ssl.enabled && !text.is_empty()).then(|| PathBuf::from(text));
    let ca = options.ca_cert.clone().or_else(|| yaml(&ssl.tls_ca_cert));
    let cert = options.cert.clone().or_else(|| yaml(&ssl.tls_cert));
    let key = options.key.clone().or_else(|| yaml(&ssl.tls_key));
    if ssl.enabled && !["", "1.0", "1.1", "1.2", "1.3"].contains(&ssl.tls_min_version.as_str()) {
        let (value, why) = (&ssl.tls_min_version, "it has to be 1.0, 1.1, 1.2 or 1.3".to_owned());
        return ValueSnafu { what: "etcd.ssl.tlsMinVersion", value, why }.fail();
    }
    let wanted = ssl.enabled || ca.is_some() || cert.is_some();
    if !wanted {
        return Ok(None);
    }
    let ca = ca.context(MissingSnafu {
        what: "who signed etcd's certificate",
        how: "--ca-cert, or etcd.ssl.tlsCACert",
    })?;
    let read = |what, path: &PathBuf| fs::read(path).context(FileSnafu { what, path });
    let client = match (&cert, &key) {
        (Some(cert), Some(key)) => Some((read("certificate", cert)?, read("key", key)?)),
        (None, None) => None,
        _ => {
            let how = "both etcd.ssl.tlsCert and etcd.ssl.tlsKey, or neither";
            return MissingSnafu { what: "half of our certificate", how }.fail();
        }
    };
    Ok(Some(Tls { ca: Some(read("CA certificate", &ca)?), client }))
}
