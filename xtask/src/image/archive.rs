//! One tar that is an OCI image layout and a docker archive at once.
//!
//! `index.json` and `oci-layout` are what containerd reads (OCI image-spec 1.1, image-layout), `manifest.json` is what `docker load` and kind
//! read. Both point to the same blobs. Layers are not compressed: their digest then depends on no compressor, and whoever pushes compresses them.

use std::io;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::layer::Tree;

const CREATED: &str = "1970-01-01T00:00:00Z";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";

/// What an image is made of.
pub struct Contents {
    /// Name as a person writes it, such as `milvus-operator:0.1.0`.
    pub name: String,
    /// The name's tag.
    pub tag: String,
    /// The platform in the words of the image-spec, such as `amd64`.
    pub architecture: &'static str,
    /// `config` of the image: entry point, user, labels.
    pub config: Value,
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

struct Blob {
    digest: String,
    bytes: Vec<u8>,
}

impl Blob {
    fn new(bytes: Vec<u8>) -> Self {
        Self { digest: format!("sha256:{:x}", Sha256::digest(&bytes)), bytes }
    }

    fn json(value: &Value) -> Self {
        Self::new(value.to_string().into_bytes())
    }

    fn descriptor(&self, kind: &str) -> Value {
        json!({"mediaType": kind, "digest": self.digest, "size": self.bytes.len()})
    }

    fn path(&self) -> String {
        format!("blobs/{}", self.digest.replace(':', "/"))
    }
}

/// Puts an image together.
pub fn build(contents: Contents) -> io::Result<Archive> {
    let layers: Vec<Blob> = contents.layers.into_iter().map(Blob::new).collect();
    // The layers are not compressed, so what identifies their content identifies them.
    let diff_ids: Vec<&String> = layers.iter().map(|layer| &layer.digest).collect();
    let platform = json!({"architecture": contents.architecture, "os": "linux"});
    let config = Blob::json(&json!({
        "architecture": contents.architecture,
        "os": "linux",
        "created": CREATED,
        "config": contents.config,
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
        "history": layers.iter().map(|_| json!({"created": CREATED, "created_by": "cargo xtask image"})).collect::<Vec<_>>(),
    }));
    let manifest = Blob::json(&json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": config.descriptor(CONFIG),
        "layers": layers.iter().map(|layer| layer.descriptor(LAYER)).collect::<Vec<_>>(),
    }));
    let mut entry = manifest.descriptor(MANIFEST);
    entry["platform"] = platform;
    entry["annotations"] = json!({
        "io.containerd.image.name": full_name(&contents.name),
        "org.opencontainers.image.ref.name": contents.tag,
    });
    let index = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [entry],
    });
    let docker = json!([{
        "Config": config.path(),
        "RepoTags": [contents.name],
        "Layers": layers.iter().map(Blob::path).collect::<Vec<_>>(),
    }]);

    let digest = manifest.digest.clone();
    let mut tree = Tree::default();
    tree.file("oci-layout", 0o644, json!({"imageLayoutVersion": "1.0.0"}).to_string());
    tree.file("index.json", 0o644, index.to_string());
    tree.file("manifest.json", 0o644, docker.to_string());
    for blob in layers.into_iter().chain([config, manifest]) {
        tree.file(&blob.path(), 0o644, blob.bytes);
    }
    Ok(Archive { bytes: tree.into_tar()?, digest })
}

/// The name with the registry that it means: containerd fills nothing in. A first part with a dot, a port or `localhost` is a registry.
pub fn full_name(name: &str) -> String {
    match name.split_once('/') {
        Some((registry, _)) if registry.contains(['.', ':']) || registry == "localhost" => name.to_owned(),
        Some(_) => format!("docker.io/{name}"),
        None => format!("docker.io/library/{name}"),
    }
}
