//! What stands against a change: values, with their words already made.

use std::fmt;

use serde::Serialize;

use crate::reason::Reason;

/// Something that stands against a change. Nothing is changed while there is one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Objection {
    /// The name of it.
    pub reason: Reason,
    /// What is refused, why, and what to do: whole sentences, with the field and the fix.
    pub message: String,
}

/// `MinorDowngrade: The image cannot be changed from …`.
impl fmt::Display for Objection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.reason, self.message)
    }
}

/// All that stands against a change: at least one objection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Objections {
    first: Objection,
    rest: Vec<Objection>,
}

impl Objections {
    /// The objections in `list` without repetitions; `None` when there are none.
    pub fn from_list(list: Vec<Objection>) -> Option<Self> {
        let mut list = list.into_iter();
        let first = list.next()?;
        let mut rest = Vec::new();
        for objection in list {
            if objection != first && !rest.contains(&objection) {
                rest.push(objection);
            }
        }
        Some(Self { first, rest })
    }

    /// The one that gives its reason to the condition.
    pub fn first(&self) -> &Objection {
        &self.first
    }

    /// All of them, the first one first.
    pub fn iter(&self) -> impl Iterator<Item = &Objection> {
        std::iter::once(&self.first).chain(&self.rest)
    }
}

/// All objections in one text; the first, which gives its reason to the condition, without its name.
impl fmt::Display for Objections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.first.message)?;
        self.rest.iter().try_for_each(|other| write!(f, " Also {other}"))
    }
}

impl std::error::Error for Objections {}
