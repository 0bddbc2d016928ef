//! What else than the two versions decides whether a row applies.

use crate::component::Coordinators;
use crate::version::MilvusVersion;

/// What else must be so for a row to apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Nothing else.
    Always,
    /// The version that is left is a prerelease.
    FromPrerelease,
    /// The version that is gone to is a prerelease.
    ToPrerelease,
    /// The cluster runs four coordinators instead of a mixcoord.
    FourCoordinators,
    /// The target is of an older minor (or major) line.
    LowerMinor,
    /// The target is older, in the same minor line.
    LowerPatch,
    /// A minor line is left out on the way up.
    SkipsMinor,
}

impl When {
    pub(super) fn holds(
        self,
        from: &MilvusVersion,
        to: &MilvusVersion,
        coordinators: Option<Coordinators>,
    ) -> bool {
        let minor = |version: &MilvusVersion| {
            let (major, minor, _) = version.numbers();
            (major, minor)
        };
        match self {
            Self::Always => true,
            Self::FromPrerelease => from.is_prerelease(),
            Self::ToPrerelease => to.is_prerelease(),
            Self::FourCoordinators => coordinators == Some(Coordinators::Four),
            Self::LowerMinor => minor(to) < minor(from),
            Self::LowerPatch => minor(to) == minor(from) && to < from,
            Self::SkipsMinor => minor(to) > (minor(from).0, minor(from).1 + 1),
        }
    }
}
