//! Whatever word a user meets as a reason is explained.
#![allow(clippy::unwrap_used, reason = "a helper of a test fails as the test does")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use strum::IntoEnumIterator;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reasons")
}

/// First cells of the tables of the index: the word, and whether it is a link to the page of that name.
fn index() -> Vec<(String, bool)> {
    let text = fs::read_to_string(folder().join("README.md")).unwrap();
    let cells = text.lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").next());
    cells
        .filter_map(|cell| {
            let linked = cell.strip_prefix('[').and_then(|rest| rest.split_once("]("));
            let (word, page) = linked.map_or((cell, None), |(word, page)| (word, Some(page)));
            let word = word.strip_prefix('`')?.strip_suffix('`')?.to_owned();
            if let Some(page) = page {
                assert_eq!(page, format!("{word}.md)"), "the link of {word}");
            }
            Some((word, page.is_some()))
        })
        .collect()
}

fn pages() -> BTreeSet<String> {
    let files =
        fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    files
        .filter_map(|name| name.strip_suffix(".md").map(str::to_owned))
        .filter(|name| name != "README")
        .collect()
}

#[test]
fn every_reason_stands_in_the_index_once() {
    let words: Vec<String> = index().into_iter().map(|(word, _)| word).collect();
    let api = milvus_api::Reason::iter().map(|reason| reason.as_str().to_owned());
    let plan = milvus_plan::Reason::iter().map(|reason| reason.to_string());
    for reason in api.chain(plan) {
        let times = words.iter().filter(|word| **word == reason).count();
        assert_eq!(times, 1, "{reason} stands {times} times in docs/reasons/README.md");
    }
}

#[test]
fn the_index_links_every_page_and_no_other() {
    let linked: BTreeSet<String> =
        index().into_iter().filter(|(_, linked)| *linked).map(|(word, _)| word).collect();
    assert_eq!(linked, pages());
}

#[test]
fn every_page_says_what_why_and_what_to_do() {
    for name in pages() {
        let text = fs::read_to_string(folder().join(format!("{name}.md"))).unwrap();
        assert!(text.starts_with(&format!("# {name}\n")), "{name}.md has another title");
        for part in ["## What it means", "## Why", "## What to do", "## Example"] {
            assert!(text.contains(part), "{name}.md has no part {part:?}");
        }
    }
}

/// A reason that the program has advice for is one that a user can meet as a problem or a wait.
#[test]
fn whatever_needs_doing_has_a_page() {
    let all = milvus_api::Reason::iter().map(milvus_api::Reason::as_str);
    let object = kubectl_milvus::view::Object { name: "my-release", namespace: "default" };
    for reason in all.filter(|reason| kubectl_milvus::view::advice(reason, object, None).is_some()) {
        assert!(pages().contains(reason), "docs/reasons/{reason}.md");
    }
}

#[test]
fn links_between_pages_lead_somewhere() {
    for name in pages().into_iter().chain(["README".to_owned(), "../status".to_owned()]) {
        let file = folder().join(format!("{name}.md"));
        let text = fs::read_to_string(&file).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let path = link.split('#').next().unwrap_or(link);
            if path.is_empty() || path.contains("://") {
                continue;
            }
            assert!(file.parent().unwrap().join(path).exists(), "{name}.md: {link}");
        }
    }
}
