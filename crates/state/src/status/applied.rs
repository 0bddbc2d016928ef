//! What became of the writes of a pass.

use std::collections::BTreeMap;

use super::failure::Failure;
use crate::records::DeploymentRecord;

/// What became of the writes of a pass.
#[derive(Clone, Debug, Default)]
pub struct Applied {
    /// Deployments as the API server returned them, by name.
    pub deployments: BTreeMap<String, DeploymentRecord>,
    /// Generations of other objects that were written, by [`crate::manifests::Manifest::key`].
    pub generations: BTreeMap<String, i64>,
    /// The first write that failed.
    pub failure: Option<Failure>,
}
