//! What holds for any input: the hand-over between slots, specs that the schema accepts, merged configuration.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

#[path = "../support/mod.rs"]
mod support;

mod config;
mod keys;
mod schema;
mod slots;
mod specs;
mod templates;
