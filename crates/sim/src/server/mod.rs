//! The API server: objects in memory behind the HTTP API of Kubernetes.
//!
//! `kinds` says what there is, `schema` what objects look like, `rules` what Kubernetes does to those of its own kinds.
//! A write goes through `write` (what the request asks for, who owns which field by `apply`) and `commit` (what is checked of
//! every write) into the `store`; `http` is the outside.

mod answer;
mod apply;
mod commit;
mod delete;
mod garbage;
mod http;
mod kinds;
mod log;
mod patch;
mod rules;
mod schema;
mod store;
mod target;
mod write;

pub use answer::{Failure, Reason};
pub use http::{Actor, AnswerBody, ApiServer, BoxError, Lag, Service, View};
pub use kinds::{Info, Kind};
pub use log::{Event, Verb};
pub use store::{Rules, Store};
pub use target::{Preconditions, Propagation, Subresource, Target};
