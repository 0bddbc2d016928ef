//! Takes a node away: what runs first, then what was mounted, then what the machine's network was given.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use snafu::{ResultExt, ensure};
use tokio::process::Command;

use super::{
    DIRECTORY, EndSnafu, Error, FilesSnafu, RemainsSnafu, ToolSnafu, network, output, remains, socket,
};
use crate::{
    process::{ProcessId, Signal},
    scratch,
    tools::{self, Tool},
};

/// How long a program of the node may take after SIGTERM.
const GRACE: Duration = Duration::from_secs(10);
/// How long a container may take after SIGKILL.
const KILLED_WITHIN: Duration = Duration::from_secs(30);

/// Takes away all that the node of the cluster in `cluster` has made on this machine, and ends its processes; how many
/// of those ran, containers not counted. Nothing happens if it has none.
///
/// Containers are killed: what they wrote goes with them.
pub async fn remove(cluster: &Path) -> Result<usize, Error> {
    let directory = cluster.join(DIRECTORY);
    if !directory.is_dir() {
        return Ok(0);
    }
    // First whoever would start a container again.
    let mut count = stop(cluster, "kubelet").await?;
    let ids = container_ids(&directory);
    let sockets = remains::shim_sockets(&directory, &ids);
    kill_containers(&directory).await?;
    for name in ["coredns", "kube-proxy", "containerd"] {
        count += stop(cluster, name).await?;
    }
    clean_rules().await?;
    remains::unmount(&directory)?;
    remains::remove_cgroups(&ids)?;
    remains::remove_notes(&ids)?;
    remains::remove_log_links(&directory)?;
    for socket in sockets {
        // One that its shim has removed itself is as good.
        let _ = fs::remove_file(socket);
    }
    network::remove(&directory).await?;
    fs::remove_dir_all(&directory)
        .context(scratch::FileSnafu { path: &directory, action: "removed" })
        .context(FilesSnafu)?;
    Ok(count)
}

/// Ends a program that was started for the cluster; 1 if it ran.
async fn stop(cluster: &Path, name: &str) -> Result<usize, Error> {
    let mut count = 0;
    for process in scratch::started(cluster).context(FilesSnafu)? {
        if process.name == name && process.id.is_alive() {
            let pid = process.id.pid;
            let gone = process.id.stop(GRACE).await.context(EndSnafu { pid })?;
            ensure!(gone, RemainsSnafu { what: format!("{name} (pid {pid}) does not end") });
            count += 1;
        }
    }
    Ok(count)
}

/// The containers and pods that containerd has run.
fn container_ids(directory: &Path) -> Vec<String> {
    let tasks = directory.join("run/io.containerd.runtime.v2.task/k8s.io");
    let entries = fs::read_dir(tasks).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

/// Kills the first process of every container, with which the kernel ends all others of it, then the shims.
async fn kill_containers(directory: &Path) -> Result<(), Error> {
    let shims = remains::shims(&socket(directory));
    for shim in &shims {
        for container in remains::children(*shim) {
            end(container, "a container").await?;
        }
    }
    for shim in shims {
        end(shim, "a shim").await?;
    }
    Ok(())
}

async fn end(id: ProcessId, what: &str) -> Result<(), Error> {
    let pid = id.pid;
    id.signal(Signal::KILL).context(EndSnafu { pid })?;
    let gone = id.exited(KILLED_WITHIN).await.context(EndSnafu { pid })?;
    ensure!(gone, RemainsSnafu { what: format!("{what} (pid {pid}) does not end") });
    Ok(())
}

/// kube-proxy knows best which rules it makes. It reports failures that are none (a table that the kernel has not), so what is
/// left is looked at afterwards.
async fn clean_rules() -> Result<(), Error> {
    let kube_proxy: PathBuf = tools::path(Tool::KubeProxy).await.context(ToolSnafu)?;
    output(Command::new(kube_proxy).args(["--cleanup", "--proxy-mode=iptables"])).await.map(|_| ())
}
