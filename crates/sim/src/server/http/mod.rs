//! HTTP: paths, parameters, and what is answered.

mod discovery;
mod handle;
mod list;
mod path;
mod query;
mod selector;
mod service;
mod watch;

pub use service::{Actor, AnswerBody, ApiServer, BoxError, Lag, Service, View};
