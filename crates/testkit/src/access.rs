//! The way into a cluster, ours or one that exists: a kubeconfig of one context, clients made from it, and the real
//! kubectl and helm with homes of their own, so that nothing of the user's configuration is read or written.

use std::{
    ffi::OsStr,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::Stdio,
};

use k8s_openapi::api::{
    authentication::v1::{TokenRequest, TokenRequestSpec},
    core::v1::ServiceAccount,
};
use kube::{
    Api, Client, Config,
    api::PostParams,
    config::{AuthInfo, KubeConfigOptions, Kubeconfig, KubeconfigError, NamedAuthInfo},
};
use snafu::{OptionExt, ResultExt, Snafu, ensure};
use tokio::{io::AsyncWriteExt, process::Command};

use crate::{
    http::install_crypto,
    node,
    scratch::{self, FileError},
    tools::{self, Tool},
};

/// How long a token of a ServiceAccount is valid, in seconds.
const TOKEN_SECONDS: i64 = 24 * 3600;

/// What can go wrong on the way into a cluster.
#[derive(Debug, Snafu)]
pub enum Error {
    /// The kubeconfig cannot be read, or lacks the context.
    #[snafu(display("the kubeconfig cannot be used: {source}"))]
    ReadKubeconfig {
        /// Why.
        source: KubeconfigError,
    },
    /// The kubeconfig has no context to work with.
    #[snafu(display("the kubeconfig names no current context; choose one with `--context NAME`"))]
    NoContext,
    /// A context without a user can't be given another identity.
    #[snafu(display("the kubeconfig has no context {name}"))]
    IncompleteContext {
        /// The context.
        name: String,
    },
    /// No client could be made of the kubeconfig.
    #[snafu(display("no client could be made for {server}: {source}"))]
    MakeClient {
        /// The address of the API server.
        server: String,
        /// Why.
        source: kube::Error,
    },
    /// A file could not be written.
    #[snafu(display("{source}"))]
    Files {
        /// Why.
        source: FileError,
    },
    /// kubectl or helm is not there.
    #[snafu(display("{source}"))]
    Tool {
        /// Why.
        source: tools::Error,
    },
    /// kubectl or helm could not be run.
    #[snafu(display("{command} could not be run: {source}"))]
    RunCommand {
        /// The command line.
        command: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// kubectl or helm says no.
    #[snafu(display("{command} ended with {code}:\n{stderr}{stdout}"))]
    CommandFailed {
        /// The command line.
        command: String,
        /// The exit code; -1 after a signal.
        code: i32,
        /// Standard error.
        stderr: String,
        /// Standard output.
        stdout: String,
    },
    /// The API server gives no token for a ServiceAccount.
    #[snafu(display("no token for the ServiceAccount {namespace}/{name}: {source}"))]
    RequestToken {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
        /// Why.
        source: kube::Error,
    },
    /// The API server answered without a token.
    #[snafu(display("the answer to the token request for {namespace}/{name} has no status"))]
    EmptyToken {
        /// The namespace of the ServiceAccount.
        namespace: String,
        /// Its name.
        name: String,
    },
}

/// What a command printed and how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// The command line, for messages.
    pub command: String,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// The exit code; -1 after a signal.
    pub code: i32,
}

impl Output {
    /// Standard output, or an error that quotes everything if the exit code is not 0.
    pub fn success(self) -> Result<String, Error> {
        let Self { command, stdout, stderr, code } = self;
        ensure!(code == 0, CommandFailedSnafu { command, code, stderr, stdout });
        Ok(stdout)
    }
}

/// One user's way into one cluster.
#[derive(Debug, Clone)]
pub struct Access {
    kubeconfig: Kubeconfig,
    path: PathBuf,
    config: Config,
    home: PathBuf,
}

impl Access {
    /// By a kubeconfig of ours. `home` is a directory for the caches of kubectl and helm and for further kubeconfigs.
    pub(crate) async fn new(kubeconfig: Kubeconfig, home: &Path) -> Result<Self, Error> {
        let home = home.to_owned();
        let written = std::fs::create_dir_all(home.join("users"));
        written.context(scratch::FileSnafu { path: &home, action: "created" }).context(FilesSnafu)?;
        scratch::write_json(&home.join("kubeconfig"), &kubeconfig).context(FilesSnafu)?;
        Self::load(kubeconfig, home).await
    }

    async fn load(kubeconfig: Kubeconfig, home: PathBuf) -> Result<Self, Error> {
        install_crypto();
        let config = Config::from_custom_kubeconfig(kubeconfig.clone(), &KubeConfigOptions::default()).await;
        let mut config = config.context(ReadKubeconfigSnafu)?;
        let host = config.cluster_url.host();
        if [Ipv4Addr::LOCALHOST, node::ADDRESS].iter().any(|own| host == Some(&*own.to_string())) {
            // The library would take a proxy from the environment although no proxy can reach an address inside of
            // this machine.
            config.proxy_url = None;
        }
        Ok(Self { path: home.join("kubeconfig"), kubeconfig, config, home })
    }

    /// To a cluster that exists: the given context, or the current one, of `KUBECONFIG` or `~/.kube/config`. The
    /// kubeconfig is copied to `home` with that context as the current one.
    pub async fn existing(context: Option<&str>, home: &Path) -> Result<Self, Error> {
        let mut kubeconfig = Kubeconfig::read().context(ReadKubeconfigSnafu)?;
        let chosen = context.map(str::to_owned).or_else(|| kubeconfig.current_context.clone());
        let name = chosen.filter(|name| !name.is_empty()).context(NoContextSnafu)?;
        ensure!(kubeconfig.contexts.iter().any(|known| known.name == name), IncompleteContextSnafu { name });
        kubeconfig.current_context = Some(name);
        Self::new(kubeconfig, home).await
    }

