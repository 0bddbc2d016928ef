//! A node that runs real containers, beside those that play pods: containerd and runc of the machine, the unmodified
//! kubelet, kube-proxy and CoreDNS.
//!
//! It needs root and a few Debian packages ([`needs`]). There is one at most on a machine, for its addresses and its
//! iptables rules are the machine's. Everything else lies in the directory of its cluster, and [`remove`] takes all of it
//! away again: containers and their shims, mounts, cgroups, network, rules. Pods have no way out of the machine.
//!
//! | what | where |
//! |---|---|
//! | the node, the API server, DNS | [`ADDRESS`], on a bridge without ports |
//! | pods | [`PODS`], each on a pair of virtual interfaces, routed by the host |
//! | Services | `10.96.0.0/16`, from pods and from the host |
//! | images | what [`import`] is given; there is no registry |
//!
//! Pods come to this node by default. The nodes that play pods carry the taint `kwok.x-k8s.io/node=fake:NoSchedule`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Output,
    time::Duration,
};

use k8s_openapi::api::core::v1::Node;
use kube::Api;
use snafu::{ResultExt, Snafu, ensure};
use tokio::process::Command;

use crate::{
    access::{self, Access},
    node::is_usable,
    process::{self, Process},
    scratch::{self, FileError, FileSnafu},
    tools::{self, Tool},
    wait,
};

pub mod needs;

mod network;
mod programs;
mod remains;
mod removal;

pub use crate::node::ADDRESS;
pub use removal::remove;

/// The name of the node.
pub const NAME: &str = "real-0";
/// The addresses of its pods.
pub const PODS: &str = "10.244.0.0/24";
/// The image that holds the namespaces of a pod, as [`RealNode::pause`] has to name it.
pub const PAUSE_IMAGE: &str = "docker.io/milvus-testkit/pause:1";
/// The address of the DNS Service.
const DNS: &str = "10.96.0.10";
/// Its directory below that of its cluster.
const DIRECTORY: &str = "node";
/// How long the node may take to be Ready; on an idle machine it takes 10 s.
const READY_WITHIN: Duration = Duration::from_mins(2);

/// Why there is no node that runs containers, or why it does not go away.
#[derive(Debug, Snafu)]
#[snafu(visibility(pub(crate)))]
pub enum Error {
    /// The machine lacks something.
    #[snafu(display("{}", needs::explain("a node that runs containers", missing)))]
    Missing {
        /// All that is missing.
        missing: Vec<needs::Need>,
    },
    /// The machine has one already.
    #[snafu(display("this machine is a node of a Kubernetes already ({found}), and can be one only once"))]
    Busy {
        /// By what it is known.
        found: String,
    },
    /// A program of the node cannot be had.
    #[snafu(display("{source}"))]
    Tool {
        /// Why.
        source: tools::Error,
    },
    /// A file could not be read or written.
    #[snafu(display("{source}"))]
    Files {
        /// Why.
        source: FileError,
    },
    /// A program does not run.
    #[snafu(display("{source}"))]
    Run {
        /// Why.
        source: process::Error,
    },
    /// A command could not be started.
    #[snafu(display("{command} could not be run: {source}"))]
    Start {
        /// The command line.
        command: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// A command says no.
    #[snafu(display("{command} failed: {said}"))]
    Failed {
        /// The command line.
        command: String,
        /// What it said.
        said: String,
    },
    /// The DNS Service could not be made, or there is no way in.
    #[snafu(display("{source}"))]
    Enter {
        /// Why.
        source: access::Error,
    },
    /// The node does not become Ready.
    #[snafu(display("the node that runs containers: {source}"))]
    NotReady {
        /// Why.
        source: wait::Error,
    },
    /// A process of the node could not be looked at or ended.
    #[snafu(display("process {pid} of the node: {source}"))]
    End {
        /// Its number.
        pid: u32,
        /// What the system said.
        source: std::io::Error,
    },
    /// Something of the node could not be taken away. The directory is kept.
    #[snafu(display("the node that runs containers can't be taken away: {what}"))]
    Remains {
        /// What is still there.
        what: String,
    },
}

/// A node that runs containers, to be started with a cluster.
#[derive(Debug, Clone)]
pub struct RealNode {
    /// The archive of [`PAUSE_IMAGE`].
    pub pause: PathBuf,
}

/// Under whose names the programs of the node work.
pub(crate) struct Users<'a> {
    pub(crate) admin: &'a Access,
    pub(crate) kubelet: &'a Access,
    pub(crate) kube_proxy: &'a Access,
    pub(crate) coredns: &'a Access,
}

