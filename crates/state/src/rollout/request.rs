//! What is asked for and what runs, as the plan wants to know it.

use milvus_api::{MilvusStatus, RolloutPhase, RolloutStatus};
use milvus_plan::{Coordinators, Direction, Objections, Plan, Request, Side, Version, plan};

use super::layout;
use crate::convert;
use crate::desired::Parsed;
use crate::manifests::workload;
use crate::observed::{Snapshot, Watched};
use crate::records::MilvusRecord;
use crate::spec::resolved;

/// The plan for what the spec asks, or what stands against it.
///
/// # Errors
/// All that stands against it: nothing is changed then.
pub fn planned(parsed: &Parsed, snapshot: &Snapshot) -> Result<Plan, Objections> {
    let spec = &parsed.spec;
    let milvus = &snapshot.watched.milvus;
    let request = Request {
        from: current(&snapshot.watched, &spec.asked),
        running: running(parsed, snapshot),
        to: spec.asked.clone(),
        update_mode: spec.update_mode,
        rolling_enabled: spec.rolling_enabled,
        stopped_first: workload::one_at_a_time(spec),
        topology: spec.topology,
        running_coordinators: running_coordinators(&snapshot.watched),
        queue: resolved::queue_change(spec, milvus.status.resolved.as_ref()),
        override_annotation: spec.allow_upgrade.clone(),
    };
    let plan = plan(&request)?;
    Ok(match abandoned(&milvus.status, &plan) {
        Some(abandoned) => plan.back_from(abandoned),
        None => plan,
    })
}

/// A roll that is under way.
pub fn under_way(status: &MilvusStatus) -> Option<&RolloutStatus> {
    let phase = |r: &&RolloutStatus| matches!(r.phase, Some(RolloutPhase::Pending | RolloutPhase::Rolling));
    status.upgrade.as_ref().filter(phase)
}

/// The target that is left when the spec goes back to what ran before, though no pod of that target was ever ready.
fn abandoned(status: &MilvusStatus, plan: &Plan) -> Option<Side> {
    let to = under_way(status)?.to.as_ref()?;
    let image = to.image.clone()?;
    let back = plan.direction == Direction::Same && image != plan.to.image;
    back.then(|| side(&image, to.version.as_deref()))
}

/// What the last finished roll left. Where the status has lost it: what runs, if that is one image.
fn current(watched: &Watched, asked: &Side) -> Option<Side> {
    let milvus = &watched.milvus;
    if let Some(image) = milvus.current_image() {
        return Some(known_side(image, milvus, asked));
    }
    if under_way(&milvus.status).is_some() || milvus.status.observed_generation.is_some() {
        // It has been started and never was complete: there is nothing to compare with.
        return None;
    }
    let mut images: Vec<&str> =
        watched.owned().filter(|d| d.replicas > 0).map(|d| d.image.as_str()).collect();
    images.sort_unstable();
    images.dedup();
    match images.as_slice() {
        [image] => Some(known_side(image, milvus, asked)),
        _ => None,
    }
}

/// The distinct images of ready pods, without those of components that the spec gives an image of their own.
fn running(parsed: &Parsed, snapshot: &Snapshot) -> Vec<Side> {
    let asked = &parsed.spec.asked;
    let follows = |component: &str| {
        let mut components = parsed.desired.components.iter();
        let found = components.find(|c| c.settings.component.name() == component);
        found.is_none_or(|c| c.image == asked.image)
    };
    let ready = snapshot.pods.iter().flatten().filter(|p| p.ready && !p.terminating);
    let mut images: Vec<&str> = ready.filter(|p| follows(&p.component)).map(|p| p.image.as_str()).collect();
    images.sort_unstable();
    images.dedup();
    images.into_iter().map(|image| known_side(image, &snapshot.watched.milvus, asked)).collect()
}

/// An image with the version that was stated for it when it was asked for.
fn known_side(image: &str, milvus: &MilvusRecord, asked: &Side) -> Side {
    let stated = milvus.current_version().filter(|_| milvus.status.current_image.as_deref() == Some(image));
    let rolled = milvus.status.upgrade.as_ref().and_then(|u| u.to.as_ref());
    let rolled = rolled.filter(|to| to.image.as_deref() == Some(image)).and_then(|to| to.version.as_deref());
    match stated.or(rolled) {
        Some(version) => side(image, Some(version)),
        None if image == asked.image => asked.clone(),
        None => side(image, None),
    }
}

fn side(image: &str, version: Option<&str>) -> Side {
    Side { image: image.to_owned(), version: Version::of(version, image) }
}

/// The coordinators that run, by the Deployments that have pods.
fn running_coordinators(watched: &Watched) -> Option<Coordinators> {
    if layout::runs(watched, milvus_plan::Component::RootCoord) {
        Some(Coordinators::Four)
    } else {
        layout::runs(watched, milvus_plan::Component::MixCoord).then_some(Coordinators::Mix)
    }
}

/// The recorded roll is this plan's.
pub fn recorded(status: &MilvusStatus, plan: &Plan) -> bool {
    under_way(status).is_some_and(|r| r.to.as_ref() == Some(&convert::rollout_image(&plan.to)))
}
