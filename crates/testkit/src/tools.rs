//! The programs of the test kit: which there are, in which version, and where their executables lie.
//!
//! Each program is built when it is first asked for, from a committed Go module below `tools/` whose `go.mod` pins
//! the program and whose `go.sum` pins everything that it is made of. Executables are cached by version in
//! `$XDG_CACHE_HOME/milvus-operator/tools/<program>-<version>/<program>` (default `~/.cache`), outside of the build
//! directory of cargo, so that `cargo clean` and other checkouts do not cost a build. Kafka is a directory of jars instead: [`kafka_jars`].

use std::path::{Path, PathBuf};

use snafu::{OptionExt, Snafu};
use strum::{EnumIter, IntoEnumIterator as _, IntoStaticStr};

mod build;
mod jars;
mod module;

pub use jars::{java, kafka_jars, kafka_version};
pub use module::Version;

/// Of the program below `tools/pause`; to be counted up when its source changes.
const PAUSE_VERSION: &str = "1";

/// A program that the test kit runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EnumIter, IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum Tool {
    /// The store below Kubernetes, and the metadata store of Milvus.
    Etcd,
    /// The API server of Kubernetes.
    KubeApiserver,
    /// The controllers of Kubernetes: Deployments, ReplicaSets, garbage collection, …
    KubeControllerManager,
    /// The scheduler of Kubernetes.
    KubeScheduler,
    /// The command line of Kubernetes.
    Kubectl,
    /// Plays nodes and pods.
    Kwok,
    /// The package manager that installs the chart.
    Helm,
    /// An S3 server.
    Minio,
    /// The agent of a node that runs containers.
    Kubelet,
    /// Makes Services reachable on such a node.
    KubeProxy,
    /// Gives Services names there.
    Coredns,
    /// Holds the namespaces of a pod there; of our own source.
    Pause,
}

/// Why a program could not be had.
#[derive(Debug, Snafu)]
#[snafu(visibility(pub(crate)))]
pub enum Error {
    /// There is no Go, and the program was never built on this machine.
    #[snafu(display(
        "{program} {version} is not built yet and there is no `go` on the PATH. Install Go 1.26 or newer \
         (https://go.dev/dl), or use a cluster that exists: `--context NAME`, or KUBECONFIG"
    ))]
    NoGo {
        /// The program that was asked for.
        program: &'static str,
        /// Its pinned version.
        version: &'static str,
    },
    /// `go build` was started and did not succeed.
    #[snafu(display("go could not build {program} {version}:\n{output}"))]
    GoBuild {
        /// The program that was asked for.
        program: &'static str,
        /// Its pinned version.
        version: &'static str,
        /// What go said.
        output: String,
    },
    /// `go build` could not be started.
    #[snafu(display("go could not be run: {source}"))]
    RunGo {
        /// What the system said.
        source: std::io::Error,
    },
    /// A file or directory of the cache could not be written.
    #[snafu(display("the tool cache: {} could not be written: {source}", path.display()))]
    Cache {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Neither `XDG_CACHE_HOME` nor `HOME` is set.
    #[snafu(display("neither XDG_CACHE_HOME nor HOME is set: there is no place to keep built programs"))]
    NoHome,
    /// A committed file does not name its program in the expected form.
    #[snafu(display("tools/{file} does not say which version is pinned"))]
    NoVersion {
        /// The file below `tools/`.
        file: &'static str,
    },
    /// There is no Java or no Maven.
    #[snafu(display(
        "the tests with a real Kafka need Java 17 and Maven, and there is no `{program}` on the PATH: install both \
         (Debian: `apt-get install openjdk-17-jre-headless maven`)"
    ))]
    NoJava {
        /// What is missing: `java` or `mvn`.
        program: &'static str,
    },
    /// The Java that is there can't run it.
    #[snafu(display("the tests with a real Kafka need Java 17 or newer; `java -version` says: {said}"))]
    JavaTooOld {
        /// The first line.
        said: String,
    },
    /// Java or Maven could not be started.
    #[snafu(display("{program} could not be run: {source}"))]
    RunMaven {
        /// `java` or `mvn`.
        program: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// Maven was started and did not succeed.
    #[snafu(display("Maven could not fetch the jars of Kafka:\n{output}"))]
    Maven {
        /// What it said.
        output: String,
    },
}

impl Tool {
    /// The name of the executable, for example `kube-apiserver`.
    pub fn program(self) -> &'static str {
        self.into()
    }

    /// Whether only a node that runs containers needs it.
    fn is_of_real_node(self) -> bool {
        matches!(self, Self::Kubelet | Self::KubeProxy | Self::Coredns | Self::Pause)
    }

    /// Whether any version of the program that the user has will do: the clients, not the servers.
    fn is_client(self) -> bool {
        matches!(self, Self::Kubectl | Self::Helm)
    }
}

