//! `cargo xtask image` with small files in place of the programs: what is in the archives, read back as the
//! runtimes do. That the real programs are the same when built twice is what `cargo xtask image --check`
//! shows.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod common;

use std::{
    collections::BTreeMap,
    fs,
    io::Read as _,
    path::Path,
    process::{Command, Output},
};

use common::{program, programs};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tar::{Archive, EntryType};

fn image(args: &[&str], binaries: &Path, out: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command
        .arg("image")
        .args(args)
        .args(["--arch", "amd64", "--binaries"])
        .arg(binaries)
        .arg("--out")
        .arg(out);
    command.output().unwrap()
}

/// The archive of `which`, and the line that was printed.
fn made(which: &str, more: &[&str]) -> (Vec<u8>, String) {
    let (binaries, out) = (programs(), tempfile::tempdir().unwrap());
    let output = image(&[&[which, "--tag", "1.2.3"], more].concat(), binaries.path(), out.path());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let file = fs::read_dir(out.path()).unwrap().next().unwrap().unwrap().path();
    (fs::read(file).unwrap(), String::from_utf8(output.stdout).unwrap())
}

struct Entry {
    kind: EntryType,
    mode: u32,
    bytes: Vec<u8>,
    target: String,
}

fn entries(tar: &[u8]) -> BTreeMap<String, Entry> {
    let mut archive = Archive::new(tar);
    let mut entries = BTreeMap::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let header = entry.header();
        let owner = (header.uid().unwrap(), header.gid().unwrap(), header.mtime().unwrap());
        assert_eq!(owner, (0, 0, 0));
        let (kind, mode) = (header.entry_type(), header.mode().unwrap());
        let path = entry.path().unwrap().to_str().unwrap().to_owned();
        let target =
            entry.link_name().unwrap().map_or_else(String::new, |to| to.to_str().unwrap().to_owned());
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        assert!(entries.insert(path, Entry { kind, mode, bytes, target }).is_none());
    }
    entries
}

fn json(entries: &BTreeMap<String, Entry>, path: &str) -> Value {
    serde_json::from_slice(&entries[path].bytes).unwrap()
}

/// The blob that a descriptor names, after a look at its digest and size.
fn blob<'a>(entries: &'a BTreeMap<String, Entry>, descriptor: &Value) -> &'a [u8] {
    let digest = descriptor["digest"].as_str().unwrap();
    let bytes = &entries[&format!("blobs/{}", digest.replace(':', "/"))].bytes;
    assert_eq!(digest, format!("sha256:{:x}", Sha256::digest(bytes)));
    assert_eq!(descriptor["size"], bytes.len());
    bytes
}

/// Everything of an image, merged as a runtime would: its configuration, and its files.
fn unpacked(archive: &[u8]) -> (Value, BTreeMap<String, Entry>) {
    let all = entries(archive);
    let manifest: Value =
        serde_json::from_slice(blob(&all, &json(&all, "index.json")["manifests"][0])).unwrap();
    let config = serde_json::from_slice(blob(&all, &manifest["config"])).unwrap();
    let layers = manifest["layers"].as_array().unwrap().iter();
    (config, layers.flat_map(|layer| entries(blob(&all, layer))).collect())
}

/// OCI image-spec 1.1: image-layout, image index, manifest and config.
#[test]
fn an_archive_is_an_image_layout() {
    let (archive, printed) = made("operator", &[]);
    let all = entries(&archive);
    assert_eq!(json(&all, "oci-layout")["imageLayoutVersion"], "1.0.0");
    let index = json(&all, "index.json");
    let manifests = index["manifests"].as_array().unwrap();
    assert_eq!((index["schemaVersion"].as_u64(), manifests.len()), (Some(2), 1));
    assert_eq!(index["mediaType"], "application/vnd.oci.image.index.v1+json");
    assert_eq!(manifests[0]["mediaType"], "application/vnd.oci.image.manifest.v1+json");
    assert_eq!(manifests[0]["platform"], serde_json::json!({"architecture": "amd64", "os": "linux"}));
    assert_eq!(
        manifests[0]["annotations"]["io.containerd.image.name"],
        "docker.io/library/milvus-operator:1.2.3"
    );
    assert_eq!(manifests[0]["annotations"]["org.opencontainers.image.ref.name"], "1.2.3");
    assert!(printed.contains(manifests[0]["digest"].as_str().unwrap()), "{printed}");

    let manifest: Value = serde_json::from_slice(blob(&all, &manifests[0])).unwrap();
    assert_eq!(manifest["schemaVersion"], 2);
    assert_eq!(manifest["config"]["mediaType"], "application/vnd.oci.image.config.v1+json");
    let config: Value = serde_json::from_slice(blob(&all, &manifest["config"])).unwrap();
    assert_eq!((&config["architecture"], &config["os"]), (&"amd64".into(), &"linux".into()));
    let layers = manifest["layers"].as_array().unwrap();
    let ids = config["rootfs"]["diff_ids"].as_array().unwrap();
    assert_eq!(config["history"].as_array().unwrap().len(), layers.len());
    assert_eq!(ids.len(), layers.len());
    for (layer, id) in layers.iter().zip(ids) {
        assert_eq!(layer["mediaType"], "application/vnd.oci.image.layer.v1.tar");
        assert_eq!(format!("sha256:{:x}", Sha256::digest(blob(&all, layer))), *id);
    }
}

