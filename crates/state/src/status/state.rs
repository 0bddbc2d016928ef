//! What a condition says, without its type and time.

use milvus_api::{ConditionStatus, MilvusCondition, Reason};

use crate::refusal::Refusal;

/// What a condition says, without its type and time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConditionState {
    /// `True`, `False` or `Unknown`.
    pub status: String,
    /// Why, in one word.
    pub reason: String,
    /// Why, in a sentence.
    pub message: String,
}

impl ConditionState {
    /// True.
    pub fn is_true(reason: Reason, message: impl Into<String>) -> ConditionState {
        ConditionState::new(ConditionStatus::True, reason.as_str(), message)
    }

    /// False.
    pub fn is_false(reason: Reason, message: impl Into<String>) -> ConditionState {
        ConditionState::new(ConditionStatus::False, reason.as_str(), message)
    }

    /// What it said already.
    pub fn unchanged(condition: &MilvusCondition) -> ConditionState {
        ConditionState {
            status: condition.status.clone(),
            reason: condition.reason.clone(),
            message: condition.message.clone(),
        }
    }

    /// False, by refusals: the first gives the reason, all give their message.
    pub fn refused(refusals: &[Refusal]) -> ConditionState {
        let reason = refusals.first().map_or(Reason::InvalidSpec.as_str(), |r| r.reason.as_str());
        let messages: Vec<&str> = refusals.iter().map(|r| r.message.as_str()).collect();
        ConditionState::new(ConditionStatus::False, reason, messages.join("; "))
    }

    /// Status and reason as words.
    pub fn new(status: ConditionStatus, reason: &str, message: impl Into<String>) -> ConditionState {
        ConditionState {
            status: status.as_str().to_owned(),
            reason: reason.to_owned(),
            message: message.into(),
        }
    }
}
