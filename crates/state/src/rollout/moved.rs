//! What has moved of a change: the pods that came, got ready or ended.

use std::collections::BTreeMap;

use milvus_plan::{Component, PodCounts};

use super::progress;
use super::target::Target;
use crate::observed::Snapshot;
use crate::records::DeploymentRecord;

/// The pods of each component, counted as progress is.
pub fn pods(targets: &[Target], snapshot: &Snapshot) -> BTreeMap<Component, PodCounts> {
    targets.iter().map(|target| (target.component(), counts(target, snapshot))).collect()
}

fn counts(target: &Target, snapshot: &Snapshot) -> PodCounts {
    // Counts of an older generation are about an older template.
    let is_new = |record: &DeploymentRecord| target.matches(record) && record.observed();
    let records = target.records(&snapshot.watched);
    let of = |record: &&DeploymentRecord| if is_new(record) { record.updated() } else { 0 };
    let new: i32 = records.iter().map(of).sum();
    let all: i32 = records.iter().map(|record| record.current()).sum();
    let name = target.component().name();
    let pods = snapshot.pods.iter().flatten();
    let ending = pods.filter(|pod| pod.component == name && pod.terminating).count();
    let count = |number: i32| u32::try_from(number).unwrap_or_default();
    PodCounts {
        new: count(new),
        ready: progress::moved(target, snapshot),
        old: count(all - new).saturating_add(u32::try_from(ending).unwrap_or(u32::MAX)),
    }
}
