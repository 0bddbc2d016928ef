//! What to warn of.

use super::span::Span;
use super::when::When;
use crate::version::MilvusVersion;

/// Something to know before a path that is allowed.
#[derive(Debug, Clone, Copy)]
pub struct Warning {
    /// The version that is left.
    pub from: Span,
    /// The version that is gone to.
    pub to: Span,
    /// What else must be so.
    pub when: When,
    /// Whether it is worth a warning for the target alone, when there is nothing before it.
    pub on_target_alone: bool,
    /// What to know and what to do.
    pub text: &'static str,
    /// Where that is written down.
    pub evidence: &'static str,
}

impl Warning {
    fn applies(&self, from: &MilvusVersion, to: &MilvusVersion) -> bool {
        self.from.contains(from) && self.to.contains(to) && self.when.holds(from, to, None)
    }
}

const fn between(from: Span, to: Span, when: When, text: &'static str, evidence: &'static str) -> Warning {
    Warning { from, to, when, on_target_alone: false, text, evidence }
}

const fn target(to: Span, when: When, text: &'static str, evidence: &'static str) -> Warning {
    Warning { from: Span::ANY, to, when, on_target_alone: true, text, evidence }
}

/// Every warning, in the order in which they are shown.
pub static WARNINGS: [Warning; 8] = [
    target(
        Span::new((2, 2, 5), (2, 2, 6)),
        When::Always,
        "Milvus 2.2.5 should not be used: the release notes of 2.2.6 ask to refrain from it. Take 2.2.16 instead.",
        "https://newreleases.io/project/github/milvus-io/milvus/release/v2.2.6",
    ),
    target(
        Span::ANY,
        When::ToPrerelease,
        "This is a prerelease: there may be no supported path from it to the release.",
        "https://milvus.io/docs/upgrade_milvus_cluster-operator.md",
    ),
    between(
        Span::new((2, 2, 0), (2, 6, 0)),
        Span::new((2, 2, 0), (2, 6, 0)),
        When::SkipsMinor,
        "A minor line is skipped. That is allowed, but one minor line at a time, each by its latest patch, is better tested.",
        "https://milvus.io/docs/v2.5.x/upgrade_milvus_standalone-operator.md",
    ),
    between(
        Span::new((2, 3, 0), (2, 4, 0)),
        Span::ANY,
        When::Always,
        "Coordinators of 2.3 keep their session when they stop: each coordinator hand-over can take up to 30 s.",
        "measured on real Milvus 2.3.4 and 2.3.5: 20 to 30 s, until the session expires",
    ),
    between(
        Span::ANY,
        Span::new((2, 3, 0), (2, 4, 0)),
        When::Always,
        "While query nodes are replaced under a query coordinator of 2.3, searches can miss data for some seconds without an error.",
        "measured on real Milvus 2.3.4 and 2.3.5, also without an upgrade",
    ),
    between(
        Span::new((2, 0, 0), (2, 4, 0)),
        Span::new((2, 4, 0), (3, 1, 0)),
        When::Always,
        "Indexes are written in a newer format once the last old query node is gone: after that the old version cannot read them.",
        "https://github.com/milvus-io/milvus/issues/33242",
    ),
    between(
        Span::ANY,
        Span::ANY,
        When::LowerPatch,
        "This goes back within a minor line. No Milvus document promises that it works: take a backup first.",
        "inference: no document, no test on a real Milvus",
    ),
    between(
        Span::new((2, 6, 0), (2, 7, 0)),
        Span::new((3, 0, 0), (3, 1, 0)),
        When::Always,
        "Take a backup first: going back from 3.0 by changing the image is not supported. Keep spec.components.indexNode.replicas at 0; Pulsar must be 2.8.0 or later.",
        "https://milvus.io/docs/zh-hant/upgrade_milvus_cluster-operator.md; https://github.com/milvus-io/milvus/issues/51788",
    ),
];

/// What to warn of on the way from one version to another: every row that applies.
pub fn warnings(from: &MilvusVersion, to: &MilvusVersion) -> impl Iterator<Item = &'static Warning> {
    WARNINGS.iter().filter(move |warning| warning.applies(from, to))
}

/// What to warn of when `version` is started for the first time.
pub fn warnings_on(version: &MilvusVersion) -> impl Iterator<Item = &'static Warning> {
    WARNINGS.iter().filter(move |warning| warning.on_target_alone && warning.applies(version, version))
}
