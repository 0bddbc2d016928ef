//! Images that are not shipped: what a node that runs containers needs, and what a real Milvus needs in its
//! pods.

use std::{
    fs,
    path::{Path, PathBuf},
};

use milvus_testkit::{
    real_node,
    tools::{self, Tool},
};
use oci_spec::image::Config;
use snafu::ResultExt as _;

use super::{
    Args, Error,
    archive::{self, Contents},
    compile::Arch,
    error::{ArchiveSnafu, ProgramSnafu, ToolSnafu, WriteSnafu},
    file_name, layer, name, run,
    table::Which,
};

/// An image that is not of this project.
pub(crate) struct Other {
    /// With registry and tag.
    pub(crate) name: String,
    /// What it runs, in the words of the image-spec.
    pub(crate) config: Config,
    /// Tars, the lowest first.
    pub(crate) layers: Vec<Vec<u8>>,
}

impl Other {
    /// One static program on an empty root.
    pub(crate) async fn of_tool(name: &str, tool: Tool) -> Result<Self, Error> {
        let executable = tools::path(tool).await.context(ToolSnafu)?;
        let bytes = fs::read(&executable).context(ProgramSnafu { path: &executable })?;
        let mut tree = layer::Tree::default();
        tree.file(tool.program(), 0o755, bytes);
        tree.directory("tmp", 0o1777);
        let program = tree.into_tar().context(archive::TarSnafu).context(ArchiveSnafu { name })?;
        let mut config = Config::default();
        config.set_entrypoint(Some(vec![format!("/{}", tool.program())]));
        Ok(Self { name: name.to_owned(), config, layers: vec![program] })
    }

    /// Writes the archive to `path`, which exists only when it is complete.
    pub(crate) fn write(self, path: &Path) -> Result<(), Error> {
        let tag = self.name.rsplit(':').next().unwrap_or_default().to_owned();
        let contents = Contents {
            tag,
            architecture: Arch::here().name(),
            config: self.config,
            layers: self.layers,
            name: self.name.clone(),
        };
        let archive = archive::build(contents).context(ArchiveSnafu { name: self.name })?;
        let unfinished = path.with_extension("unfinished");
        let written = fs::write(&unfinished, archive.bytes).and_then(|()| fs::rename(&unfinished, path));
        written.context(WriteSnafu { path })
    }
}

/// The archive of the image that holds the namespaces of a pod.
pub(crate) async fn pause() -> Result<PathBuf, Error> {
    let executable = tools::path(Tool::Pause).await.context(ToolSnafu)?;
    let path = executable.with_extension("tar");
    if !path.is_file() {
        Other::of_tool(real_node::PAUSE_IMAGE, Tool::Pause).await?.write(&path)?;
    }
    Ok(path)
}

/// Builds every image; name and archive of each.
pub(crate) fn ours(out: &Path) -> Result<Vec<(String, PathBuf)>, Error> {
    run(&Args { out: Some(out.to_owned()), ..every() })?;
    Ok(archived(out))
}

/// Builds every image for a release, of programs in `binaries` where that is given.
///
/// # Errors
///
/// When a program can't be built or read, or a file can't be written.
pub(crate) fn release(out: &Path, arch: Arch, binaries: Option<PathBuf>) -> Result<(), Error> {
    run(&Args { out: Some(out.to_owned()), arch: Some(arch), binaries, ..every() }).map(|_| ())
}

/// Name of each, and where their archives are in a directory that has them.
pub(crate) fn archived(directory: &Path) -> Vec<(String, PathBuf)> {
    let args = every();
    let row = |image| (name(&args, image), directory.join(file_name(&args, image)));
    args.which.images().into_iter().map(row).collect()
}

/// What the verb takes when nothing is said.
fn every() -> Args {
    let tag = env!("CARGO_PKG_VERSION").to_owned();
    Args {
        which: Which::All,
        out: None,
        prefix: None,
        tag,
        arch: None,
        binaries: None,
        rootfs: None,
        check: false,
    }
}
