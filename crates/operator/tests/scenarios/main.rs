//! Stories on a real control plane with the operator installed as users install it. Each has a namespace of its own; what is
//! asserted is what a user sees and the recorded sequence of changes.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "helpers of tests are tests")]
#![allow(clippy::large_futures, reason = "a test runs by itself")]

#[path = "../world/mod.rs"]
mod world;

mod bad_input;
mod broken;
mod canaries;
mod denied;
mod dependencies;
mod drift;
mod end;
mod evictions;
mod guides;
mod holes;
mod order;
mod pairs;
mod ports;
mod refused;
mod removed;
mod secrets;
mod sizes;
mod taken_over;
mod words;
