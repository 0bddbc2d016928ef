//! The command line. Flags have the Go operator's names where they mean the same; those of its flags that have nothing to
//! set here are accepted and named in the log, so that existing `extraArgs` keep working.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::time::Duration;

use clap::{ArgAction, Parser};
use jiff::SignedDuration;
use milvus_cluster::watch::Scope;
use snafu::Snafu;

use crate::telemetry::LogFormat;

/// Runs Milvus on Kubernetes: installs, upgrades, heals.
#[derive(Debug, Clone, PartialEq, Eq, Parser)]
#[command(name = "milvus-operator", version, disable_help_subcommand = true)]
pub struct Args {
    /// Where metrics are served, at /metrics: host:port, or 0 for nowhere.
    #[arg(long, default_value = ":8080", value_name = "ADDRESS")]
    pub metrics_bind_address: Address,

    /// Where /healthz and /readyz are served: host:port, or 0 for nowhere.
    #[arg(long, default_value = ":8081", value_name = "ADDRESS")]
    pub health_probe_bind_address: Address,

    /// Work only while holding the Lease 71808ec5.milvus.io: needed with more than one replica.
    #[arg(long, num_args = 0..=1, require_equals = true, default_value_t = false, default_missing_value = "true",
          action = ArgAction::Set)]
    pub leader_elect: bool,

    /// Namespace of the operator itself, where the Lease is.
    #[arg(long, env = "POD_NAMESPACE", default_value = "milvus-operator")]
    pub namespace: String,

    /// Name of the operator's pod: part of its identity in the Lease, and the reporter of its Events.
    #[arg(long, env = "POD_NAME", default_value = "milvus-operator")]
    pub pod_name: String,

    /// The only namespace to look at; all of them when not given.
    #[arg(long, value_delimiter = ',', value_name = "NAMESPACE")]
    pub watch_namespace: Vec<String>,

    /// Image of the init container `config` of Milvus pods; the operator's own image when not given.
    #[arg(long, env = "TOOL_IMAGE")]
    pub tool_image: Option<String>,

    /// Level, or filter by module such as `info,kube=debug`.
    #[arg(long, alias = "zap-log-level", env = "RUST_LOG", default_value = "info")]
    pub log_level: String,

    /// Form of the log.
    #[arg(long, alias = "zap-encoder", env = "LOG_FORMAT", value_enum, default_value_t)]
    pub log_format: LogFormat,

    /// Passes at the same time, each over another Milvus; 0 for no limit.
    #[arg(long, default_value_t = 64)]
    pub concurrent_reconcile: u16,

    /// How often the Secrets of a Milvus whose dependencies are well are read again, such as 1h or 90s; one that changes before is
    /// noticed when a dependency refuses the old credentials.
    #[arg(long, default_value = "1h", value_name = "TIME", value_parser = time)]
    pub secrets_period: Duration,

    /// Flags of the Go operator without a meaning here.
    #[command(flatten)]
    ignored: Ignored,
}

/// Flags of the Go operator that set something that this operator does not have.
#[derive(Debug, Clone, Default, PartialEq, Eq, clap::Args)]
struct Ignored {
    #[arg(long, hide = true)]
    concurrent_healthcheck: Option<String>,
    #[arg(long, hide = true)]
    sync_interval: Option<String>,
    #[arg(long, hide = true)]
    work_dir: Option<String>,
    #[arg(long, hide = true)]
    name: Option<String>,
    #[arg(long, hide = true)]
    k8s_qps: Option<String>,
    #[arg(long, hide = true)]
    k8s_burst: Option<String>,
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pprof: Option<String>,
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    webhook: Option<String>,
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    debug: Option<String>,
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    zap_devel: Option<String>,
    #[arg(long, hide = true)]
    zap_stacktrace_level: Option<String>,
    #[arg(long, hide = true)]
    zap_time_encoding: Option<String>,
}

/// What is wrong with arguments that can be parsed.
#[derive(Debug, Snafu, PartialEq, Eq)]
pub enum Error {
    /// More than one namespace.
    #[snafu(display(
        "--watch-namespace takes one namespace, not {count}: leave it out to look at all of them, or run one operator per namespace"
    ))]
    Namespaces {
        /// How many were given.
        count: usize,
    },
}

/// Where a server listens; `None` for a server that is switched off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Address(pub Option<SocketAddr>);

impl std::str::FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Address, String> {
        if text == "0" {
            return Ok(Address(None));
        }
        // Go's `:8080` is every address of both protocols, which is what Linux makes of `[::]`.
        let full = if text.starts_with(':') { format!("[::]{text}") } else { text.to_owned() };
        let address =
            full.parse().map_err(|_| "use address:port, :port, or 0 to switch it off".to_owned())?;
        Ok(Address(Some(address)))
    }
}

