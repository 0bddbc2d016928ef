//! Flags and environment variables of the Go operator that set something which this operator does not have.

use std::ffi::OsString;

/// The flags. Each may be given with any value.
#[derive(Debug, Clone, Default, PartialEq, Eq, clap::Args)]
pub(super) struct Flags {
    #[arg(long, hide = true)]
    concurrent_healthcheck: Option<String>,
    #[arg(long, hide = true)]
    sync_interval: Option<String>,
    #[arg(long, hide = true)]
    work_dir: Option<String>,
    #[arg(long, hide = true)]
    name: Option<String>,
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

impl Flags {
    /// Those that were given.
    pub(super) fn given(&self) -> Vec<&'static str> {
        [
            ("concurrent-healthcheck", &self.concurrent_healthcheck),
            ("sync-interval", &self.sync_interval),
            ("work-dir", &self.work_dir),
            ("name", &self.name),
            ("pprof", &self.pprof),
            ("webhook", &self.webhook),
            ("debug", &self.debug),
            ("zap-devel", &self.zap_devel),
            ("zap-stacktrace-level", &self.zap_stacktrace_level),
            ("zap-time-encoding", &self.zap_time_encoding),
        ]
        .into_iter()
        .filter_map(|(name, value)| value.is_some().then_some(name))
        .collect()
    }
}

/// The variables: `DEBUG` let panics end the Go operator, which they always do here; the others are helm's. They are named one by one,
/// because a Service called `helm-…` puts variables of its own into every pod.
const VARIABLES: [&str; 14] = [
    "DEBUG",
    "HELM_CACHE_HOME",
    "HELM_CONFIG_HOME",
    "HELM_DATA_HOME",
    "HELM_DEBUG",
    "HELM_DRIVER",
    "HELM_DRIVER_SQL_CONNECTION_STRING",
    "HELM_KUBECONTEXT",
    "HELM_MAX_HISTORY",
    "HELM_NAMESPACE",
    "HELM_PLUGINS",
    "HELM_REGISTRY_CONFIG",
    "HELM_REPOSITORY_CACHE",
    "HELM_REPOSITORY_CONFIG",
];

/// Those of `environment` that are set to something.
pub(super) fn variables(environment: impl IntoIterator<Item = (OsString, OsString)>) -> Vec<String> {
    let set = environment.into_iter().filter(|(_, value)| !value.is_empty());
    let mut names: Vec<String> = set
        .filter_map(|(name, _)| name.into_string().ok())
        .filter(|name| VARIABLES.contains(&name.as_str()))
        .collect();
    names.sort();
    names
}
