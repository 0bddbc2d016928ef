//! What a pass does, from what was parsed and read: refuse, wait, record, or roll.

use std::collections::BTreeSet;

use milvus_api::Reason;
use milvus_plan::{Component, Decision, GateName, Hold, HoldsBack, Plan, Progress, Step, Version, next};

use crate::changes::{Leftover, Objects, Removal, Turns, assemble, remains};
use crate::desired::{self, Desired, Parsed};
use crate::kinds::Kind;
use crate::manifests::Error;
use crate::observed::Snapshot;
use crate::refusal::Refusal;
use crate::rollout::{Target, gates, halfway, progress, request};
use crate::spec::{resolved, variables};

/// The components as they are to be, and how far they are.
#[derive(Clone, Debug)]
pub struct Rollout {
    /// The components and their Deployments.
    pub targets: Vec<Target>,
    /// How far they are.
    pub progress: Progress,
    /// Components that the Milvus has no more and of which Deployments or pods are left.
    pub remains: BTreeSet<String>,
}

/// A rollout with its plan.
#[derive(Clone, Debug)]
pub struct Planned {
    /// The plan.
    pub plan: Plan,
    /// How far it is.
    pub rollout: Rollout,
}

/// What a pass has come to. Each case holds what is valid for it.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// Annotation `milvus.io/pause-reconcile`: nothing is written.
    Paused,
    /// The object is going.
    Deleting,
    /// The spec, or the change of it, is refused: nothing that runs is touched.
    Refused {
        /// At least one.
        refusals: Vec<Refusal>,
        /// What runs and is kept; `None` where it can't be told.
        kept: Option<Rollout>,
    },
    /// Objects of a former Milvus of the same name are still there: the gate that waits for them.
    Leftovers(Hold),
    /// A dependency can't be used, and what is asked needs it.
    Dependencies(Planned),
    /// The target is not in status yet: only the status is written.
    Record(Planned),
    /// The plan is carried out.
    Roll {
        /// The plan, and how far it is.
        planned: Planned,
        /// What it says now: never [`Decision::Record`] or [`Decision::Halt`].
        decision: Decision,
    },
}

impl Outcome {
    /// The plan, where there is one.
    pub fn plan(&self) -> Option<&Plan> {
        self.planned().map(|planned| &planned.plan)
    }

    /// How far the components are, where that was looked at.
    pub fn rollout(&self) -> Option<&Rollout> {
        match self {
            Outcome::Refused { kept, .. } => kept.as_ref(),
            _ => self.planned().map(|planned| &planned.rollout),
        }
    }

    fn planned(&self) -> Option<&Planned> {
        match self {
            Outcome::Dependencies(planned) | Outcome::Record(planned) | Outcome::Roll { planned, .. } => {
                Some(planned)
            }
            Outcome::Paused | Outcome::Deleting | Outcome::Refused { .. } | Outcome::Leftovers(_) => None,
        }
    }
}

/// What a pass has come to, and what it writes.
#[derive(Clone, Debug)]
pub struct Decided {
    /// What it has come to.
    pub outcome: Outcome,
    /// What is to be written.
    pub objects: Objects,
}

impl Decided {
    /// Everything was seen to be as it is wanted: the plan is done, nothing else of the Milvus is left, and nothing was
    /// just written whose effect is not seen yet.
    pub fn is_seen_done(&self) -> bool {
        match &self.outcome {
            Outcome::Roll { planned, decision: Decision::Done } => {
                planned.rollout.remains.is_empty() && self.objects.awaited().is_empty()
            }
            _ => false,
        }
    }

    fn only(outcome: Outcome) -> Decided {
        Decided { outcome, objects: Objects::default() }
    }

    fn refused(refusals: Vec<Refusal>) -> Decided {
        Decided::only(Outcome::Refused { refusals, kept: None })
    }
}

/// Decides a pass. `parsed`: the spec, or why it is not understood.
///
/// # Errors
/// Only bugs: an object that can't be rendered or hashed. What a user can get wrong is an [`Outcome`].
pub fn decide(parsed: &Result<Parsed, Vec<Refusal>>, snapshot: &Snapshot) -> Result<Decided, Error> {
    let milvus = &snapshot.watched.milvus;
    if milvus.deleting {
        return Ok(deleting(snapshot));
    }
    let holds = gates::of_everything(snapshot);
    if holds.iter().any(|hold| hold.gate == GateName::Pause) {
        return Ok(Decided::only(Outcome::Paused));
    }
    let parsed = match parsed {
        Ok(parsed) => parsed,
        Err(refusals) => return Ok(Decided::refused(refusals.clone())),
    };
    if let Some(refusals) = refused_outright(parsed, snapshot) {
        return Ok(Decided::refused(refusals));
    }
    if let Some(hold) = holds.into_iter().next() {
        return Ok(Decided::only(Outcome::Leftovers(hold)));
    }
    match request::planned(parsed, snapshot) {
        Ok(plan) => carry_out(parsed, plan, snapshot),
        // Nothing of a Milvus is created before it can start.
        Err(objections) if !snapshot.watched.started() => {
            Ok(Decided::refused(objections.iter().map(Refusal::from).collect()))
        }
        Err(objections) => keep(parsed, objections.iter().map(Refusal::from).collect(), snapshot),
    }
}

