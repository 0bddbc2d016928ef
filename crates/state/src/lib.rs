//! From API objects to desired objects, and from observed objects to status. Pure: no IO, no clock, no Kubernetes client.
//!
//! The values of a pass and the functions between them, in order:
//!
//! ```text
//! Core ── needs ──► Snapshot ── decide ──► Decided { objects } ──(applied)── fold ──► status, Events
//! ```
//!
//! [`decide`](decide::decide) is validate → plan → next → render; [`fold`](fold::fold) turns what was decided and done into words.
//! This is the only crate where the words of the API and those of the plan meet ([`convert`]).

pub mod convert;
pub mod decide;
pub mod dependencies;
pub mod fold;
pub mod hash;
pub mod layout;
pub mod records;
pub mod refusal;
pub mod render;
pub mod request;
pub mod size;
pub mod slots;
pub mod snapshot;
pub mod survey;
pub mod target;
pub mod validate;
pub mod warnings;

pub use decide::{Decided, Verdict, decide};
pub use fold::{Folded, Note, Severity, fold};
pub use snapshot::{Core, Needs, ProbeView, Probes, Snapshot, needs};
