//! Whether each crate builds by itself. In a build of the whole workspace a crate gets the features that any
//! other asks for, so one that forgets to ask for what it uses is only found when somebody builds it alone.

use std::collections::BTreeMap;

use cargo_metadata::{Metadata, MetadataCommand};
use snafu::ResultExt as _;

use super::{Command, Error, MetadataSnafu, cargo, root};

/// Checks of every package of the workspace: with its default features, without any, and with each one alone.
///
/// # Errors
///
/// When cargo does not tell which packages there are.
pub(super) fn checks() -> Result<Vec<Command>, Error> {
    let metadata = MetadataCommand::new().current_dir(root()).no_deps().exec().context(MetadataSnafu)?;
    let check = |arguments: Vec<String>| {
        let mut command = cargo(&["check", "--locked"]);
        command.args(arguments);
        command
    };
    Ok(arguments(&packages(&metadata)).into_iter().map(check).collect())
}

/// Features of each package, by its name.
fn packages(metadata: &Metadata) -> BTreeMap<String, Vec<String>> {
    let features = |package: &cargo_metadata::Package| package.features.keys().cloned().collect();
    metadata.packages.iter().map(|package| (package.name.to_string(), features(package))).collect()
}

/// The arguments of each check.
fn arguments(packages: &BTreeMap<String, Vec<String>>) -> Vec<Vec<String>> {
    let mut checks = Vec::new();
    for (name, features) in packages {
        let package = ["--package".to_owned(), name.clone()];
        checks.push(package.to_vec());
        if features.is_empty() {
            continue;
        }
        let without = [package.to_vec(), vec!["--no-default-features".to_owned()]].concat();
        checks.push(without.clone());
        for feature in features.iter().filter(|feature| *feature != "default") {
            checks.push([without.clone(), vec!["--features".to_owned(), feature.clone()]].concat());
        }
    }
    checks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_with_features_is_checked_with_each_alone() {
        let features = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let packages = BTreeMap::from([
            ("a".to_owned(), features(&[])),
            ("b".to_owned(), features(&["default", "x", "y"])),
        ]);
        let checks: Vec<String> = arguments(&packages).into_iter().map(|one| one.join(" ")).collect();
        assert_eq!(
            checks,
            [
                "--package a",
                "--package b",
                "--package b --no-default-features",
                "--package b --no-default-features --features x",
                "--package b --no-default-features --features y",
            ]
        );
    }
}
