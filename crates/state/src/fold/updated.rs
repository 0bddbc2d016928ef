//! Is everything as the spec asks? `MilvusUpdated`, in the words of the guides.

use milvus_api::Reason;
use milvus_plan::{Component, ComponentState, Decision, Direction, UpdateMode, explain};

use super::said::Said;
use crate::decide::{Decided, Verdict};
use crate::request;
use crate::snapshot::Snapshot;

/// `MilvusUpdated`: True only when, for the generation that this pass read, every component was seen to be done and nothing else of the
/// Milvus is left.
pub fn milvus_updated(snapshot: &Snapshot, decided: &Decided) -> Said {
    match &decided.verdict {
        Verdict::Refused(refusals) => Said::refused(refusals),
        Verdict::Leftovers(names) => {
            let names = names.join(", ");
            Said::no(
                Reason::MilvusComponentsUpdating,
                format!("waits until objects of a former Milvus of this name are gone: {names}"),
            )
        }
        Verdict::Plan(Decision::Done) if decided.is_seen_done() => {
            Said::yes(Reason::MilvusComponentsUpdated, explain::roll_message::<Component>([]))
        }
        Verdict::Dependencies | Verdict::Plan(_) | Verdict::Paused | Verdict::Deleting => {
            Said::no(reason(snapshot, decided), explain::roll_message(not_done(decided)))
        }
    }
}

/// Names of what is not done, in upstream's order of components: while a target is only recorded, all that will move; then all that are
/// not done. What has no pods (the placeholder standalone of a cluster) and what goes are named only when nothing else is left.
fn not_done(decided: &Decided) -> Vec<String> {
    let written = decided.objects.awaited();
    let pending = |component: Component| match decided.progress.of(component) {
        ComponentState::Done => written.contains(&component),
        ComponentState::Absent | ComponentState::Pending | ComponentState::Updating(_) => true,
    };
    let components = decided.targets.iter().map(|t| t.settings.component).filter(|c| pending(*c));
    let in_a_step = |component: &Component| decided.plan.as_ref().is_none_or(|plan| plan.rolls(*component));
    let (rolled, placeholders): (Vec<Component>, Vec<Component>) = components.partition(in_a_step);
    let name = |component: &Component| component.name().to_owned();
    if !rolled.is_empty() {
        return rolled.iter().map(name).collect();
    }
    let mut names: Vec<String> = placeholders.iter().map(name).collect();
    names.extend(decided.remains.iter().cloned());
    names
}

/// The reason tells which way an ordered change of image goes, as upstream's does.
fn reason(snapshot: &Snapshot, decided: &Decided) -> Reason {
    let Some(plan) = &decided.plan else { return Reason::MilvusComponentsUpdating };
    let moves = request::moves(plan) || super::rolling(snapshot);
    let mode = decided.milvus.as_ref().map(|m| m.update_mode);
    match (moves && plan.ordered, plan.direction, mode) {
        (true, Direction::Downgrade, _) | (true, _, Some(UpdateMode::RollingDowngrade)) => {
            Reason::MilvusDowngradingImage
        }
        (true, _, _) => Reason::MilvusUpgradingImage,
        (false, _, _) => Reason::MilvusComponentsUpdating,
    }
}