/// Stops the workloads first; the finalizer goes when no pod is left, and with it the claim, if it was asked to. The
/// rest is garbage-collected.
fn deleting(snapshot: &Snapshot) -> Decided {
    let watched = &snapshot.watched;
    let mut decided = Decided::only(Outcome::Deleting);
    let live = watched.owned().filter(|d| !d.deleting);
    decided.objects.removals = live.map(|d| Removal::new(Kind::Deployment, &d.name, &d.uid)).collect();
    // A claim is read here only when it is to go.
    let claim = snapshot.claim.as_ref().filter(|claim| !claim.meta.deleting && snapshot.nothing_runs());
    if let Some(claim) = claim {
        let removal = Removal::new(Kind::PersistentVolumeClaim, &claim.name, &claim.meta.uid);
        decided.objects.removals.push(removal);
    }
    decided
}

/// Refusals that leave nothing to render by.
fn refused_outright(parsed: &Parsed, snapshot: &Snapshot) -> Option<Vec<Refusal>> {
    let watched = &snapshot.watched;
    if watched.started() {
        let pinned = watched.milvus.status.resolved.as_ref();
        let mut refusals = resolved::refusals(&parsed.spec, pinned, runs(parsed, snapshot));
        refusals.extend(stateful(snapshot));
        refusals.extend(grouped(parsed, snapshot));
        return (!refusals.is_empty()).then_some(refusals);
    }
    let refusals = variables::refused_anew(&parsed.spec);
    if !refusals.is_empty() {
        return Some(refusals);
    }
    let asked = &parsed.spec.asked;
    let Version::Unknown(text) = &asked.version else { return stateful(snapshot).map(|one| vec![one]) };
    let message = format!(
        "spec.components.image: the Milvus version of {} can't be told from its tag ({text:?}), so it is not known \
         which components it needs. Set spec.components.version, for example \"2.5.16\"",
        asked.image
    );
    Some(vec![Refusal::new(milvus_plan::Reason::UnknownVersion, message)])
}

/// Every component has a Deployment with the template that is asked for.
fn runs(parsed: &Parsed, snapshot: &Snapshot) -> bool {
    let carried = |hash| snapshot.watched.owned().any(|d| d.rendered_hash.as_deref() == Some(hash));
    parsed.desired.components.iter().all(|component| carried(component.hash()))
}

/// Another operator runs components of this Milvus in StatefulSets: Deployments beside them would be a second set of
/// the same nodes.
fn stateful(snapshot: &Snapshot) -> Option<Refusal> {
    let names: Vec<&str> = snapshot.watched.stateful_sets.keys().map(String::as_str).collect();
    (!names.is_empty()).then(|| {
        let message = format!(
            "this Milvus has the StatefulSets {}, which this operator does not look after: Deployments beside them would \
             be a second set of the same nodes. Nothing was changed. Turn statefulSet off with the operator that made \
             them, and delete what is left of them",
            names.join(", ")
        );
        Refusal::new(Reason::NotYetSupported, message)
    })
}

/// Another operator runs components of this Milvus in deployment groups: one Deployment for each component in their
/// place would end all of their pods.
fn grouped(parsed: &Parsed, snapshot: &Snapshot) -> Option<Refusal> {
    let there = |name: &&String| snapshot.watched.deployments.contains_key(*name);
    let names: Vec<&str> = parsed.spec.grouped.iter().filter(there).map(String::as_str).collect();
    (!names.is_empty()).then(|| {
        let message = format!(
            "this Milvus has the Deployments {} of deployment groups, which this operator does not look after yet. Nothing was \
             changed. Leave this Milvus to the operator that made them, or take `groups` out of spec.components, with the image \
             that runs: then each component gets one Deployment, and those of the groups are deleted when all are up",
            names.join(", ")
        );
        Refusal::new(Reason::NotYetSupported, message)
    })
}

