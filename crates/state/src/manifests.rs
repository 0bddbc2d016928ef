//! Complete objects for server-side apply, each made from the parsed spec alone.
//!
//! Takes the parsed spec, and for a workload the settings of its component and the image; gives the object. What
//! of it must be sent is the business of [`crate::changes`].

pub mod budget;
pub mod claim;
pub mod config;
pub mod env;
pub mod ingress;
pub mod live;
pub mod metadata;
pub mod pod_monitor;
pub mod service;
pub mod workload;

mod checksum;
mod error;
mod object;
mod pod;
mod probes;
mod size;
mod tool;

pub use error::Error;
pub use object::Manifest;
pub use size::refusal as too_large;
pub use tool::Tool;
