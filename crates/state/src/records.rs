//! What is kept of an observed object.
//!
//! Takes live Kubernetes objects; gives small records. A watch hands over whole objects (a typed Deployment
//! costs 6 KB in a store, a Pod more); the pass needs generation, counts and a few names of them, so only
//! those are kept.

mod budget;
mod config_map;
mod deployment;
mod fields;
mod metadata;
mod milvus;
mod pod;
mod service;

pub use budget::BudgetRecord;
pub use config_map::ConfigMapRecord;
pub use deployment::DeploymentRecord;
pub use metadata::{ClaimRecord, IngressRecord, MetaRecord, MonitorKind};
pub use milvus::MilvusRecord;
pub use milvus_api::names::Slot;
pub use pod::PodRecord;
pub use service::{ServiceRecord, is_ours};