/// A time span such as `90s`, `10m` or `1h30m`, of a second at least.
fn time(text: &str) -> Result<Duration, String> {
    let span: SignedDuration = text.parse().map_err(|_| "use a time such as 90s, 10m or 1h".to_owned())?;
    let span = Duration::try_from(span).unwrap_or_default();
    (span >= Duration::from_secs(1)).then_some(span).ok_or_else(|| "use 1s or more".to_owned())
}

impl Args {
    /// Parses the command line of this process; ends it with a message if that can't be read.
    pub fn from_command_line() -> Args {
        Args::parse_from(std::env::args_os().map(two_dashes))
    }

    /// The namespaces to look at.
    pub fn scope(&self) -> Result<Scope, Error> {
        let named: Vec<&String> = self.watch_namespace.iter().filter(|name| !name.is_empty()).collect();
        match named.as_slice() {
            [] => Ok(Scope::All),
            [one] => Ok(Scope::Namespace((*one).clone())),
            more => NamespacesSnafu { count: more.len() }.fail(),
        }
    }

    /// The flags that were given and are not used, for the log.
    pub fn unused(&self) -> Vec<&'static str> {
        let i = &self.ignored;
        [
            ("concurrent-healthcheck", &i.concurrent_healthcheck),
            ("sync-interval", &i.sync_interval),
            ("work-dir", &i.work_dir),
            ("name", &i.name),
            ("k8s-qps", &i.k8s_qps),
            ("k8s-burst", &i.k8s_burst),
            ("pprof", &i.pprof),
            ("webhook", &i.webhook),
            ("debug", &i.debug),
            ("zap-devel", &i.zap_devel),
            ("zap-stacktrace-level", &i.zap_stacktrace_level),
            ("zap-time-encoding", &i.zap_time_encoding),
        ]
        .into_iter()
        .filter_map(|(name, value)| value.is_some().then_some(name))
        .collect()
    }
}

/// Go's flags may have one dash: `-leader-elect`. Ours with one dash are single letters.
fn two_dashes(argument: OsString) -> OsString {
    match argument.to_str().and_then(|text| text.strip_prefix('-')) {
        Some(rest) if rest.len() > 1 && rest.starts_with(|c: char| c.is_ascii_alphabetic()) => {
            format!("--{rest}").into()
        }
        _ => argument,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(args: &[&str]) -> Result<Args, clap::Error> {
        let all = ["milvus-operator"].iter().chain(args).map(OsString::from).map(two_dashes);
        Args::try_parse_from(all)
    }

    #[test]
    fn what_the_charts_pass_is_understood() {
        let args =
            parse(&["--metrics-bind-address=:8080", "--health-probe-bind-address=:8081", "--leader-elect"])
                .unwrap();
        assert!(args.leader_elect);
        assert_eq!(args.metrics_bind_address.0.unwrap(), "[::]:8080".parse().unwrap());
        assert_eq!(args.scope(), Ok(Scope::All));
        assert!(args.unused().is_empty());
    }

    #[test]
    fn flags_in_the_style_of_go_are_understood() {
        let args =
            parse(&["-leader-elect=false", "-zap-log-level=debug", "-concurrent-reconcile", "3"]).unwrap();
        assert!(!args.leader_elect);
        assert_eq!(args.log_level, "debug");
        assert_eq!(args.concurrent_reconcile, 3);
    }

    #[test]
    fn flags_of_the_go_operator_without_a_meaning_are_named_and_ignored() {
        let args = parse(&["--sync-interval=300", "--webhook", "-k8s-qps", "50"]).unwrap();
        assert_eq!(args.unused(), ["sync-interval", "k8s-qps", "webhook"]);
    }

    #[test]
    fn switching_controllers_off_is_refused_and_not_ignored() {
        assert!(
            parse(&["--stop-reconcilers=all"]).is_err(),
            "whoever asks for it relies on nothing being done"
        );
    }

    #[test]
    fn one_namespace_is_a_scope_and_two_are_an_error() {
        let one = parse(&["--watch-namespace=prod"]).unwrap();
        assert_eq!(one.scope(), Ok(Scope::Namespace("prod".into())));
        let none = parse(&["--watch-namespace="]).unwrap();
        assert_eq!(none.scope(), Ok(Scope::All));
        let two = parse(&["--watch-namespace=a,b"]).unwrap();
        assert_eq!(two.scope(), Err(Error::Namespaces { count: 2 }));
    }

    #[test]
    fn an_address_may_be_switched_off_and_must_have_a_port() {
        assert_eq!("0".parse(), Ok(Address(None)));
        assert_eq!("127.0.0.1:0".parse(), Ok(Address(Some("127.0.0.1:0".parse().unwrap()))));
        assert!("localhost".parse::<Address>().is_err());
    }
}
