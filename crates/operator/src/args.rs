//! The command line. Flags have the Go operator's names where they mean the same; those of its flags, and those of its environment
//! variables, that have nothing to set here are accepted and named in the log, so that existing `extraArgs` keep working.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::BoolishValueParser;
use clap::{ArgAction, Parser};
use jiff::SignedDuration;
use milvus_cluster::connect::Rate;
use milvus_cluster::scope::Scope;
use strum::{EnumString, VariantNames};

use crate::telemetry::LogFormat;

mod unused;

/// Runs Milvus on Kubernetes: installs, upgrades, heals.
#[derive(Debug, Clone, PartialEq, Parser)]
// As Go's flags: the last of two counts.
#[command(name = "milvus-operator", version, disable_help_subcommand = true, args_override_self = true)]
pub struct Args {
    /// Where metrics are served, at /metrics: host:port, or 0 for nowhere.
    #[arg(long, default_value = ":8080", value_name = "ADDRESS")]
    pub metrics_bind_address: Address,

    /// Where /healthz and /readyz are served: host:port, or 0 for nowhere.
    #[arg(long, default_value = ":8081", value_name = "ADDRESS")]
    pub health_probe_bind_address: Address,

    /// Work only while holding the Lease 71808ec5.milvus.io: needed with more than one replica.
    #[arg(long, num_args = 0..=1, require_equals = true, default_value_t = false, default_missing_value = "true",
          value_parser = BoolishValueParser::new(), action = ArgAction::Set)]
    pub leader_elect: bool,

    /// Namespace of the operator itself, where the Lease is.
    #[arg(long, env = "POD_NAMESPACE", default_value = "milvus-operator")]
    pub namespace: String,

    /// Name of the operator's pod: part of its identity in the Lease, and the reporter of its Events.
    #[arg(long, env = "POD_NAME", default_value = "milvus-operator")]
    pub pod_name: String,

    /// The namespaces to look at, separated by commas; all of them when not given.
    #[arg(long, value_name = "NAMESPACES", default_value = "", hide_default_value = true)]
    pub watch_namespace: Names,

    /// What is not to be done: all, milvus, milvusupgrade, separated by commas. The Lease is held all the same.
    #[arg(long, value_name = "KINDS", default_value = "", hide_default_value = true)]
    pub stop_reconcilers: Stopped,

    /// Image of the init container `config` of Milvus pods; milvus-operator of this version when not given.
    #[arg(long, env = "TOOL_IMAGE")]
    pub tool_image: Option<String>,

    /// A kubeconfig; by default the file that KUBECONFIG names, else ~/.kube/config, else the service account of the pod.
    #[arg(long, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,

    /// Level, or filter by module such as `info,kube=debug`. A number, as for zap: 1 is debug, 2 and more is trace.
    #[arg(long, alias = "zap-log-level", env = "RUST_LOG", default_value = "info")]
    pub log_level: String,

    /// Form of the log; console is text.
    #[arg(long, alias = "zap-encoder", env = "LOG_FORMAT", value_enum, default_value_t)]
    pub log_format: LogFormat,

    /// Passes at the same time in each of the namespaces that are watched, each over another Milvus; 0 for no limit.
    #[arg(long, default_value_t = 16)]
    pub concurrent_reconcile: u16,

    /// Requests a second to the API server, over time; 0 for no limit. The Lease is never held up by it.
    #[arg(long, default_value_t = 0.0, value_name = "REQUESTS")]
    pub k8s_qps: f64,

    /// Requests that may be sent at once before --k8s-qps holds them up.
    #[arg(long, default_value_t = 100, value_name = "REQUESTS")]
    pub k8s_burst: u32,

    /// How often the Secrets of a Milvus whose dependencies are well are read again, such as 1h or 90s; one that changes before is
    /// noticed when a dependency refuses the old credentials. With more than 100 Milvus objects it is longer in proportion.
    #[arg(long, default_value = "1h", value_name = "TIME", value_parser = time)]
    pub secrets_period: Duration,

    /// Flags of the Go operator without a meaning here.
    #[command(flatten)]
    unused: unused::Flags,
}

/// Names separated by commas.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names(Vec<String>);

impl std::str::FromStr for Names {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Names, Self::Err> {
        Ok(Names(text.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()))
    }
}

/// A word of `--stop-reconcilers`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, VariantNames)]
#[strum(serialize_all = "lowercase")]
enum Reconciler {
    All,
    Milvus,
    MilvusUpgrade,
    /// Kept, and never worked on here.
    MilvusCluster,
}

/// What is not to be done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stopped {
    /// Passes over Milvus objects.
    pub milvus: bool,
    /// Answers to `MilvusUpgrade` objects.
    pub upgrades: bool,
}

impl std::str::FromStr for Stopped {
    type Err = String;

    fn from_str(text: &str) -> Result<Stopped, String> {
        let mut stopped = Stopped::default();
        for word in text.split(',').map(str::trim).filter(|word| !word.is_empty()) {
            match word.to_lowercase().parse() {
                Ok(Reconciler::All) => stopped = Stopped { milvus: true, upgrades: true },
                Ok(Reconciler::Milvus) => stopped.milvus = true,
                Ok(Reconciler::MilvusUpgrade) => stopped.upgrades = true,
                Ok(Reconciler::MilvusCluster) => {}
                Err(_) => return Err(format!("{word} is none of {}", Reconciler::VARIANTS.join(", "))),
            }
        }
        Ok(stopped)
    }
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

