//! The real operator, with its watches, cache and writer, in the deterministic runtime of `milvus-sim`: whole lives of a
//! Milvus, with a fault at every request and at many polls, and with faults by chance.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "tests")]

#[path = "../../../state/tests/support/crs.rs"]
#[allow(dead_code, reason = "each test binary uses its own part")]
mod crs;
mod determinism;
mod invariants;
#[path = "../support/nobody.rs"]
mod nobody;
mod operator;
mod order;
mod scenarios;
mod script;
mod seeds;
mod single;
mod smooth;
#[path = "../support/told.rs"]
#[allow(dead_code, reason = "each test binary uses its own part")]
mod told;
