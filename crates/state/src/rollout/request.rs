//! What is asked for and what runs, as the plan wants to know it.

use std::collections::BTreeMap;

use milvus_api::{MilvusStatus, RolloutImage, RolloutStatus};
use milvus_plan::{Coordinators, Direction, Objections, Plan, Request, Side, plan};

use super::running::{known_side, ready_images, side, under_way};
use super::{layout, own_images};
use crate::convert;
use crate::desired::Parsed;
use crate::manifests::workload;
use crate::observed::{Snapshot, Watched};
use crate::spec::resolved;

/// The plan for what the spec asks, or what stands against it.
///
/// # Errors
/// All that stands against it: nothing is changed then.
pub fn planned(parsed: &Parsed, snapshot: &Snapshot) -> Result<Plan, Objections> {
    let spec = &parsed.spec;
    let milvus = &snapshot.watched.milvus;
    let request = Request {
        from: current(parsed, &snapshot.watched),
        running: running(parsed, snapshot),
        to: spec.asked.clone(),
        own: own_images::of(parsed, snapshot),
        update_mode: spec.update_mode,
        rolling_enabled: spec.rolling_enabled,
        stopped_first: workload::one_at_a_time(spec),
        topology: spec.topology,
        running_coordinators: running_coordinators(&snapshot.watched),
        queue: resolved::queue_change(spec, milvus.status.resolved.as_ref()),
        override_annotation: spec.allow_upgrade.clone(),
    };
    let plan = plan(&request)?;
    let plan = own_images::reverted(plan, under_way(&milvus.status));
    Ok(match abandoned(&milvus.status, &plan) {
        Some(abandoned) => plan.back_from(abandoned),
        None => plan,
    })
}

/// The target that is left when the spec goes back to what ran before, though no pod of that target was ever ready.
fn abandoned(status: &MilvusStatus, plan: &Plan) -> Option<Side> {
    let to = under_way(status)?.to.as_ref()?;
    let image = to.image.clone()?;
    let back = plan.direction == Direction::Same && image != plan.to.image;
    back.then(|| side(&image, to.version.as_deref()))
}

/// What the last finished roll left. Where the status has lost it: what runs, if that is one image.
fn current(parsed: &Parsed, watched: &Watched) -> Option<Side> {
    let (milvus, asked) = (&watched.milvus, &parsed.spec.asked);
    // Upstream, and this operator before it looked at the images of components, record an image that nothing runs.
    let runs = |image: &&str| Some(*image) != parsed.spec.unused_image.as_deref() || *image == asked.image;
    if let Some(image) = milvus.current_image().filter(runs) {
        return Some(known_side(image, milvus, asked));
    }
    if under_way(&milvus.status).is_some() || milvus.status.observed_generation.is_some() {
        // It has been started and never was complete: there is nothing to compare with.
        return None;
    }
    let own = own_images::components(parsed).flat_map(|c| layout::names(watched, c.settings.component));
    let own: Vec<String> = own.collect();
    let follow = watched.owned().filter(|d| d.replicas > 0 && !own.contains(&d.name));
    let mut images: Vec<&str> = follow.map(|d| d.image.as_str()).collect();
    images.sort_unstable();
    images.dedup();
    match images.as_slice() {
        [image] => Some(known_side(image, milvus, asked)),
        _ => None,
    }
}

/// The distinct images of ready pods, without those of components that the spec gives an image of their own.
fn running(parsed: &Parsed, snapshot: &Snapshot) -> Vec<Side> {
    let own: Vec<&str> = own_images::components(parsed).map(|c| c.settings.component.name()).collect();
    ready_images(parsed, snapshot, |component| !own.contains(&component))
}

/// The coordinators that run, by the Deployments that have pods.
fn running_coordinators(watched: &Watched) -> Option<Coordinators> {
    if layout::runs(watched, milvus_plan::Component::RootCoord) {
        Some(Coordinators::Four)
    } else {
        layout::runs(watched, milvus_plan::Component::MixCoord).then_some(Coordinators::Mix)
    }
}

/// A roll goes where this plan goes, with every component.
pub fn is_of(rollout: &RolloutStatus, plan: &Plan) -> bool {
    let own = plan.own.iter().map(|own| (own.component.name(), Some(convert::rollout_image(&own.to))));
    let recorded = rollout.components.iter().map(|(name, way)| (name.as_str(), way.to.clone()));
    rollout.to.as_ref() == Some(&convert::rollout_image(&plan.to)) && sorted(own) == sorted(recorded)
}

fn sorted<'a>(
    ways: impl Iterator<Item = (&'a str, Option<RolloutImage>)>,
) -> BTreeMap<&'a str, Option<RolloutImage>> {
    ways.collect()
}

/// The recorded roll is this plan's.
pub fn recorded(status: &MilvusStatus, plan: &Plan) -> bool {
    under_way(status).is_some_and(|rollout| is_of(rollout, plan))
}
