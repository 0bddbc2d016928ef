//! A refusal: something in the spec that is not done, and why.
//!
//! One value serves condition, Event and CLI, so the three never disagree.

use milvus_api::Reason;
use milvus_plan::Objection;

/// Why the spec, or the change of it, is not carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// CamelCase word: reason of the condition and the Event, name of the page in `docs/reasons`.
    pub reason: String,
    /// What, why, and what to do.
    pub message: String,
}

impl Refusal {
    /// A field that can't be understood.
    pub fn invalid(field: &str, why: impl std::fmt::Display, fix: &str) -> Refusal {
        Refusal::new(Reason::InvalidSpec, format!("{field}: {why}. {fix}"))
    }

    /// A refusal with its words.
    pub fn new(reason: Reason, message: String) -> Refusal {
        Refusal { reason: reason.as_str().to_owned(), message }
    }
}

impl From<&Objection> for Refusal {
    fn from(objection: &Objection) -> Refusal {
        Refusal { reason: objection.reason.name().to_owned(), message: objection.message.clone() }
    }
}
