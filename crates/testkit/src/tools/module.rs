//! From which Go module a program is built, and how.

use snafu::OptionExt;
use strum::{EnumIter, IntoStaticStr};

use super::{Error, NoVersionSnafu, PAUSE_VERSION, Tool};

/// A release line of Kubernetes whose API server, controllers and scheduler can be had. Clients and the
/// programs of a node that runs containers are those of the default line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, EnumIter, IntoStaticStr)]
pub enum Version {
    /// The line that every test runs on.
    #[default]
    #[strum(serialize = "1.34")]
    V1_34,
    /// The newest line, for tests of what may differ.
    #[strum(serialize = "1.37")]
    V1_37,
}

/// A Go module below `tools/`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Module {
    /// Its folder.
    pub(super) folder: &'static str,
    /// Its `go.mod`, below `tools/`.
    file: &'static str,
    /// The text of that.
    go_mod: &'static str,
}

macro_rules! module {
    ($folder:literal) => {
        Module {
            folder: $folder,
            file: concat!($folder, "/go.mod"),
            go_mod: include_str!(concat!("../../tools/", $folder, "/go.mod")),
        }
    };
}

impl Module {
    fn version(self) -> Result<&'static str, Error> {
        let pinned = self.go_mod.lines().find_map(|line| {
            line.strip_prefix("require ")?.split_once(" v").map(|(_, version)| version.trim())
        });
        pinned.context(NoVersionSnafu { file: self.file })
    }
}

impl Tool {
    /// The pinned version without a leading `v`, as the committed `go.mod` has it; for the servers of
    /// Kubernetes that of the default line.
    ///
    /// # Errors
    /// The committed `go.mod` does not name the program in the expected form: a mistake in this crate.
    pub fn version(self) -> Result<&'static str, Error> {
        self.version_in(Version::default())
    }

    /// The pinned version in a line of Kubernetes.
    ///
    /// # Errors
    /// As [`Tool::version`].
    pub fn version_in(self, kubernetes: Version) -> Result<&'static str, Error> {
        match self {
            Self::Pause => Ok(PAUSE_VERSION),
            _ => self.module(kubernetes).version(),
        }
    }

    pub(super) fn module(self, kubernetes: Version) -> Module {
        match self {
            Self::KubeApiserver | Self::KubeControllerManager | Self::KubeScheduler => match kubernetes {
                Version::V1_34 => module!("kubernetes"),
                Version::V1_37 => module!("kubernetes-1-37"),
            },
            Self::Kubectl | Self::Kubelet | Self::KubeProxy => module!("kubernetes"),
            Self::Etcd => module!("etcd"),
            Self::Kwok => module!("kwok"),
            Self::Helm => module!("helm"),
            Self::Minio => module!("minio"),
            Self::Coredns => module!("coredns"),
            Self::Pause => module!("pause"),
        }
    }

    /// The Go package of the program.
    pub(super) fn package(self) -> String {
        match self {
            Self::Etcd => "go.etcd.io/etcd/server/v3".to_owned(),
            Self::Kwok => "sigs.k8s.io/kwok/cmd/kwok".to_owned(),
            Self::Helm => "helm.sh/helm/v3/cmd/helm".to_owned(),
            Self::Minio => "github.com/minio/minio".to_owned(),
            Self::Coredns => "github.com/coredns/coredns".to_owned(),
            Self::Pause => ".".to_owned(),
            _ => format!("k8s.io/kubernetes/cmd/{}", self.program()),
        }
    }

    /// Values that upstream's own build sets in the linker; without them a program calls itself `v0.0.0`, and
    /// kubectl and helm then refuse or warn about the version of the server.
    pub(super) fn linker_values(self, version: &str) -> Vec<String> {
        match self {
            Self::Etcd | Self::Minio | Self::Coredns | Self::Pause => Vec::new(),
            Self::Kwok => vec![format!("sigs.k8s.io/kwok/pkg/consts.Version={version}")],
            Self::Helm => {
                // Without these helm renders and lints charts for Kubernetes 1.20 when it is not asked to
                // look.
                let (major, minor) = major_minor(Self::KubeApiserver.version().unwrap_or_default());
                let helm = "helm.sh/helm/v3";
                vec![
                    format!("{helm}/internal/version.version=v{version}"),
                    format!("{helm}/internal/version.metadata="),
                    format!("{helm}/pkg/lint/rules.k8sVersionMajor={major}"),
                    format!("{helm}/pkg/lint/rules.k8sVersionMinor={minor}"),
                    format!("{helm}/pkg/chartutil.k8sVersionMajor={major}"),
                    format!("{helm}/pkg/chartutil.k8sVersionMinor={minor}"),
                ]
            }
            _ => {
                let package = "k8s.io/component-base/version";
                let (major, minor) = major_minor(version);
                vec![
                    format!("{package}.gitVersion=v{version}"),
                    format!("{package}.gitMajor={major}"),
                    format!("{package}.gitMinor={minor}"),
                    format!("{package}.gitTreeState=clean"),
                ]
            }
        }
    }
}

fn major_minor(version: &str) -> (&str, &str) {
    let mut parts = version.split('.');
    (parts.next().unwrap_or_default(), parts.next().unwrap_or_default())
}
