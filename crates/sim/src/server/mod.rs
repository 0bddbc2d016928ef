//! The API server: objects in memory behind the HTTP API of Kubernetes.

mod answer;
mod kinds;
mod log;
mod service;
mod store;
mod target;
mod write;

pub use answer::{Failure, Reason};
pub use kinds::{Info, Kind};
pub use log::{Event, Verb};
pub use service::{Actor, AnswerBody, ApiServer, BoxError, Lag, Service, View};
pub use store::{Rules, Store};
pub use target::{Preconditions, Propagation, Subresource, Target};
