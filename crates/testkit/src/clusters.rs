//! Clusters with a name that stay when the command that made them ends: for the demo and for work by hand.
//!
//! One directory per cluster, `${XDG_STATE_HOME:-~/.local/state}/milvus-operator/clusters/<name>`, holds everything:
//! keys, data, logs, the kubeconfig, and which processes belong to it. A cluster that exists elsewhere (kind, k3d, a
//! real one) can be given a name as well; of that one only the kubeconfig is kept, and nothing is ever ended.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use snafu::{OptionExt, ResultExt, Snafu, ensure};

use crate::{
    access::{self, Access},
    control_plane::{self, ControlPlane, Options, Place},
    real_node::{self, RealNode},
    scratch::{self, FileError, FileSnafu, Started},
};

const RECORD: &str = "cluster.json";

/// What can go wrong with a named cluster.
#[derive(Debug, Snafu)]
pub enum Error {
    /// The name cannot be a directory.
    #[snafu(display("{name:?} is no name for a cluster: use lower-case letters, digits and dashes"))]
    BadName {
        /// The name.
        name: String,
    },
    /// Neither `XDG_STATE_HOME` nor `HOME` is set.
    #[snafu(display("neither XDG_STATE_HOME nor HOME is set: there is no place for a cluster"))]
    NoHome,
    /// A file could not be read or written.
    #[snafu(display("{source}"))]
    Files {
        /// Why.
        source: FileError,
    },
    /// There is no cluster of that name.
    #[snafu(display("there is no cluster {name}; `cargo xtask cluster up --name {name}` makes one"))]
    Unknown {
        /// The name.
        name: String,
    },
    /// The name is taken by a cluster of the other kind, or some of its processes have ended.
    #[snafu(display(
        "the cluster {name} exists, but {problem}. `cargo xtask cluster down --name {name}` clears it away"
    ))]
    Unusable {
        /// The name.
        name: String,
        /// In which way.
        problem: String,
    },
    /// The control plane does not start.
    #[snafu(display("the cluster {name} did not start, and nothing of it was left behind: {source}"))]
    Start {
        /// The name.
        name: String,
        /// Why.
        source: Box<control_plane::Error>,
    },
    /// There is no way in.
    #[snafu(display("{source}"))]
    Enter {
        /// Why.
        source: access::Error,
    },
    /// What a real node has made on this machine could not be taken away.
    #[snafu(display("{source}"))]
    RealNode {
        /// Why.
        source: real_node::Error,
    },
    /// The API server does not answer.
    #[snafu(display("{server} does not answer: {source}"))]
    Unreachable {
        /// Its address.
        server: String,
        /// Why.
        source: kube::Error,
    },
}

/// What a named cluster is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Processes on this machine that we started.
    Own,
    /// Somebody else's, entered by a context of the user's kubeconfig.
    Existing {
        /// The context; none for the current one at the time.
        context: Option<String>,
    },
}

/// Whether [`up`] had something to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Up {
    /// It was started now.
    Started,
    /// It was up.
    AlreadyUp,
}

/// How a named cluster is.
#[derive(Debug)]
pub struct Status {
    /// What it is.
    pub kind: Kind,
    /// Where everything of it lies.
    pub directory: PathBuf,
    /// The address of the API server.
    pub server: String,
    /// The version of Kubernetes, or why the API server did not say.
    pub version: Result<String, String>,
    /// The processes that were started for it, and whether they run.
    pub processes: Vec<(Started, bool)>,
}

/// Starts the cluster `name`, or finds it up; with a node that runs containers, if one is given.
pub async fn up(name: &str, options: Options, real_node: Option<&RealNode>) -> Result<(Up, Access), Error> {
    let directory = directory(name)?;
    let _lock = lock(&directory).await?;
    if directory.join(RECORD).exists() {
        let status = status(name).await?;
        let ended: Vec<&str> = status
            .processes
            .iter()
            .filter(|(_, alive)| !alive)
            .map(|(process, _)| process.name.as_str())
            .collect();
        let own = status.kind == Kind::Own && !status.processes.is_empty();
        ensure!(own, UnusableSnafu { name, problem: "it is not one that was started here" });
        let as_asked = real_node.is_none() || real_node::is_in(&directory);
        ensure!(as_asked, UnusableSnafu { name, problem: "it has no node that runs containers" });
        let problem = format!("these of its processes have ended: {}", ended.join(", "));
        ensure!(ended.is_empty(), UnusableSnafu { name, problem });
        return Ok((Up::AlreadyUp, access(name).await?));
    }
    record(&directory, &Kind::Own)?;
    let place = Place { directory: &directory, detached: true, real_node };
    match Box::pin(ControlPlane::start_in(place, options)).await {
        Ok(plane) => Ok((Up::Started, plane.access().clone())),
        Err(source) => {
            clear(&directory).await?;
            Err(Error::Start { name: name.to_owned(), source: Box::new(source) })
        }
    }
}

