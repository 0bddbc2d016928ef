//! What may follow what.

use super::lines::active_standby;
use super::span::Span;
use super::when::When;
use crate::component::Coordinators;
use crate::reason::Reason;
use crate::version::MilvusVersion;

/// The judgement on going from one version to another by changing the image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It may be done component by component while requests are served.
    Allowed,
    /// It may be done, but requests fail during the steps with coordinators.
    AllowedWithDowntime {
        /// What happens during the steps that replace a coordinator, and why.
        step: &'static str,
    },
    /// It may not be done.
    Refused {
        /// The name of the reason.
        reason: Reason,
        /// Why, as a half sentence after "from x to y: ".
        why: &'static str,
        /// What to do instead, as a sentence.
        way_round: &'static str,
    },
}

/// A row of the table of paths. The first row that applies decides.
#[derive(Debug, Clone, Copy)]
pub struct Path {
    /// The version that is left.
    pub from: Span,
    /// The version that is gone to.
    pub to: Span,
    /// What else must be so.
    pub when: When,
    /// The judgement.
    pub verdict: Verdict,
    /// Where that is written down.
    pub evidence: &'static str,
}

impl Path {
    fn applies(&self, from: &MilvusVersion, to: &MilvusVersion, coordinators: Option<Coordinators>) -> bool {
        self.from.contains(from) && self.to.contains(to) && self.when.holds(from, to, coordinators)
    }
}

const fn refused(
    path: (Span, Span, When),
    reason: Reason,
    why: &'static str,
    way_round: &'static str,
    evidence: &'static str,
) -> Path {
    let (from, to, when) = path;
    Path { from, to, when, verdict: Verdict::Refused { reason, why, way_round }, evidence }
}

const fn allowed(from: Span, to: Span, evidence: &'static str) -> Path {
    Path { from, to, when: When::Always, verdict: Verdict::Allowed, evidence }
}

const fn with_downtime(from: Span, to: Span, evidence: &'static str) -> Path {
    let verdict = Verdict::AllowedWithDowntime { step: NO_STANDBY };
    Path { from, to, when: When::Always, verdict, evidence }
}

const NO_STANDBY: &str =
    "requests fail while this step runs: before 2.2.3 no second coordinator can stand by";

const ANY: Span = Span::ANY;
const V1: Span = Span::new((0, 0, 0), (2, 0, 0));
const V2_ON: Span = Span { from: (2, 0, 0), ..Span::ANY };
const V2_1: Span = Span::new((2, 1, 0), (2, 2, 0));
const V2_2_ON: Span = Span { from: (2, 2, 0), ..Span::ANY };
const V2_2_TO_2_5: Span = Span::new((2, 2, 0), (2, 6, 0));
const NO_STANDBY_2_2: Span = Span::new((2, 2, 0), (2, 2, 3));
const STANDBY_TO_2_5: Span = Span::new((2, 2, 3), (2, 6, 0));
const BEFORE_2_5_16: Span = Span::new((2, 2, 0), (2, 5, 16));
const FROM_2_5_16: Span = Span::new((2, 5, 16), (2, 6, 0));
const V2_6: Span = Span::new((2, 6, 0), (2, 7, 0));
const V2_6_0: Span = Span::new((2, 6, 0), (2, 6, 1));
const BEFORE_2_6_20: Span = Span::new((2, 6, 0), (2, 6, 20));
const FROM_2_6_20: Span = Span::new((2, 6, 20), (2, 7, 0));
const V3_0: Span = Span::new((3, 0, 0), (3, 1, 0));

const DOCS_2_2: &str = "https://milvus.io/docs/v2.2.x/upgrade_milvus_cluster-operator.md";
const DOCS_2_4: &str = "https://milvus.io/docs/v2.4.x/upgrade_milvus_standalone-operator.md";
const DOCS_2_5: &str = "https://milvus.io/docs/v2.5.x/upgrade_milvus_standalone-operator.md";
const DOCS_2_6: &str = "https://milvus.io/docs/v2.6.x/upgrade_milvus_cluster-operator.md";
const DOCS_3_0: &str = "https://milvus.io/docs/zh-hant/upgrade_milvus_cluster-operator.md";
const BLOG_2_6: &str = "https://milvus.io/blog/how-to-safely-upgrade-from-milvu-2-5-x-to-milvus-2-6-x.md";

/// What holds when no other row applies: what is not known is not done.
const LAST: Path = refused(
    (ANY, ANY, When::Always),
    Reason::PathNotKnown,
    "this operator knows nothing about this path, so it cannot promise that the data stays readable",
    "Use an operator that knows both versions, or go by versions that it knows.",
    "no document and no test is known",
);

