//! `cargo xtask cluster up|down|status`: named clusters that stay until they are taken down.

use std::{path::Path, process::ExitCode, time::Duration};

use clap::{Parser, Subcommand};
use comfy_table::{Table, presets};
use milvus_testkit::{
    Access,
    clusters::{self, Error, Kind, Status, Up},
    control_plane::Options,
    real_node::{self, RealNode},
    scratch::Started,
    stages::Delays,
    tools::{self, Tool},
};

use crate::{Failure, image};

/// The name of a cluster without a name.
const DEFAULT: &str = "dev";

#[derive(Parser)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Start a cluster; builds what it needs when first used
    Up {
        #[command(flatten)]
        which: Which,
        /// Use a cluster that exists (kind, k3d, a real one): a context of KUBECONFIG
        #[arg(long, value_name = "NAME", conflicts_with_all = ["nodes", "ready_delay", "real_node"])]
        context: Option<String>,
        /// Add a node that runs containers, for all pods that do not tolerate played nodes. Needs root and
        /// the Debian packages containerd, runc, containernetworking-plugins and iptables; one at most on a
        /// machine
        #[arg(long)]
        real_node: bool,
        /// Nodes that play pods
        #[arg(long, value_name = "COUNT", default_value_t = 1)]
        nodes: usize,
        /// Seconds until a pod is Ready
        #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = seconds)]
        ready_delay: Duration,
    },
    /// End a cluster and remove all that it made; a cluster that exists elsewhere is only forgotten
    Down {
        #[command(flatten)]
        which: Which,
        /// All clusters
        #[arg(long, conflicts_with = "name")]
        all: bool,
    },
    /// Say which clusters there are and what runs
    Status,
}

#[derive(Parser)]
struct Which {
    /// The name of the cluster; several run side by side
    #[arg(long, default_value = DEFAULT)]
    name: String,
}

/// Runs the verb. The exit code is a failure if `status` finds a cluster that does not work.
pub(crate) async fn run(args: Args) -> Result<ExitCode, Failure> {
    match args.action {
        Action::Up { which, context: Some(context), .. } => {
            let access = clusters::attach(&which.name, Some(&context)).await?;
            println!("using the cluster of the context {context} as {}", which.name);
            say_how_to_use(&access).await;
        }
        Action::Up { which, context: None, nodes, ready_delay, real_node } => {
            let delays = Delays { ready: ready_delay, ..Delays::default() };
            let real_node = if real_node { Some(prepare_real_node().await?) } else { None };
            up(&which.name, Options { nodes, delays, ..Options::default() }, real_node).await?;
        }
        Action::Down { all: true, .. } => {
            for name in clusters::list()? {
                down(&name).await?;
            }
        }
        Action::Down { which, all: false } => down(&which.name).await?,
        Action::Status => return Ok(status().await?),
    }
    Ok(ExitCode::SUCCESS)
}

/// Checks the machine before anything is built, then makes the image that every pod of the node needs.
pub(crate) async fn prepare_real_node() -> Result<RealNode, Failure> {
    let missing = real_node::needs::missing();
    if !missing.is_empty() {
        return Err(real_node::needs::explain("a node that runs containers", &missing).into());
    }
    Ok(RealNode { pause: image::pause().await? })
}

async fn up(name: &str, options: Options, real_node: Option<RealNode>) -> Result<(), Error> {
    let started = std::time::Instant::now();
    let (up, access) = Box::pin(clusters::up(name, options, real_node.as_ref())).await?;
    match up {
        Up::Started => println!("cluster {name} is up after {:.1} s", started.elapsed().as_secs_f64()),
        Up::AlreadyUp => println!("cluster {name} is already up"),
    }
    say_how_to_use(&access).await;
    Ok(())
}

async fn down(name: &str) -> Result<(), Error> {
    let count = clusters::down(name).await?;
    println!("cluster {name} is down ({count} processes ended)");
    Ok(())
}

/// What to type next. kubectl and helm are named where they are the test kit's own; they are built here when
/// missing, and a machine without Go uses those that it has.
async fn say_how_to_use(access: &Access) {
    let mut directories = String::new();
    for tool in [Tool::Kubectl, Tool::Helm] {
        let executable = tools::path(tool).await.ok();
        if let Some(directory) = executable.as_deref().and_then(Path::parent) {
            directories.push_str(&directory.display().to_string());
            directories.push(':');
        }
    }
    println!("  export KUBECONFIG={}", access.kubeconfig().display());
    println!("  export PATH={directories}$PATH");
    println!("  kubectl get nodes");
}

async fn status() -> Result<ExitCode, Error> {
    let names = clusters::list()?;
    if names.is_empty() {
        println!("no cluster; `cargo xtask cluster up` starts one");
        return Ok(ExitCode::SUCCESS);
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header([
        "NAME",
        "KIND",
        "KUBERNETES",
        "SERVER",
        "PROCESSES",
        "DIRECTORY",
    ]);
    let mut healthy = true;
    for name in names {
        let status = clusters::status(&name).await?;
        healthy &= status.version.is_ok() && status.processes.iter().all(|(_, alive)| *alive);
        table.add_row(row(name, status));
    }
    println!("{table}");
    Ok(if healthy { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn row(name: String, status: Status) -> [String; 6] {
    let kind = match status.kind {
        Kind::Own => "started here".to_owned(),
        Kind::Existing { context } => format!("context {}", context.unwrap_or_default()),
    };
    let describe = |(process, alive): &(Started, bool)| {
        let state = if *alive { process.id.pid.to_string() } else { "ended".to_owned() };
        format!("{} {state}", process.name)
    };
    let processes: Vec<String> = status.processes.iter().map(describe).collect();
    let version = status.version.unwrap_or_else(|problem| problem);
    [name, kind, version, status.server, processes.join("\n"), status.directory.display().to_string()]
}

/// A number of seconds, with or without a fraction.
pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    let count: f64 = text.parse().map_err(|_| format!("{text:?} is no number of seconds"))?;
    Duration::try_from_secs_f64(count).map_err(|error| error.to_string())
}
