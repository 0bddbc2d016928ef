//! How often the passes of each Milvus have failed in a row, for the back-off.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use milvus_cluster::Key;

/// Failures in a row, by Milvus.
#[derive(Debug, Default)]
pub struct Failures(Mutex<HashMap<Key, u32>>);

impl Failures {
    /// Counts a failure; gives how many there were in a row.
    pub fn count(&self, key: &Key) -> u32 {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let failures = all.entry(key.clone()).or_default();
        *failures = failures.saturating_add(1);
        *failures
    }

    /// A pass succeeded, or the Milvus is gone.
    pub fn clear(&self, key: &Key) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}