/// moby's docker-image-spec: manifest.json names files of the same archive.
#[test]
fn an_archive_is_a_docker_archive_of_the_same_image() {
    let (archive, _) = made("operator", &[]);
    let all = entries(&archive);
    let docker = json(&all, "manifest.json");
    assert_eq!(docker[0]["RepoTags"], serde_json::json!(["milvus-operator:1.2.3"]));
    let manifest: Value =
        serde_json::from_slice(blob(&all, &json(&all, "index.json")["manifests"][0])).unwrap();
    let path =
        |descriptor: &Value| format!("blobs/{}", descriptor["digest"].as_str().unwrap().replace(':', "/"));
    assert_eq!(docker[0]["Config"], path(&manifest["config"]));
    let layers: Vec<String> = manifest["layers"].as_array().unwrap().iter().map(path).collect();
    assert_eq!(docker[0]["Layers"], serde_json::json!(layers));
    assert!(all.values().all(|entry| entry.kind.is_file() || entry.kind.is_dir()));
}

#[test]
fn the_operators_image_is_a_tool_image_too() {
    let (archive, _) = made("operator", &[]);
    let (config, files) = unpacked(&archive);
    assert_eq!(config["config"]["Entrypoint"], serde_json::json!(["/milvus-operator"]));
    assert_eq!(config["config"]["User"], "65532:65532");
    assert_eq!(config["config"]["Labels"]["org.opencontainers.image.licenses"], "Apache-2.0");
    for name in ["milvus-operator", "milvus-config-tool"] {
        assert_eq!((&files[name].bytes, files[name].mode), (&program(name), 0o755));
    }
    for name in ["bin/sh", "init.sh", "run.sh", "merge", "iam-verify", "cp"] {
        assert_eq!(
            (files[name].kind, files[name].target.as_str()),
            (EntryType::Symlink, "/milvus-config-tool")
        );
    }
}

#[test]
fn every_image_has_certificates_a_user_and_a_place_to_write() {
    for which in ["operator", "config", "meta-migration"] {
        let (_, files) = unpacked(&made(which, &[]).0);
        let pem = String::from_utf8(files["etc/ssl/certs/ca-certificates.crt"].bytes.clone()).unwrap();
        assert!(pem.matches("-----BEGIN CERTIFICATE-----\n").count() > 100);
        let passwd = String::from_utf8(files["etc/passwd"].bytes.clone()).unwrap();
        assert!(passwd.lines().any(|line| line.starts_with("nonroot:x:65532:65532:")));
        assert_eq!((files["tmp/"].kind, files["tmp/"].mode), (EntryType::Directory, 0o1777));
    }
}

/// Jobs call it by this path.
#[test]
fn the_migration_lies_where_the_official_image_has_it() {
    let (config, files) = unpacked(&made("meta-migration", &[]).0);
    assert_eq!(files["milvus/bin/meta-migration"].bytes, program("meta-migration"));
    assert_eq!(config["config"]["Entrypoint"], serde_json::json!(["/milvus/bin/meta-migration"]));
}

#[test]
fn the_same_programs_give_the_same_bytes() {
    // Other directories, other times of the files.
    assert!(made("operator", &[]).0 == made("operator", &[]).0);
}

#[test]
fn a_name_with_a_registry_is_kept_as_it_is() {
    let (archive, _) = made("config", &["--prefix", "registry.example:5000/team/"]);
    let all = entries(&archive);
    let name = "registry.example:5000/team/milvus-config-tool:1.2.3";
    assert_eq!(json(&all, "manifest.json")[0]["RepoTags"][0], name);
    assert_eq!(json(&all, "index.json")["manifests"][0]["annotations"]["io.containerd.image.name"], name);
}

#[test]
fn a_program_that_would_not_start_is_refused() {
    let (binaries, out) = (programs(), tempfile::tempdir().unwrap());
    let refused = || {
        let output = image(&["config"], binaries.path(), out.path());
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    let tool = binaries.path().join("milvus-config-tool");
    // The tests' own program has an interpreter, and a program for ARM does not run here.
    fs::copy(env!("CARGO_BIN_EXE_xtask"), &tool).unwrap();
    assert!(refused().contains("milvus-config-tool is no static program for amd64"));
    let mut arm = program("milvus-config-tool");
    arm[18] = 183;
    fs::write(&tool, arm).unwrap();
    assert!(refused().contains("milvus-config-tool is no static program for amd64"));
    fs::remove_file(&tool).unwrap();
    assert!(refused().contains("milvus-config-tool can't be read: No such file"));
    assert_eq!(fs::read_dir(out.path()).unwrap().count(), 0);
}

#[test]
fn a_root_for_a_dockerfile_has_the_same_files() {
    let (binaries, out) = (programs(), tempfile::tempdir().unwrap());
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.args(["image", "operator", "--arch", "amd64", "--binaries"]).arg(binaries.path());
    let output = command.arg("--rootfs").arg(out.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let root = out.path().join("milvus-operator");
    assert_eq!(fs::read(root.join("milvus-operator")).unwrap(), program("milvus-operator"));
    assert_eq!(fs::read_link(root.join("bin/sh")).unwrap(), Path::new("/milvus-config-tool"));
    assert!(root.join("etc/ssl/certs/ca-certificates.crt").is_file());
}
