//! The operator: everything that is IO, around the pure pass in `milvus-state`.

pub mod args;
pub mod http;
pub mod lease;
pub mod metrics;
pub mod telemetry;
