//! What containers leave on a machine: processes, mounts, cgroups, notes of the network plugins.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use rustix::mount::UnmountFlags;
use snafu::{ResultExt, ensure};

use super::{Error, FilesSnafu, RemainsSnafu, network::POD_NETWORK};
use crate::{process::ProcessId, scratch::FileSnafu};

/// Where the library of the network plugins keeps its notes; it can't be told another place.
const NOTES: &str = "/var/lib/cni/results";
const CGROUPS: &str = "/sys/fs/cgroup";
/// Where the kubelet links the logs of containers, wherever those are.
const LOG_LINKS: &str = "/var/log/containers";

/// The shims of the containerd that listens at `socket`: one for each pod. They outlive containerd.
pub(super) fn shims(socket: &Path) -> Vec<ProcessId> {
    let socket = socket.display().to_string();
    let is_ours = |pid: u32| {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let words: Vec<&[u8]> = line.split(|byte| *byte == 0).collect();
        let is_shim = words.first().is_some_and(|program| program.ends_with(b"containerd-shim-runc-v2"));
        is_shim && words.windows(2).any(|pair| pair[0] == b"-address" && pair[1] == socket.as_bytes())
    };
    pids().filter(|pid| is_ours(*pid)).filter_map(|pid| ProcessId::of(pid).ok()).collect()
}

/// The processes that a process has started.
pub(super) fn children(parent: ProcessId) -> Vec<ProcessId> {
    pids()
        .filter(|pid| parent_of(*pid) == Some(parent.pid))
        .filter_map(|pid| ProcessId::of(pid).ok())
        .collect()
}

fn pids() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

fn parent_of(pid: u32) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("PPid:"))?.trim().parse().ok()
}

/// The sockets of the shims, as their bundles name them; they lie outside of the node's directory.
pub(super) fn shim_sockets(directory: &Path, ids: &[String]) -> Vec<PathBuf> {
    let bundles = directory.join("run/io.containerd.runtime.v2.task/k8s.io");
    let address = |id: &String| fs::read_to_string(bundles.join(id).join("address")).ok();
    ids.iter().filter_map(address).filter_map(|text| Some(text.strip_prefix("unix://")?.into())).collect()
}

/// Unmounts everything below `directory`, the last mounted first. An error if something stays: whoever removes the
/// directory would remove what is mounted there.
pub(super) fn unmount(directory: &Path) -> Result<(), Error> {
    for mount in mounts(directory)?.into_iter().rev() {
        // One that went with another is no failure; what stays is looked for below.
        let _ = rustix::mount::unmount(&mount, UnmountFlags::DETACH);
    }
    let left = mounts(directory)?;
    ensure!(left.is_empty(), RemainsSnafu { what: format!("mounts {left:?}") });
    Ok(())
}

/// In the order in which they were mounted.
fn mounts(directory: &Path) -> Result<Vec<PathBuf>, Error> {
    let path = "/proc/self/mountinfo";
    let text = fs::read_to_string(path).context(FileSnafu { path, action: "read" }).context(FilesSnafu)?;
    let points = text.lines().filter_map(|line| line.split(' ').nth(4)).map(unescape);
    Ok(points.filter(|point| point.starts_with(directory)).collect())
}

/// The kernel writes a blank as `\040`.
fn unescape(text: &str) -> PathBuf {
    text.replace("\\040", " ").into()
}

/// Removes the cgroups of containers, below each hierarchy of the first version, or the one of the second.
pub(super) fn remove_cgroups(ids: &[String]) -> Result<(), Error> {
    let hierarchies = fs::read_dir(CGROUPS).into_iter().flatten().flatten().map(|entry| entry.path());
    for hierarchy in hierarchies.chain([PathBuf::from(CGROUPS)]) {
        let parent = hierarchy.join("k8s.io");
        for id in ids {
            remove_empty(&parent.join(id))?;
        }
        // Somebody else's containers may be in there; then it is not ours to remove.
        let _ = fs::remove_dir(&parent);
    }
    Ok(())
}

/// A cgroup is removed as an empty directory, its children first.
fn remove_empty(path: &Path) -> Result<(), Error> {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    for child in entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())) {
        remove_empty(&child.path())?;
    }
    match fs::remove_dir(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).context(FileSnafu { path, action: "removed" }).context(FilesSnafu)
        }
        _ => Ok(()),
    }
}

/// Removes what the plugins have noted for the case that a pod is disconnected.
pub(super) fn remove_notes(ids: &[String]) -> Result<(), Error> {
    for entry in fs::read_dir(NOTES).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with(&format!("{POD_NETWORK}-")) || ids.iter().any(|id| name.contains(id.as_str())) {
            let path = entry.path();
            fs::remove_file(&path).context(FileSnafu { path, action: "removed" }).context(FilesSnafu)?;
        }
    }
    Ok(())
}

/// Removes the links to logs below `directory`.
pub(super) fn remove_log_links(directory: &Path) -> Result<(), Error> {
    for entry in fs::read_dir(LOG_LINKS).into_iter().flatten().flatten() {
        let path = entry.path();
        if fs::read_link(&path).is_ok_and(|target| target.starts_with(directory)) {
            fs::remove_file(&path).context(FileSnafu { path, action: "removed" }).context(FilesSnafu)?;
        }
    }
    Ok(())
}