    /// From a directory that [`Access`] was written to before.
    pub async fn open(home: &Path) -> Result<Self, Error> {
        let kubeconfig = Kubeconfig::read_from(home.join("kubeconfig")).context(ReadKubeconfigSnafu)?;
        Self::load(kubeconfig, home.to_owned()).await
    }

    /// A new client. It lives as long as the tokio runtime that it is made in: every test makes its own.
    pub fn client(&self) -> Result<Client, Error> {
        let server = self.config.cluster_url.to_string();
        Client::try_from(self.config.clone()).context(MakeClientSnafu { server })
    }

    /// The kubeconfig file, with the right current context.
    pub fn kubeconfig(&self) -> &Path {
        &self.path
    }

    /// The address of the API server.
    pub fn server(&self) -> String {
        self.config.cluster_url.to_string()
    }

    /// The same cluster as somebody else: by a bearer token. `user` names the directory that its kubeconfig lies in.
    pub async fn with_token(&self, user: &str, token: &str) -> Result<Self, Error> {
        let mut kubeconfig = self.kubeconfig.clone();
        let current = kubeconfig.current_context.clone().context(NoContextSnafu)?;
        kubeconfig.contexts.retain(|context| context.name == current);
        let context = kubeconfig.contexts.first_mut().and_then(|named| named.context.as_mut());
        context.context(IncompleteContextSnafu { name: current })?.user = Some(user.to_owned());
        let auth_info = AuthInfo { token: Some(token.to_owned().into()), ..AuthInfo::default() };
        kubeconfig.auth_infos = vec![NamedAuthInfo {
            name: user.to_owned(),
            auth_info: Some(auth_info),
            ..NamedAuthInfo::default()
        }];
        Self::new(kubeconfig, &self.home.join("users").join(user.replace([':', '/'], "_"))).await
    }

    /// The same cluster as a ServiceAccount, with a token from the TokenRequest API as its pods get them.
    pub async fn as_service_account(&self, namespace: &str, name: &str) -> Result<Self, Error> {
        let api: Api<ServiceAccount> = Api::namespaced(self.client()?, namespace);
        let spec =
            TokenRequestSpec { expiration_seconds: Some(TOKEN_SECONDS), ..TokenRequestSpec::default() };
        let request = TokenRequest { spec, ..TokenRequest::default() };
        let answer = api.create_token_request(name, &PostParams::default(), &request).await;
        let status = answer.context(RequestTokenSnafu { namespace, name })?.status;
        let token = status.context(EmptyTokenSnafu { namespace, name })?.token;
        self.with_token(&format!("{namespace}:{name}"), &token).await
    }

    /// Runs kubectl.
    pub async fn kubectl<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Result<Output, Error> {
        let mut command = self.command(Tool::Kubectl).await?;
        command.args(args);
        run(command, None).await
    }

    /// Runs `kubectl apply -f -` on a manifest; standard output, or an error.
    pub async fn apply(&self, manifest: &str) -> Result<String, Error> {
        let mut command = self.command(Tool::Kubectl).await?;
        command.args(["apply", "-f", "-"]);
        run(command, Some(manifest)).await?.success()
    }

    /// Runs helm.
    pub async fn helm<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Result<Output, Error> {
        let mut command = self.command(Tool::Helm).await?;
        command.args(args);
        run(command, None).await
    }

    /// kubectl or helm without arguments, with the environment that makes it use this cluster and nothing of the
    /// user's; for what [`Access::kubectl`] and [`Access::helm`] cannot do. [`run`] runs it.
    pub async fn command(&self, tool: Tool) -> Result<Command, Error> {
        let mut command = Command::new(tools::path(tool).await.context(ToolSnafu)?);
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("HELM_") || text.starts_with("KUBE") {
                command.env_remove(&name);
            }
        }
        command.env("KUBECONFIG", &self.path).env("KUBECACHEDIR", self.home.join("kube-cache"));
        let own = node::ADDRESS.to_string();
        if self.config.cluster_url.host() == Some(&*own) {
            command.env("NO_PROXY", own);
        }
        for kind in ["CACHE", "CONFIG", "DATA"] {
            command.env(format!("HELM_{kind}_HOME"), self.home.join("helm").join(kind.to_lowercase()));
        }
        Ok(command)
    }
}

/// Runs a command to its end, with `input` as standard input. Dropping the future kills it.
pub async fn run(mut command: Command, input: Option<&str>) -> Result<Output, Error> {
    let line = {
        let plain = command.as_std();
        let program = Path::new(plain.get_program()).file_name().unwrap_or_default().to_string_lossy();
        plain.get_args().fold(program.into_owned(), |line, arg| format!("{line} {}", arg.to_string_lossy()))
    };
    let failed = RunCommandSnafu { command: &line };
    let stdin = if input.is_some() { Stdio::piped() } else { Stdio::null() };
    command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().context(failed)?;
    let pipe = child.stdin.take();
    let feed = async {
        if let (Some(mut pipe), Some(input)) = (pipe, input) {
            // A command that ends without reading all of its input says why on standard error.
            let _ = pipe.write_all(input.as_bytes()).await;
        }
    };
    let (output, ()) = tokio::join!(child.wait_with_output(), feed);
    let output = output.context(failed)?;
    Ok(Output {
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        code: output.status.code().unwrap_or(-1),
        command: line,
    })
}
