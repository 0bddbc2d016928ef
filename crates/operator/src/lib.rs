//! The operator: everything that is IO, around the pure pass in `milvus-state`.
//!
//! The path of one pass: [`reconcile`] → [`observe`] → `milvus_state::decide` → [`apply`] → `milvus_state::fold` → status and
//! [`events`]. [`run`] wires watches and probes onto it.

pub mod apply;
pub mod context;
pub mod credentials;
pub mod error;
pub mod events;
pub mod failures;
pub mod metrics;
pub mod observe;
pub mod probes;
pub mod reconcile;
pub mod run;
pub mod upgrades;
