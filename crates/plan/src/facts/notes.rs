//! What to warn of, and which components go together.

use super::{Span, When};
use crate::component::Component;
use crate::version::MilvusVersion;

/// Something to know before a path that is allowed.
#[derive(Debug, Clone, Copy)]
pub struct Note {
    /// The version that is left.
    pub from: Span,
    /// The version that is gone to.
    pub to: Span,
    /// What else must be so.
    pub when: When,
    /// Whether it is worth saying of the target alone, when there is nothing before it.
    pub on_target_alone: bool,
    /// What to know and what to do.
    pub text: &'static str,
    /// Where that is written down.
    pub evidence: &'static str,
}

impl Note {
    pub(super) fn applies(&self, from: &MilvusVersion, to: &MilvusVersion) -> bool {
        self.from.contains(from) && self.to.contains(to) && self.when.holds(from, to, None)
    }
}

const fn between(from: Span, to: Span, when: When, text: &'static str, evidence: &'static str) -> Note {
    Note { from, to, when, on_target_alone: false, text, evidence }
}

const fn target(to: Span, when: When, text: &'static str, evidence: &'static str) -> Note {
    Note { from: Span::ANY, to, when, on_target_alone: true, text, evidence }
}

/// Every warning, in the order in which they are shown.
pub static NOTES: [Note; 8] = [
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

/// Components that must be replaced in one step.
#[derive(Debug, Clone, Copy)]
pub struct Joined {
    /// The older of the two versions.
    pub older: Span,
    /// The newer of the two versions.
    pub newer: Span,
    /// What goes together, in the order in which it is named.
    pub components: &'static [Component],
    /// Why.
    pub why: &'static str,
    /// Where that is written down.
    pub evidence: &'static str,
}

/// Every such set.
pub static JOINED: [Joined; 2] = [
    Joined {
        older: Span::new((2, 0, 0), (2, 3, 0)),
        newer: Span::new((2, 3, 0), (2, 6, 0)),
        components: &[Component::DataCoord, Component::IndexCoord],
        why: "from 2.3 on the data coordinator becomes active only when the old index coordinator is gone",
        evidence: "measured in rolls of real Milvus from 2.2.16 to 2.3.5",
    },
    Joined {
        older: Span::new((2, 0, 0), (2, 6, 0)),
        newer: Span::new((2, 6, 0), (3, 1, 0)),
        components: &[Component::StreamingNode, Component::MixCoord],
        why: "a streaming node becomes healthy only beside a mixcoord of 2.6, which needs a registered streaming node",
        evidence: "https://github.com/zilliztech/milvus-operator/issues/446",
    },
];
