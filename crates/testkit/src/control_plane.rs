//! A control plane of its own: etcd, kube-apiserver, kube-controller-manager, kube-scheduler and kwok on free ports,
//! with RBAC, an audit log, and nodes that play pods.
//!
//! Any number can run side by side. Everything ends when the [`ControlPlane`] is dropped or its process dies.

use std::{
    net::Ipv4Addr,
    path::{Path, PathBuf},
    time::Duration,
};

use snafu::{ResultExt, Snafu};
use tokio::sync::OnceCell;

use crate::{
    access::{self, Access},
    audit, etcd, pki,
    ports::Port,
    process::Process,
    real_node::{self, RealNode},
    scratch::{self, FileError, Scratch},
    server::{self, FilesSnafu, KeysSnafu, NoPortSnafu, RunSnafu, ToolSnafu},
    stages::{self, Delays},
    tools::{self, Tool},
};

pub use crate::tools::Version;

pub(crate) mod nodes;
mod programs;
mod users;

/// How long the API server may take until it is ready; on an idle machine it takes 3 s.
const READY_WITHIN: Duration = Duration::from_mins(2);
/// How long nodes may take to become Ready after the API server is.
const NODES_WITHIN: Duration = Duration::from_mins(1);

/// Why there is no control plane.
#[derive(Debug, Snafu)]
#[snafu(visibility(pub(crate)))]
pub enum Error {
    /// One of its programs does not run.
    #[snafu(transparent)]
    Server {
        /// Why.
        source: server::Error,
    },
    /// etcd does not serve.
    #[snafu(display("{source}"))]
    Store {
        /// Why.
        source: etcd::Error,
    },
    /// There is no way in.
    #[snafu(display("{source}"))]
    Enter {
        /// Why.
        source: access::Error,
    },
    /// The nodes or the StorageClass could not be created.
    #[snafu(display("creating {what}: {source}"))]
    Create {
        /// What.
        what: String,
        /// Why.
        source: kube::Error,
    },
    /// The node that runs containers does not.
    #[snafu(display("{source}"))]
    RealNode {
        /// Why.
        #[snafu(source(from(real_node::Error, Box::new)))]
        source: Box<real_node::Error>,
    },
    /// A node does not become Ready.
    #[snafu(display("a played node: {source}"))]
    NodeReady {
        /// Why.
        source: crate::wait::Error,
    },
}

/// How a control plane is made.
#[derive(Debug, Clone)]
pub struct Options {
    /// Which Kubernetes.
    pub version: Version,
    /// How many nodes; all are played, untainted, and large.
    pub nodes: usize,
    /// When pods become Ready and are gone.
    pub delays: Delays,
}

impl Default for Options {
    fn default() -> Self {
        Self { version: Version::default(), nodes: 1, delays: Delays::default() }
    }
}

/// Where a control plane runs.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    /// Where everything that it writes goes.
    pub(crate) directory: &'a Path,
    /// Whether it shall outlive this process.
    pub(crate) detached: bool,
    /// A node that runs containers, beside those that play pods.
    pub(crate) real_node: Option<&'a RealNode>,
}

impl Place<'_> {
    /// Of the API server.
    fn address(&self) -> Ipv4Addr {
        self.real_node.map_or(Ipv4Addr::LOCALHOST, |_| real_node::ADDRESS)
    }
}

/// A running control plane.
#[derive(Debug)]
pub struct ControlPlane {
    access: Access,
    directory: PathBuf,
    // In the order of ending: first the clients, last what they talk to.
    processes: Vec<Process>,
    _ports: Vec<Port>,
    // Last: removed after the processes have ended.
    scratch: Option<Scratch>,
}

/// The shared one of each version.
static SHARED: [OnceCell<ControlPlane>; 2] = [OnceCell::const_new(), OnceCell::const_new()];

impl ControlPlane {
    /// Starts one with default options and waits until it is ready, which takes about 5 s.
    ///
    /// # Errors
    /// As [`ControlPlane::start`].
    pub async fn new() -> Result<Self, Error> {
        Self::start(Options::default()).await
    }

    /// Starts one and waits until its API is ready and its nodes are.
    ///
    /// # Errors
    /// A program can't be had or does not run, or its API or a node is not ready in time.
    pub async fn start(options: Options) -> Result<Self, Error> {
        let scratch = Scratch::new("control-plane").await.context(FilesSnafu)?;
        let place = Place { directory: scratch.path(), detached: false, real_node: None };
        let mut plane = Box::pin(Self::start_in(place, options)).await?;
        plane.scratch = Some(scratch);
        Ok(plane)
    }

