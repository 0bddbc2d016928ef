//! Command line of `meta-migration`.

pub mod args;
pub mod config;
pub mod output;
pub mod request;
