//! What is carried out and probably not meant so: said in the condition `SpecAccepted`, which stays True.

use milvus_plan::{Consents, Mode, consent};

use crate::manifests::claim::unchangeable;
use crate::observed::Snapshot;
use crate::spec::{ClaimSettings, DataVolume, Spec, shared};

/// Everything that there is to warn of, each with its field and what to do.
pub fn of(spec: &Spec, snapshot: &Snapshot) -> Vec<String> {
    let mut found: Vec<String> = unread_consents(spec).into_iter().collect();
    found.extend(spec.warnings.clone());
    match &spec.data {
        Some(DataVolume::Claim(claim)) => found.extend(of_claim(spec, claim, snapshot)),
        Some(DataVolume::Existing(name)) => found.extend(of_existing(spec, name, snapshot)),
        Some(DataVolume::Scratch) | None => {}
    }
    let more = found.len().saturating_sub(MOST);
    found.truncate(MOST);
    found.extend((more > 0).then(|| format!("and {more} more")));
    found
}

/// Warnings that are said; of a large configuration for another program every key would be one.
const MOST: usize = 20;

/// Somebody meant to allow something, and it is not known what.
fn unread_consents(spec: &Spec) -> Option<String> {
    let warning = Consents::parse(spec.allow_upgrade.as_deref()).warning()?;
    Some(format!("metadata.annotations: {}: {warning}", consent::ANNOTATION))
}

/// The field below `spec.dependencies`.
fn field(spec: &Spec) -> String {
    format!("spec.dependencies.{}.persistence.persistentVolumeClaim", spec.dependencies.queue.name())
}

fn of_claim(spec: &Spec, claim: &ClaimSettings, snapshot: &Snapshot) -> Vec<String> {
    let field = field(spec);
    let mut found = Vec::new();
    if let Some(fixed) = snapshot.claim.as_ref().and_then(|live| unchangeable(live, claim)) {
        found.push(format!(
            "{field}.spec.{fixed}: the volume claim {} exists with another value, and Kubernetes lets nobody change it; the claim is left as it \
             is. Put the value back, or move the data to a claim of your own and name it in existingClaim",
            claim.name
        ));
    }
    found.extend((!claim.shared()).then(|| attached_once(spec, &claim.name)).flatten());
    found
}

fn of_existing(spec: &Spec, name: &str, snapshot: &Snapshot) -> Option<String> {
    let Some(live) = &snapshot.claim else {
        return Some(format!(
            "{}.existingClaim: there is no volume claim {name} in namespace {}; no pod can start before it is there",
            field(spec),
            spec.namespace
        ));
    };
    if shared(&live.spec) { None } else { attached_once(spec, name) }
}

/// Every component of a cluster mounts the volume, as upstream has it; most volumes can be on one node only.
fn attached_once(spec: &Spec, claim: &str) -> Option<String> {
    let more = "or leave persistence out: the data of an embedded Woodpecker is in the object storage";
    (spec.topology.mode == Mode::Cluster).then(|| {
        format!(
            "{}: every component mounts the volume claim {claim}, which is not ReadWriteMany, so pods start only on the one node that has the \
             volume. Set spec.accessModes to [ReadWriteMany] with a storage class that can do that, {more}",
            field(spec)
        )
    })
}
