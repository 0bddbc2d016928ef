//! `kubectl milvus`: what a `Milvus` is doing, and why it waits.
//!
//! A verb ([`cmd`]) computes a value ([`report`]), [`output`] is the only module that prints. [`view`] and
//! [`table`] are pure, so that whoever has a `Milvus` object and the time (the demo, a test) can show it in
//! the same words.

pub mod age;
pub mod args;
pub mod cmd;
pub mod context;
pub mod error;
pub mod exit;
pub mod output;
pub mod report;
pub mod table;
pub mod view;
