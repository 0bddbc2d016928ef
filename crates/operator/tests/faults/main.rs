//! What happens when the operator is killed, is there twice, or loses the API server. Each group of stories has a control plane of its
//! own, because an operator looks at all of it.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "helpers of tests are tests")]

#[path = "../world/mod.rs"]
mod world;

mod crash;
mod lease;
mod monitors;
mod rights;