/// Every path that something is known about. The first row that applies decides.
pub static PATHS: [Path; 19] = [
    refused(
        (V2_6_0, ANY, When::FromPrerelease),
        Reason::PrereleaseHasNoPath,
        "prereleases of 2.6.0 write data that no other version reads",
        "Install the version that you want beside it, and copy the data with milvus-backup.",
        DOCS_2_6,
    ),
    refused(
        (V2_6, V2_6_0, When::ToPrerelease),
        Reason::PrereleaseHasNoPath,
        "prereleases of 2.6.0 do not read what another version has written",
        "Stay on the release, or go to a later one.",
        DOCS_2_6,
    ),
    refused(
        (V1, V2_ON, When::Always),
        Reason::NeedsDataMigration,
        "Milvus 2 cannot read the data of Milvus 1",
        "Install the new version beside the old one and copy the data with milvus-migration.",
        "https://github.com/zilliztech/milvus-migration",
    ),
    refused(
        (V2_2_ON, V2_1, When::Always),
        Reason::MinorDowngrade,
        "2.1 cannot read metadata in the format of 2.2",
        "If a MilvusUpgrade made the step to 2.2, undo it with `operation: rollback` in the MilvusUpgrade.",
        DOCS_2_4,
    ),
    refused(
        (ANY, ANY, When::LowerMinor),
        Reason::MinorDowngrade,
        "an older minor line may not be able to read what the newer one has written (indexes, metadata)",
        "Install the older version beside it and restore a backup that was taken before the upgrade.",
        "https://github.com/milvus-io/milvus/issues/33242; https://github.com/milvus-io/milvus/issues/28008; https://github.com/milvus-io/milvus/issues/51788",
    ),
    refused(
        (V2_1, V2_2_ON, When::Always),
        Reason::NeedsMetadataMigration,
        "2.2 and later do not read the metadata of 2.1: indexes would be missing and no collection would be loaded",
        "Put the old image back and create a MilvusUpgrade with sourceVersion and targetVersion: it migrates the metadata.",
        "https://milvus.io/docs/v2.4.x/upgrade_milvus_standalone-operator.md; https://github.com/milvus-io/milvus/issues/37614; real Milvus 2.2.16 and 2.3.5 on metadata of 2.1",
    ),
    with_downtime(V2_1, V2_1, DOCS_2_2),
    refused(
        (BEFORE_2_5_16, V2_6, When::Always),
        Reason::NeedsIntermediateVersion,
        "2.6 can follow only 2.5.16 or a later 2.5",
        "Upgrade to the latest 2.5 (2.5.16 or later) with a mixcoord first.",
        DOCS_2_6,
    ),
    refused(
        (FROM_2_5_16, V2_6, When::FourCoordinators),
        Reason::NeedsMixCoordinator,
        "2.6 can follow only a cluster whose coordinators run as one mixcoord",
        "On the version that runs now, set `spec.components.mixCoord` and remove rootCoord, dataCoord, queryCoord and indexCoord.",
        DOCS_2_6,
    ),
    refused(
        (FROM_2_5_16, V2_6, When::Always),
        Reason::UpgradeNotSupportedYet,
        "the step from 2.5 to 2.6 needs checks of streaming nodes and of write channels that come in a later release of this operator",
        "Stay on 2.5 until a release of this operator supports the step.",
        BLOG_2_6,
    ),
    refused(
        (V2_2_TO_2_5, V3_0, When::Always),
        Reason::NeedsIntermediateVersion,
        "3.0 can follow only 2.6",
        "Upgrade to 2.6.20 or later first.",
        DOCS_3_0,
    ),
    with_downtime(NO_STANDBY_2_2, V2_2_TO_2_5, DOCS_2_4),
    with_downtime(STANDBY_TO_2_5, NO_STANDBY_2_2, DOCS_2_4),
    allowed(STANDBY_TO_2_5, STANDBY_TO_2_5, DOCS_2_5),
    allowed(V2_6, V2_6, DOCS_2_6),
    refused(
        (BEFORE_2_6_20, V3_0, When::Always),
        Reason::NeedsIntermediateVersion,
        "the step to 3.0 was validated from 2.6.20",
        "Upgrade to 2.6.20 or later first.",
        DOCS_3_0,
    ),
    allowed(FROM_2_6_20, V3_0, DOCS_3_0),
    allowed(V3_0, V3_0, DOCS_3_0),
    LAST,
];

/// The verdict on going from one version to another, with the row that gives it.
///
/// `coordinators` are those that run now; `None` where there are none (standalone).
pub fn path(from: &MilvusVersion, to: &MilvusVersion, coordinators: Option<Coordinators>) -> &'static Path {
    PATHS.iter().find(|path| path.applies(from, to, coordinators)).unwrap_or(&LAST)
}

/// What happens to requests while a coordinator is replaced on the way from one version to the other (in
/// either direction); `None` when another one takes over.
pub fn downtime(from: &MilvusVersion, to: &MilvusVersion) -> Option<&'static str> {
    match path(from, to, None).verdict {
        Verdict::AllowedWithDowntime { step } => Some(step),
        _ => (!active_standby(from) || !active_standby(to)).then_some(NO_STANDBY),
    }
}
