//! `cargo xtask chart`, and what helm makes of it over HTTP.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::{fs, path::Path, process::Command};

use milvus_testkit::{
    files::FileServer,
    tools::{self, Tool},
};

fn chart(out: &Path, more: &[&str]) -> String {
    let output =
        Command::new(env!("CARGO_BIN_EXE_xtask")).args(["chart", "--out"]).arg(out).args(more).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn all(directory: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(path).unwrap()))
        .collect();
    files.sort();
    files
}

#[tokio::test]
async fn helm_takes_the_chart_from_its_repository_and_packing_again_gives_the_same_bytes() {
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let said = chart(first.path(), &[]);
    chart(second.path(), &[]);
    assert!(said.trim_end().ends_with("/milvus-operator-0.1.0.tgz"), "{said}");
    assert!(all(first.path()) == all(second.path()), "the same sources gave other bytes");

    let (server, home) = (FileServer::start(first.path()).await.unwrap(), tempfile::tempdir().unwrap());
    let program = tools::path(Tool::Helm).await.unwrap();
    let helm = async |args: &[&str]| {
        let mut command = tokio::process::Command::new(&program);
        for kind in ["CACHE", "CONFIG", "DATA"] {
            command.env(format!("HELM_{kind}_HOME"), home.path().join(kind));
        }
        let output = command.args(args).output().await.unwrap();
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    helm(&["repo", "add", "mine", server.url()]).await;
    helm(&["repo", "update", "mine"]).await;
    let found = helm(&["search", "repo", "mine/milvus-operator", "--output", "json"]).await;
    assert!(found.contains(r#""version":"0.1.0""#), "{found}");
    let rendered = helm(&["template", "x", "mine/milvus-operator", "--kube-version", "1.34.0"]).await;
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/../charts/milvus-operator");
    assert_eq!(rendered, helm(&["template", "x", source, "--kube-version", "1.34.0"]).await);
}

#[test]
fn the_index_names_the_address_that_it_is_told() {
    let out = tempfile::tempdir().unwrap();
    chart(out.path(), &["--url", "https://charts.example/milvus"]);
    let index = fs::read_to_string(out.path().join("index.yaml")).unwrap();
    assert!(index.contains("https://charts.example/milvus/milvus-operator-0.1.0.tgz"), "{index}");
}
