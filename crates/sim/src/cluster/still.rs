//! Objects at which the last look had nothing to do: they are looked at again when something that the look depends on
//! has changed, or its time has come.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use super::objects::text;

/// What was seen of each, by UID.
#[derive(Clone, Debug, Default)]
pub(super) struct Still {
    seen: BTreeMap<String, Seen>,
}

/// A look at an object at which nothing was written.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    /// The versions of all that it depends on.
    pub(super) versions: Vec<String>,
    /// When it is to be looked at again by itself.
    pub(super) due: Option<Timestamp>,
}

/// UID and version of an object.
pub(super) fn version(object: &Value) -> String {
    format!("{}/{}", text(object, "/metadata/uid"), text(object, "/metadata/resourceVersion"))
}

impl Still {
    /// The last look at an object, if there is still nothing to do: the same versions, and its time has not come.
    pub(super) fn of(&self, uid: &str, versions: &[String], now: Timestamp) -> Option<&Seen> {
        let waits = |seen: &&Seen| seen.versions == versions && seen.due.is_none_or(|due| now < due);
        self.seen.get(uid).filter(waits)
    }

    /// Keeps a look at which nothing was written, or forgets the one before.
    pub(super) fn keep(&mut self, uid: &str, seen: Option<Seen>) {
        match seen {
            Some(seen) => self.seen.insert(uid.to_owned(), seen),
            None => self.seen.remove(uid),
        };
    }
}
