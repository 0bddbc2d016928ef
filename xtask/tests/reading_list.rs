//! The reading list of one upgrade in ARCHITECTURE.md: its files are there, its numbers are right, and it is short
//! enough to be read.

#![allow(clippy::unwrap_used, reason = "a helper of a test fails as the test does")]

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

/// Files and their lines, as the table says.
fn listed(section: &str) -> Vec<(String, usize)> {
    let row = |line: &str| {
        let mut cells = line.strip_prefix("| `")?.split(" | ");
        Some((cells.next()?.trim_end_matches('`').to_owned(), cells.next()?.parse().ok()?))
    };
    section.lines().filter_map(row).collect()
}

fn lines(file: &str) -> usize {
    std::fs::read_to_string(root().join(file)).map_or(0, |text| text.lines().count())
}

#[test]
fn the_reading_list_says_how_long_its_files_are() {
    let listed = listed(&section());
    assert!(listed.len() > 5, "{listed:?}");
    let wrong: Vec<String> = listed
        .iter()
        .filter(|(file, said)| lines(file) != *said)
        .map(|(file, said)| format!("{file}: {said} is said, it has {}", lines(file)))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_reading_list_can_be_read() {
    let section = section();
    let listed = listed(&section);
    assert!(listed.len() <= MOST_FILES, "{} files", listed.len());
    let sum: usize = listed.iter().map(|(file, _)| lines(file)).sum();
    assert!(sum <= MOST_LINES, "{sum} lines");
    let thousands = format!("{},{:03} lines", sum / 1000, sum % 1000);
    assert!(section.contains(&thousands), "together they have {thousands}");
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
