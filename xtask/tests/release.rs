//! `cargo xtask release` with small files in place of the programs: what is in it, and that its directory is
//! the repository of the guides' commands.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests are tests")]

mod common;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Read as _,
    path::Path,
    process::{Command, Output},
};

use common::{program, programs};
use flate2::read::GzDecoder;
use k8s_openapi::{
    api::apps::v1::Deployment,
    apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
};
use kube::{Api, ResourceExt as _, api::ListParams};
use milvus_testkit::{ControlPlane, access::Output as Answer, files::FileServer};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

const RELEASE: &str = "milvus-operator";

fn release(out: &Path, more: &[&str]) -> Output {
    let binaries = programs();
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.args(["release", "--arch", "amd64", "--out"]).arg(out).arg("--binaries").arg(binaries.path());
    command.args(more).output().unwrap()
}

/// Name and content of each file of a release.
fn made() -> (tempfile::TempDir, BTreeMap<String, Vec<u8>>) {
    let out = tempfile::tempdir().unwrap();
    let output = release(out.path(), &["--expect", "v0.1.0"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let entries = fs::read_dir(out.path()).unwrap().map(|entry| entry.unwrap().path());
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    let files = entries.map(|path| (name(&path), fs::read(path).unwrap())).collect();
    (out, files)
}

#[test]
fn a_release_has_programs_images_chart_and_sbom_with_a_checksum_each_and_is_the_same_when_made_again() {
    let (_directory, files) = made();
    let sums = String::from_utf8(files["SHA256SUMS"].clone()).unwrap();
    let sums: BTreeMap<&str, &str> =
        sums.lines().map(|line| line.split_once("  ").unwrap()).map(|(s, n)| (n, s)).collect();
    let names: BTreeSet<&str> =
        files.keys().map(String::as_str).filter(|name| *name != "SHA256SUMS").collect();
    assert_eq!(names, sums.keys().copied().collect());
    for (name, sum) in &sums {
        assert_eq!(format!("{:x}", Sha256::digest(&files[*name])), *sum, "{name}");
    }
    let images = ["milvus-operator", "milvus-config-tool", "meta-migration"];
    let images = images.map(|name| format!("{name}-0.1.0-amd64.tar"));
    let chart = ["index.yaml", "milvus-operator-0.1.0.tgz", "sbom.cdx.json"].map(str::to_owned);
    for name in images.iter().chain(&chart) {
        assert!(names.contains(name.as_str()), "{name} is not in {names:?}");
    }
    for name in ["milvus-operator", "milvus-config-tool", "meta-migration", "kubectl-milvus"] {
        let place = format!("{name}-0.1.0-linux-amd64");
        let mut archive = tar::Archive::new(GzDecoder::new(files[&format!("{place}.tar.gz")].as_slice()));
        let mut inside = BTreeMap::new();
        for entry in archive.entries().unwrap() {
            let mut entry = entry.unwrap();
            let path = entry.path().unwrap().display().to_string();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            inside.insert(path, (entry.header().mode().unwrap(), bytes));
        }
        assert_eq!(inside[&format!("{place}/{name}")], (0o755, program(name)));
        assert_eq!(inside.keys().filter(|path| path.ends_with("/LICENSE")).count(), 1);
    }
    assert!(files == made().1, "the same sources gave other bytes");
}

/// CycloneDX 1.5: every reference is there, and what is only for tests is not.
#[test]
fn the_sbom_lists_what_the_programs_are_made_of() {
    let (_directory, files) = made();
    let bom: Value = serde_json::from_slice(&files["sbom.cdx.json"]).unwrap();
    assert_eq!((&bom["bomFormat"], &bom["specVersion"]), (&"CycloneDX".into(), &"1.5".into()));
    let components = bom["components"].as_array().unwrap();
    let names: BTreeSet<&str> = components.iter().map(|one| one["name"].as_str().unwrap()).collect();
    for name in [
        "milvus-operator",
        "milvus-config-tool",
        "milvus-meta",
        "kubectl-milvus",
        "rustls",
        "kube",
        "webpki-root-certs",
    ] {
        assert!(names.contains(name), "{name} is missing");
    }
    for name in ["proptest", "insta", "milvus-testkit", "xtask", "tonic-prost-build"] {
        assert!(!names.contains(name), "{name} is in no program");
    }
    let mut known = BTreeSet::new();
    for component in components {
        assert!(known.insert(component["bom-ref"].as_str().unwrap()), "{component} is there twice");
        assert!(component["licenses"][0]["expression"].is_string(), "{component} has no licence");
        assert_eq!(component["purl"].as_str().unwrap().split('@').count(), 2);
    }
    known.insert(bom["metadata"]["component"]["bom-ref"].as_str().unwrap());
    for dependency in bom["dependencies"].as_array().unwrap() {
        assert!(known.contains(dependency["ref"].as_str().unwrap()));
        let needs = dependency["dependsOn"].as_array().unwrap();
        assert!(needs.iter().all(|name| known.contains(name.as_str().unwrap())), "{dependency}");
    }
}

#[test]
fn a_tag_of_another_version_and_a_directory_with_files_are_refused_before_anything_is_made() {
    let out = tempfile::tempdir().unwrap();
    let refused = release(out.path(), &["--expect", "v9.9.9"]);
    let words = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(words.contains("the sources are version 0.1.0, not v9.9.9"), "{words}");
    assert_eq!(fs::read_dir(out.path()).unwrap().count(), 0);
    fs::write(out.path().join("old"), "").unwrap();
    let refused = release(out.path(), &[]);
    let words = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(words.contains("is not empty"), "{words}");
    assert_eq!(fs::read_dir(out.path()).unwrap().count(), 1);
}

async fn definitions(plane: &ControlPlane) -> BTreeMap<String, Option<String>> {
    let api = Api::<CustomResourceDefinition>::all(plane.client().unwrap());
    let all = api.list(&ListParams::default()).await.unwrap();
    all.into_iter().map(|one| (one.name_any(), one.uid())).collect()
}

/// What the guides tell those who installed the Go operator by its chart, word for word but for the address.
const GUIDE: [&str; 3] = [
    "repo add zilliztech-milvus-operator ADDRESS",
    "repo update zilliztech-milvus-operator",
    "-n milvus-operator upgrade milvus-operator zilliztech-milvus-operator/milvus-operator",
];

#[tokio::test]
async fn the_three_lines_of_the_guides_upgrade_a_release_of_the_go_operator_from_the_release_directory() {
    let (directory, files) = made();
    let server = FileServer::start(directory.path()).await.unwrap();
    let plane = Box::pin(ControlPlane::new()).await.unwrap();
    let helm = async |line: &str| {
        let line = line.replace("ADDRESS", server.url());
        let done = plane.access().helm(line.split(' ')).await.and_then(Answer::success);
        done.unwrap_or_else(|error| panic!("helm {line}: {error}"))
    };
    let go = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/operator/tests/release/go-chart");
    helm(&format!("-n {RELEASE} install --create-namespace {RELEASE} {}", go.display())).await;
    let before = definitions(&plane).await;
    assert_eq!(before.len(), 3);
    let api = Api::<Deployment>::namespaced(plane.client().unwrap(), RELEASE);
    let old = api.get(RELEASE).await.unwrap();

    for line in GUIDE {
        helm(line).await;
    }

    let listed = helm(&format!("-n {RELEASE} list --output json")).await;
    assert!(listed.contains("milvus-operator-0.1.0"), "{listed}");
    assert_eq!(
        definitions(&plane).await,
        before,
        "a definition that is made anew takes every Milvus with it"
    );
    let new = api.get(RELEASE).await.unwrap();
    assert_eq!(new.uid(), old.uid());
    let image = new.spec.unwrap().template.spec.unwrap().containers[0].image.clone().unwrap();
    let mut tar = tar::Archive::new(files["milvus-operator-0.1.0-amd64.tar"].as_slice());
    let is_manifest = |entry: &tar::Entry<'_, &[u8]>| entry.path().unwrap() == Path::new("manifest.json");
    let manifest = tar.entries().unwrap().map(Result::unwrap).find(is_manifest).unwrap();
    let manifest: Value = serde_json::from_reader(manifest).unwrap();
    assert_eq!(manifest[0]["RepoTags"][0], image.as_str(), "the chart asks for the image of its release");
}
