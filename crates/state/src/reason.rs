//! The registry of reasons: every word that stands as a reason in a status or an Event, of whichever crate it is.
//!
//! `api` and `plan` each have an enum of theirs, whose variants carry their row; here the two are one list. Code takes
//! what it says from here, the reference pages are made of it, and tests compare it with what is stored.

use std::str::FromStr;

use milvus_api::reasons::REFUSED;
use milvus_api::{Place, Row};
use strum::{EnumMessage, IntoEnumIterator as _, ParseError};

/// A reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// Of a condition, a wait or an Event.
    Own(milvus_api::Reason),
    /// Of the refusal of a path of versions.
    Path(milvus_plan::Reason),
}

impl Reason {
    /// All of them, in the order of the reference pages.
    pub fn all() -> impl Iterator<Item = Reason> {
        let own = milvus_api::Reason::iter().map(Reason::Own);
        own.chain(milvus_plan::Reason::iter().map(Reason::Path))
    }

    /// The word as it stands in `reason`.
    pub fn as_str(self) -> &'static str {
        match self {
            Reason::Own(reason) => reason.as_str(),
            Reason::Path(reason) => reason.name(),
        }
    }

    /// What it means, in one line.
    pub fn meaning(self) -> String {
        let text = match self {
            Reason::Own(reason) => reason.get_documentation(),
            Reason::Path(reason) => reason.get_documentation(),
        };
        text.unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Where it may stand, and what to do.
    pub fn row(self) -> Row {
        match self {
            Reason::Own(reason) => reason.row(),
            Reason::Path(_) => Row::explained(REFUSED),
        }
    }

    /// It may stand there.
    pub fn stands(self, place: Place) -> bool {
        self.row().places.contains(&place)
    }
}

impl From<milvus_api::Reason> for Reason {
    fn from(reason: milvus_api::Reason) -> Reason {
        Reason::Own(reason)
    }
}

impl From<milvus_plan::Reason> for Reason {
    fn from(reason: milvus_plan::Reason) -> Reason {
        Reason::Path(reason)
    }
}

/// A word of a status, which may be another operator's.
impl FromStr for Reason {
    type Err = ParseError;

    fn from_str(word: &str) -> Result<Reason, ParseError> {
        let own = word.parse().map(Reason::Own);
        own.or_else(|_: ParseError| word.parse().map(Reason::Path))
    }
}
