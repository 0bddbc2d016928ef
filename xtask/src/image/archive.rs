//! One tar that is an OCI image layout and a docker archive at once.
//!
//! `index.json` and `oci-layout` are what containerd reads (OCI image-spec 1.1, image-layout),
//! `manifest.json` is what `docker load` and kind read. Both point to the same blobs. Layers are not
//! compressed: their digest then depends on no compressor, and whoever pushes compresses them.

use std::{collections::HashMap, io, str::FromStr as _};

use oci_spec::{
    OciSpecError,
    image::{
        Arch, Config, Descriptor, HistoryBuilder, ImageConfigurationBuilder, ImageIndexBuilder,
        ImageManifestBuilder, MediaType, OciLayoutBuilder, Os, PlatformBuilder, RootFsBuilder,
        SCHEMA_VERSION, Sha256Digest,
    },
};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use snafu::{ResultExt as _, Snafu};

use super::layer::Tree;

const CREATED: &str = "1970-01-01T00:00:00Z";
const LAYOUT_VERSION: &str = "1.0.0";

/// Why an archive could not be put together.
#[derive(Debug, Snafu)]
#[snafu(visibility(pub))]
pub enum Error {
    /// A tar could not be written.
    #[snafu(display("{source}"))]
    Tar { source: io::Error },
    /// A document lacks something that the image-spec asks for.
    #[snafu(display("{source}"))]
    Spec { source: OciSpecError },
    /// A document could not be written as JSON.
    #[snafu(display("{source}"))]
    Json { source: serde_json::Error },
}

/// What an image is made of.
pub struct Contents {
    /// Name as a person writes it, such as `milvus-operator:0.1.0`.
    pub name: String,
    /// The name's tag.
    pub tag: String,
    /// The platform in the words of the image-spec, such as `amd64`.
    pub architecture: &'static str,
    /// `config` of the image: entry point, user, labels.
    pub config: Config,
    /// Tars, the lowest first.
    pub layers: Vec<Vec<u8>>,
}

/// An archive.
pub struct Archive {
    /// The tar.
    pub bytes: Vec<u8>,
    /// Digest of the manifest, by which registries and runtimes know the image.
    pub digest: String,
}

/// A row of `manifest.json`: how the files of an image are called in its archive (moby's docker-image-spec).
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct DockerImage {
    config: String,
    repo_tags: [String; 1],
    layers: Vec<String>,
}

struct Blob {
    /// SHA-256 in hexadecimal digits.
    digest: String,
    bytes: Vec<u8>,
}

impl Blob {
    fn new(bytes: Vec<u8>) -> Self {
        Self { digest: format!("{:x}", Sha256::digest(&bytes)), bytes }
    }

    fn descriptor(&self, kind: MediaType) -> Result<Descriptor, Error> {
        let digest = Sha256Digest::from_str(&self.digest).context(SpecSnafu)?;
        Ok(Descriptor::new(kind, self.bytes.len() as u64, digest))
    }

    fn name(&self) -> String {
        format!("sha256:{}", self.digest)
    }

    fn path(&self) -> String {
        format!("blobs/sha256/{}", self.digest)
    }
}

/// JSON with sorted keys: labels and annotations are in no order of their own, and the bytes are to be the
/// same each time.
fn json(value: &impl Serialize) -> Result<Vec<u8>, Error> {
    let mut value = serde_json::to_value(value).context(JsonSnafu)?;
    value.sort_all_objects();
    serde_json::to_vec(&value).context(JsonSnafu)
}

/// Puts an image together.
///
/// # Errors
///
/// When a document lacks something, or a file has no place in a tar.
pub fn build(contents: Contents) -> Result<Archive, Error> {
    let layers: Vec<Blob> = contents.layers.into_iter().map(Blob::new).collect();
    let config = config(contents.architecture, contents.config, &layers)?;
    let manifest = manifest(&config, &layers)?;
    let index = index(&contents.name, &contents.tag, contents.architecture, &manifest)?;
    let layout = OciLayoutBuilder::default().image_layout_version(LAYOUT_VERSION).build();
    let docker = DockerImage {
        config: config.path(),
        repo_tags: [contents.name],
        layers: layers.iter().map(Blob::path).collect(),
    };
    let digest = manifest.name();
    let mut tree = Tree::default();
    tree.file("oci-layout", 0o644, json(&layout.context(SpecSnafu)?)?);
    tree.file("index.json", 0o644, index);
    tree.file("manifest.json", 0o644, json(&[docker])?);
    for blob in layers.into_iter().chain([config, manifest]) {
        tree.file(&blob.path(), 0o644, blob.bytes);
    }
    Ok(Archive { bytes: tree.into_tar().context(TarSnafu)?, digest })
}

/// The image's configuration. The layers are not compressed, so what identifies their content identifies
/// them.
fn config(architecture: &str, config: Config, layers: &[Blob]) -> Result<Blob, Error> {
    let diff_ids: Vec<String> = layers.iter().map(Blob::name).collect();
    let root = RootFsBuilder::default().typ("layers").diff_ids(diff_ids).build().context(SpecSnafu)?;
    let step = HistoryBuilder::default().created(CREATED).created_by("cargo xtask image").build();
    let history = vec![step.context(SpecSnafu)?; layers.len()];
    let whole = ImageConfigurationBuilder::default()
        .created(CREATED)
        .architecture(Arch::from(architecture))
        .os(Os::Linux)
        .config(config)
        .rootfs(root)
        .history(history)
        .build();
    Ok(Blob::new(json(&whole.context(SpecSnafu)?)?))
}

fn manifest(config: &Blob, layers: &[Blob]) -> Result<Blob, Error> {
    let layers: Result<Vec<Descriptor>, Error> =
        layers.iter().map(|layer| layer.descriptor(MediaType::ImageLayer)).collect();
    let manifest = ImageManifestBuilder::default()
        .schema_version(SCHEMA_VERSION)
        .media_type(MediaType::ImageManifest)
        .config(config.descriptor(MediaType::ImageConfig)?)
        .layers(layers?)
        .build();
    Ok(Blob::new(json(&manifest.context(SpecSnafu)?)?))
}

fn index(name: &str, tag: &str, architecture: &str, manifest: &Blob) -> Result<Vec<u8>, Error> {
    let platform = PlatformBuilder::default().architecture(Arch::from(architecture)).os(Os::Linux).build();
    let mut entry = manifest.descriptor(MediaType::ImageManifest)?;
    entry.set_platform(Some(platform.context(SpecSnafu)?));
    entry.set_annotations(Some(HashMap::from([
        ("io.containerd.image.name".to_owned(), full_name(name)),
        ("org.opencontainers.image.ref.name".to_owned(), tag.to_owned()),
    ])));
    let index = ImageIndexBuilder::default()
        .schema_version(SCHEMA_VERSION)
        .media_type(MediaType::ImageIndex)
        .manifests([entry])
        .build();
    json(&index.context(SpecSnafu)?)
}

/// The name with the registry that it means: containerd fills nothing in. A first part with a dot, a port or
/// `localhost` is a registry.
pub fn full_name(name: &str) -> String {
    match name.split_once('/') {
        Some((registry, _)) if registry.contains(['.', ':']) || registry == "localhost" => name.to_owned(),
        Some(_) => format!("docker.io/{name}"),
        None => format!("docker.io/library/{name}"),
    }
}
