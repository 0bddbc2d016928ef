//! The API server: objects in memory behind the HTTP API of Kubernetes.
//!
//! `kinds` says what there is, `schema` what objects look like, `rules` what Kubernetes does to those of its
//! own kinds. A write goes through `write` (what the request asks for, who owns which field by `apply`) and
//! `commit` (what is checked of every write) into the `store`; `http` is the outside.
//!
//! It behaves as Kubernetes 1.34. What is left out, silently: CEL rules and patterns of definitions, what
//! admission adds to pods and volume claims (service account, tolerations, `pvc-protection`), most limits of
//! the pod's spec, warnings, quotas and RBAC. What is left out and refused with 501: strategic merge patches,
//! deletion of collections and of namespaces, tables, `fieldValidation=Strict`, server-side apply of a scale.
//! Recorded as unknown, but not refused: `stringData`, and more than ten managers of updates.

mod answer;
mod apply;
mod commit;
mod delete;
mod garbage;
mod http;
mod kinds;
mod log;
mod object;
mod patch;
mod rules;
mod schema;
mod store;
mod target;
mod write;

pub use answer::{Failure, Reason};
pub use http::{Actor, AnswerBody, ApiServer, BoxError, Lag, Service};
pub use kinds::{Info, Kind};
pub use log::{Event, Verb};
pub use store::{Rules, Store};
pub use target::{Preconditions, Propagation, Subresource, Target};
