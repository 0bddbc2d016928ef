//! Ranges of versions.

use crate::version::MilvusVersion;

/// Major, minor, patch.
pub type Numbers = (u64, u64, u64);

/// Versions from one (included) to another (not included), by their numbers: a prerelease counts as its
/// release, as in the Go operator, for which `2.6.0-rc1` is a 2.6.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The first version that is in.
    pub from: Numbers,
    /// The first version that is not in any more.
    pub below: Numbers,
}

impl Span {
    /// Every version.
    pub const ANY: Self = Self { from: (0, 0, 0), below: (u64::MAX, 0, 0) };

    /// The versions from `from` to below `below`.
    pub const fn new(from: Numbers, below: Numbers) -> Self {
        Self { from, below }
    }

    /// Whether `version` is in.
    pub fn contains(&self, version: &MilvusVersion) -> bool {
        (self.from..self.below).contains(&version.numbers())
    }
}
