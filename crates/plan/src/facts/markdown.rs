//! The tables as a page of the documentation.

use std::fmt::Write as _;

use super::joined::JOINED;
use super::lines::{ACTIVE_STANDBY, LINES, Layout};
use super::paths::{PATHS, Verdict};
use super::span::{Numbers, Span};
use super::warnings::WARNINGS;
use super::when::When;
use crate::component::joined_names;
use crate::consent;

const HEAD: &str = "\
# Versions

<!-- Written by `milvus_plan::facts::markdown()`: change the tables in crates/plan/src/facts, not this page. -->

What this operator knows about releases of Milvus, and what it concludes from it. A version comes from
`spec.components.version`, else from the tag of the image. What cannot be read as `major.minor.patch` is *unknown*: it keeps
running, and the image cannot be changed from or to it until `spec.components.version` says what it is.

A version counts by its numbers: `2.4.23-gpu` is 2.4.23, and `2.6.0-rc1` has the components of 2.6 but is older than 2.6.0.
";

/// The page `docs/reference/versions.md`.
pub fn markdown() -> String {
    let mut page = HEAD.to_owned();
    lines(&mut page);
    paths(&mut page);
    joined(&mut page);
    warnings(&mut page);
    page
}

fn table(page: &mut String, title: &str, intro: &str, columns: &[&str]) {
    let _ = write!(
        page,
        "\n## {title}\n\n{intro}\n\n| {} |\n|{}\n",
        columns.join(" | "),
        "---|".repeat(columns.len())
    );
}

fn lines(page: &mut String) {
    let standby = format!(
        "Coordinators can stand by for each other from {} on: without that, replacing one interrupts requests.",
        numbers(ACTIVE_STANDBY.from)
    );
    let columns = [
        "versions",
        "components of a cluster",
        "metadata",
        "queue of a cluster",
        "queue of a standalone",
        "evidence",
    ];
    table(page, "Release lines", &standby, &columns);
    for line in &LINES {
        let components = match line.layout {
            Layout::IndexNodes => "mixcoord or four coordinators, index nodes, streaming node on request",
            Layout::Streaming => "mixcoord, streaming nodes, no index nodes",
        };
        let schema = line.schema.map_or_else(|| "not known".to_owned(), |schema| format!("as in {schema}"));
        let _ = writeln!(
            page,
            "| {} | {components} | {schema} | {} | {} | {} |",
            span(line.versions),
            line.cluster_queue,
            line.standalone_queue,
            line.evidence
        );
    }
}

fn paths(page: &mut String) {
    let intro = format!(
        "The first row that applies decides. A path that is refused can be allowed by the annotation\n\
         `{}: \"<from>-><to>\"`, at your own risk. Going back to the version that ran before an upgrade that is not finished\n\
         is always allowed.",
        consent::ANNOTATION
    );
    table(page, "Paths", &intro, &["from", "to", "only if", "verdict", "evidence"]);
    for path in &PATHS {
        let verdict = match path.verdict {
            Verdict::Allowed => "allowed, component by component".to_owned(),
            Verdict::AllowedWithDowntime { step } => format!("allowed, with downtime: {step}"),
            Verdict::Refused { reason, why, way_round } => {
                format!("refused, [{reason}](../reasons/{reason}.md): {why}. {way_round}")
            }
        };
        let (from, to) = (span(path.from), span(path.to));
        let _ = writeln!(page, "| {from} | {to} | {} | {verdict} | {} |", when(path.when), path.evidence);
    }
}

fn joined(page: &mut String) {
    let intro = "Components that are replaced in one step when an upgrade (or the way back) crosses from the older to the newer versions.";
    table(page, "Steps with several components", intro, &["older", "newer", "components", "why", "evidence"]);
    for row in &JOINED {
        let names = joined_names(row.components);
        let _ = writeln!(
            page,
            "| {} | {} | {names} | {} | {} |",
            span(row.older),
            span(row.newer),
            row.why,
            row.evidence
        );
    }
}

fn warnings(page: &mut String) {
    let intro = "What a plan warns of. Every row that applies is shown.";
    table(page, "Warnings", intro, &["from", "to", "only if", "warning", "evidence"]);
    for warning in &WARNINGS {
        let (from, to) = (span(warning.from), span(warning.to));
        let _ = writeln!(
            page,
            "| {from} | {to} | {} | {} | {} |",
            when(warning.when),
            warning.text,
            warning.evidence
        );
    }
}

fn when(when: When) -> &'static str {
    match when {
        When::Always => "",
        When::FromPrerelease => "from a prerelease",
        When::ToPrerelease => "to a prerelease",
        When::FourCoordinators => "four coordinators run",
        When::LowerMinor => "the target is of an older minor line",
        When::LowerPatch => "the target is older, in the same minor line",
        When::SkipsMinor => "a minor line is skipped",
    }
}

/// `any`, `2.2.x`, `3.0 and later`, `2.2.0 to below 2.5.16`.
fn span(span: Span) -> String {
    let Span { from, below } = span;
    let line = below == (from.0, from.1 + 1, 0);
    match (from, below) {
        _ if span == Span::ANY => "any".to_owned(),
        ((major, minor, 0), _) if line => format!("{major}.{minor}.x"),
        _ if line => format!("{} and later {}.{}", numbers(from), from.0, from.1),
        _ if below == (from.0, from.1, from.2 + 1) => numbers(from),
        ((0, 0, 0), _) => format!("below {}", numbers(below)),
        _ if below == Span::ANY.below => format!("{} and later", numbers(from)),
        _ => format!("{} to below {}", numbers(from), numbers(below)),
    }
}

fn numbers((major, minor, patch): Numbers) -> String {
    format!("{major}.{minor}.{patch}")
}