/// The executable of a program; builds it if this machine never did, which takes minutes for the first program of
/// Kubernetes and says so on standard error.
///
/// kubectl and helm are taken from the PATH where they are not built and there is no Go, so that a cluster that exists
/// can be used without Go.
///
/// # Errors
/// It is not built yet and there is no Go, it does not build, or the cache can't be written.
pub async fn path(tool: Tool) -> Result<PathBuf, Error> {
    path_in(Version::default(), tool).await
}

/// As [`path`], in a line of Kubernetes.
///
/// # Errors
/// As [`path`].
pub async fn path_in(kubernetes: Version, tool: Tool) -> Result<PathBuf, Error> {
    let version = tool.version_in(kubernetes)?;
    let executable = cached(&cache_dir()?, tool, version);
    if executable.is_file() {
        return Ok(executable);
    }
    match build::build(tool, kubernetes, &executable).await {
        Err(Error::NoGo { .. }) if tool.is_client() => {
            on_path(tool.program()).context(NoGoSnafu { program: tool.program(), version })
        }
        Err(error) => Err(error),
        Ok(()) => Ok(executable),
    }
}

/// Builds every program that control planes of every version with played nodes need, and that is not built
/// yet.
///
/// # Errors
/// As [`path`].
pub async fn build_all() -> Result<(), Error> {
    for kubernetes in Version::iter() {
        build_for(kubernetes).await?;
    }
    Ok(())
}

/// Builds every program that a control plane of this version with played nodes needs, and that is not built
/// yet.
///
/// # Errors
/// As [`path`].
pub async fn build_for(kubernetes: Version) -> Result<(), Error> {
    for tool in Tool::iter().filter(|tool| !tool.is_of_real_node()) {
        path_in(kubernetes, tool).await?;
    }
    Ok(())
}

/// The executables of several programs, in the order of the request; builds what is missing, one after the other.
///
/// # Errors
/// As [`path`].
pub async fn paths<const N: usize>(tools: [Tool; N]) -> Result<[PathBuf; N], Error> {
    paths_in(Version::default(), tools).await
}

/// As [`paths`], in a line of Kubernetes.
///
/// # Errors
/// As [`path`].
pub async fn paths_in<const N: usize>(kubernetes: Version, tools: [Tool; N]) -> Result<[PathBuf; N], Error> {
    let mut found = [const { PathBuf::new() }; N];
    for (slot, tool) in found.iter_mut().zip(tools) {
        *slot = path_in(kubernetes, tool).await?;
    }
    Ok(found)
}

/// Where built programs are kept.
///
/// # Errors
/// Neither `XDG_CACHE_HOME` nor `HOME` is set.
pub fn cache_dir() -> Result<PathBuf, Error> {
    let base = match std::env::var_os("XDG_CACHE_HOME").filter(|value| !value.is_empty()) {
        Some(base) => PathBuf::from(base),
        None => std::env::home_dir().context(NoHomeSnafu)?.join(".cache"),
    };
    Ok(base.join("milvus-operator/tools"))
}

fn cached(cache: &Path, tool: Tool, version: &str) -> PathBuf {
    cache.join(format!("{}-{version}", tool.program())).join(tool.program())
}

fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(program)).find(|candidate| candidate.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pinned_versions_are_the_ones_that_the_project_promises() {
        let versions =
            [Tool::KubeApiserver, Tool::Kubectl, Tool::Kwok, Tool::Helm].map(|t| t.version().unwrap());
        assert_eq!(versions, ["1.34.4", "1.34.4", "0.8.0", "3.22.0"]);
        let newest = [Tool::KubeApiserver, Tool::KubeControllerManager, Tool::KubeScheduler, Tool::Kubectl];
        let newest = newest.map(|tool| tool.version_in(Version::V1_37).unwrap());
        assert_eq!(newest, ["1.37.2", "1.37.2", "1.37.2", "1.34.4"], "clients are those of the default line");
        assert!(Tool::Etcd.version().unwrap().starts_with("3.6."), "kwok needs watch progress of etcd 3.6");
    }

    #[test]
    fn each_line_of_kubernetes_is_pinned_to_a_patch_of_its_own() {
        for line in Version::iter() {
            let patch = Tool::KubeApiserver.version_in(line).unwrap();
            let named: &str = line.into();
            assert!(patch.starts_with(&format!("{named}.")), "{named} is pinned to {patch}");
        }
    }

    #[test]
    fn a_cached_program_is_found_by_name_and_version() {
        let path = cached(Path::new("/cache"), Tool::KubeControllerManager, "1.34.4");
        assert_eq!(path, Path::new("/cache/kube-controller-manager-1.34.4/kube-controller-manager"));
    }
}
