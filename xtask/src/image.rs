//! `cargo xtask image`: images as files, without a container daemon.
//!
//! Builds static programs, puts them on an empty root with certificates and a user, and writes one archive
//! for each image that `docker load`, `ctr images import` and `kind load image-archive` accept. The same
//! sources give the same bytes; `--check` builds twice and compares.

use std::{
    fs,
    path::{Path, PathBuf},
};

use oci_spec::image::{
    ANNOTATION_DESCRIPTION, ANNOTATION_LICENSES, ANNOTATION_TITLE, ANNOTATION_VERSION, Config,
};
use snafu::{ResultExt as _, ensure};

mod archive;
mod compile;
mod elf;
mod error;
mod layer;
mod other;
mod table;

use archive::{Archive, Contents};
pub(crate) use compile::Arch;
use compile::Tree;
pub use error::Error;
use error::{ArchiveSnafu, DiffersSnafu, DynamicSnafu, ProgramSnafu, WriteSnafu};
pub(crate) use other::{Other, archived, ours, pause, release};
use table::{Image, Which};
pub(crate) use table::{PROGRAMS, Program};

/// The arguments of the verb.
#[derive(clap::Args)]
pub struct Args {
    /// Which image
    #[arg(value_enum, default_value_t = Which::All)]
    which: Which,

    /// Directory of the archives [default: target/images]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,

    /// Registry and path in front of the names, such as `registry.example/team`
    #[arg(long, value_name = "PREFIX")]
    prefix: Option<String>,

    /// Tag of the names
    #[arg(long, default_value = env!("CARGO_PKG_VERSION"))]
    tag: String,

    /// Processor that the image is for [default: this machine's]
    #[arg(long, value_enum)]
    arch: Option<Arch>,

    /// Take static programs from this directory instead of building them
    #[arg(long, value_name = "DIR", conflicts_with = "check")]
    binaries: Option<PathBuf>,

    /// Write what the image contains into this directory instead of an archive, for a Dockerfile; one image
    /// only
    #[arg(long, value_name = "DIR", conflicts_with_all = ["out", "check"])]
    rootfs: Option<PathBuf>,

    /// Build a second time, from a copy of the sources at another path, and fail when the digests differ
    #[arg(long)]
    check: bool,
}

/// Makes the images. Returns the lines to print: digest, size and path of each.
///
/// # Errors
///
/// When a program can't be built or is not static, a file can't be written, or a second build differs.
pub fn run(args: &Args) -> Result<Vec<String>, Error> {
    let here = Tree::here();
    let images = args.which.images();
    if let Some(directory) = &args.rootfs {
        return images.into_iter().map(|image| unpack(args, &here, image, directory)).collect();
    }
    let out = args.out.clone().unwrap_or_else(|| here.images());
    fs::create_dir_all(&out).context(WriteSnafu { path: &out })?;
    let mut lines = Vec::new();
    let mut digests = Vec::new();
    for image in &images {
        let (archive, path) = write(args, &here, image, &out)?;
        let size = archive.bytes.len() / 1024;
        lines.push(format!("{} {} {size} KiB {}", name(args, image), archive.digest, path.display()));
        digests.push(archive.digest);
    }
    if args.check {
        let elsewhere = here.elsewhere()?;
        for (image, first) in images.iter().zip(digests) {
            let second = make(args, &elsewhere, image)?.digest;
            ensure!(first == second, DiffersSnafu { name: image.name, first, second });
            lines.push(format!("{}: built twice, same digest", image.name));
        }
        elsewhere.discard()?;
    }
    Ok(lines)
}

fn arch(args: &Args) -> Arch {
    args.arch.unwrap_or_else(Arch::here)
}

fn file_name(args: &Args, image: &Image) -> String {
    format!("{}-{}-{}.tar", image.name, args.tag, arch(args).name())
}

/// Builds the operator as it is in its image; where it lies.
pub(crate) fn operator() -> Result<PathBuf, Error> {
    Tree::here().compile(&table::OPERATOR, Arch::here())
}

