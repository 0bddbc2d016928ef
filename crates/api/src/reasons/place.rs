//! What the registry says of a reason.

use std::fmt;

use crate::conditions::ConditionType as C;

/// Type of an Event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// `Normal`
    Normal,
    /// `Warning`
    Warning,
}

impl Severity {
    /// As the API has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Normal => "Normal",
            Severity::Warning => "Warning",
        }
    }
}

/// Where a reason may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// In a condition of a `Milvus`.
    Condition(C),
    /// In `status.upgrade.reason` of a `Milvus`.
    Upgrade,
    /// In `status.upgrade.waitingFor.reason` of a `Milvus`.
    Wait,
    /// In the condition `Handled` of a `MilvusUpgrade`.
    Handled,
    /// In an Event about a `Milvus`.
    Event(Severity),
}

/// As the reference pages name it.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Condition(type_) => write!(f, "condition `{type_}`"),
            Place::Upgrade => f.write_str("`status.upgrade.reason`"),
            Place::Wait => f.write_str("`status.upgrade.waitingFor.reason`"),
            Place::Handled => f.write_str("condition `Handled` of a `MilvusUpgrade`"),
            Place::Event(severity) => write!(f, "Event of type `{}`", severity.as_str()),
        }
    }
}

/// What the registry says of a reason, beside its meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Where it may stand, and nowhere else.
    pub places: &'static [Place],
    /// It has a page in `docs/reasons`. One without says that all is well.
    pub page: bool,
    /// What to do, in a sentence; `None` where there is nothing to do, or where the message says it.
    pub to_do: Option<&'static str>,
}

impl Row {
    /// All is well: no page, and nothing to do.
    pub(super) const fn well(places: &'static [Place]) -> Row {
        Row { places, page: false, to_do: None }
    }

    /// It has a page; the message says what to do, or there is nothing to do.
    pub const fn explained(places: &'static [Place]) -> Row {
        Row { places, page: true, to_do: None }
    }

    /// It has a page, and this is what to do.
    pub(super) const fn advised(places: &'static [Place], to_do: &'static str) -> Row {
        Row { places, page: true, to_do: Some(to_do) }
    }
}
