//! Has what is waited for stopped moving? `status.lastProgress` and the condition `Stalled`.
//!
//! The mark of the last progress is in the status, so that a new process of the operator goes on from it. It changes
//! only when something moves, and is there only while something is waited for or held: a settled Milvus has none.

use std::collections::BTreeMap;

use jiff::Timestamp;
use milvus_api::status::{LastProgress as Shown, PodProgress};
use milvus_api::{ConditionType, MilvusStatus};
use milvus_plan::{Component, Decision, LastProgress, Mark, PodCounts, Stall, Waiting, explain};

use super::conditions;
use super::state::ConditionState;
use super::times::seconds;
use super::upgrade;
use crate::decide::{Decided, Outcome};
use crate::observed::Snapshot;
use crate::rollout::moved;

/// Brings both up to date; gives when the wait turns into a stall if nothing moves until then.
pub fn update(status: &mut MilvusStatus, snapshot: &Snapshot, decided: &Decided) -> Option<Timestamp> {
    let Outcome::Roll { planned, decision } = &decided.outcome else {
        clear(status);
        return None;
    };
    let on = match decision {
        Decision::Wait { on, .. } => on.as_slice(),
        Decision::Act { .. } | Decision::Held { .. } => &[],
        Decision::Record | Decision::Done | Decision::Halt(_) => {
            clear(status);
            return None;
        }
    };
    let now = snapshot.watched.now;
    let generation = snapshot.watched.milvus.generation.unwrap_or_default();
    let before = status.last_progress.as_ref().filter(|before| before.generation == generation);
    let pods = moved::pods(&planned.rollout.targets, snapshot);
    let mark = Mark::of(&planned.rollout.progress, decision, pods);
    let last = LastProgress::as_of(now.as_second(), mark, before.and_then(read).as_ref());
    status.last_progress = Some(shown(&last, generation));
    if let Some(stall) = milvus_plan::stall(last.at, now.as_second(), on) {
        conditions::set(&mut status.conditions, ConditionType::Stalled, state(&stall, on), now);
        return None;
    }
    remove(status);
    let at = milvus_plan::stalls_at(last.at, on)?;
    Timestamp::from_second(at).ok()
}

/// Nothing is waited for.
pub fn clear(status: &mut MilvusStatus) {
    status.last_progress = None;
    remove(status);
}

fn remove(status: &mut MilvusStatus) {
    status.conditions.retain(|condition| condition.type_ != ConditionType::Stalled.as_str());
}

/// The words stay while nothing moves: they name the moment, not how long ago it was.
fn state(stall: &Stall, on: &[(Option<Component>, Waiting)]) -> ConditionState {
    let since = Timestamp::from_second(stall.since).unwrap_or_default();
    let first = stall.on.first().or(on.first());
    let reason = first.map_or(milvus_api::Reason::WaitingForRollout, |(_, waiting)| upgrade::reason(waiting));
    ConditionState::is_true(reason, explain::stall(stall, since))
}

/// What the status has; `None` where it can't be read, as somebody else has written it.
fn read(shown: &Shown) -> Option<LastProgress> {
    let at = shown.time.as_ref()?.0.as_second();
    let count = |number: i64| u32::try_from(number).ok();
    let pods = shown.pods.iter().map(|(name, pods)| {
        let counts = PodCounts { new: count(pods.new)?, ready: count(pods.ready)?, old: count(pods.old)? };
        Some((name.parse().ok()?, counts))
    });
    let mark = Mark {
        hop: 0,
        begun: usize::try_from(shown.begun).ok()?,
        ended: usize::try_from(shown.ended).ok()?,
        pods: pods.collect::<Option<BTreeMap<_, _>>>()?,
        held: shown.held.iter().map(|gate| gate.parse().ok()).collect::<Option<_>>()?,
    };
    Some(LastProgress { mark, at })
}

fn shown(last: &LastProgress, generation: i64) -> Shown {
    let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    let pods = |(component, counts): (&Component, &PodCounts)| {
        let PodCounts { new, ready, old } = *counts;
        (component.name().to_owned(), PodProgress { new: new.into(), ready: ready.into(), old: old.into() })
    };
    Shown {
        time: Timestamp::from_second(last.at).ok().map(seconds),
        generation,
        begun: count(last.mark.begun),
        ended: count(last.mark.ended),
        pods: last.mark.pods.iter().map(pods).collect(),
        held: last.mark.held.iter().map(ToString::to_string).collect(),
    }
}