/// Builds the operator from the sources at `root`, as [`operator`] does, into `target`; where it lies.
pub(crate) fn operator_of(root: PathBuf, target: PathBuf) -> Result<PathBuf, Error> {
    Tree::at(root, target).compile(&table::OPERATOR, Arch::here())
}

/// Where everything that is built goes.
pub(crate) fn target() -> PathBuf {
    Tree::here().target().to_owned()
}

fn name(args: &Args, image: &Image) -> String {
    match &args.prefix {
        Some(prefix) => format!("{}/{}:{}", prefix.trim_end_matches('/'), image.name, args.tag),
        None => format!("{}:{}", image.name, args.tag),
    }
}

/// One archive, in a file.
fn write(args: &Args, tree: &Tree, image: &Image, out: &Path) -> Result<(Archive, PathBuf), Error> {
    let archive = make(args, tree, image)?;
    let path = out.join(file_name(args, image));
    fs::write(&path, &archive.bytes).context(WriteSnafu { path: &path })?;
    Ok((archive, path))
}

/// One archive.
fn make(args: &Args, tree: &Tree, image: &Image) -> Result<Archive, Error> {
    let contents = Contents {
        name: name(args, image),
        tag: args.tag.clone(),
        architecture: arch(args).name(),
        config: config(image),
        layers: layers(args, tree, image)?,
    };
    archive::build(contents).context(ArchiveSnafu { name: image.name })
}

fn config(image: &Image) -> Config {
    let labels = [
        (ANNOTATION_TITLE, image.name),
        (ANNOTATION_DESCRIPTION, image.description),
        (ANNOTATION_VERSION, env!("CARGO_PKG_VERSION")),
        (ANNOTATION_LICENSES, env!("CARGO_PKG_LICENSE")),
    ];
    let mut config = Config::default();
    config
        .set_entrypoint(Some(vec![image.entrypoint.to_owned()]))
        .set_env(Some(vec!["PATH=/:/bin:/milvus/bin".to_owned()]))
        .set_user(Some(image.user.to_owned()))
        .set_working_dir(Some("/".to_owned()))
        .set_labels(Some(labels.map(|(name, value)| (name.to_owned(), value.to_owned())).into()));
    config
}

/// The base, which all images share, and the programs.
fn layers(args: &Args, tree: &Tree, image: &Image) -> Result<Vec<Vec<u8>>, Error> {
    let mut own = layer::Tree::default();
    for program in image.programs {
        let bytes = content(tree, program, arch(args), args.binaries.as_deref())?;
        own.file(program.path, 0o755, bytes);
    }
    for (path, target) in image.links {
        own.link(path, target);
    }
    [layer::base(), own]
        .into_iter()
        .map(|tree| tree.into_tar().context(archive::TarSnafu).context(ArchiveSnafu { name: image.name }))
        .collect()
}

/// A static program: that of a directory, or built from `tree`.
fn content(tree: &Tree, program: &Program, arch: Arch, binaries: Option<&Path>) -> Result<Vec<u8>, Error> {
    let path = match binaries {
        Some(directory) => directory.join(program.binary),
        None => tree.compile(program, arch)?,
    };
    let bytes = fs::read(&path).context(ProgramSnafu { path: &path })?;
    ensure!(elf::is_static(&bytes, arch), DynamicSnafu { path, arch: arch.name() });
    Ok(bytes)
}

/// A static program of this tree, as it is in an image; taken from `binaries` where that is given.
///
/// # Errors
///
/// When it can't be built or read, or would not start in an empty image.
pub(crate) fn program(program: &Program, arch: Arch, binaries: Option<&Path>) -> Result<Vec<u8>, Error> {
    content(&Tree::here(), program, arch, binaries)
}

/// The files of an image below a directory of its name.
fn unpack(args: &Args, tree: &Tree, image: &Image, directory: &Path) -> Result<String, Error> {
    let root = directory.join(image.name);
    for layer in layers(args, tree, image)? {
        let mut tar = tar::Archive::new(layer.as_slice());
        tar.set_preserve_permissions(true);
        tar.unpack(&root).context(WriteSnafu { path: &root })?;
    }
    Ok(format!("{} {}", image.name, root.display()))
}
