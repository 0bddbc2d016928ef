//! The role of the chart grants for each owned kind what the table of kinds says, and nothing else.

#![allow(clippy::unwrap_used, reason = "a helper of a test fails as the test does")]

use std::collections::BTreeSet;
use std::path::Path;

use milvus_state::kinds::Kind;

const RULES: &str = "charts/milvus-operator/templates/clusterrole.yaml";

/// The items of `key: [a, b]`.
fn items(rule: &str, key: &str) -> BTreeSet<String> {
    let line = rule.lines().find_map(|line| line.trim_start_matches("- ").trim().strip_prefix(key)).unwrap();
    let inner = line.trim().trim_start_matches('[').trim_end_matches(']');
    inner.split(',').map(|item| item.trim().trim_matches('"').to_owned()).collect()
}

/// The verbs of every rule for a resource of a group.
fn granted(text: &str, group: &str, plural: &str) -> BTreeSet<String> {
    let rules = text.split("\n- ").skip(1).filter(|rule| rule.starts_with("apiGroups:"));
    let of = rules.filter(|rule| {
        items(rule, "apiGroups:").contains(group) && items(rule, "resources:").contains(plural)
    });
    of.flat_map(|rule| items(rule, "verbs:")).collect()
}

#[test]
fn the_role_of_the_chart_is_that_of_the_table_of_kinds() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join(RULES);
    let text = std::fs::read_to_string(path).unwrap();
    for kind in Kind::all() {
        let row = kind.row();
        let wanted: BTreeSet<String> = row.verbs.iter().map(|verb| (*verb).to_owned()).collect();
        assert_eq!(granted(&text, row.group, row.plural), wanted, "{kind}");
    }
}
