//! From API objects to desired objects, and from observed objects to status. Pure: no IO, no clock, no
//! Kubernetes client.
//!
//! The values of a pass and the functions between them, in order:
//!
//! ```text
//! Milvus ── Parsed::of ──► Parsed ── needs ──► Snapshot ── decide ──► Decided ──(applied)── status::report ──► Report
//! ```
//!
//! A module uses only those above it in this list: [`mod@reason`] (why something is as it is), [`records`], [`observed`] (what was read), [`spec`] (the
//! parser), [`manifests`] (objects from the spec), [`desired`] (the spec at one version, rendered), [`rollout`] (what
//! is there, compared with that), [`changes`] (what must be written), [`mod@decide`] (what the pass does), [`status`]
//! (what is told). This is the only crate where the words of the API and those of the plan meet ([`convert`]).

pub mod changes;
pub mod convert;
pub mod decide;
pub mod desired;
pub mod hash;
pub mod kinds;
pub mod manifests;
pub mod observed;
pub mod reason;
pub mod records;
pub mod refusal;
pub mod rollout;
pub mod spec;
pub mod status;

pub use decide::{Decided, Outcome, decide};
pub use desired::Parsed;
pub use milvus_api::Severity;
pub use observed::{Needs, ProbeView, Probes, Snapshot, Watched};
pub use reason::Reason;
pub use rollout::needs::needs;
pub use status::{Applied, Event, Report, report};
