//! The reading list of one upgrade in ARCHITECTURE.md: its files are there, and it is short enough to be read.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper of a test fails as the test does")]

use std::path::{Path, PathBuf};

/// Files of the list, at most.
const MOST_FILES: usize = 15;
/// Lines of all of them, at most.
const MOST_LINES: usize = 2_600;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn section() -> String {
    let page = std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let (_, from) = page.split_once("### The path of one upgrade request").unwrap();
    from.split("\n### ").next().unwrap().to_owned()
}

/// The files of the table.
fn listed(section: &str) -> Vec<String> {
    let row = |line: &str| line.strip_prefix("| `")?.split_once("` |").map(|(file, _)| file.to_owned());
    section.lines().filter_map(row).collect()
}

#[test]
fn the_reading_list_can_be_read() {
    let listed = listed(&section());
    assert!((6..=MOST_FILES).contains(&listed.len()), "{listed:?}");
    let lines = |file: &String| {
        let text =
            std::fs::read_to_string(root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        text.lines().count()
    };
    let sum: usize = listed.iter().map(lines).sum();
    assert!(sum <= MOST_LINES, "{sum} lines");
}

/// "Below them" names files too, without the folder `src` of their crate.
#[test]
fn what_is_below_the_list_is_there() {
    let section = section();
    let (_, below) = section.split_once("\nBelow them: ").unwrap();
    let below = below.split("\n\n").next().unwrap();
    let named: Vec<&str> = below
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|word| Path::new(word).extension().is_some_and(|ext| ext == "rs"))
        .collect();
    assert!(named.len() > 3, "{named:?}");
    let missing: Vec<&&str> =
        named.iter().filter(|file| !root().join("crates").join(file).is_file()).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
