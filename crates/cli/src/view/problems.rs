//! Conditions that are not as they should be, and fields that have no effect.

use jiff::Timestamp;
use milvus_api::{ConditionStatus, ConditionType, MilvusCondition, MilvusStatus, Reason};
use serde::Serialize;

use super::advice::{Advice, advice};
use super::object::Object;
use super::standing::Standing;

/// A condition that is not as it should be.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// Type of the condition.
    pub condition: String,
    /// `False` or `Unknown`; of a stall `True`.
    pub status: String,
    /// Why, in one word: the name of a page in the documentation.
    pub reason: String,
    /// Why, in a sentence.
    pub message: String,
    /// Since when it says this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// What to do, where the message does not say it already.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<Advice>,
}

/// The conditions that are not as they should be, the one that explains the others first: a refusal, then the
/// order of the list.
pub fn problems(standing: Standing, status: &MilvusStatus, object: Object<'_>) -> Vec<Problem> {
    let waits = status
        .condition(ConditionType::UpgradeProgressing)
        .is_some_and(|c| c.reason == Reason::WaitingForDependencies.as_str());
    let empty = waits && status.current_image.is_none();
    let bad = |c: &&MilvusCondition| {
        // Nothing can be ready before anything is created.
        let not_yet = empty && c.type_ == ConditionType::MilvusReady.as_str();
        // A stall is the one condition that is bad while it is True.
        let stalled = c.type_ == ConditionType::Stalled.as_str();
        let good = if stalled { ConditionStatus::False } else { ConditionStatus::True };
        c.status != good.as_str() && !not_yet && !expected(standing, c)
    };
    let mut found: Vec<&MilvusCondition> = status.conditions.iter().filter(bad).collect();
    found.sort_by_key(|c| c.type_ != ConditionType::SpecAccepted.as_str());
    let problem = |c: &MilvusCondition| Problem {
        condition: c.type_.clone(),
        status: c.status.clone(),
        reason: c.reason.clone(),
        message: c.message.clone(),
        since: since(c),
        advice: advice(&c.reason, object, None),
    };
    found.into_iter().map(problem).collect()
}

/// Whether a condition may be other than True as things stand.
fn expected(standing: Standing, condition: &MilvusCondition) -> bool {
    let reason = condition.reason.as_str();
    match condition.type_.parse() {
        // The one is shown in the first lines, with its message; the other is listed field by field.
        Ok(ConditionType::MilvusUpdated | ConditionType::SpecSupported) => true,
        Ok(ConditionType::UpgradeProgressing) => reason != Reason::WriteFailed.as_str(),
        Ok(ConditionType::MilvusReady) => {
            standing == Standing::Deleting
                || [Reason::MilvusStopped.as_str(), Reason::MilvusStopping.as_str()].contains(&reason)
        }
        Ok(
            ConditionType::EtcdReady
            | ConditionType::StorageReady
            | ConditionType::MsgStreamReady
            | ConditionType::SpecAccepted
            | ConditionType::Stalled,
        )
        | Err(_) => false,
    }
}

/// The beginning of the message of `SpecSupported`.
const NO_EFFECT: &str = "has no effect yet: ";

/// Every field begins so. What is told of a field may contain a semicolon too, so this is what separates.
const FIELD: &str = "spec.";

/// The fields that have no effect yet.
pub fn unsupported(status: &MilvusStatus) -> Vec<String> {
    let condition = status.condition(ConditionType::SpecSupported);
    let Some(condition) = condition.filter(|c| c.status == ConditionStatus::False.as_str()) else {
        return Vec::new();
    };
    fields(condition.message.strip_prefix(NO_EFFECT).unwrap_or(&condition.message))
}

/// The fields that are carried out and probably not meant so.
pub fn warnings(status: &MilvusStatus) -> Vec<String> {
    let condition = status.condition(ConditionType::SpecAccepted);
    let warns = condition.filter(|c| c.reason == Reason::AcceptedWithWarnings.as_str());
    warns.map(|c| fields(&c.message)).unwrap_or_default()
}

/// A list of fields, each with the sentence about it.
fn fields(list: &str) -> Vec<String> {
    let separator = format!("; {FIELD}");
    let fields = list.split(separator.as_str()).enumerate();
    fields.map(|(index, text)| if index == 0 { text.to_owned() } else { format!("{FIELD}{text}") }).collect()
}

/// When a condition last changed.
fn since(condition: &MilvusCondition) -> Option<Timestamp> {
    condition.last_transition_time.as_ref().map(|time| time.0)
}
