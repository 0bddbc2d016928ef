//! The images of a run, without a registry: ours, and those of a real Milvus and of what it depends on. All
//! but ours are kept in the cache, for their contents are pinned.

use std::{
    fs,
    path::{Path, PathBuf},
};

use milvus_testkit::tools::{self, Tool};
use oci_spec::image::Config;
use tokio::process::Command;

use super::{FROM, TO, openssl, say};
use crate::{
    Failure, cargo,
    image::{self, Other},
    real_milvus::{self, must},
};

/// To be counted up when what is written below changes: archives of an earlier recipe are made anew.
const RECIPE: u32 = 1;
/// The release of Debian that the images are made of.
const SUITE: &str = "bookworm";
/// What Milvus and Java need, and what people look for in a pod.
const PACKAGES: &str = "ca-certificates,curl,libgomp1,libstdc++6,procps,tini,zlib1g";
/// What no pod reads.
const WITHOUT: [&str; 9] = [
    "--exclude=./dev/*",
    "--exclude=./proc/*",
    "--exclude=./sys/*",
    "--exclude=./usr/share/doc",
    "--exclude=./usr/share/locale",
    "--exclude=./usr/share/man",
    "--exclude=./var/cache/apt",
    "--exclude=./var/lib/apt/lists",
    "--exclude=./var/log",
];

/// Archives, and what the manifests call the images.
pub(super) struct Images {
    pub(super) archives: Vec<PathBuf>,
    /// Names in braces of the manifests, and images.
    names: Vec<(&'static str, String)>,
    /// What ran and where it came from, for the report.
    pub(super) versions: Vec<[String; 3]>,
}

/// Makes what is not in the cache, and ours, unless there is a directory of theirs.
pub(super) async fn make(cache: &Path, python: &Path, ours: Option<PathBuf>) -> Result<Images, Failure> {
    let directory = cache.join("images");
    fs::create_dir_all(&directory)?;
    let kitchen = Kitchen { cache: cache.to_owned(), directory, python: python.to_owned() };
    let mut images = Images { archives: Vec::new(), names: Vec::new(), versions: Vec::new() };
    for (placeholder, tool, from) in
        [("{etcd}", Tool::Etcd, "Go module"), ("{minio}", Tool::Minio, "Go module")]
    {
        let (name, version) = (tool.program(), tool.version()?);
        let image = format!("docker.io/milvus-e2e/{name}:{version}");
        images.archives.push(kitchen.tool(&image, tool).await?);
        images.note(name, version, from);
        images.names.push((placeholder, image));
    }
    let kafka = tools::kafka_version()?;
    let image = format!("docker.io/milvus-e2e/kafka:{kafka}");
    images.archives.push(kitchen.kafka(&image).await?);
    images.note("Kafka", kafka, "Maven artifacts, the Java of the machine");
    images.names.push(("{kafka}", image));
    for version in [FROM, TO] {
        images.archives.push(kitchen.milvus(version).await?);
        images.note("Milvus", version, "Python package");
    }
    let from = ours.as_ref().map_or("this repository", |_| "an archive that was given");
    for (name, archive) in own(ours).await? {
        let (program, tag) = name.split_once(':').unwrap_or((&name, ""));
        images.note(program, tag, from);
        images.archives.push(archive);
    }
    Ok(images)
}

/// Name and archive of the operator's image and of those of its tools.
async fn own(given: Option<PathBuf>) -> Result<Vec<(String, PathBuf)>, Failure> {
    if let Some(directory) = given {
        return Ok(image::archived(&directory));
    }
    say("Images of the operator and its tools (a release build)");
    let out = cargo::root().join("target/images");
    Ok(tokio::task::spawn_blocking(move || image::ours(&out)).await??)
}

impl Images {
    /// What is filled in for the names in braces.
    pub(super) fn values(&self) -> Vec<(&str, &str)> {
        self.names.iter().map(|(name, image)| (*name, &**image)).collect()
    }

    fn note(&mut self, program: &str, version: &str, from: &str) {
        self.versions.push([program, version, from].map(str::to_owned));
    }
}

/// Where images are made.
struct Kitchen {
    cache: PathBuf,
    directory: PathBuf,
    python: PathBuf,
}

impl Kitchen {
    /// Where an image is kept; whether it is there.
    fn kept(&self, image: &str) -> (PathBuf, bool) {
        let name = image.rsplit('/').next().unwrap_or(image).replace(':', "-");
        let path = self.directory.join(format!("{name}-{RECIPE}.tar"));
        let exists = path.is_file();
        if !exists {
            say(&format!("Image {image}"));
        }
        (path, exists)
    }

