//! What a condition says, before it has a type and a time.

use milvus_api::{ConditionStatus, MilvusCondition, Reason};

use crate::refusal::Refusal;

/// What a condition says, without its type and time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// `True`, `False` or `Unknown`.
    pub status: String,
    /// Why, in one word.
    pub reason: String,
    /// Why, in a sentence.
    pub message: String,
}

impl Said {
    /// True.
    pub fn yes(reason: Reason, message: impl Into<String>) -> Said {
        Said::new(ConditionStatus::True, reason.as_str(), message)
    }

    /// False.
    pub fn no(reason: Reason, message: impl Into<String>) -> Said {
        Said::new(ConditionStatus::False, reason.as_str(), message)
    }

    /// What it said already.
    pub fn again(condition: &MilvusCondition) -> Said {
        Said {
            status: condition.status.clone(),
            reason: condition.reason.clone(),
            message: condition.message.clone(),
        }
    }

    /// False, by refusals: the first gives the reason, all give their message.
    pub fn refused(refusals: &[Refusal]) -> Said {
        let reason = refusals.first().map_or(Reason::InvalidSpec.as_str(), |r| r.reason.as_str());
        let messages: Vec<&str> = refusals.iter().map(|r| r.message.as_str()).collect();
        Said::new(ConditionStatus::False, reason, messages.join("; "))
    }

    /// Status and reason as words.
    pub fn new(status: ConditionStatus, reason: &str, message: impl Into<String>) -> Said {
        Said { status: status.as_str().to_owned(), reason: reason.to_owned(), message: message.into() }
    }
}
