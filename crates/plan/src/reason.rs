//! The names of the reasons for which a change is refused.

use serde::Serialize;
use strum::{Display, EnumIter, EnumMessage, EnumString, IntoStaticStr};

/// Why a change is refused; the reason of the condition and of the Event, in `CamelCase`.
///
/// The doc comment of a variant is its meaning in the reference pages. Each has a page in `docs/reasons/`; the message of
/// a refusal says what to do.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Display,
    EnumIter,
    EnumMessage,
    EnumString,
    IntoStaticStr,
    Serialize,
)]
pub enum Reason {
    /// The version that is left or gone to cannot be read.
    UnknownVersion,
    /// `spec.components.version` was left as it was when the image changed.
    VersionNotUpdated,
    /// 2.1 to 2.2 or later: the metadata must be migrated by a `MilvusUpgrade`.
    NeedsMetadataMigration,
    /// 1.x to 2.x: the data must be copied.
    NeedsDataMigration,
    /// The target can be reached only by way of another version.
    NeedsIntermediateVersion,
    /// The coordinators must be a mixcoord first.
    NeedsMixCoordinator,
    /// The path exists, but this release of the operator does not take it.
    UpgradeNotSupportedYet,
    /// There is no path from or to this prerelease.
    PrereleaseHasNoPath,
    /// The target is of an older minor line.
    MinorDowngrade,
    /// Nothing is known about the path.
    PathNotKnown,
    /// The target is older, but the mode of the roll is `rollingUpgrade`.
    OlderUnderRollingUpgrade,
    /// The target is newer, but the mode of the roll is `rollingDowngrade`.
    NewerUnderRollingDowngrade,
    /// The message queue changes although there is data.
    MessageQueueChange,
}

impl Reason {
    /// The name as in conditions and Events.
    pub fn name(self) -> &'static str {
        self.into()
    }
}