    async fn tool(&self, image: &str, tool: Tool) -> Result<PathBuf, Failure> {
        let (path, exists) = self.kept(image);
        if !exists {
            Other::of_tool(image, tool).await?.write(&path)?;
        }
        Ok(path)
    }

    /// A small Debian.
    async fn debian(&self) -> Result<Vec<u8>, Failure> {
        let (path, exists) = self.kept("debian");
        if !exists {
            let work = tempfile::tempdir_in(&self.directory)?;
            let root = work.path().join("root");
            let include = format!("--include={PACKAGES}");
            let log = fs::File::create(self.directory.join("debootstrap.log"))?;
            let mut debootstrap = Command::new("debootstrap");
            debootstrap.args(["--variant=minbase", &include, SUITE]).arg(&root).stdout(log);
            must(&mut debootstrap).await?;
            pack(&root, &path, &WITHOUT).await?;
        }
        Ok(fs::read(path)?)
    }

    /// As the official image has it: the program below `/milvus/bin`, `tini` before it.
    async fn milvus(&self, version: &str) -> Result<PathBuf, Failure> {
        let image = format!("docker.io/milvusdb/milvus:v{version}");
        let (path, exists) = self.kept(&image);
        if exists {
            return Ok(path);
        }
        let wheel = real_milvus::server(&self.python, &self.cache, version).await?;
        let work = tempfile::tempdir_in(&self.directory)?;
        let root = work.path().join("root");
        let script = cargo::root().join("e2e/milvus_wheel.py");
        must(Command::new(&self.python).arg(script).arg(wheel).arg(&root)).await?;
        openssl::hide_from_libraries(&root.join("milvus"))?;
        let layer = self.layer(&root, &[]).await?;
        let env = [
            "PATH=/milvus/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "LD_LIBRARY_PATH=/milvus/lib",
        ];
        let mut config = Config::default();
        config
            .set_entrypoint(Some(["/usr/bin/tini", "--"].map(str::to_owned).to_vec()))
            .set_env(Some(env.map(str::to_owned).to_vec()))
            .set_working_dir(Some("/milvus".to_owned()));
        self.write(&path, image, config, vec![layer]).await
    }

    async fn kafka(&self, image: &str) -> Result<PathBuf, Failure> {
        let (path, exists) = self.kept(image);
        if exists {
            return Ok(path);
        }
        let java = java_home().await?;
        // Debian's Java has links to /etc, which are followed, and one to sources that need not be there.
        let runtime = ["--dereference", "--exclude=./lib/src.zip", "--exclude=./jmods", "--exclude=./man"];
        let java = self.layer(&java, &[&runtime[..], &["--transform=s,^\\.,opt/java,"]].concat()).await?;
        let jars = tools::kafka_jars().await?;
        let jars = self.layer(&jars, &["--transform=s,^\\.,opt/kafka,"]).await?;
        self.write(&path, image.to_owned(), Config::default(), vec![java, jars]).await
    }

    /// A tar of what is below `root`.
    async fn layer(&self, root: &Path, options: &[&str]) -> Result<Vec<u8>, Failure> {
        let work = tempfile::tempdir_in(&self.directory)?;
        let packed = work.path().join("layer.tar");
        pack(root, &packed, options).await?;
        Ok(fs::read(packed)?)
    }

    async fn write(
        &self,
        path: &Path,
        name: String,
        config: Config,
        own: Vec<Vec<u8>>,
    ) -> Result<PathBuf, Failure> {
        let mut layers = vec![self.debian().await?];
        layers.extend(own);
        Other { name, config, layers }.write(path)?;
        Ok(path.to_owned())
    }
}

/// Where the `java` of the PATH lies.
async fn java_home() -> Result<PathBuf, Failure> {
    let java = tools::java().await?;
    let output = Command::new(java).args(["-XshowSettings:properties", "-version"]).output().await?;
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let home = text.lines().find_map(|line| line.trim().strip_prefix("java.home = "));
    Ok(home.ok_or("java does not say where it lies (java.home)")?.into())
}

/// A tar of what is below `root`; visible only when it is complete.
async fn pack(root: &Path, path: &Path, options: &[&str]) -> Result<(), Failure> {
    let unfinished = path.with_extension("unfinished");
    let mut tar = Command::new("tar");
    tar.args(["--create", "--sort=name", "--numeric-owner", "--owner=0", "--group=0"]).args(options);
    must(tar.arg("--file").arg(&unfinished).arg("--directory").arg(root).arg(".")).await?;
    Ok(fs::rename(unfinished, path)?)
}
