//! What else a pass must read, beside what the watches hold.

use super::layout::Layout;
use super::progress;
use super::target::Target;
use crate::desired::Parsed;
use crate::observed::{Needs, Watched};
use crate::spec::DataVolume;

/// Says what else a pass must read. `parsed`: the spec, if it is understood.
///
/// Pods are listed only while something moves: a settled Milvus costs no request.
pub fn needs(parsed: Option<&Parsed>, watched: &Watched) -> Needs {
    if watched.milvus.deleting {
        // Its finalizer goes when its last pod has gone, and with that the claim, if it is to go too.
        let claim = parsed.and_then(|p| p.spec.claim_to_delete().map(str::to_owned));
        return Needs { pods: true, claim, ..Needs::default() };
    }
    let Some(Parsed { spec, desired }) = parsed else { return Needs::default() };
    let claim = spec.data.as_ref().and_then(DataVolume::claim_name).map(str::to_owned);
    let targets = Target::all(spec, desired, watched, None);
    let all_at_target = targets.iter().all(|target| is_at_target(target, watched));
    let resized = targets.iter().filter(|target| target.layout != Layout::Single);
    let templates = resized.flat_map(|target| old_templates(target, watched)).collect();
    Needs { pods: !(progress::settled(watched) && all_at_target), templates, claim }
}

fn is_at_target(target: &Target, watched: &Watched) -> bool {
    let records = target.records(watched);
    !records.is_empty() && records.iter().all(|record| target.matches(record) || record.replicas == 0)
}

/// Pods of an old template are moved away, or started again where all were stopped.
fn old_templates(target: &Target, watched: &Watched) -> Vec<String> {
    let records = target.records(watched);
    let stopped = !records.iter().any(|r| target.matches(r) || r.replicas > 0);
    let resized = records
        .iter()
        .filter(|r| !target.matches(r) && (stopped || r.replicas > 0 || r.current() > 0))
        .map(|r| r.name.clone());
    resized.collect()
}
