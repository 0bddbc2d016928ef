//! A throw-away etcd of one member: below a control plane, or by itself for what reads and writes Milvus' metadata.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use etcd_client::{Client, ConnectOptions};
use snafu::{ResultExt, Snafu};

use crate::{
    http,
    pki::Authority,
    ports::Port,
    process::{Process, Program},
    scratch::{self, Scratch},
    server::{self, FilesSnafu, KeysSnafu, NoPortSnafu, RunSnafu, ToolSnafu},
    tools::{self, Tool},
};

/// How long etcd may take until it serves; on an idle machine it takes 0.3 s.
const READY_WITHIN: Duration = Duration::from_mins(1);
/// How long etcd may take to close its files after SIGTERM.
const STOP_GRACE: Duration = Duration::from_secs(10);

/// What can go wrong with a throw-away etcd.
#[derive(Debug, Snafu)]
pub enum Error {
    /// It does not run.
    #[snafu(transparent)]
    Server {
        /// Why.
        source: server::Error,
    },
    /// A request to it failed.
    #[snafu(display("etcd at {endpoint}: {action}: {source}"))]
    Request {
        /// Where it is.
        endpoint: String,
        /// What was asked for.
        action: &'static str,
        /// What the client said.
        source: etcd_client::Error,
    },
}

/// How etcd is run.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Name and password of a user with the role `root`; authentication is switched on if given. etcd wants one user
    /// named `root`, so with any other name there is also a `root` with the same password.
    pub auth: Option<(String, String)>,
    /// Space quota in bytes (`--quota-backend-bytes`); etcd's default is 2 GiB.
    pub quota_bytes: Option<u64>,
    /// Clients speak TLS and show a certificate of [`Etcd::authority`]. [`Etcd::client`] is not for such a one.
    pub tls: bool,
}

/// Where it lives.
struct Place {
    /// Of data and log, and of the note that it was started.
    directory: PathBuf,
    /// Of the process, of its data below `directory`, and of its log.
    name: &'static str,
    detached: bool,
}

/// A running etcd on a free port. Dropping it ends it and removes its data, unless it was started beside a cluster.
#[derive(Debug)]
pub struct Etcd {
    process: Process,
    program: Program,
    /// For clients, and for other members, of which there are none.
    ports: [Port; 2],
    /// Where it says without TLS that it is ready, and who has signed its certificate.
    tls: Option<(Port, Authority)>,
    options: Options,
    // Last: removed after the process has ended.
    _scratch: Option<Scratch>,
}

impl Etcd {
    /// Starts one with data of its own and waits until it serves.
    pub async fn start(options: Options) -> Result<Self, Error> {
        let scratch = Scratch::new("etcd").await.context(FilesSnafu)?;
        let place = Place { directory: scratch.path().to_owned(), name: "etcd", detached: false };
        Box::pin(Self::launch(place, Some(scratch), options)).await
    }

    /// Starts one that outlives this process, below a cluster with a name: data and log lie in the cluster's directory
    /// as `<name>` and `<name>.log`, and `cluster down` ends it.
    pub async fn start_beside(cluster: &Path, name: &'static str, options: Options) -> Result<Self, Error> {
        let place = Place { directory: cluster.to_owned(), name, detached: true };
        Box::pin(Self::launch(place, None, options)).await
    }

    /// Starts the one of a control plane, with its data and log in `directory`; `detached` if it shall outlive this
    /// process.
    pub(crate) async fn start_in(
        directory: PathBuf,
        options: Options,
        detached: bool,
    ) -> Result<Self, Error> {
        Box::pin(Self::launch(Place { directory, name: "etcd", detached }, None, options)).await
    }

    async fn launch(place: Place, scratch: Option<Scratch>, options: Options) -> Result<Self, Error> {
        let Place { directory, name, detached } = place;
        let executable = tools::path(Tool::Etcd).await.context(ToolSnafu)?;
        let ports = [Port::free().context(NoPortSnafu)?, Port::free().context(NoPortSnafu)?];
        let scheme = if options.tls { "https" } else { "http" };
        let [client, peer] = [format!("{scheme}://{}", ports[0].address()), ports[1].http()];
        let tls = options.tls.then(|| tls(&directory)).transpose()?;
        let mut program = Program::new(name, &executable, directory.join(format!("{name}.log")))
            .detached(detached)
            .args(["--name=one", "--unsafe-no-fsync", "--log-level=warn"])
            .args([format!("--data-dir={}", directory.join(name).display())])
            .args([format!("--listen-client-urls={client}"), format!("--advertise-client-urls={client}")])
            .args([format!("--listen-peer-urls={peer}"), format!("--initial-advertise-peer-urls={peer}")])
            .args([format!("--initial-cluster=one={peer}")]);
        if let Some(quota) = options.quota_bytes {
            program = program.args([format!("--quota-backend-bytes={quota}")]);
        }
        let tls = tls.map(|(port, authority, args)| {
            program = program.clone().args(args);
            (port, authority)
        });
        let process = program.clone().start().await.context(RunSnafu)?;
        scratch::note(&directory, &process).context(FilesSnafu)?;
        let mut etcd = Self { process, program, ports, tls, options, _scratch: scratch };
        etcd.wait_ready().await?;
        etcd.enable_auth().await?;
        Ok(etcd)
    }