    /// The one that all tests of a test binary share; the first call starts it. Tests keep apart by namespaces. It
    /// ends with the process.
    ///
    /// # Errors
    /// As [`ControlPlane::start`].
    pub async fn shared() -> Result<&'static Self, Error> {
        Self::shared_of(Version::default()).await
    }

    /// As [`ControlPlane::shared`], of a version of Kubernetes.
    ///
    /// # Errors
    /// As [`ControlPlane::start`].
    pub async fn shared_of(version: Version) -> Result<&'static Self, Error> {
        let shared = match version {
            Version::V1_34 => &SHARED[0],
            Version::V1_37 => &SHARED[1],
        };
        shared.get_or_try_init(async || Self::start(Options { version, ..Options::default() }).await).await
    }

    /// Starts one at a place. What was started is noted there ([`scratch::started`]), also if this fails half-way.
    pub(crate) async fn start_in(place: Place<'_>, options: Options) -> Result<Self, Error> {
        let Place { directory, detached, .. } = place;
        let programs = [Tool::KubeApiserver, Tool::KubeControllerManager, Tool::KubeScheduler, Tool::Kwok];
        let [apiserver, controllers, scheduler, kwok] =
            tools::paths_in(options.version, programs).await.context(ToolSnafu)?;
        if let Some(node) = place.real_node {
            node.prepare(directory).await.context(RealNodeSnafu)?;
        }
        let keys = pki::Pki::generate(directory, place.address()).context(KeysSnafu)?;
        write(directory, "audit-policy.yaml", audit::POLICY.as_bytes())?;
        let stages = directory.join("stages.yaml");
        stages::write(&stages, options.delays, &directory.join("volumes"))
            .context(scratch::FileSnafu { path: &stages, action: "written" })
            .context(FilesSnafu)?;
        let port = || Port::free().context(NoPortSnafu);
        let (api_port, controllers_port, scheduler_port) = (port()?, port()?, port()?);
        let users = users::Users::create(directory, (place.address(), &api_port), &keys.ca).await?;

        let etcd = etcd::Etcd::start_in(directory.to_owned(), etcd::Options::default(), detached);
        let (etcd, etcd_ports) = etcd.await.context(StoreSnafu)?.into_process();
        let launch = programs::Launch { directory, detached, address: place.address(), users: &users };
        let api = launch.apiserver(&apiserver, &api_port, &etcd_ports[0], &keys).await?;
        let controllers = launch.controllers(&controllers, &controllers_port, &keys).await?;
        let scheduler = launch.scheduler(&scheduler, &scheduler_port).await?;
        let kwok = launch.kwok(&kwok, &stages).await?;

        let [client_port, peer_port] = etcd_ports;
        let mut plane = Self {
            access: users.admin.clone(),
            directory: directory.to_owned(),
            processes: vec![kwok, scheduler, controllers, api, etcd],
            _ports: vec![api_port, controllers_port, scheduler_port, client_port, peer_port],
            scratch: None,
        };
        plane.wait_ready().await?;
        nodes::create(&plane.access, options.nodes, place.real_node.is_some()).await?;
        if let Some(node) = place.real_node {
            let users = real_node::Users {
                admin: &users.admin,
                kubelet: &users.kubelet,
                kube_proxy: &users.kube_proxy,
                coredns: &users.coredns,
            };
            let started = node.start(directory, &keys.ca, users).await.context(RealNodeSnafu)?;
            plane.processes.splice(0..0, started);
        }
        Ok(plane)
    }

    /// The administrator's way in.
    pub fn access(&self) -> &Access {
        &self.access
    }

    /// A client of the administrator, for the tokio runtime that this is called in.
    pub fn client(&self) -> Result<kube::Client, access::Error> {
        self.access.client()
    }

    /// Where its logs, data and keys are.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The audit log so far.
    pub fn audit(&self) -> Result<Vec<audit::Event>, FileError> {
        audit::read(&self.directory.join("audit.log"))
    }

    /// The processes: `kwok`, `kube-scheduler`, `kube-controller-manager`, `kube-apiserver`, `etcd`; before them those
    /// of a node that runs containers.
    pub fn processes(&self) -> &[Process] {
        &self.processes
    }

    /// One of the processes by name, for example to stop the API server for a while:
    /// `plane.process("kube-apiserver")?.id().signal(Signal::STOP)`, and later `Signal::CONT`.
    pub fn process(&self, name: &str) -> Option<&Process> {
        self.processes.iter().find(|process| process.name() == name)
    }

    async fn wait_ready(&mut self) -> Result<(), Error> {
        let client = self.access.client().context(EnterSnafu)?;
        let ready = async || {
            let request = http::Request::get("/readyz").body(Vec::new());
            let Ok(request) = request else { return false };
            client.request_text(request).await.is_ok()
        };
        for process in self.processes.iter_mut().filter(|process| process.name() == "kube-apiserver") {
            process.ready(READY_WITHIN, &ready).await.context(RunSnafu)?;
        }
        Ok(())
    }
}

fn write(directory: &Path, name: &str, content: &[u8]) -> Result<PathBuf, server::Error> {
    let path = directory.join(name);
    scratch::write_private(&path, content)
        .context(scratch::FileSnafu { path: &path, action: "written" })
        .context(FilesSnafu)?;
    Ok(path)
}
