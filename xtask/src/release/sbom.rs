//! What the programs of a release are made of, as a CycloneDX 1.5 document.
//!
//! Takes what cargo says of the tree (`cargo metadata`), gives JSON. It lists every package that is compiled
//! into a program or an image; test and build dependencies are not in them. Features are those of the whole
//! workspace, so a package that only a test switches on for another one may be listed too: too many rather
//! than too few. No time and no serial number, which the format does not ask for: the same sources give the
//! same document.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package, PackageId};
use serde::Serialize;
use snafu::{OptionExt as _, ResultExt as _, Snafu};

use crate::cargo;

/// Data in every image, which no program needs: Mozilla's certificates.
const DATA: &str = "webpki-root-certs";

/// Why there is no SBOM.
#[derive(Debug, Snafu)]
pub(crate) enum Error {
    /// cargo does not tell.
    #[snafu(display("cargo metadata: {source}"))]
    Metadata {
        #[snafu(source(from(cargo_metadata::Error, Box::new)))]
        source: Box<cargo_metadata::Error>,
    },
    /// cargo could not be run beside this program.
    #[snafu(display("cargo metadata did not end: {source}"))]
    Join { source: tokio::task::JoinError },
    /// A package of a program is not in the tree.
    #[snafu(display("cargo knows no package {name}"))]
    NoPackage { name: String },
    /// It could not be written as JSON.
    #[snafu(display("the SBOM: {source}"))]
    Json { source: serde_json::Error },
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Bom {
    #[serde(rename = "bomFormat")]
    format: &'static str,
    spec_version: &'static str,
    version: u32,
    metadata: Subject,
    components: Vec<Component>,
    dependencies: Vec<Dependency>,
}

/// `metadata` of the document: what it is about.
#[derive(Serialize)]
struct Subject {
    component: Component,
}

#[derive(Serialize)]
struct Component {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(rename = "bom-ref")]
    reference: String,
    name: String,
    version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    licenses: Vec<License>,
    purl: String,
}

#[derive(Serialize)]
struct License {
    expression: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Dependency {
    #[serde(rename = "ref")]
    reference: String,
    depends_on: BTreeSet<String>,
}

/// The document for the programs of these packages on `target`, a triple of Rust.
///
/// # Errors
///
/// When cargo can't be run, or does not know one of the packages.
pub(super) async fn of(
    packages: impl IntoIterator<Item = &'static str>,
    target: &'static str,
) -> Result<String, Error> {
    let roots: Vec<&str> = packages.into_iter().chain([DATA]).collect();
    let metadata = tokio::task::spawn_blocking(move || metadata(target)).await.context(JoinSnafu)??;
    let bom = bom(&metadata, &roots)?;
    let text = serde_json::to_string_pretty(&bom).context(JsonSnafu)?;
    Ok(text + "\n")
}

fn metadata(target: &str) -> Result<Metadata, Error> {
    let mut command = MetadataCommand::new();
    command.current_dir(cargo::root());
    command.other_options(["--locked", "--filter-platform", target].map(str::to_owned).to_vec());
    command.exec().context(MetadataSnafu)
}

fn bom(metadata: &Metadata, roots: &[&str]) -> Result<Bom, Error> {
    let packages: BTreeMap<&PackageId, &Package> =
        metadata.packages.iter().map(|package| (&package.id, package)).collect();
    let needs = needs(metadata);
    let mut open: Vec<&PackageId> = Vec::new();
    for name in roots {
        let found = metadata.packages.iter().find(|package| package.name.as_str() == *name);
        open.push(&found.context(NoPackageSnafu { name: *name })?.id);
    }
    let programs: BTreeSet<String> =
        open.iter().filter_map(|id| packages.get(id)).map(|p| reference(p)).collect();
    let mut reached: BTreeMap<String, (&Package, BTreeSet<String>)> = BTreeMap::new();
    while let Some(id) = open.pop() {
        let Some(package) = packages.get(id) else { continue };
        let reference = reference(package);
        if reached.contains_key(&reference) {
            continue;
        }
        let direct = needs.get(id).into_iter().flatten().copied();
        let names = direct.clone().filter_map(|id| packages.get(id)).map(|p| self::reference(p)).collect();
        reached.insert(reference, (package, names));
        open.extend(direct);
    }
    let subject = subject();
    let mut dependencies = vec![Dependency { reference: subject.reference.clone(), depends_on: programs }];
    let mut components = Vec::new();
    for (reference, (package, depends_on)) in reached {
        components.push(component(package));
        dependencies.push(Dependency { reference, depends_on });
    }
    Ok(Bom {
        format: "CycloneDX",
        spec_version: "1.5",
        version: 1,
        metadata: Subject { component: subject },
        components,
        dependencies,
    })
}

/// What each package needs when it is built for use.
fn needs(metadata: &Metadata) -> BTreeMap<&PackageId, Vec<&PackageId>> {
    let nodes = metadata.resolve.iter().flat_map(|resolve| &resolve.nodes);
    nodes
        .map(|node| {
            let normal = node
                .deps
                .iter()
                .filter(|dep| dep.dep_kinds.iter().any(|kind| kind.kind == DependencyKind::Normal))
                .map(|dep| &dep.pkg);
            (&node.id, normal.collect())
        })
        .collect()
}

fn subject() -> Component {
    let (name, version) = ("milvus-operator", super::VERSION);
    Component {
        kind: "application",
        reference: format!("release:{name}@{version}"),
        name: name.to_owned(),
        version: version.to_owned(),
        description: Some("Milvus on Kubernetes: operator, tools and images".to_owned()),
        licenses: vec![License { expression: env!("CARGO_PKG_LICENSE").to_owned() }],
        purl: format!("pkg:generic/{name}@{version}"),
    }
}

fn component(package: &Package) -> Component {
    // An old way to write it, which is no expression of SPDX.
    let expression = package.license.as_ref().map(|license| license.replace('/', " OR "));
    let is_program = package.targets.iter().any(cargo_metadata::Target::is_bin) && package.source.is_none();
    Component {
        kind: if is_program { "application" } else { "library" },
        reference: reference(package),
        name: package.name.to_string(),
        version: package.version.to_string(),
        description: package.description.as_deref().map(|text| text.trim().to_owned()),
        licenses: expression.into_iter().map(|expression| License { expression }).collect(),
        purl: reference(package),
    }
}

/// The package URL, which also names it within the document. `+` in a version is not allowed there as it is.
fn reference(package: &Package) -> String {
    format!("pkg:cargo/{}@{}", package.name, package.version.to_string().replace('+', "%2B"))
}
