//! A refusal: something in the spec that is not done, and why.
//!
//! One value serves condition, Event and CLI, so the three never disagree.

use milvus_plan::Objection;

use crate::reason::Reason;

/// Why the spec, or the change of it, is not carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Reason of the condition and the Event, and name of the page in `docs/reasons`.
    pub reason: Reason,
    /// What, why, and what to do.
    pub message: String,
}

impl Refusal {
    /// A field that can't be understood.
    pub fn invalid(field: &str, why: impl std::fmt::Display, fix: &str) -> Refusal {
        Refusal::new(milvus_api::Reason::InvalidSpec, format!("{field}: {why}. {fix}"))
    }

    /// A refusal with its words.
    pub fn new(reason: impl Into<Reason>, message: String) -> Refusal {
        Refusal { reason: reason.into(), message }
    }
}

impl From<&Objection> for Refusal {
    fn from(objection: &Objection) -> Refusal {
        Refusal::new(objection.reason, objection.message.clone())
    }
}
