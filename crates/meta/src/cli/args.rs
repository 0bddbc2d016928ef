//! The command line: that of the official tool (`-config FILE`), and verbs of our own.

use std::{ffi::OsString, path::PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Backs up, migrates, verifies and rolls back the metadata of Milvus in etcd (2.1 to 2.2).
///
/// Called with `-config FILE` alone it does what `cmd.type` of that file says, as the official tool does.
#[derive(Debug, Parser)]
#[command(name = "meta-migration", version, disable_help_subcommand = true, args_override_self = true, after_help = EXIT_CODES)]
pub struct Cli {
    /// What to do; without it, `cmd.type` of the file.
    #[command(subcommand)]
    pub verb: Option<VerbArg>,
    /// Where and how.
    #[command(flatten)]
    pub options: Options,
}

const EXIT_CODES: &str = "Exit codes: 0 done, 1 failed, 2 bad arguments or configuration, 10 nothing there, 11 Milvus \
is alive, 12 another migration, 13 wrong state, 14 damaged metadata, 15 unsent DDL message, 16 no room in etcd, 17 backup \
unusable, 18 backup of another instance, 19 somebody else has written, 20 etcd unreachable, 21 etcd refuses us, 22 disk \
failed, 23 interrupted, 24 lock lost, 25 verify found a difference.";

/// Verbs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Subcommand)]
pub enum VerbArg {
    /// Say what is there: collections, indexes, aliases, segments, sessions, schema. Writes nothing.
    Inspect,
    /// Write a verified backup file.
    Backup,
    /// Compute the change set; in full with -o json or -o yaml. Writes nothing.
    Plan,
    /// Migrate, from a backup that exists and equals etcd; or finish what was begun.
    Apply,
    /// Compare etcd with the backup, or with what Milvus 2.2 takes for granted. Writes nothing.
    Verify,
    /// Put back what the backup holds.
    Rollback,
    /// Backup, apply and verify in one.
    Run,
}

/// Form of the output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Table,
    /// One line of JSON, the last line on stdout.
    Json,
    /// YAML.
    Yaml,
}

/// Where and how.
#[derive(Debug, Args)]
pub struct Options {
    /// YAML of the official tool; flags win over it.
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// etcd, as host:port or URL; several separated by commas.
    #[arg(long, global = true, value_delimiter = ',', env = "META_MIGRATION_ENDPOINTS")]
    pub endpoints: Vec<String>,
    /// Root path of the Milvus instance [default: by-dev; the Go operator's default is the name of the
    /// Milvus].
    #[arg(long, global = true, env = "META_MIGRATION_ROOT_PATH")]
    pub root_path: Option<String>,
    /// Sub path of the metadata [default: meta].
    #[arg(long, global = true)]
    pub meta_sub_path: Option<String>,
    /// The backup file.
    #[arg(long, global = true, value_name = "FILE")]
    pub backup: Option<PathBuf>,
    /// Milvus version that the metadata comes from.
    #[arg(long, global = true)]
    pub source_version: Option<String>,
    /// Milvus version that the metadata goes to.
    #[arg(long, global = true)]
    pub target_version: Option<String>,
    /// Form of the output.
    #[arg(short, long, global = true, value_enum)]
    pub output: Option<Format>,
    /// User of etcd.
    #[arg(long, global = true, env = "META_MIGRATION_USER")]
    pub user: Option<String>,
    /// File with the password of the user; else META_MIGRATION_PASSWORD is used.
    #[arg(long, global = true, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// PEM of who signed the certificate of etcd; switches TLS on.
    #[arg(long, global = true, value_name = "FILE")]
    pub ca_cert: Option<PathBuf>,
    /// PEM of our own certificate.
    #[arg(long, global = true, value_name = "FILE", requires = "key")]
    pub cert: Option<PathBuf>,
    /// PEM of the key of our own certificate.
    #[arg(long, global = true, value_name = "FILE", requires = "cert")]
    pub key: Option<PathBuf>,
    /// How long a request is tried again while etcd does not answer.
    #[arg(long, global = true, value_name = "SECONDS", default_value_t = 20)]
    pub patience: u64,
    /// Time to live of the lock: how long another call waits for one that was killed.
    #[arg(long, global = true, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(i64).range(2..=600))]
    pub lock_ttl: i64,
    /// How long to wait for another migration to let go of the lock.
    #[arg(long, global = true, value_name = "SECONDS", default_value_t = 40)]
    pub lock_wait: u64,
    /// `--max-txn-ops` of the etcd server, if it is not the default.
    #[arg(long, global = true, default_value_t = 128, value_parser = clap::value_parser!(u64).range(8..=100_000))]
    pub max_txn_ops: u64,
    /// `rollback` only: lose everything that was written below this meta root since the backup.
    #[arg(long, global = true, value_name = "ROOT_PATH/META_SUB_PATH")]
    pub lose_writes_since_backup: Option<String>,
    /// The backup was made in another etcd cluster, with this id; for an etcd that was rebuilt.
    #[arg(long, global = true, value_name = "ID")]
    pub backup_of_cluster: Option<String>,
    /// Where the last words go as well, if the file exists.
    #[arg(long, global = true, value_name = "FILE", default_value = milvus_plan::migration::TERMINATION_MESSAGE_PATH)]
    pub termination_message: PathBuf,
    /// No progress on stderr.
    #[arg(short, long, global = true)]
    pub quiet: bool,
}

/// Go's flag package takes `-config FILE` and `-config=FILE` with one dash: turned into what clap takes.
pub fn with_two_dashes(args: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let two = |arg: OsString| match arg.to_str() {
        Some(text) if text == "-config" || text.starts_with("-config=") => format!("-{text}").into(),
        _ => arg,
    };
    args.map(two).collect()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn called_as_the_official_tool() {
        for args in [vec!["-config", "/c.yaml"], vec!["-config=/c.yaml"], vec!["--config=/c.yaml"]] {
            let args = std::iter::once("meta-migration").chain(args).map(OsString::from);
            let cli = Cli::try_parse_from(with_two_dashes(args)).unwrap();
            assert_eq!(cli.verb, None);
            assert_eq!(cli.options.config, Some(PathBuf::from("/c.yaml")));
        }
    }
}
