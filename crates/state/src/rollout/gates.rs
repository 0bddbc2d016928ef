//! What the gates of a plan ask for, from what was observed.

use milvus_plan::gate::Facts;
use milvus_plan::{ComponentState, Hold, Plan, Position, Progress, holds};

use super::target::Target;
use super::{progress, running};
use crate::observed::Snapshot;

/// The gates that hold back everything, whatever is asked for: a pause, and objects of a former Milvus.
pub fn of_everything(snapshot: &Snapshot) -> Vec<Hold> {
    let paused = snapshot.watched.milvus.paused();
    let facts = Facts { paused, former_objects: snapshot.leftovers(), ..Facts::default() };
    holds(&facts, &Position::default())
}

/// All gates that are closed where a plan stands. `recorded`: the status names its target already.
pub fn of_plan(
    plan: &Plan,
    targets: &[Target],
    progress: &Progress,
    recorded: bool,
    snapshot: &Snapshot,
) -> Vec<Hold> {
    let milvus = &snapshot.watched.milvus;
    let facts = Facts {
        dependency_troubles: (!snapshot.probes.ready()).then(|| snapshot.probes.troubles()),
        started: snapshot.watched.started(),
        roll_under_way: running::under_way(&milvus.status).is_some(),
        hold_before: milvus.hold_before().map(str::to_owned),
        moved: targets.iter().map(|t| (t.component(), moved(t, progress, snapshot))).collect(),
        ..Facts::default()
    };
    holds(&facts, &Position::of(plan, progress, recorded))
}

/// Pods of the new template that are available; of a component that is done, all that anybody can name.
fn moved(target: &Target, progress: &Progress, snapshot: &Snapshot) -> u32 {
    if *progress.of(target.component()) == ComponentState::Done {
        return u32::MAX;
    }
    progress::moved(target, snapshot)
}
