//! Asks the systems that Milvus depends on (etcd, object storage, a message queue) whether they can be used.
//!
//! Takes: a [`Target`], that is an address with what is needed to talk to it. Gives: an [`Outcome`], which is
//! a value and never an error, with the condition reasons that `milvus-operator` has always written. A
//! [`Prober`] repeats probes in the background and tells whose outcome changed. May not: know of Kubernetes,
//! write anything to what it probes, take longer than [`DEADLINE`], or put a credential into a message.

#![deny(clippy::missing_errors_doc)]

use std::time::Duration;

pub mod etcd;
mod fault;
mod net;
pub mod outcome;
pub mod queue;
pub mod schedule;
mod secret;
pub mod storage;
mod target;
mod tls;

pub use outcome::{Outcome, Reason};
pub use schedule::{Changes, Observed, ProbeKey, Prober};
pub use secret::Secret;
pub use target::{Fingerprint, Target, probe};
pub use tls::{ClientCertificate, Tls, Trust};

/// The longest that any probe takes, from the call to its outcome.
pub const DEADLINE: Duration = Duration::from_secs(5);
