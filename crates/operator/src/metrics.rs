//! Metrics (to be merged).
use crate::error::Error;
use milvus_api::{Milvus, MilvusStatus};
use std::time::Duration;
/// Metrics.
#[derive(Default)]
pub struct Metrics {}
impl Metrics {
    /// A pass.
    pub fn observe_pass(&self, _: &Milvus, _: &MilvusStatus, _: Duration) {}
    /// A failed pass.
    pub fn failed_pass(&self, _: &Error) {}
    /// Gone.
    pub fn forget(&self, _: &str, _: &str) {}
}
