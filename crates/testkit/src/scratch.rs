//! Directories for what a test run leaves behind: logs, data, kubeconfigs, and the list of the processes it started.
//!
//! A directory belongs to the process that made it. It is removed when it is dropped, except in a panicking test,
//! whose logs somebody will want to read. What a killed or failed run leaves behind, files and processes, is cleared
//! away by the next run.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use rustix::process::getuid;
use serde::{Deserialize, Serialize};
use snafu::{ResultExt, Snafu};

use crate::process::{Process, ProcessId};

/// The file that names the owner of a directory.
const OWNER: &str = "owner.json";
/// The file with one line per process that was started for a directory.
const PROCESSES: &str = "processes.jsonl";
/// How long a left-over process may take to end by itself after SIGTERM.
const GRACE: Duration = Duration::from_secs(3);

/// A file of the test kit's own state that could not be read or written.
#[derive(Debug, Snafu)]
#[snafu(display("{} could not be {action}: {source}", path.display()))]
#[snafu(visibility(pub(crate)))]
pub struct FileError {
    /// The file or directory.
    pub path: PathBuf,
    /// What was tried.
    pub action: &'static str,
    /// What the system said.
    pub source: io::Error,
}

/// A process that was started for a directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Started {
    /// The program, for example `etcd`.
    pub name: String,
    /// The process.
    #[serde(flatten)]
    pub id: ProcessId,
}

/// A directory of this process.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
    removed: bool,
}

/// Where all scratch directories and port reservations of this user lie.
pub fn base_dir() -> PathBuf {
    std::env::temp_dir().join(format!("milvus-testkit-{}", getuid().as_raw()))
}

impl Scratch {
    /// Makes a new directory whose name starts with `purpose`, after clearing away what ended runs left behind.
    pub async fn new(purpose: &str) -> Result<Self, FileError> {
        let runs = base_dir().join("runs");
        fs::create_dir_all(&runs).context(FileSnafu { path: &runs, action: "created" })?;
        sweep(&runs).await?;
        let hidden = tempfile::Builder::new()
            .prefix(&format!(".{purpose}-"))
            .tempdir_in(&runs)
            .context(FileSnafu { path: &runs, action: "written" })?;
        let owner = ProcessId::own().context(FileSnafu { path: "/proc/self/stat", action: "read" })?;
        write_json(&hidden.path().join(OWNER), &owner)?;
        // Another run's sweep skips hidden directories, so one without its owner file is never seen.
        let name = hidden.path().file_name().unwrap_or_default().to_string_lossy().into_owned();
        let path = runs.join(name.trim_start_matches('.'));
        fs::rename(hidden.keep(), &path).context(FileSnafu { path: &path, action: "created" })?;
        Ok(Self { path, removed: false })
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Removes the directory now.
    pub fn remove(mut self) -> Result<(), FileError> {
        self.removed = true;
        fs::remove_dir_all(&self.path).context(FileSnafu { path: &self.path, action: "removed" })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if !self.removed && !std::thread::panicking() {
            // The next run clears away what could not be removed here.
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

/// Ends the processes and removes the directories of owners that no longer run.
async fn sweep(runs: &Path) -> Result<(), FileError> {
    for entry in fs::read_dir(runs).context(FileSnafu { path: runs, action: "read" })? {
        let path = entry.context(FileSnafu { path: runs, action: "read" })?.path();
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        let owner: Option<ProcessId> =
            fs::read(path.join(OWNER)).ok().and_then(|text| serde_json::from_slice(&text).ok());
        if hidden || owner.is_none_or(ProcessId::is_alive) {
            continue;
        }
        end_all(&path).await?;
        // Two runs may sweep at the same time; the second finds nothing.
        let _ = fs::remove_dir_all(&path);
    }
    Ok(())
}

/// Notes that `process` was started for `directory`, so that [`end_all`] finds it.
pub fn note(directory: &Path, process: &Process) -> Result<(), FileError> {
    let path = directory.join(PROCESSES);
    let started = Started { name: process.name().to_owned(), id: process.id() };
    let mut line = serde_json::to_string(&started)
        .map_err(io::Error::from)
        .context(FileSnafu { path: &path, action: "written" })?;
    line.push('\n');
    let file = File::options().create(true).append(true).open(&path);
    file.and_then(|mut file| file.write_all(line.as_bytes())).context(FileSnafu { path, action: "written" })
}

/// The processes that were started for `directory`, running or not.
pub fn started(directory: &Path) -> Result<Vec<Started>, FileError> {
    let path = directory.join(PROCESSES);
    let text = match fs::read_to_string(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        text => text.context(FileSnafu { path: &path, action: "read" })?,
    };
    let lines: Result<Vec<Started>, _> = text.lines().map(serde_json::from_str).collect();
    lines.map_err(io::Error::from).context(FileSnafu { path, action: "read" })
}

/// Ends what was started for `directory` and still runs, the last started first; how many there were.
pub async fn end_all(directory: &Path) -> Result<usize, FileError> {
    let mut count = 0;
    for Started { id, .. } in started(directory)?.into_iter().rev().filter(|process| process.id.is_alive()) {
        let gone = id.stop(GRACE).await.and_then(|gone| {
            gone.then_some(()).ok_or_else(|| io::Error::other(format!("pid {} does not end", id.pid)))
        });
        gone.context(FileSnafu { path: directory, action: "cleared of its processes" })?;
        count += 1;
    }
    Ok(count)
}

/// Writes `value` as JSON, readable by this user only.
pub(crate) fn write_json(path: &Path, value: &impl Serialize) -> Result<(), FileError> {
    let text = serde_json::to_vec_pretty(value).map_err(io::Error::from);
    text.and_then(|text| write_private(path, &text)).context(FileSnafu { path, action: "written" })
}

/// Writes a file that may hold credentials.
pub(crate) fn write_private(path: &Path, content: &[u8]) -> io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    File::options().create(true).truncate(true).write(true).mode(0o600).open(path)?.write_all(content)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::Program;

    #[tokio::test]
    async fn an_ended_run_is_cleared_away_with_its_processes_and_a_running_one_is_not() {
        let mine = Scratch::new("mine").await.unwrap();
        let theirs = Scratch::new("theirs").await.unwrap();
        let program = Program::new("sleep", Path::new("sleep"), theirs.path().join("log")).args(["60"]);
        let process = program.detached(true).start().await.unwrap();
        note(theirs.path(), &process).unwrap();
        let ended = ProcessId { pid: process.id().pid, start_ticks: 1 };
        write_json(&theirs.path().join(OWNER), &ended).unwrap();

        Scratch::new("next").await.unwrap();

        assert!(mine.path().is_dir());
        assert!(!theirs.path().exists());
        assert!(!process.id().is_alive());
    }
}
