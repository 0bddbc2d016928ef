//! What a verb has to show, and the exit code that it means.

use jiff::Timestamp;
use serde::Serialize;

use crate::exit::Exit;
use crate::view::{Standing, View};

/// What there is to show.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Report {
    /// The story of one.
    One(Box<View>),
    /// All of a namespace, or of all namespaces.
    All(Vec<View>),
}

impl Report {
    /// The time of the views.
    pub fn at(&self) -> Option<Timestamp> {
        match self {
            Report::One(view) => Some(view.at),
            Report::All(views) => views.first().map(|view| view.at),
        }
    }

    /// The exit code of showing it once.
    pub fn exit(&self) -> Exit {
        match self {
            Report::One(view) if view.standing == Standing::Refused => Exit::Refused,
            Report::One(_) | Report::All(_) => Exit::Fine,
        }
    }

    /// How a watch ends here, if it does: a refusal stays until somebody changes the spec.
    pub fn ending(&self) -> Option<Exit> {
        match self {
            Report::One(view) if view.standing == Standing::Refused => Some(Exit::Refused),
            Report::One(view) if view.standing.settled() => Some(Exit::Fine),
            Report::One(_) | Report::All(_) => None,
        }
    }
}
