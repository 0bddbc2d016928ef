//! The only place that knows about Milvus releases.
//!
//! Every fact is a row of one of four tables, with the evidence for it: [`LINES`] (what a release line is
//! like), [`PATHS`] (what may follow what), [`WARNINGS`] (what to warn of), [`JOINED`] (components that are
//! one step). Code elsewhere asks the functions here and compares no version itself.
//! `docs/reference/versions.md` is [`markdown`].

mod components;
mod joined;
mod lines;
mod markdown;
mod paths;
mod span;
mod warnings;
mod when;

pub use components::{components, components_of, layout};
pub use joined::{JOINED, Joined, joined};
pub use lines::{ACTIVE_STANDBY, LINES, Layout, Line, Schema, active_standby, default_queue, schema};
pub use markdown::markdown;
pub use paths::{PATHS, Path, Verdict, downtime, path};
pub use span::{Numbers, Span};
pub use warnings::{WARNINGS, Warning, warnings, warnings_on};
pub use when::When;
