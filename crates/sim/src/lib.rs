//! A simulated Kubernetes API server at the HTTP seam, for tests. Never shipped.
//!
//! The production client, watches, cache and lease run on it unchanged: [`server::Service`] stands where the
//! connection to a real API server would. It is deterministic: no wall clock, no threads, no iteration over
//! hashed maps; the time is what [`server::Store::set_now`] says and what tokio's paused clock says.
//!
//! What it does not know it refuses with 501 and keeps in [`server::Store::unknown`], which tests assert to
//! be empty. That it behaves as a real API server does is tested by `tests/conformance.rs`.

pub mod cluster;
pub mod harness;
pub mod server;
