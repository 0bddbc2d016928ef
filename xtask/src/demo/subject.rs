//! The Milvus that is upgraded: the demo's own with etcd and MinIO on this machine, or one from a file.

use std::{
    fs,
    path::{Path, PathBuf},
};

use milvus_testkit::{
    etcd::{self, Etcd},
    minio::Minio,
};
use serde::Deserialize;
use snafu::{ResultExt, ensure};

use super::{
    Error,
    error::{EtcdSnafu, FileSnafu, MinioSnafu, NoSubjectSnafu, ParseSnafu},
    place::Place,
    step,
};

const MANIFEST: &str = include_str!("my-release.yaml");
const BUCKET: &str = "my-release";
/// The credentials of a MinIO on the loopback interface that lives as long as the demo.
const ACCESS_KEY: &str = "demo-access-key";
const SECRET_KEY: &str = "demo-secret-key";

/// A Milvus in a file.
pub(super) struct Subject {
    pub(super) file: PathBuf,
    pub(super) name: String,
    pub(super) namespace: String,
    pub(super) image: String,
}

/// What has to be known of a Milvus; objects of other kinds in the file are passed over.
#[derive(Deserialize)]
struct Document {
    kind: String,
    metadata: Metadata,
    #[serde(default)]
    spec: Spec,
}

#[derive(Deserialize)]
struct Metadata {
    #[serde(default)]
    name: String,
    namespace: Option<String>,
}

#[derive(Default, Deserialize)]
struct Spec {
    #[serde(default)]
    components: Components,
}

#[derive(Default, Deserialize)]
struct Components {
    #[serde(default)]
    image: String,
}

impl Subject {
    /// The demo's own. Its etcd and its MinIO are started beside the cluster and end with it.
    pub(super) async fn with_dependencies(place: &Place) -> Result<Self, Error> {
        step("etcd and MinIO, as a company's own");
        let directory = &place.directory;
        let etcd = Etcd::start_beside(directory, "milvus-etcd", etcd::Options::default());
        let etcd = etcd.await.context(EtcdSnafu)?;
        let minio = Minio::start_beside(directory, ACCESS_KEY, SECRET_KEY).await.context(MinioSnafu)?;
        minio.create_bucket(BUCKET).await.context(MinioSnafu)?;
        println!("etcd serves at {}, MinIO at {} with the bucket {BUCKET}.", etcd.address(), minio.address());
        place.clean_namespace().await?;

        let file = directory.join("my-release.yaml");
        let manifest = MANIFEST
            .replace("{etcd}", &etcd.address())
            .replace("{storage}", &minio.address())
            .replace("{access_key}", ACCESS_KEY)
            .replace("{secret_key}", SECRET_KEY);
        fs::write(&file, manifest).context(FileSnafu { path: &file, action: "written" })?;
        Self::read(&file, &place.namespace)
    }

    /// The one Milvus in `file`, in `namespace` if it does not say where.
    pub(super) fn read(file: &Path, namespace: &str) -> Result<Self, Error> {
        let text = fs::read_to_string(file).context(FileSnafu { path: file, action: "read" })?;
        let documents: Vec<Document> =
            serde_saphyr::from_multiple(&text).map_err(Box::new).context(ParseSnafu { path: file })?;
        let mut found = documents.into_iter().filter(|document| document.kind == "Milvus");
        let (Some(Document { metadata, spec, .. }), None) = (found.next(), found.next()) else {
            return NoSubjectSnafu { path: file, problem: "it must hold one object of kind Milvus" }.fail();
        };
        let image = spec.components.image;
        ensure!(
            !image.is_empty(),
            NoSubjectSnafu { path: file, problem: "spec.components.image is missing" }
        );
        Ok(Self {
            file: file.to_owned(),
            name: metadata.name,
            namespace: metadata.namespace.unwrap_or_else(|| namespace.to_owned()),
            image,
        })
    }

    /// The arguments of a kubectl that works in `current` if it is not told otherwise.
    pub(super) fn namespaced(&self, args: &[&str], current: &str) -> Vec<String> {
        let elsewhere = (self.namespace != current).then(|| ["-n", &self.namespace]);
        args.iter().copied().chain(elsewhere.into_iter().flatten()).map(str::to_owned).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demos_own_manifest_has_the_image_of_the_guide() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("my-release.yaml");
        fs::write(&file, MANIFEST).unwrap();
        let subject = Subject::read(&file, "default").unwrap();
        assert_eq!((&*subject.name, &*subject.image), ("my-release", "milvusdb/milvus:v2.4.9"));
        assert_eq!(subject.namespaced(&["get", "milvus"], "other"), ["get", "milvus", "-n", "default"]);
    }

    #[test]
    fn a_file_without_a_milvus_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file.yaml");
        fs::write(&file, "kind: Secret\nmetadata: {name: a}\n").unwrap();
        let Err(error) = Subject::read(&file, "default") else { panic!("accepted") };
        assert!(error.to_string().contains("one object of kind Milvus"), "{error}");
    }
}
