//! What else a pass must read, beside what the watches hold.

use super::layout::Layout;
use super::progress;
use super::target::Target;
use crate::desired::Parsed;
use crate::manifests::workload;
use crate::observed::{Needs, Watched};
use crate::records::{DeploymentRecord, Slot};
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
    let Some(parsed) = parsed else { return Needs::default() };
    let Parsed { spec, desired } = parsed;
    let claim = spec.data.as_ref().and_then(DataVolume::claim_name).map(str::to_owned);
    let targets = Target::all(spec, desired, watched, None);
    let all_at_target = targets.iter().all(|target| is_at_target(target, watched));
    let mut templates: Vec<String> =
        targets.iter().flat_map(|target| target_templates(parsed, target, watched)).collect();
    templates.extend(other_templates(&targets, watched));
    Needs { pods: !(progress::settled(watched) && all_at_target), templates, claim }
}

fn is_at_target(target: &Target, watched: &Watched) -> bool {
    let records = target.records(watched);
    !records.is_empty() && records.iter().all(|record| target.matches(record) || record.replicas == 0)
}

/// A template that means the same is sent back as it is live, so it is read wherever something may be written. The empty
/// one of two Deployments has no pods that would restart.
fn target_templates(parsed: &Parsed, target: &Target, watched: &Watched) -> Vec<String> {
    let records = target.records(watched);
    let stopped = !records.iter().any(|r| target.matches(r) || r.replicas > 0);
    let unread = |record: &&&DeploymentRecord| match target.matches(record) {
        true => !is_as_sent(parsed, target, record, watched),
        false => target.layout == Layout::Single || stopped || record.has_pods(),
    };
    records.iter().filter(unread).map(|record| record.name.clone()).collect()
}

/// Nothing is to be written to a Deployment that has the wanted template.
fn is_as_sent(parsed: &Parsed, target: &Target, record: &DeploymentRecord, watched: &Watched) -> bool {
    let Parsed { spec, desired } = parsed;
    let settings = target.settings();
    let shell = workload::shell(spec, &desired.side.version, settings, record_slot(target, record, watched));
    let around = shell.is_ok_and(|shell| record.rendered_spec_hash.as_ref() == Some(&shell.hash));
    let mut others = target.records(watched).into_iter().filter(|other| other.name != record.name);
    around
        && watched.milvus.status.applied_generations.get(&record.name) == Some(&record.generation)
        && settings.replicas.wanted(Some(record.replicas)) == record.replicas
        && !others.any(DeploymentRecord::has_pods)
}

fn record_slot(target: &Target, record: &DeploymentRecord, watched: &Watched) -> Option<Slot> {
    let named =
        |place: &Option<Slot>| workload::name(watched.name(), target.component(), *place) == record.name;
    target.layout.places().into_iter().find(named).flatten()
}

/// Deployments of components that the wanted version has no more: they are kept up while that version is refused.
fn other_templates<'w>(targets: &[Target], watched: &'w Watched) -> impl Iterator<Item = String> + 'w {
    let wanted: Vec<String> = targets.iter().flat_map(|target| target.names(watched)).collect();
    let applied = &watched.milvus.status.applied_generations;
    let written = |record: &&DeploymentRecord| {
        record.rendered_hash.is_none() || applied.get(&record.name) != Some(&record.generation)
    };
    let others = watched.owned().filter(move |record| !wanted.contains(&record.name));
    others.filter(|record| record.has_pods()).filter(written).map(|record| record.name.clone())
}
