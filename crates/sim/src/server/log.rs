//! Every committed change.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;
use tokio::time::Instant;

use super::{kinds::Kind, target::Subresource};

/// How an object was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are those of Kubernetes")]
pub enum Verb {
    Create,
    Update,
    Patch,
    Apply,
    Delete,
    /// By the garbage collector.
    Collect,
}

/// A committed change.
#[derive(Debug, Clone)]
pub struct Event {
    /// Revision of the store that the change made.
    pub revision: u64,
    /// Time of the store.
    pub time: Timestamp,
    /// When, by tokio's clock: what the lag of a watch is measured from.
    pub(crate) committed: Instant,
    /// Who made it.
    pub actor: Arc<str>,
    /// How.
    pub verb: Verb,
    /// The part that was written, or the whole object.
    pub subresource: Option<Subresource>,
    /// Kind of the object.
    pub kind: Kind,
    /// Its namespace; empty for kinds that have none.
    pub namespace: Arc<str>,
    /// Its name.
    pub name: Arc<str>,
    /// Before; none when it was created.
    pub before: Option<Arc<Value>>,
    /// After; none when it is gone.
    pub after: Option<Arc<Value>>,
    /// What a watch shows of an object that is gone: its last state, with the revision of its end.
    pub(crate) last: Option<Arc<Value>>,
}