impl RealNode {
    /// Checks the machine, and makes the address that the API server shall listen on.
    pub(crate) async fn prepare(&self, cluster: &Path) -> Result<(), Error> {
        let missing = needs::missing();
        ensure!(missing.is_empty(), MissingSnafu { missing });
        network::refuse_second().await?;
        tools::paths([Tool::Kubelet, Tool::KubeProxy, Tool::Coredns]).await.context(ToolSnafu)?;
        let directory = cluster.join(DIRECTORY);
        let created = fs::create_dir_all(&directory);
        created.context(FileSnafu { path: &directory, action: "created" }).context(FilesSnafu)?;
        network::create(&directory).await
    }

    /// Starts the node and waits until it is Ready; its processes, the last started first. All of them outlive this one.
    pub(crate) async fn start(
        &self,
        cluster: &Path,
        ca: &Path,
        users: Users<'_>,
    ) -> Result<Vec<Process>, Error> {
        let launch = programs::Launch::new(cluster);
        let containerd = launch.containerd().await?;
        import(cluster, &self.pause).await?;
        let kubelet = launch.kubelet(users.kubelet, ca).await?;
        let kube_proxy = launch.kube_proxy(users.kube_proxy).await?;
        let coredns = launch.coredns(users.coredns).await?;
        users.admin.apply(&programs::dns_service()).await.context(EnterSnafu)?;
        let api: Api<Node> = Api::all(users.admin.client().context(EnterSnafu)?);
        let usable = |node: Option<&Node>| node.is_some_and(is_usable);
        wait::wait_for(api, NAME, READY_WITHIN, usable).await.context(NotReadySnafu)?;
        Ok(vec![coredns, kube_proxy, kubelet, containerd])
    }
}

/// Whether the cluster in `cluster` has a node that runs containers.
pub(crate) fn is_in(cluster: &Path) -> bool {
    cluster.join(DIRECTORY).is_dir()
}

/// Gives an archive of images to the node of the cluster in `cluster` ([`crate::clusters::directory`]).
pub async fn import(cluster: &Path, archive: &Path) -> Result<(), Error> {
    let mut command = Command::new("ctr");
    command.arg("--address").arg(socket(&cluster.join(DIRECTORY)));
    command.args(["--namespace", "k8s.io", "images", "import"]).arg(archive);
    run(&mut command).await.map(|_| ())
}

/// Where containerd of a node listens.
fn socket(directory: &Path) -> PathBuf {
    directory.join("containerd.sock")
}

/// Runs a command of the machine to its end; its standard output.
async fn run(command: &mut Command) -> Result<String, Error> {
    let Output { status, stdout, stderr } = output(command).await?;
    let said = String::from_utf8_lossy(&stderr).trim().to_owned();
    ensure!(status.success(), FailedSnafu { command: line(command), said });
    Ok(String::from_utf8_lossy(&stdout).into_owned())
}

async fn output(command: &mut Command) -> Result<Output, Error> {
    let output = command.kill_on_drop(true).output().await;
    output.context(StartSnafu { command: line(command) })
}

fn line(command: &Command) -> String {
    let plain = command.as_std();
    plain.get_args().fold(plain.get_program().to_string_lossy().into_owned(), |line, arg| {
        format!("{line} {}", arg.to_string_lossy())
    })
}

/// Writes a file of the node's own configuration.
fn write(path: &Path, content: &str) -> Result<(), Error> {
    let parent = path.parent().unwrap_or(path);
    let written = fs::create_dir_all(parent).and_then(|()| scratch::write_private(path, content.as_bytes()));
    written.context(FileSnafu { path, action: "written" }).context(FilesSnafu)
}
