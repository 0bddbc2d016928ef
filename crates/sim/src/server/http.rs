//! HTTP: paths, parameters, and what is answered.

mod connection;
mod discovery;
mod handle;
mod list;
mod path;
mod query;
mod selector;
mod service;
mod watch;

pub use connection::{Actor, AnswerBody, BoxError, Lag};
pub use service::{ApiServer, Service};
