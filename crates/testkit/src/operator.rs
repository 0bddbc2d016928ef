//! The operator as users install it, but run as a local process.
//!
//! The chart is installed with the real helm; arguments, environment, probe and ServiceAccount are read back from the
//! Deployment in the API, and the given binary is started with exactly those and with a token of that ServiceAccount.
//! What the chart gets wrong, in rights or in flags, therefore fails here as it would in a cluster. Only what cannot be the same
//! on a shared machine differs: the listening ports, and the paths of executables.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::ExitStatus,
    time::Duration,
};

use k8s_openapi::api::apps::v1::Deployment;
use kube::Api;
use snafu::{OptionExt, ResultExt, Snafu};

use crate::{
    access::{self, Access},
    http,
    ports::Port,
    process::{Process, ProcessId, Program},
    scratch::{self, Scratch},
    server::{self, FilesSnafu, NoPortSnafu, RunSnafu, ToolSnafu},
    tools::{self, Tool},
};

mod rendered;

/// The name of release, namespace and Deployment.
pub const NAME: &str = "milvus-operator";
/// The name of the container.
const CONTAINER: &str = "manager";
/// How long the operator may take until it is ready. One that was killed leaves a lease that must run out first.
const READY_WITHIN: Duration = Duration::from_mins(2);
/// The grace period that the chart's pod has.
const STOP_GRACE: Duration = Duration::from_secs(10);

/// Why the operator does not run.
#[derive(Debug, Snafu)]
#[snafu(visibility(pub(crate)))]
pub enum Error {
    /// The chart could not be installed, or there is no way in with the operator's token.
    #[snafu(display("{source}"))]
    Enter {
        /// Why.
        source: access::Error,
    },
    /// The Deployment could not be read.
    #[snafu(display("reading the Deployment {NAME}/{NAME} that the chart made: {source}"))]
    ReadDeployment {
        /// Why.
        source: kube::Error,
    },
    /// The Deployment lacks something that the pod of an operator must have, or has what cannot be played here.
    #[snafu(display("the Deployment {NAME}/{NAME} that the chart made: {problem}"))]
    Deployment {
        /// What.
        problem: String,
    },
    /// It does not run, or helm is not there.
    #[snafu(transparent)]
    Server {
        /// Why.
        source: server::Error,
    },
    /// The metrics could not be read.
    #[snafu(display("{source}"))]
    Metrics {
        /// Why.
        source: http::RequestError,
    },
}

/// What to run.
#[derive(Debug, Clone)]
pub struct Options {
    /// The chart: a directory or an archive.
    pub chart: PathBuf,
    /// The operator's binary.
    pub binary: PathBuf,
    /// Values for `helm install --set`, for example `replicaCount=2`.
    pub values: Vec<String>,
    /// Arguments after the chart's.
    pub args: Vec<String>,
    /// Variables after the chart's.
    pub env: Vec<(String, String)>,
    /// A directory for its log and kubeconfig that stays; the process then is noted there and outlives this one. For
    /// clusters with a name, their directory: `cluster down` then ends the operator as well.
    pub detached_in: Option<PathBuf>,
}

impl Options {
    /// The chart as it is.
    pub fn new(chart: impl Into<PathBuf>, binary: impl Into<PathBuf>) -> Self {
        Self {
            chart: chart.into(),
            binary: binary.into(),
            values: Vec::new(),
            args: Vec::new(),
            env: Vec::new(),
            detached_in: None,
        }
    }
}

/// A running operator. Dropping it kills it, unless it is detached.
#[derive(Debug)]
pub struct Operator {
    process: Process,
    program: Program,
    user: String,
    directory: PathBuf,
    ready_url: String,
    metrics: Port,
    _health: Port,
    // Last: removed after the process has ended.
    _scratch: Option<Scratch>,
}

impl Operator {
    /// Installs the chart, or upgrades the release if there is one, starts the binary and waits until the readiness
    /// probe of the Deployment answers 200.
    pub async fn install(access: &Access, options: &Options) -> Result<Self, Error> {
        install_chart(access, options).await?;
        let mut operator = Self::launch(access, options).await?;
        operator.wait_ready().await?;
        Ok(operator)
    }