    /// What to look at: everything, or each of the namespaces once.
    pub fn scopes(&self) -> Vec<Scope> {
        let mut names = self.watch_namespace.0.clone();
        names.sort();
        names.dedup();
        match names.is_empty() {
            true => vec![Scope::All],
            false => names.into_iter().map(Scope::Namespace).collect(),
        }
    }

    /// How many requests may be sent; `None` for any number.
    pub fn rate(&self) -> Option<Rate> {
        (self.k8s_qps > 0.0).then(|| Rate { burst: self.k8s_burst.max(1), per_second: self.k8s_qps })
    }

    /// The flags that were given, and the variables of `environment` that are set, which set nothing: for the log.
    pub fn unused(&self, environment: impl IntoIterator<Item = (OsString, OsString)>) -> Vec<String> {
        let flags = self.unused.given().into_iter().map(|flag| format!("--{flag}"));
        flags.chain(unused::variables(environment)).collect()
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

    fn unused(args: &Args, environment: &[(&str, &str)]) -> Vec<String> {
        args.unused(environment.iter().map(|(name, value)| (name.into(), value.into())))
    }

    #[test]
    fn what_the_charts_pass_is_understood() {
        let args =
            parse(&["--metrics-bind-address=:8080", "--health-probe-bind-address=:8081", "--leader-elect"])
                .unwrap();
        assert!(args.leader_elect);
        assert_eq!(args.metrics_bind_address.0.unwrap(), "[::]:8080".parse().unwrap());
        assert_eq!(args.scopes(), [Scope::All]);
        assert_eq!((args.stop_reconcilers, args.rate()), (Stopped::default(), None));
        assert!(unused(&args, &[("PATH", "/bin")]).is_empty());
    }

    #[test]
    fn flags_in_the_style_of_go_are_understood() {
        let args = parse(&[
            "-leader-elect=false",
            "-zap-log-level=debug",
            "-zap-encoder=json",
            "-concurrent-reconcile",
            "3",
            "-k8s-qps=50",
            "-k8s-burst=80",
            "-kubeconfig=/tmp/config",
        ])
        .unwrap();
        assert!(!args.leader_elect);
        assert_eq!((args.log_level.as_str(), args.log_format), ("debug", LogFormat::Json));
        assert_eq!(args.concurrent_reconcile, 3);
        assert_eq!(args.rate(), Some(Rate { burst: 80, per_second: 50.0 }));
        assert_eq!(args.kubeconfig, Some("/tmp/config".into()));
        assert!(parse(&["-leader-elect=T"]).unwrap().leader_elect, "Go's other words for true");
    }

    #[test]
    fn the_last_of_two_counts_so_that_extra_arguments_win() {
        let args =
            parse(&["--leader-elect", "--watch-namespace=a", "--leader-elect=false", "--watch-namespace=b"]);
        let args = args.unwrap();
        assert!(!args.leader_elect);
        assert_eq!(args.scopes(), [Scope::Namespace("b".into())]);
    }

    #[test]
    fn flags_and_variables_of_the_go_operator_without_a_meaning_are_named_and_ignored() {
        let args = parse(&["--sync-interval=300", "--webhook", "-name", "milvus-operator"]).unwrap();
        let environment = [("DEBUG", "true"), ("HELM_DRIVER", "memory"), ("HELM_X_SERVICE_HOST", "1.2.3.4")];
        let expected = ["--sync-interval", "--name", "--webhook", "DEBUG", "HELM_DRIVER"];
        assert_eq!(unused(&args, &environment), expected);
    }

    #[test]
    fn what_is_to_be_stopped_is_known_by_name_and_never_ignored() {
        let stopped = |value: &str| parse(&["--stop-reconcilers", value]).map(|args| args.stop_reconcilers);
        assert_eq!(stopped("all").unwrap(), Stopped { milvus: true, upgrades: true });
        assert_eq!(stopped("milvus").unwrap(), Stopped { milvus: true, upgrades: false });
        assert_eq!(
            stopped("milvusupgrade,milvuscluster").unwrap(),
            Stopped { milvus: false, upgrades: true }
        );
        let error = stopped("everything").unwrap_err().to_string();
        assert!(error.contains("everything is none of all, milvus, milvusupgrade, milvuscluster"), "{error}");
    }

    #[test]
    fn namespaces_are_a_scope_each_and_named_twice_they_are_one() {
        let scopes = |value: &str| parse(&["--watch-namespace", value]).unwrap().scopes();
        assert_eq!(scopes("prod"), [Scope::Namespace("prod".into())]);
        assert_eq!(scopes(""), [Scope::All]);
        assert_eq!(scopes("b, a,b,"), [Scope::Namespace("a".into()), Scope::Namespace("b".into())]);
    }

    #[test]
    fn an_address_may_be_switched_off_and_must_have_a_port() {
        assert_eq!("0".parse(), Ok(Address(None)));
        assert_eq!("127.0.0.1:0".parse(), Ok(Address(Some("127.0.0.1:0".parse().unwrap()))));
        assert!("localhost".parse::<Address>().is_err());
    }
}