    /// Who has signed its certificate, with [`Options::tls`].
    pub fn authority(&self) -> Option<&Authority> {
        self.tls.as_ref().map(|(_, authority)| authority)
    }

    /// `http://127.0.0.1:<port>`; stays the same over restarts.
    pub fn endpoint(&self) -> String {
        self.ports[0].http()
    }

    /// `127.0.0.1:<port>`, as Milvus writes endpoints.
    pub fn address(&self) -> String {
        self.ports[0].address()
    }

    /// A client, logged in as the user of the options.
    pub async fn client(&self) -> Result<Client, Error> {
        let login = self
            .options
            .auth
            .as_ref()
            .map(|(user, password)| ConnectOptions::new().with_user(user, password));
        self.connect(login).await
    }

    /// A client without credentials.
    pub async fn anonymous(&self) -> Result<Client, Error> {
        self.connect(None).await
    }

    /// SIGTERM; the data stay. [`Etcd::restart`] brings it back.
    pub async fn stop(&mut self) -> Result<(), Error> {
        self.process.stop(STOP_GRACE).await.context(RunSnafu)?;
        Ok(())
    }

    /// SIGKILL; the data stay. [`Etcd::restart`] brings it back.
    pub async fn kill(&mut self) -> Result<(), Error> {
        self.process.kill().await.context(RunSnafu)?;
        Ok(())
    }

    /// Starts it again, on the same port with the same data, and waits until it serves. Kills it first if it runs.
    pub async fn restart(&mut self) -> Result<(), Error> {
        self.kill().await?;
        self.process = self.program.clone().start().await.context(RunSnafu)?;
        self.wait_ready().await
    }

    pub(crate) fn into_process(self) -> (Process, [Port; 2]) {
        (self.process, self.ports)
    }

    async fn wait_ready(&mut self) -> Result<(), Error> {
        let port = self.tls.as_ref().map_or(&self.ports[0], |(port, _)| port);
        let url = format!("{}/readyz", port.http());
        Ok(self.process.ready(READY_WITHIN, async || http::is_ok(&url).await).await.context(RunSnafu)?)
    }

    async fn connect(&self, login: Option<ConnectOptions>) -> Result<Client, Error> {
        let endpoint = self.endpoint();
        let client = Client::connect([&endpoint], login).await;
        client.context(RequestSnafu { endpoint, action: "connecting" })
    }

    async fn enable_auth(&self) -> Result<(), Error> {
        let Some((user, password)) = &self.options.auth else { return Ok(()) };
        let mut client = self.anonymous().await?;
        let failed = |action| RequestSnafu { endpoint: self.endpoint(), action };
        client.role_add("root").await.context(failed("adding the role root"))?;
        let mut names = vec![user.as_str()];
        if user != "root" {
            names.push("root");
        }
        for name in names {
            client.user_add(name, password.as_str(), None).await.context(failed("adding a user"))?;
            client.user_grant_role(name, "root").await.context(failed("granting the role root"))?;
        }
        client.auth_enable().await.context(failed("switching authentication on"))?;
        Ok(())
    }
}

/// A port for its health, a CA, and the arguments that make it use them.
fn tls(directory: &Path) -> Result<(Port, Authority, Vec<String>), server::Error> {
    let health = Port::free().context(NoPortSnafu)?;
    let authority = Authority::new("milvus-testkit-etcd").context(KeysSnafu)?;
    let server = authority.server().context(KeysSnafu)?;
    let file = |name: &str, text: &str| {
        let path = directory.join(name);
        let written = scratch::write_private(&path, text.as_bytes());
        written
            .context(scratch::FileSnafu { path: &path, action: "written" })
            .context(FilesSnafu)
            .map(|()| path.display().to_string())
    };
    let args = vec![
        "--client-cert-auth".to_owned(),
        format!("--cert-file={}", file("server.crt", &server.certificate)?),
        format!("--key-file={}", file("server.key", &server.key)?),
        format!("--trusted-ca-file={}", file("client-ca.crt", authority.certificate())?),
        format!("--listen-metrics-urls={}", health.http()),
    ];
    Ok((health, authority, args))
}
