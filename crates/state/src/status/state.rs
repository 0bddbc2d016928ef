//! What a condition says, without its type and time.

use milvus_api::{ConditionStatus, MilvusCondition, WaitingFor};

use crate::reason::Reason;
use crate::refusal::Refusal;

/// What a condition says, without its type and time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConditionState {
    /// `True`, `False` or `Unknown`.
    pub status: String,
    /// Why, in one word: one of the registry, or what stood there before.
    pub reason: String,
    /// Why, in a sentence.
    pub message: String,
}

impl ConditionState {
    /// True.
    pub fn is_true(reason: impl Into<Reason>, message: impl Into<String>) -> ConditionState {
        ConditionState::new(ConditionStatus::True, reason, message)
    }

    /// False.
    pub fn is_false(reason: impl Into<Reason>, message: impl Into<String>) -> ConditionState {
        ConditionState::new(ConditionStatus::False, reason, message)
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
        let first = refusals.first().map(|refusal| refusal.reason);
        let reason = first.unwrap_or(milvus_api::Reason::InvalidSpec.into());
        let messages: Vec<&str> = refusals.iter().map(|r| r.message.as_str()).collect();
        ConditionState::new(ConditionStatus::False, reason, messages.join("; "))
    }

    /// True, for the reason of a wait.
    pub fn waits(waiting: &WaitingFor) -> ConditionState {
        ConditionState {
            status: ConditionStatus::True.as_str().to_owned(),
            reason: waiting.reason.clone(),
            message: waiting.message.clone(),
        }
    }

    /// Status, reason and message.
    pub fn new(
        status: ConditionStatus,
        reason: impl Into<Reason>,
        message: impl Into<String>,
    ) -> ConditionState {
        ConditionState {
            status: status.as_str().to_owned(),
            reason: reason.into().as_str().to_owned(),
            message: message.into(),
        }
    }
}
