//! The pages of the documentation that belong to this crate.
#![allow(clippy::disallowed_methods, reason = "a test may read the pages; the crate itself does no IO")]

use std::fs;
use std::path::{Path, PathBuf};

use milvus_plan::{Reason, facts};
use strum::IntoEnumIterator;

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs")
}

#[test]
fn every_reason_has_a_page() {
    for reason in Reason::iter() {
        let page = fs::read_to_string(docs().join(format!("reasons/{reason}.md")))
            .unwrap_or_else(|error| panic!("docs/reasons/{reason}.md: {error}"));
        assert!(page.starts_with(&format!("# {reason}\n")), "docs/reasons/{reason}.md has another title");
        for part in ["## What it means", "## Why", "## What to do", "## Example"] {
            assert!(page.contains(part), "docs/reasons/{reason}.md has no part {part:?}");
        }
    }
}

/// `UPDATE_PAGES=1 cargo test -p milvus-plan` writes the page.
#[test]
fn the_page_of_versions_is_the_tables() {
    let path = docs().join("reference/versions.md");
    if std::env::var_os("UPDATE_PAGES").is_some() {
        fs::write(&path, facts::markdown()).unwrap();
    }
    let page = fs::read_to_string(&path).unwrap();
    assert!(
        page == facts::markdown(),
        "docs/reference/versions.md is old: UPDATE_PAGES=1 cargo test -p milvus-plan"
    );
}
