//! Objects at which the last look had nothing to do: they are looked at again when something that the look depends on
//! has changed, or its time has come.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use super::look::Look;
use super::objects::text;
use crate::server::Failure;

/// What was seen of each, by UID.
#[derive(Clone, Debug, Default)]
pub(super) struct Still {
    seen: BTreeMap<String, Seen>,
}

/// A look at an object at which nothing was written.
#[derive(Clone, Debug)]
struct Seen {
    /// The versions of all that it depends on.
    versions: Vec<String>,
    due: Option<Timestamp>,
}

/// UID and version of an object.
pub(super) fn version(object: &Value) -> String {
    format!("{}/{}", text(object, "/metadata/uid"), text(object, "/metadata/resourceVersion"))
}

impl Look<'_> {
    /// Works on an object, unless the last work on it wrote nothing and nothing has changed since. `versions`: all
    /// that the work depends on, besides the time.
    pub(super) fn unless_still(
        &mut self,
        uid: &str,
        versions: Vec<String>,
        work: impl FnOnce(&mut Self) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        if let Some(seen) = self.still.seen.get(uid) {
            let due = seen.due;
            if seen.versions == versions && due.is_none_or(|due| self.now < due) {
                if let Some(due) = due {
                    self.wake(due);
                }
                return Ok(());
            }
        }
        let (revision, others) = (self.store.revision(), self.due.take());
        let worked = work(self);
        let due = self.due;
        if let Some(due) = others {
            self.wake(due);
        }
        if worked.is_ok() && self.store.revision() == revision {
            self.still.seen.insert(uid.to_owned(), Seen { versions, due });
        } else {
            self.still.seen.remove(uid);
        }
        worked
    }
}
