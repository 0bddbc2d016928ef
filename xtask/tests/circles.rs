//! No circle of files: of the modules in one folder, each uses only those before it, in some order. It can fail: let
//! `crates/plan/src/version.rs` say `use crate::plan::Plan;`.

#![allow(clippy::unwrap_used, reason = "a helper of a test fails as the test does")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A module, as the names on its path: `server::http` is `["server", "http"]`, the crate itself is empty.
type Module = Vec<String>;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The source files of each crate, by its folder.
fn crates() -> BTreeMap<String, BTreeMap<Module, String>> {
    let output = Command::new("git").current_dir(root()).args(["ls-files", "*.rs"]).output().unwrap();
    let mut found: BTreeMap<String, BTreeMap<Module, String>> = BTreeMap::new();
    for path in String::from_utf8(output.stdout).unwrap().lines() {
        let Some((folder, file)) = path.split_once("/src/") else { continue };
        let mut module: Module = file.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
        if matches!(module.last().map(String::as_str), Some("lib" | "main" | "mod")) {
            module.pop();
        }
        if let Ok(text) = std::fs::read_to_string(root().join(path)) {
            found.entry(folder.to_owned()).or_default().insert(module, text);
        }
    }
    found
}

/// Source without comments and without the tests at its end.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]").next().unwrap_or_default();
    text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// Every path that begins with `crate` or `super`, whole: of `crate::a::{b, c::d}` two.
fn paths(code: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::").chain(code.match_indices("super::")) {
        let before = code[..at].chars().next_back();
        // `r#crate`, `supercrate`, and the second `super` of `super::super`.
        if !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':' || c == '$') {
            branch(&code[at..], &[], &mut found);
        }
    }
    found
}

/// Reads one tree of paths, and gives what follows it.
fn branch<'a>(code: &'a str, prefix: &[String], found: &mut Vec<Vec<String>>) -> &'a str {
    let code = code.trim_start();
    if let Some(mut inner) = code.strip_prefix('{') {
        loop {
            inner = branch(inner, prefix, found).trim_start();
            inner = match inner.chars().next() {
                Some(',') => &inner[1..],
                Some('}') => return &inner[1..],
                // `as` and a name, or no list of paths at all.
                Some(_) => inner.split_at(inner.find([',', '}']).unwrap_or(inner.len())).1,
                None => return inner,
            };
        }
    }
    let end = code.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(code.len());
    let (name, rest) = code.split_at(end);
    let path: Vec<String> =
        prefix.iter().cloned().chain((!name.is_empty()).then(|| name.to_owned())).collect();
    match rest.strip_prefix("::") {
        Some(rest) if !rest.starts_with('<') => branch(rest, &path, found),
        _ => {
            found.push(path);
            rest
        }
    }
}

/// The module that a path of `from` leads to: the deepest that there is.
fn resolved(path: &[String], from: &Module, modules: &BTreeMap<Module, String>) -> Option<Module> {
    let ups = path.iter().take_while(|name| *name == "super").count();
    let (base, rest) = match ups {
        0 => (&from[..0], &path[1..]),
        ups => (&from[..from.len().checked_sub(ups)?], &path[ups..]),
    };
    let whole: Module = base.iter().chain(rest).cloned().collect();
    (1..=whole.len()).rev().map(|length| whole[..length].to_vec()).find(|module| modules.contains_key(module))
}

/// Of the modules in a folder: which uses which, with a file of each that does.
fn uses(
    folder: &Module,
    edges: &BTreeSet<(Module, Module)>,
) -> BTreeMap<String, BTreeMap<String, (Module, Module)>> {
    let part = |module: &Module| module.strip_prefix(&folder[..])?.first().cloned();
    let mut found: BTreeMap<String, BTreeMap<String, (Module, Module)>> = BTreeMap::new();
    for (from, to) in edges {
        if let (Some(one), Some(other)) = (part(from), part(to))
            && one != other
        {
            found.entry(one).or_default().entry(other).or_insert_with(|| (from.clone(), to.clone()));
        }
    }
    found
}

/// A way from `at` back to `start`.
fn way_back(
    at: &str,
    start: &str,
    uses: &BTreeMap<String, BTreeMap<String, (Module, Module)>>,
    seen: &mut BTreeSet<String>,
) -> Option<Vec<String>> {
    for (next, (from, to)) in uses.get(at).into_iter().flatten() {
        let step = format!("{} uses {}", from.join("::"), to.join("::"));
        if next == start {
            return Some(vec![step]);
        }
        if seen.insert(next.clone())
            && let Some(mut rest) = way_back(next, start, uses, seen)
        {
            rest.insert(0, step);
            return Some(rest);
        }
    }
    None
}

/// The circles among the modules of a crate, each as the uses that close it.
fn circles(modules: &BTreeMap<Module, String>) -> BTreeSet<Vec<String>> {
    let mut edges = BTreeSet::new();
    for (module, text) in modules {
        let of_module = paths(&code(text)).into_iter().filter_map(|path| resolved(&path, module, modules));
        edges.extend(of_module.map(|to| (module.clone(), to)));
    }
    let folders: BTreeSet<Module> =
        modules.keys().flat_map(|module| (0..module.len()).map(|length| module[..length].to_vec())).collect();
    let mut found = BTreeSet::new();
    for folder in folders {
        let uses = uses(&folder, &edges);
        found.extend(uses.keys().filter_map(|start| way_back(start, start, &uses, &mut BTreeSet::new())));
    }
    found
}

#[test]
fn no_modules_use_each_other_in_a_circle() {
    let mut found = Vec::new();
    for (folder, modules) in crates() {
        assert!(!modules.is_empty());
        found.extend(circles(&modules).into_iter().map(|circle| format!("{folder}: {}", circle.join(", "))));
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn a_circle_is_found_however_it_is_written() {
    let module = |path: &str| path.split("::").map(str::to_owned).collect::<Module>();
    let of = |files: &[(&str, &str)]| {
        circles(&files.iter().map(|(path, text)| (module(path), (*text).to_owned())).collect()).len()
    };
    assert_eq!(of(&[("a", "use crate::b::X;"), ("b", "use std::io;")]), 0);
    assert_eq!(of(&[("a", "use crate::b::X;"), ("b", "use super::a::{self, Y};")]), 2, "from either side");
    assert_eq!(
        of(&[("a", "use crate::{c, b::{X, Y as Z}};"), ("b", "fn f() { crate::a::g() }"), ("c", "")]),
        2
    );
    assert_eq!(of(&[("a", "use crate::b;"), ("b", "// use crate::a;"), ("c", "")]), 0, "a comment is none");
    assert_eq!(
        of(&[("f", "use crate::f::a::X;"), ("f::a", "use super::Y;")]),
        0,
        "a folder and its own files"
    );
    assert_eq!(
        of(&[("f::a", "use crate::g::X;"), ("g", "use crate::f::b::Y;"), ("f::b", "")]),
        2,
        "by folders"
    );
    assert_eq!(of(&[("f::a", "use super::super::g;"), ("g", "use super::f::a;")]), 2);
}
