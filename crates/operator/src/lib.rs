//! The process around `milvus-controller`: command line, logs, HTTP, metrics, and the probes of dependencies.

pub mod args;
pub mod http;
pub mod metrics;
pub mod probing;
pub mod process;
pub mod requirements;
pub mod telemetry;
