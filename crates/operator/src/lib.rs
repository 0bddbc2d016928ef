//! The operator: everything that is IO, around the pure pass in `milvus-state`.
//!
//! The path of one pass: [`reconcile`] → [`observe`] → `milvus_state::decide` → [`apply`] → `milvus_state::fold` → status and
//! [`events`]. [`run`] wires watches and probes onto it; [`process`] is the process around it: command line, lease, HTTP, logs.

pub mod apply;
pub mod args;
pub mod context;
pub mod credentials;
pub mod error;
pub mod events;
pub mod failures;
pub mod http;
pub mod lease;
pub mod metrics;
pub mod observe;
pub mod probes;
pub mod process;
pub mod reconcile;
pub mod recorder;
pub mod requirements;
pub mod run;
pub mod targets;
pub mod telemetry;
pub mod upgrades;
