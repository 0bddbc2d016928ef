//! A step of a plan: what is done in it, and what it costs.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter, EnumString};

use crate::component::{Component, joined_names};

/// The downtime of a step that replaces everything at once.
pub const AT_ONCE: &str =
    "all components are replaced at the same time: requests can fail until all of them are ready again";

/// The downtime of a standalone that is stopped before its successor starts.
pub const STOPPED_FIRST: &str = "requests fail from the end of the old process until the new one is ready";

/// The name of a gate: something that must be so before the next thing begins.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Display,
    EnumIter,
    EnumString,
    Serialize,
    Deserialize,
)]
#[strum(serialize_all = "kebab-case")]
#[serde(rename_all = "kebab-case")]
pub enum GateName {
    /// The user lets the operator work: the annotation `milvus.io/pause-reconcile` is not `true`.
    Pause,
    /// Nothing is left of a former Milvus of the same name.
    FormerObjects,
    /// etcd, object storage and message queue can be used.
    Dependencies,
    /// The user does not hold a step by the annotation `milvus.io/hold-before`.
    HoldBefore,
}

/// What a Job does. All of them are about the metadata in etcd.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Display, EnumIter, Serialize, Deserialize,
)]
#[strum(serialize_all = "kebab-case")]
#[serde(rename_all = "kebab-case")]
pub enum JobKind {
    /// Looks at the metadata and counts it.
    Inspect,
    /// Writes a backup file.
    BackupMeta,
    /// Reads the backup file and compares it with etcd.
    VerifyBackup,
    /// Writes the metadata in the new format.
    MigrateMeta,
    /// Compares what is in etcd with what should be there.
    VerifyMeta,
    /// Puts back what the backup file holds.
    RollbackMeta,
}

/// What is done in a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Action {
    /// These components get their new template, all together. At least one component.
    Roll(Vec<Component>),
    /// Every component is scaled to 0, until no pod is left.
    Stop,
    /// A Job runs to its end.
    Job(JobKind),
    /// Every component is started at the target, until all are ready.
    Start,
    /// Everything stays as it is, and is watched, for a while.
    Settle {
        /// For how long.
        seconds: u32,
    },
    /// Nothing is done until a gate is open.
    Gate(GateName),
}

/// Something that is done before the next step begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// Its name, of its own within the hop; that of a roll is its components, joined by `+`.
    pub name: String,
    /// What is done.
    pub action: Action,
    /// Once it has begun, there is no way back to what ran before.
    pub irreversible: bool,
    /// What does not work while this step runs, and why; `None` when nothing about the versions and the order
    /// makes it so (a volume that only one pod can mount still may).
    pub downtime: Option<String>,
}

impl Step {
    /// A step that gives `components` their new template.
    pub fn roll(components: Vec<Component>, downtime: Option<&str>) -> Self {
        Self {
            name: joined_names(&components),
            action: Action::Roll(components),
            irreversible: false,
            downtime: downtime.map(str::to_owned),
        }
    }

    /// The components that get their new template in this step; empty for a step that does something else.
    pub fn components(&self) -> &[Component] {
        match &self.action {
            Action::Roll(components) => components,
            Action::Stop | Action::Job(_) | Action::Start | Action::Settle { .. } | Action::Gate(_) => &[],
        }
    }
}
