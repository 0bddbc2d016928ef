//! The pass over a Milvus, what triggers it, and who may write: everything of the operator but its process.
//!
//! The path of one pass: [`mod@pass`] → [`pass::observe`] → `milvus_state::decide` → [`pass::apply`] →
//! `milvus_state::report` → status and Events. [`run`] wires the watches onto it; [`lease`] says which of several
//! operators works. The clock and what is asked over the network are handed in ([`ports`]), so that the same program
//! runs on a simulated cluster in virtual time.

pub mod context;
pub mod credentials;
pub mod error;
pub mod failures;
pub mod lease;

pub mod pass;
pub mod ports;
pub mod recorder;
pub mod run;
pub mod upgrades;

pub use context::Context;
pub use ports::{Clock, Dependencies, Observer};
