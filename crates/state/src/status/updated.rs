//! Is everything as the spec asks? `MilvusUpdated`, in the words of the guides.

use milvus_api::Reason;
use milvus_plan::{Component, ComponentState, Direction, UpdateMode, explain};

use super::state::ConditionState;
use crate::decide::{Decided, Outcome, Planned};
use crate::desired::Parsed;
use crate::observed::Snapshot;
use crate::rollout::{Target, running};

/// `MilvusUpdated`: True only when, for the generation that this pass read, every component was seen to be done and nothing else of the
/// Milvus is left.
pub fn milvus_updated(parsed: Option<&Parsed>, snapshot: &Snapshot, decided: &Decided) -> ConditionState {
    match &decided.outcome {
        Outcome::Refused { refusals, .. } => ConditionState::refused(refusals),
        Outcome::Leftovers(hold) => {
            ConditionState::is_false(Reason::MilvusComponentsUpdating, hold.message.clone())
        }
        Outcome::Roll { .. } if decided.is_seen_done() => {
            ConditionState::is_true(Reason::MilvusComponentsUpdated, explain::roll_message::<Component>([]))
        }
        Outcome::Dependencies(planned) | Outcome::Record(planned) | Outcome::Roll { planned, .. } => {
            ConditionState::is_false(
                reason(parsed, snapshot, planned),
                explain::roll_message(not_done(planned, decided)),
            )
        }
        Outcome::Paused | Outcome::Deleting => ConditionState::is_false(Reason::MilvusComponentsUpdating, ""),
    }
}

/// Names of what is not done, in upstream's order of components: while a target is only recorded, all that will move;
/// then all that are not done. What has no pods (the placeholder standalone of a cluster) and what goes are named only
/// when nothing else is left.
fn not_done(planned: &Planned, decided: &Decided) -> Vec<String> {
    let Planned { plan, rollout } = planned;
    let written = decided.objects.awaited();
    let pending = |component: Component| match rollout.progress.of(component) {
        ComponentState::Done => written.contains(&component),
        ComponentState::Absent | ComponentState::Pending | ComponentState::Updating(_) => true,
    };
    let components = rollout.targets.iter().map(Target::component).filter(|c| pending(*c));
    let in_a_step = |component: &Component| plan.rolls(*component);
    let (rolled, placeholders): (Vec<Component>, Vec<Component>) = components.partition(in_a_step);
    let name = |component: &Component| component.name().to_owned();
    if !rolled.is_empty() {
        return rolled.iter().map(name).collect();
    }
    let mut names: Vec<String> = placeholders.iter().map(name).collect();
    names.extend(rollout.remains.iter().cloned());
    names
}

/// The reason tells which way an ordered change of image goes, as upstream's does.
fn reason(parsed: Option<&Parsed>, snapshot: &Snapshot, planned: &Planned) -> Reason {
    let plan = &planned.plan;
    let under_way = running::under_way(&snapshot.watched.milvus.status).is_some();
    let moves = plan.moves() || under_way;
    let mode = parsed.map(|parsed| parsed.spec.update_mode);
    match (moves && plan.ordered, plan.direction, mode) {
        (true, Direction::Downgrade, _) | (true, _, Some(UpdateMode::RollingDowngrade)) => {
            Reason::MilvusDowngradingImage
        }
        (true, _, _) => Reason::MilvusUpgradingImage,
        (false, _, _) => Reason::MilvusComponentsUpdating,
    }
}