fn rollout(targets: Vec<Target>, snapshot: &Snapshot) -> (Rollout, Leftover) {
    let progress = progress::progress(&targets, snapshot);
    let leftover = Leftover::of(&targets, &snapshot.watched);
    let remains = remains(&targets, &leftover.stale, snapshot);
    (Rollout { targets, progress, remains }, leftover)
}

fn carry_out(parsed: &Parsed, plan: Plan, snapshot: &Snapshot) -> Result<Decided, Error> {
    let Parsed { spec, desired } = parsed;
    let targets = Target::all(spec, desired, &snapshot.watched, snapshot.pods.as_deref());
    let (rollout, leftover) = rollout(targets, snapshot);
    let recorded = !plan.moves() || request::recorded(&snapshot.watched.milvus.status, &plan);
    let holds = gates::of_plan(&plan, &rollout.targets, &rollout.progress, recorded, snapshot);
    let move_ = Move::of(next(&plan, &rollout.progress, recorded, &holds));
    let mut open = milvus_plan::open(&plan, &rollout.progress, &holds);
    if matches!(move_, Move::Go(_)) && progress::only_target_runs(&rollout.targets, snapshot) {
        // Nothing older is there that an order would be for: a stopped Milvus starts at the target at once.
        open.extend(plan.steps().flat_map(Step::components).copied());
    }
    let render = |turns: &Turns<'_>| assemble::objects(spec, desired, &rollout.targets, turns, snapshot);
    let mut objects = match &move_ {
        Move::Record => Objects::default(),
        // Nothing of a Milvus is created before it can start.
        Move::Wait if !snapshot.watched.started() => Objects::default(),
        Move::Wait => render(&Turns::none())?,
        Move::Go(decision) => {
            let held = held(&plan, decision);
            render(&Turns { plan: Some(&plan), open, held })?
        }
    };
    if snapshot.kafka_ca.is_none() {
        // Half of the configuration is not known: what exists stays as it is.
        objects.writes.retain(|write| write.manifest.kind != Kind::ConfigMap);
    }
    let Leftover { stale, vacated } = leftover;
    let planned = Planned { plan, rollout };
    let outcome = match move_ {
        Move::Record => return Ok(Decided { outcome: Outcome::Record(planned), objects }),
        Move::Wait => Outcome::Dependencies(planned),
        Move::Go(decision) => {
            let done = decision == Decision::Done;
            objects.removals.extend(stale.into_iter().filter(|_| done));
            Outcome::Roll { planned, decision }
        }
    };
    objects.removals.extend(vacated);
    Ok(Decided { outcome, objects })
}

/// A change of image that is refused: what runs is kept up as it is, with the components of the version that runs.
fn keep(parsed: &Parsed, mut refusals: Vec<Refusal>, snapshot: &Snapshot) -> Result<Decided, Error> {
    let spec = &parsed.spec;
    let running = desired::held(&snapshot.watched.milvus);
    let running = running.map(|side| Desired::at(spec, side, &parsed.desired.tool)).transpose()?;
    // Before the first roll was finished there is nothing else than what is asked for.
    let running = running.as_ref().unwrap_or(&parsed.desired);
    let components = running.components.iter().chain(&parsed.desired.components);
    let components = components.map(|component| component.settings.component).collect();
    let begun = halfway::words(&snapshot.watched, &components, &spec.asked.image);
    if let (Some(refusal), Some(begun)) = (refusals.last_mut(), begun) {
        refusal.message = format!("{} {begun}", refusal.message);
    }
    let targets = Target::all(spec, running, &snapshot.watched, snapshot.pods.as_deref());
    let (rollout, _) = rollout(targets, snapshot);
    let objects = assemble::kept(parsed, running, &rollout.targets, snapshot)?;
    Ok(Decided { outcome: Outcome::Refused { refusals, kept: Some(rollout) }, objects })
}

/// The components of a step that is held.
fn held(plan: &Plan, decision: &Decision) -> BTreeSet<Component> {
    let Decision::Held { step: Some(step), .. } = decision else { return BTreeSet::new() };
    plan.step(*step).into_iter().flat_map(Step::components).copied().collect()
}

/// What happens to a plan now.
enum Move {
    /// Nothing: it does not begin.
    Wait,
    /// It is written into the status.
    Record,
    /// It goes on.
    Go(Decision),
}

impl Move {
    fn of(decision: Decision) -> Move {
        match decision {
            Decision::Record => Move::Record,
            Decision::Held { holds, .. } if holds.iter().any(|h| h.holds_back != HoldsBack::Step) => {
                Move::Wait
            }
            decision => Move::Go(decision),
        }
    }
}
