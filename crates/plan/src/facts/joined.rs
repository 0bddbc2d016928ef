//! Which components are replaced in one step.

use super::span::Span;
use crate::component::Component;
use crate::version::MilvusVersion;

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

/// The components that must be one step between the two versions, in either direction.
pub fn joined(one: &MilvusVersion, other: &MilvusVersion) -> Vec<&'static [Component]> {
    let (older, newer) = if one <= other { (one, other) } else { (other, one) };
    let applies = |row: &&Joined| row.older.contains(older) && row.newer.contains(newer);
    JOINED.iter().filter(applies).map(|row| row.components).collect()
}