    /// Starts the binary for a chart that is installed, without waiting until it is ready: a second one beside the
    /// first stands by, and is not ready if the operator says so.
    pub async fn launch(access: &Access, options: &Options) -> Result<Self, Error> {
        let scratch = match options.detached_in {
            Some(_) => None,
            None => Some(Scratch::new("operator").await.context(FilesSnafu)?),
        };
        let kept = options.detached_in.as_deref().or(scratch.as_ref().map(Scratch::path));
        let directory = kept.unwrap_or(Path::new(".")).to_owned();
        let api: Api<Deployment> = Api::namespaced(access.client().context(EnterSnafu)?, NAME);
        let deployment = api.get(NAME).await.context(ReadDeploymentSnafu)?;
        let (health, metrics) = (Port::free().context(NoPortSnafu)?, Port::free().context(NoPortSnafu)?);
        let rendered = rendered::Rendered::read(&deployment, &health, &metrics)?;
        let entered = access.as_service_account(NAME, &rendered.service_account).await.context(EnterSnafu)?;
        let program = program(&rendered, options, &directory, entered.kubeconfig()).await?;
        let process = program.clone().start().await.context(RunSnafu)?;
        scratch::note(&directory, &process).context(FilesSnafu)?;
        Ok(Self {
            process,
            program,
            user: format!("system:serviceaccount:{NAME}:{}", rendered.service_account),
            directory,
            ready_url: rendered.ready_url,
            metrics,
            _health: health,
            _scratch: scratch,
        })
    }

    /// The user that the API server knows it by: whose writes to count in the audit log.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The process as it runs now.
    pub fn id(&self) -> ProcessId {
        self.process.id()
    }

    /// Its output, over all restarts.
    pub fn log(&self) -> &Path {
        self.process.log()
    }

    /// What it serves at `/metrics`.
    pub async fn metrics(&self) -> Result<String, Error> {
        let answer = http::get(&format!("{}/metrics", self.metrics.http())).await;
        Ok(answer.context(MetricsSnafu)?.body)
    }

    /// Whether its readiness probe answers 200 now.
    pub async fn is_ready(&self) -> bool {
        http::is_ok(&self.ready_url).await
    }

    /// Waits until its readiness probe answers 200.
    pub async fn wait_ready(&mut self) -> Result<(), Error> {
        let url = self.ready_url.clone();
        Ok(self.process.ready(READY_WITHIN, async || http::is_ok(&url).await).await.context(RunSnafu)?)
    }

    /// SIGTERM, as the kubelet does, and SIGKILL after the grace period; how it ended.
    pub async fn terminate(&mut self) -> Result<ExitStatus, Error> {
        Ok(self.process.stop(STOP_GRACE).await.context(RunSnafu)?)
    }

    /// SIGKILL.
    pub async fn kill(&mut self) -> Result<(), Error> {
        self.process.kill().await.context(RunSnafu)?;
        Ok(())
    }

    /// Starts it again after [`Operator::kill`] or [`Operator::terminate`], without waiting until it is ready.
    pub async fn start_again(&mut self) -> Result<(), Error> {
        self.kill().await?;
        self.process = self.program.clone().start().await.context(RunSnafu)?;
        Ok(scratch::note(&self.directory, &self.process).context(FilesSnafu)?)
    }

    /// Terminates it, starts it again, and waits until it is ready.
    pub async fn restart(&mut self) -> Result<(), Error> {
        self.terminate().await?;
        self.start_again().await?;
        self.wait_ready().await
    }
}

async fn install_chart(access: &Access, options: &Options) -> Result<(), Error> {
    let mut args: Vec<OsString> = ["upgrade", "--install", NAME].map(Into::into).to_vec();
    args.push(options.chart.clone().into_os_string());
    args.extend(["--namespace", NAME, "--create-namespace"].map(Into::into));
    for value in &options.values {
        args.extend(["--set".into(), value.into()]);
    }
    access.helm(args).await.and_then(access::Output::success).context(EnterSnafu).map(|_| ())
}

async fn program(
    rendered: &rendered::Rendered,
    options: &Options,
    directory: &Path,
    kubeconfig: &Path,
) -> Result<Program, Error> {
    let helm = tools::path(Tool::Helm).await.context(ToolSnafu)?;
    let helm_directory = helm.parent().context(DeploymentSnafu { problem: "helm has no directory" })?;
    let inherited = std::env::var_os("PATH").unwrap_or_default();
    let directories = std::iter::once(helm_directory.to_owned()).chain(std::env::split_paths(&inherited));
    let path = std::env::join_paths(directories).unwrap_or(inherited.clone());
    let mut program = Program::new(NAME, &options.binary, directory.join("operator.log"))
        .detached(options.detached_in.is_some())
        .args(&rendered.args)
        .args(&options.args)
        .env("PATH", path)
        .env("HOME", directory)
        .env("KUBECONFIG", kubeconfig);
    program.clean_env = true;
    let added = options.env.iter().map(|(name, value)| (name, value));
    for (name, value) in rendered.env.iter().chain(added) {
        program = program.env(name, value);
    }
    Ok(program)
}
