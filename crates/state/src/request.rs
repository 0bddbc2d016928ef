//! What is asked for and what runs, as the plan wants to know it.

use milvus_api::{MilvusStatus, RolloutPhase, RolloutStatus};
use milvus_plan::{Coordinators, Direction, Objections, Plan, Request, Side, Version, plan};

use crate::convert;
use crate::layout;
use crate::render::workload;
use crate::snapshot::{Core, Snapshot};
use crate::validate::{Validated, pins};

/// The plan for what the spec asks, or what stands against it.
pub fn planned(milvus: &Validated, snapshot: &Snapshot) -> Result<Plan, Objections> {
    let status = snapshot.core.milvus.status.as_ref();
    let request = Request {
        from: current(&snapshot.core, &milvus.target),
        running: running(milvus, snapshot),
        to: milvus.target.clone(),
        update_mode: milvus.update_mode,
        rolling_enabled: milvus.rolling_enabled,
        stopped_first: workload::one_at_a_time(milvus),
        topology: milvus.topology,
        running_coordinators: running_coordinators(&snapshot.core),
        queue: pins::queue_change(milvus, status.and_then(|s| s.resolved.as_ref())),
        override_annotation: milvus.allow_upgrade.clone(),
    };
    let plan = plan(&request)?;
    Ok(match abandoned(status, &plan) {
        Some(abandoned) => plan.back_from(abandoned),
        None => plan,
    })
}

/// A roll that is under way.
pub fn under_way(status: Option<&MilvusStatus>) -> Option<&RolloutStatus> {
    let phase = |r: &&RolloutStatus| matches!(r.phase, Some(RolloutPhase::Pending | RolloutPhase::Rolling));
    status.and_then(|s| s.upgrade.as_ref()).filter(phase)
}

/// The target that is left when the spec goes back to what ran before, though no pod of that target was ever ready.
fn abandoned(status: Option<&MilvusStatus>, plan: &Plan) -> Option<Side> {
    let to = under_way(status)?.to.as_ref()?;
    let image = to.image.clone()?;
    let back = plan.direction == Direction::Same && image != plan.to.image;
    back.then(|| side(&image, to.version.as_deref()))
}

/// What the last finished roll left. Where the status has lost it: what runs, if that is one image.
fn current(core: &Core, target: &Side) -> Option<Side> {
    let status = core.milvus.status.as_ref();
    if let Some(image) = status.and_then(|s| s.current_image.as_deref()).filter(|i| !i.is_empty()) {
        return Some(known_side(image, status, target));
    }
    if under_way(status).is_some() || status.is_some_and(|s| s.observed_generation.is_some()) {
        // It has been started and never was complete: there is nothing to compare with.
        return None;
    }
    let mut images: Vec<&str> = core.owned().filter(|d| d.replicas > 0).map(|d| d.image.as_str()).collect();
    images.sort_unstable();
    images.dedup();
    match images.as_slice() {
        [image] => Some(known_side(image, status, target)),
        _ => None,
    }
}

/// The distinct images of ready pods, without those of components that the spec gives an image of their own.
fn running(milvus: &Validated, snapshot: &Snapshot) -> Vec<Side> {
    let status = snapshot.core.milvus.status.as_ref();
    let mut images: Vec<&str> = snapshot
        .pods
        .iter()
        .flatten()
        .filter(|p| p.ready && !p.terminating)
        .filter(|p| {
            let settings = milvus.components.iter().find(|s| s.component.name() == p.component);
            settings.is_none_or(|s| s.image == milvus.target.image)
        })
        .map(|p| p.image.as_str())
        .collect();
    images.sort_unstable();
    images.dedup();
    images.into_iter().map(|image| known_side(image, status, &milvus.target)).collect()
}

/// An image with the version that was stated for it when it was asked for.
fn known_side(image: &str, status: Option<&MilvusStatus>, target: &Side) -> Side {
    let current = status.filter(|s| s.current_image.as_deref() == Some(image));
    let stated = current.and_then(|s| s.current_version.as_deref()).filter(|v| !v.is_empty());
    let rolled = status.and_then(|s| s.upgrade.as_ref()).and_then(|u| u.to.as_ref());
    let rolled = rolled.filter(|to| to.image.as_deref() == Some(image)).and_then(|to| to.version.as_deref());
    match stated.or(rolled) {
        Some(version) => side(image, Some(version)),
        None if image == target.image => target.clone(),
        None => side(image, None),
    }
}

fn side(image: &str, version: Option<&str>) -> Side {
    Side { image: image.to_owned(), version: Version::of(version, image) }
}

/// The coordinators that run, by the Deployments that have pods.
fn running_coordinators(core: &Core) -> Option<Coordinators> {
    if layout::runs(core, milvus_plan::Component::RootCoord) {
        Some(Coordinators::Four)
    } else {
        layout::runs(core, milvus_plan::Component::MixCoord).then_some(Coordinators::Mix)
    }
}

/// The recorded roll is this plan's.
pub fn recorded(status: Option<&MilvusStatus>, plan: &Plan) -> bool {
    under_way(status).is_some_and(|r| r.to.as_ref() == Some(&convert::rollout_image(&plan.to)))
}

/// Something is left for something else: such a plan is recorded before it is begun.
pub fn moves(plan: &Plan) -> bool {
    plan.moves()
}
