//! Where things lie. Upstream's paths: pods that exist mount them.

use std::{env, path::PathBuf};

/// Set by tests only: a directory that all paths are below.
const ROOT: &str = "MILVUS_CONFIG_TOOL_ROOT";

/// The paths of one container.
#[derive(Clone, Debug)]
pub struct Paths {
    root: PathBuf,
}

impl Paths {
    /// Below `/`, or below what the environment names.
    pub fn from_environment() -> Self {
        Self { root: env::var_os(ROOT).map_or_else(|| PathBuf::from("/"), PathBuf::from) }
    }

    /// A tool in the root of the tool image.
    pub fn tool(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// The emptyDir that the init container fills.
    pub fn tools(&self) -> PathBuf {
        self.root.join("milvus/tools")
    }

    /// Where a Milvus image has its configuration.
    pub fn configs(&self) -> PathBuf {
        self.root.join("milvus/configs")
    }

    /// The mounted ConfigMap.
    pub fn operator(&self) -> PathBuf {
        self.configs().join("operator")
    }

    /// The configuration where [`Self::configs`] can't be written.
    pub fn runtime_configs(&self) -> PathBuf {
        self.tools().join("runtime-config")
    }
}
