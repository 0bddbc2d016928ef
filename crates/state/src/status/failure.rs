//! A write that failed, and its words: what, why, and what to do.

use jiff::Timestamp;
use milvus_api::{MilvusCondition, Reason};

use super::state::ConditionState;

/// Longest quotation of somebody else's words, in bytes: an admission policy may say as much as it likes.
const LONGEST_QUOTE: usize = 1000;
/// Seconds for which words that change with every try are kept. A status that changed at every try would itself wake the next one.
const WORDS_HOLD: i64 = 60;

/// The first write of a pass that failed. Nothing after it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What was attempted: `apply Deployment default/my-release-milvus-proxy`.
    pub action: String,
    /// Why it failed, in the words of the API server.
    pub why: String,
    /// The API server said no. Else it gave no answer, or the write was not sent.
    pub refused: bool,
}

impl Failure {
    /// What the condition says. `before`: the condition as it is.
    pub(super) fn state(&self, before: Option<&MilvusCondition>, now: Timestamp) -> ConditionState {
        let what = format!("can't {}: ", self.action);
        if let Some(before) = before.filter(|b| repeats(b, &what, now)) {
            return ConditionState::unchanged(before);
        }
        let to_do = match self.refused {
            true => "Change what refuses it, or the Milvus",
            false => "If this stays, see that the operator can reach the API server",
        };
        let why = shortened(&self.why);
        ConditionState::is_false(
            Reason::WriteFailed,
            format!("{what}{why}. It is tried again every minute at least. {to_do}"),
        )
    }
}

/// The same was said a moment ago, perhaps in other words. A time that lies ahead (a clock was set back) holds nothing.
fn repeats(before: &MilvusCondition, what: &str, now: Timestamp) -> bool {
    let since = before.last_transition_time.as_ref().map(|t| now.as_second() - t.0.as_second());
    before.reason == Reason::WriteFailed.as_str()
        && before.message.starts_with(what)
        && since.is_some_and(|seconds| (0..WORDS_HOLD).contains(&seconds))
}

fn shortened(text: &str) -> String {
    let text = text.trim().trim_end_matches('.');
    if text.len() <= LONGEST_QUOTE {
        return text.to_owned();
    }
    format!("{}…", &text[..text.floor_char_boundary(LONGEST_QUOTE)])
}
