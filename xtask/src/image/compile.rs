//! Static programs for the images, the same bytes wherever they are built.
//!
//! musl and rust-lld come with the Rust toolchain, so linking needs nothing of the machine. `ring` has some
//! C: any C compiler of the machine will do, because that code uses no libc.

use std::{
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use clap::ValueEnum;
use snafu::{OptionExt as _, ResultExt as _, ensure};

use super::{
    error::{CargoHomeSnafu, CopySnafu, Error, FailedSnafu, StartSnafu, TargetSnafu},
    table::Program,
};

/// The processor that an image is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Arch {
    /// x86-64
    Amd64,
    /// 64-bit ARM
    Arm64,
}

impl Arch {
    /// That of this machine.
    pub fn here() -> Self {
        if env::consts::ARCH == "aarch64" { Self::Arm64 } else { Self::Amd64 }
    }

    /// In the words of the image-spec.
    pub fn name(self) -> &'static str {
        match self {
            Self::Amd64 => "amd64",
            Self::Arm64 => "arm64",
        }
    }

    /// The target in the words of Rust.
    pub fn target(self) -> &'static str {
        match self {
            Self::Amd64 => "x86_64-unknown-linux-musl",
            Self::Arm64 => "aarch64-unknown-linux-musl",
        }
    }
}

/// A working tree and where its build goes.
pub struct Tree {
    root: PathBuf,
    target: PathBuf,
}

impl Tree {
    /// The tree that this program was built from.
    pub fn here() -> Self {
        // Two directories below: always there.
        let root =
            Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or_else(|| Path::new(".")).to_owned();
        let target =
            env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |set| root.join(set));
        Self { root, target }
    }

    /// Sources at another place, built into a directory of their own.
    pub fn at(root: PathBuf, target: PathBuf) -> Self {
        Self { root, target }
    }

    /// Where everything that is built goes.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// Where images go when nothing else is said.
    pub fn images(&self) -> PathBuf {
        self.target.join("images")
    }

    /// A copy of the sources at another path, with a build of its own: what is equal there does not depend on
    /// where it was built.
    ///
    /// # Errors
    ///
    /// When git does not list the sources, or one can't be copied.
    pub fn elsewhere(&self) -> Result<Self, Error> {
        let place = self.target.join("image-check");
        let copy = Self { root: place.join("a-tree-elsewhere"), target: place.join("build") };
        if place.exists() {
            fs::remove_dir_all(&place).context(CopySnafu { path: &place })?;
        }
        let mut git = Command::new("git");
        git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]).current_dir(&self.root);
        let listed = git.output().context(StartSnafu { program: "git" })?;
        ensure!(listed.status.success(), FailedSnafu { what: "git ls-files", status: listed.status });
        let names = String::from_utf8_lossy(&listed.stdout).into_owned();
        for name in names.split('\0').filter(|name| !name.is_empty() && self.root.join(name).is_file()) {
            let (from, to) = (self.root.join(name), copy.root.join(name));
            fs::create_dir_all(to.parent().unwrap_or(&copy.root)).context(CopySnafu { path: &to })?;
            fs::copy(&from, &to).context(CopySnafu { path: &from })?;
        }
        Ok(copy)
    }

    /// Removes what `elsewhere` made.
    ///
    /// # Errors
    ///
    /// When a file can't be removed.
    pub fn discard(self) -> Result<(), Error> {
        let place = self.target.parent().unwrap_or(&self.target);
        fs::remove_dir_all(place).context(CopySnafu { path: place })
    }

    /// Builds one program and returns where it lies. One at a time: in one build for two packages, each would
    /// get the other's features.
    ///
    /// # Errors
    ///
    /// When the target is missing, or cargo fails.
    pub fn compile(&self, program: &Program, arch: Arch) -> Result<PathBuf, Error> {
        let target = arch.target();
        need_target(&self.root, target)?;
        let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.current_dir(&self.root).args(["build", "--profile", program.profile, "--locked"]);
        cargo.args(["--package", program.package, "--bin", program.binary]);
        cargo.args(["--target", target, "--target-dir"]).arg(&self.target);
        let home = cargo_home()?;
        cargo.env("CARGO_ENCODED_RUSTFLAGS", self.rust_flags(&home)).env_remove("RUSTFLAGS");
        let cc = format!("CC_{}", target.replace('-', "_"));
        if env::var_os(&cc).is_none() && arch == Arch::here() {
            cargo.env(cc, "cc");
        }
        let mut flag = OsString::from("-ffile-prefix-map=");
        flag.push(&home);
        flag.push("=/cargo");
        cargo.env(format!("CFLAGS_{}", target.replace('-', "_")), flag);
        let status = cargo.status().context(StartSnafu { program: "cargo" })?;
        ensure!(status.success(), FailedSnafu { what: format!("the build of {}", program.package), status });
        Ok(self.target.join(target).join(program.profile).join(program.binary))
    }

    /// Paths of this machine are replaced (the last that fits counts), and nothing of the machine links.
    fn rust_flags(&self, home: &Path) -> OsString {
        let mut flags = OsString::from("-Clinker=rust-lld\x1f-Clink-self-contained=yes");
        for (path, name) in [(self.root.as_path(), "/src"), (&self.target, "/target"), (home, "/cargo")] {
            flags.push("\x1f--remap-path-prefix=");
            flags.push(path);
            flags.push("=");
            flags.push(name);
        }
        flags
    }
}

fn cargo_home() -> Result<PathBuf, Error> {
    let set = env::var_os("CARGO_HOME").map(PathBuf::from);
    set.or_else(|| Some(env::home_dir()?.join(".cargo"))).context(CargoHomeSnafu)
}

/// The standard library for the target, from rustup when it is not there.
fn need_target(root: &Path, target: &str) -> Result<(), Error> {
    let mut rustc = Command::new("rustc");
    rustc.args(["--print", "target-libdir", "--target", target]).current_dir(root);
    let printed = rustc.output().context(StartSnafu { program: "rustc" })?;
    if Path::new(String::from_utf8_lossy(&printed.stdout).trim()).is_dir() {
        return Ok(());
    }
    let added = Command::new("rustup").args(["target", "add", target]).current_dir(root).status();
    ensure!(added.is_ok_and(|status| status.success()), TargetSnafu { target });
    Ok(())
}
