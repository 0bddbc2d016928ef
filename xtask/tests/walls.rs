//! The walls between crates, by what cargo says of the tree, and the budgets of files. Each can fail: put a dependency
//! or a line where it does not belong.

#![allow(clippy::unwrap_used, reason = "a helper of a test fails as the test does")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Names of everything that a package needs when it is built for use.
fn needs(package: &str) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .current_dir(root())
        .args([
            "tree",
            "--locked",
            "--offline",
            "--edges",
            "normal",
            "--prefix",
            "none",
            "--package",
            package,
        ])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().skip(1).filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

/// Of our own crates, what a package may need. The whole of the architecture in one table.
const OURS: [(&str, &[&str]); 10] = [
    ("milvus-plan", &[]),
    ("milvus-api", &[]),
    ("milvus-state", &["milvus-api", "milvus-plan"]),
    ("milvus-meta", &["milvus-plan"]),
    ("milvus-config-tool", &[]),
    ("milvus-probe", &[]),
    ("milvus-cluster", &["milvus-state", "milvus-api", "milvus-plan"]),
    ("milvus-controller", &["milvus-cluster", "milvus-state", "milvus-api", "milvus-plan"]),
    (
        "milvus-operator",
        &["milvus-controller", "milvus-cluster", "milvus-probe", "milvus-state", "milvus-api", "milvus-plan"],
    ),
    // What a plan of a file takes, without a cluster.
    ("kubectl-milvus", &["milvus-state", "milvus-api", "milvus-plan"]),
];

#[test]
fn our_crates_need_each_other_only_downwards() {
    for (package, allowed) in OURS {
        let ours: BTreeSet<String> = needs(package)
            .into_iter()
            .filter(|n| n.starts_with("milvus-") || n == "kubectl-milvus")
            .collect();
        let allowed: BTreeSet<String> = allowed.iter().map(|name| (*name).to_owned()).collect();
        assert!(ours.is_subset(&allowed), "{package} needs {:?}", ours.difference(&allowed));
    }
}

#[test]
fn pure_crates_have_no_io() {
    let io = ["tokio", "hyper", "kube-client", "kube-runtime", "reqwest", "etcd-client", "rustls", "socket2"];
    for package in ["milvus-plan", "milvus-api", "milvus-state"] {
        let found: Vec<String> = needs(package).into_iter().filter(|n| io.contains(&n.as_str())).collect();
        assert!(found.is_empty(), "{package} needs {found:?}");
    }
}

#[test]
fn the_plan_and_the_probes_know_nothing_of_kubernetes() {
    for package in ["milvus-plan", "milvus-meta", "milvus-probe"] {
        let found: Vec<String> =
            needs(package).into_iter().filter(|n| n.starts_with("kube") || n == "k8s-openapi").collect();
        assert!(found.is_empty(), "{package} needs {found:?}");
    }
}

#[test]
fn what_tests_are_made_of_is_never_shipped() {
    for package in ["milvus-operator", "kubectl-milvus", "milvus-meta", "milvus-config-tool"] {
        for kit in ["milvus-testkit", "milvus-sim", "milvus-sim-random"] {
            assert!(!needs(package).contains(kit), "{package} ships {kit}");
        }
    }
}

/// Files that git tracks, with one of the endings.
fn tracked(endings: &[&str]) -> Vec<PathBuf> {
    let output = Command::new("git").current_dir(root()).args(["ls-files"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let wanted = |path: &&str| endings.iter().any(|ending| path.ends_with(ending));
    text.lines().filter(wanted).map(|path| root().join(path)).filter(|path| path.is_file()).collect()
}

/// Longest source file, in lines; 250 are wanted.
const MOST_LINES: usize = 400;

#[test]
fn no_source_file_does_two_things() {
    let long: Vec<String> = tracked(&[".rs"])
        .into_iter()
        .map(|path| (std::fs::read_to_string(&path).unwrap().lines().count(), path))
        .filter(|(lines, _)| *lines > MOST_LINES)
        .map(|(lines, path)| format!("{} has {lines} lines", path.display()))
        .collect();
    assert!(long.is_empty(), "{long:#?}");
}

#[test]
fn links_between_pages_lead_somewhere() {
    let mut broken = Vec::new();
    for page in tracked(&[".md"]) {
        let text = std::fs::read_to_string(&page).unwrap();
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = target.split('#').next().unwrap_or_default();
            let elsewhere =
                file.is_empty() || file.contains("://") || file.contains(' ') || file.starts_with("mailto:");
            if !elsewhere && !page.parent().unwrap().join(file).exists() {
                broken.push(format!("{} -> {target}", page.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn every_manifest_and_the_chart_name_their_licence() {
    for manifest in tracked(&["Cargo.toml"]) {
        let text = std::fs::read_to_string(&manifest).unwrap();
        let named = text.contains("license = \"Apache-2.0\"") || text.contains("license.workspace = true");
        assert!(named, "{} names no licence", manifest.display());
    }
    for file in ["charts/milvus-operator/Chart.yaml", "README.md"] {
        let text = std::fs::read_to_string(root().join(file)).unwrap();
        assert!(text.contains("Apache-2.0"), "{file} names no licence");
    }
}
