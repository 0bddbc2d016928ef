//! Components with an image of their own: what each runs, and what it is to run.

use milvus_api::{RolloutDirection, RolloutStatus};
use milvus_plan::{Component, Direction, OwnImage, Plan, Side};

use super::layout;
use super::running::{known_side, ready_images, side, under_way};
use crate::desired::{DesiredComponent, Parsed};
use crate::observed::Snapshot;
use crate::records::MilvusRecord;

/// The components whose image is not that of the rest, and says something about the data.
pub fn components(parsed: &Parsed) -> impl Iterator<Item = &DesiredComponent> {
    let components = parsed.desired.components.iter().map(AsRef::as_ref);
    components.filter(|c| c.image != parsed.spec.asked.image && c.settings.component != Component::Cdc)
}

/// The components that are judged for themselves: those, and those that had an image of their own and leave it for that
/// of the rest.
pub fn judged<'p>(parsed: &'p Parsed, milvus: &'p MilvusRecord) -> impl Iterator<Item = Component> + 'p {
    let own: Vec<Component> = components(parsed).map(|one| one.settings.component).collect();
    let asked = Some(&parsed.spec.asked.image);
    let leaves = move |one: &Component| {
        let record = milvus.status.current_images.get(one.name());
        own.contains(one) || record.is_some_and(|record| record.image.as_ref() != asked)
    };
    parsed.desired.components.iter().map(|one| one.settings.component).filter(leaves)
}

/// What the plan must know of them.
pub fn of(parsed: &Parsed, snapshot: &Snapshot) -> Vec<OwnImage> {
    let own = |component: Component| {
        let own = parsed.desired.component(component).and_then(|one| one.settings.own_image.clone());
        let to = own.unwrap_or_else(|| parsed.spec.asked.clone());
        let running = ready_images(parsed, snapshot, |one| one == component.name());
        let from = before(parsed, snapshot, component, &to, &running);
        OwnImage { component, from, running, to }
    };
    judged(parsed, &snapshot.watched.milvus).map(own).collect()
}

/// What the last finished roll left of a component. Of one that another operator ran there is no record: its pods tell
/// it, and where it has none, its Deployment.
fn before(
    parsed: &Parsed,
    snapshot: &Snapshot,
    component: Component,
    to: &Side,
    running: &[Side],
) -> Option<Side> {
    let watched = &snapshot.watched;
    let (milvus, asked) = (&watched.milvus, &parsed.spec.asked);
    let forward = under_way(&milvus.status).filter(|roll| roll.direction != Some(RolloutDirection::Revert));
    let rolling = forward.and_then(|roll| roll.components.get(component.name())?.from.as_ref());
    if let Some(record) = milvus.status.current_images.get(component.name()).or(rolling) {
        let image = record.image.clone()?;
        return Some(side(&image, record.version.as_deref()));
    }
    if let Some(ready) = running.iter().find(|side| side.image != to.image).or(running.first()) {
        return Some(ready.clone());
    }
    // Nothing of it is ready: what its pods are to run, or what they ran when there were some.
    let names = layout::names(watched, component);
    let live = names.iter().filter_map(|name| watched.deployment(name)).find(|record| record.has_pods());
    let seen = milvus.status.components_deploy_status.get(component.name());
    let image = live.map(|record| &*record.image).or(seen.map(|seen| &*seen.image));
    let image = image.filter(|image| *image != parsed.spec.dummy_image && !image.is_empty());
    Some(known_side(image.or(milvus.current_image())?, milvus, asked))
}

/// Where a component goes back to what it ran before a roll that is not finished, though no pod of that roll was ever
/// ready.
pub fn reverted(mut plan: Plan, under_way: Option<&RolloutStatus>) -> Plan {
    let Some(rollout) = under_way else { return plan };
    for own in plan.own.iter_mut().filter(|own| own.stays()) {
        let way = rollout.components.get(own.component.name());
        let Some(abandoned) = way.and_then(|way| way.to.as_ref()) else { continue };
        let Some(image) = abandoned.image.clone().filter(|image| *image != own.to.image) else { continue };
        own.from = Some(side(&image, abandoned.version.as_deref()));
        if plan.direction == Direction::Same {
            plan.direction = Direction::Revert;
        }
    }
    plan
}
