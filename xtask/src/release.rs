//! `cargo xtask release`: everything that a release consists of, in one directory, which is a chart
//! repository as well.
//!
//! Programs as archives, images, the chart with its index, an SBOM and checksums over all of it. The same
//! sources give the same bytes. Nothing is sent anywhere: docs/releasing.md says who publishes what.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs, io,
    path::{Path, PathBuf},
};

use sha2::{Digest as _, Sha256};
use snafu::{ResultExt as _, Snafu, ensure};

mod sbom;

use crate::{
    cargo::root,
    chart,
    image::{self, Arch, Program},
    packing,
};

const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Checksums of all other files, in the format of `sha256sum`.
const SUMS: &str = "SHA256SUMS";
/// The SBOM, CycloneDX as JSON.
const SBOM: &str = "sbom.cdx.json";
/// What goes into the archive of each program.
const WITH: [&str; 2] = ["LICENSE", "CHANGELOG.md"];

/// The arguments of the verb.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Directory of the release; it must be empty or not there
    #[arg(long, value_name = "DIR")]
    out: PathBuf,

    /// The tag that is to be released, such as `v0.1.0`; another version than that of the sources is an error
    #[arg(long, value_name = "TAG")]
    expect: Option<String>,

    /// Address at which the chart's archive will lie; without it, beside the index
    #[arg(long)]
    url: Option<String>,

    /// Processor that programs and images are for [default: this machine's]
    #[arg(long, value_enum)]
    arch: Option<Arch>,

    /// Take static programs from this directory instead of building them
    #[arg(long, value_name = "DIR")]
    binaries: Option<PathBuf>,
}

/// Why there is no release.
#[derive(Debug, Snafu)]
pub(crate) enum Error {
    /// The tag is not that of the sources.
    #[snafu(display(
        "the sources are version {VERSION}, not {tag}: change `version` in Cargo.toml, or the tag"
    ))]
    Version { tag: String },
    /// There are files already.
    #[snafu(display("{} is not empty: a release is made from nothing", path.display()))]
    NotEmpty { path: PathBuf },
    /// A program or an image could not be made.
    #[snafu(display("{source}"))]
    Image { source: image::Error },
    /// The chart could not be packed.
    #[snafu(display("{source}"))]
    Chart { source: chart::Error },
    /// The list of what is in it could not be made.
    #[snafu(display("{source}"))]
    Sbom { source: sbom::Error },
    /// A file could not be read or written.
    #[snafu(display("{}: {source}", path.display()))]
    Files { path: PathBuf, source: io::Error },
}

/// Makes the release; what to print: the name of each file.
///
/// # Errors
///
/// When the tag is another one than that of the sources, the directory is not empty, or a part could not be
/// built.
pub(crate) async fn run(args: Args) -> Result<Vec<String>, Error> {
    if let Some(tag) = &args.expect {
        ensure!(tag.strip_prefix('v').unwrap_or(tag) == VERSION, VersionSnafu { tag });
    }
    let out = &args.out;
    fs::create_dir_all(out).context(FilesSnafu { path: out })?;
    ensure!(names(out)?.is_empty(), NotEmptySnafu { path: out });
    let arch = args.arch.unwrap_or_else(Arch::here);
    for program in image::PROGRAMS {
        let bytes = image::program(program, arch, args.binaries.as_deref()).context(ImageSnafu)?;
        pack(program, arch, bytes, out)?;
    }
    image::release(out, arch, args.binaries).context(ImageSnafu)?;
    chart::run(chart::Args::new(out.clone(), args.url)).await.context(ChartSnafu)?;
    let packages = image::PROGRAMS.iter().map(|program| program.package);
    let bom = sbom::of(packages, arch.target()).await.context(SbomSnafu)?;
    let path = out.join(SBOM);
    fs::write(&path, bom).context(FilesSnafu { path })?;
    sums(out)?;
    names(out)
}

/// The archive of one program: a directory with the program, the licence and what has changed.
fn pack(program: &Program, arch: Arch, bytes: Vec<u8>, out: &Path) -> Result<(), Error> {
    let name = format!("{}-{VERSION}-linux-{}", program.binary, arch.name());
    let place = Path::new(&name);
    let mut files = BTreeMap::from([(place.join(program.binary), (0o755, bytes))]);
    for file in WITH {
        let path = root().join(file);
        let text = fs::read(&path).context(FilesSnafu { path })?;
        files.insert(place.join(file), (0o644, text));
    }
    let path = out.join(format!("{name}.tar.gz"));
    packing::tar_gz(&path, files).context(FilesSnafu { path })
}

/// Names of the files of a directory, in order.
fn names(directory: &Path) -> Result<Vec<String>, Error> {
    let entries = fs::read_dir(directory).context(FilesSnafu { path: directory })?;
    let name = |entry: io::Result<fs::DirEntry>| Ok(entry?.file_name().to_string_lossy().into_owned());
    let names: io::Result<Vec<String>> = entries.map(name).collect();
    let mut names = names.context(FilesSnafu { path: directory })?;
    names.sort_unstable();
    Ok(names)
}

fn sums(out: &Path) -> Result<(), Error> {
    let mut text = String::new();
    for name in names(out)? {
        let path = out.join(&name);
        let bytes = fs::read(&path).context(FilesSnafu { path })?;
        // Writing to a String can't fail.
        let _ = writeln!(text, "{:x}  {name}", Sha256::digest(&bytes));
    }
    let path = out.join(SUMS);
    fs::write(&path, text).context(FilesSnafu { path })
}
