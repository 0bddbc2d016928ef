//! The runtime of the simulator, shown on a small controller on the production kube client.

mod determinism;
mod explore;
mod faults;
mod operators;
mod toy;
mod users;
