//! What a pass is given from outside: the time, what is asked over the network, and who is told what became of it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use milvus_api::{Milvus, MilvusStatus};
use milvus_plan::Component;
use milvus_state::Probes;
use milvus_state::spec::Spec;

use crate::credentials::Credentials;

/// Tells the time.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// A clock that asks `now`.
    pub fn new(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Clock {
        Clock(Arc::new(now))
    }

    /// The clock of this machine.
    pub fn system() -> Clock {
        Clock::new(Timestamp::now)
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Clock").field(&self.now()).finish()
    }
}

/// What is asked over the network about the dependencies of Milvus objects.
pub trait Dependencies: Send + Sync {
    /// What the last probes found, without asking for new ones: none of them failed.
    fn healthy(&self, spec: &Spec) -> bool;

    /// Sees to it that the dependencies are probed, and gives what is known. `first_start`: nothing of this Milvus has
    /// run yet, so that a bucket may be missing: Milvus makes it.
    fn probes(&self, spec: &Spec, credentials: &Credentials, first_start: bool) -> Probes;

    /// Stops the probes of a Milvus that is gone.
    fn forget(&self, namespace: &str, name: &str);
}

/// Is told what became of passes.
pub trait Observer: Send + Sync {
    /// A pass wrote this status and took so long, whatever follows from it.
    fn passed(&self, milvus: &Milvus, status: &MilvusStatus, took: Duration);

    /// A pass over this Milvus did all that it was to do.
    fn succeeded(&self, namespace: &str, name: &str, at: Timestamp);

    /// A pass failed; `error` is the name of its kind.
    fn failed(&self, error: &'static str);

    /// Passes over this Milvus have failed so often in a row.
    fn failing(&self, namespace: &str, name: &str, failures: u32);

    /// An upgrade brought a component to its target in this time.
    fn rolled(&self, component: Component, took: Duration);

    /// A Milvus is gone.
    fn forget(&self, namespace: &str, name: &str);
}