/// Gives the name `name` to a cluster that exists, after asking it for its version.
pub async fn attach(name: &str, context: Option<&str>) -> Result<Access, Error> {
    let directory = directory(name)?;
    let _lock = lock(&directory).await?;
    if directory.join(RECORD).exists() {
        let kind = read_record(&directory)?;
        ensure!(
            kind != Kind::Own,
            UnusableSnafu { name, problem: "it was started here and is not the one meant" }
        );
    }
    let access = Access::existing(context, &home(&directory)).await.context(EnterSnafu)?;
    version(&access).await?;
    record(&directory, &Kind::Existing { context: context.map(str::to_owned) })?;
    Ok(access)
}

/// Ends the processes of the cluster `name` and removes its directory; how many processes there were. A cluster that
/// exists elsewhere is only forgotten.
pub async fn down(name: &str) -> Result<usize, Error> {
    let directory = directory(name)?;
    ensure!(directory.is_dir(), UnknownSnafu { name });
    let _lock = lock(&directory).await?;
    clear(&directory).await
}

/// How the cluster `name` is.
pub async fn status(name: &str) -> Result<Status, Error> {
    let directory = directory(name)?;
    ensure!(directory.join(RECORD).exists(), UnknownSnafu { name });
    let kind = read_record(&directory)?;
    let started = scratch::started(&directory).context(FilesSnafu)?;
    let processes = started.into_iter().map(|process| (process.clone(), process.id.is_alive())).collect();
    let (server, version) = match Access::open(&home(&directory)).await {
        Ok(access) => (access.server(), version(&access).await.map_err(|error| error.to_string())),
        Err(error) => (String::new(), Err(error.to_string())),
    };
    Ok(Status { kind, directory, server, version, processes })
}

/// The way into the cluster `name`, as its administrator.
pub async fn access(name: &str) -> Result<Access, Error> {
    let directory = directory(name)?;
    ensure!(directory.join(RECORD).exists(), UnknownSnafu { name });
    Access::open(&home(&directory)).await.context(EnterSnafu)
}

/// The names of all clusters, sorted.
pub fn list() -> Result<Vec<String>, Error> {
    let base = base()?;
    let entries = match fs::read_dir(&base) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.context(FileSnafu { path: &base, action: "read" }).context(FilesSnafu)?,
    };
    let mut names: Vec<String> = entries
        .filter_map(Result::ok)
        .filter(|entry| entry.path().join(RECORD).exists())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    Ok(names)
}

/// The directory of the cluster `name`, existing or not. What is noted there ([`scratch::note`]) ends with it.
pub fn directory(name: &str) -> Result<PathBuf, Error> {
    let valid = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    ensure!(!name.is_empty() && name.chars().all(valid), BadNameSnafu { name });
    Ok(base()?.join(name))
}

fn base() -> Result<PathBuf, Error> {
    let state = match std::env::var_os("XDG_STATE_HOME").filter(|value| !value.is_empty()) {
        Some(state) => PathBuf::from(state),
        None => std::env::home_dir().context(NoHomeSnafu)?.join(".local/state"),
    };
    Ok(state.join("milvus-operator/clusters"))
}

fn home(directory: &Path) -> PathBuf {
    directory.join("home")
}

/// One command at a time works on a cluster. The file lies beside the directory, for that comes and goes.
async fn lock(directory: &Path) -> Result<File, Error> {
    let path = directory.with_extension("lock");
    let parent = path.parent().unwrap_or(&path).to_owned();
    let opened = fs::create_dir_all(parent).and_then(|()| File::create(&path));
    let file = opened.context(FileSnafu { path: &path, action: "created" }).context(FilesSnafu)?;
    let locked = tokio::task::spawn_blocking(move || file.lock().map(|()| file)).await;
    let locked = locked.unwrap_or_else(|stopped| Err(stopped.into()));
    locked.context(FileSnafu { path, action: "locked" }).context(FilesSnafu)
}

fn record(directory: &Path, kind: &Kind) -> Result<(), Error> {
    fs::create_dir_all(directory)
        .context(FileSnafu { path: directory, action: "created" })
        .and_then(|()| scratch::write_json(&directory.join(RECORD), kind))
        .context(FilesSnafu)
}

fn read_record(directory: &Path) -> Result<Kind, Error> {
    let path = directory.join(RECORD);
    let kind = fs::read(&path).and_then(|text| Ok(serde_json::from_slice(&text)?));
    kind.context(FileSnafu { path, action: "read" }).context(FilesSnafu)
}

async fn clear(directory: &Path) -> Result<usize, Error> {
    let of_the_node = real_node::remove(directory).await.context(RealNodeSnafu)?;
    let count = of_the_node + scratch::end_all(directory).await.context(FilesSnafu)?;
    fs::remove_dir_all(directory)
        .context(FileSnafu { path: directory, action: "removed" })
        .context(FilesSnafu)?;
    Ok(count)
}

async fn version(access: &Access) -> Result<String, Error> {
    let client = access.client().context(EnterSnafu)?;
    let info = client.apiserver_version().await.context(UnreachableSnafu { server: access.server() })?;
    Ok(info.git_version)
}
