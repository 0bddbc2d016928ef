//! What is asked for and what runs, as the plan wants to know it.

use std::collections::BTreeMap;

use milvus_api::{MilvusStatus, RolloutImage, RolloutStatus};
use milvus_plan::{Component, Coordinators, Direction, Objections, Plan, Request, Side, plan};

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
    let recorded = milvus.current_image();
    if let Some(image) = recorded.filter(|image| !never_ran(image, parsed, watched)) {
        return Some(known_side(image, milvus, asked));
    }
    let begun = under_way(&milvus.status).is_some() || milvus.status.observed_generation.is_some();
    if recorded.is_none() && begun {
        // It has been started and never was complete: there is nothing to compare with.
        return None;
    }
    let own: Vec<String> =
        own_images::judged(parsed, milvus).flat_map(|one| layout::names(watched, one)).collect();
    let follow = watched.owned().filter(|d| !own.contains(&d.name) && d.image != parsed.spec.dummy_image);
    let follow = follow.filter(|d| d.replicas > 0 || recorded.is_some());
    let mut sides: Vec<Side> = follow.map(|d| known_side(&d.image, milvus, asked)).collect();
    sides.sort_by(|one, other| one.image.cmp(&other.image));
    sides.dedup();
    match (recorded, sides.as_slice()) {
        (_, [side]) => Some(side.clone()),
        // Of several, one that is left for another version: that way must be open.
        (Some(_), [first, ..]) => {
            Some(sides.iter().find(|side| side.version != asked.version).unwrap_or(first).clone())
        }
        (_, _) => None,
    }
}

/// Upstream, and this operator before it looked at the images of components, recorded `spec.components.image` also where
/// nothing runs it, because every component has an image of its own.
fn never_ran(image: &str, parsed: &Parsed, watched: &Watched) -> bool {
    let status = &watched.milvus.status;
    let rolled = under_way(status).into_iter().flat_map(|roll| roll.from.iter().chain(&roll.to));
    let rolled = rolled.filter_map(|side| side.image.as_deref());
    let seen = status.components_deploy_status.values().map(|seen| &*seen.image);
    let mut shown = watched.owned().map(|d| &*d.image).chain(seen).chain(rolled);
    parsed.spec.unused_image.as_deref() == Some(image)
        && image != parsed.spec.asked.image
        && shown.all(|other| other != image)
}

/// The distinct images of ready pods, without those of components that the spec gives an image of their own.
fn running(parsed: &Parsed, snapshot: &Snapshot) -> Vec<Side> {
    let own: Vec<&str> = own_images::judged(parsed, &snapshot.watched.milvus).map(Component::name).collect();
    ready_images(parsed, snapshot, |component| !own.contains(&component))
}

/// The coordinators that run, by the Deployments that have pods.
fn running_coordinators(watched: &Watched) -> Option<Coordinators> {
    if layout::runs(watched, Component::RootCoord) {
        Some(Coordinators::Four)
    } else {
        layout::runs(watched, Component::MixCoord).then_some(Coordinators::Mix)
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
