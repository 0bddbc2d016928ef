//! The runtime of the simulator, shown on a small controller on the production kube client.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod determinism;
mod explore;
mod faults;
mod operators;
mod toy;
mod users;
