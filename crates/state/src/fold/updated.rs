//! Is everything as the spec asks? `MilvusUpdated`, in the words of the guides.

use milvus_api::Reason;
use milvus_plan::{Component, ComponentState, Decision, Direction, UpdateMode, explain};

use super::conditions::Said;
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
        Verdict::Plan(Decision::Done) if decided.stale.is_empty() && !changed(decided) => {
            Said::yes(Reason::MilvusComponentsUpdated, explain::roll_message::<Component>([]))
        }
        Verdict::Dependencies | Verdict::Plan(_) | Verdict::Paused | Verdict::Deleting => {
            Said::no(reason(snapshot, decided), explain::roll_message(not_done(decided)))
        }
    }
}

/// Something was just written whose effect is not seen yet.
fn changed(decided: &Decided) -> bool {
    !decided.objects.deployments.is_empty()
}

/// Names of what is not done, in upstream's order of components: while a target is only recorded, all that will move; then all that are
/// not done, and what is to be removed.
fn not_done(decided: &Decided) -> Vec<String> {
    let written: Vec<Component> = decided.objects.deployments.iter().map(|w| w.component).collect();
    let pending = |component: Component| match decided.progress.of(component) {
        ComponentState::Done => written.contains(&component),
        ComponentState::Absent | ComponentState::Pending | ComponentState::Updating(_) => true,
    };
    let components = decided.targets.iter().map(|t| t.settings.component).filter(|c| pending(*c));
    let mut names: Vec<String> = components.map(|c| c.name().to_owned()).collect();
    names.extend(decided.stale.iter().map(|s| s.name.clone()));
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
