//! Nobody is told what became of passes.

use std::time::Duration;

use jiff::Timestamp;
use milvus_api::{Milvus, MilvusStatus};
use milvus_controller::Observer;
use milvus_plan::Component;

/// Takes no notice.
pub struct Nobody;

impl Observer for Nobody {
    fn passed(&self, _: &Milvus, _: &MilvusStatus, _: Duration) {}
    fn succeeded(&self, _: &str, _: &str, _: Timestamp) {}
    fn failed(&self, _: &'static str) {}
    fn failing(&self, _: &str, _: &str, _: u32) {}
    fn rolled(&self, _: Component, _: Duration) {}
    fn forget(&self, _: &str, _: &str) {}
}
