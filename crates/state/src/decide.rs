//! One pass, from what was read to what is to be written: validate, plan, next, render.

use std::collections::BTreeSet;

use milvus_api::{Reason, keys};
use milvus_plan::{Component, Decision, Plan, Progress, Step, Version, next};

use crate::refusal::Refusal;
use crate::render::assemble::{self, Leftover};
use crate::render::{Error, Kind, Objects, Removal, Removed};
use crate::request;
use crate::size;
use crate::snapshot::Snapshot;
use crate::survey;
use crate::target::{self, Target};
use crate::validate::{Validated, pins, validate};

/// What a pass has come to.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// Annotation `milvus.io/pause-reconcile`: nothing is written.
    Paused,
    /// The object is going.
    Deleting,
    /// The spec, or the change of it, is refused: nothing that runs is touched.
    Refused(Vec<Refusal>),
    /// Objects of a former Milvus of the same name are still there.
    Leftovers(Vec<String>),
    /// A dependency can't be used, and what is asked needs it.
    Dependencies,
    /// What the plan says.
    Plan(Decision),
}

/// Everything that a pass has found out and wants.
#[derive(Clone, Debug)]
pub struct Decided {
    /// The parsed Milvus, unless it can't be parsed.
    pub milvus: Option<Validated>,
    /// Its components at their targets.
    pub targets: Vec<Target>,
    /// How far they are.
    pub progress: Progress,
    /// The plan, unless there is none.
    pub plan: Option<Plan>,
    /// What the pass has come to.
    pub verdict: Verdict,
    /// What is to be written.
    pub objects: Objects,
    /// What should not exist any more. It goes when everything wanted was seen.
    pub stale: Vec<Removal>,
    /// Components that the Milvus has no more and of which Deployments or pods are left.
    pub remains: BTreeSet<String>,
}

impl Decided {
    /// Everything was seen to be as it is wanted: the plan is done, nothing else of the Milvus is left, and nothing was just written whose
    /// effect is not seen yet.
    pub fn is_seen_done(&self) -> bool {
        self.verdict == Verdict::Plan(Decision::Done)
            && self.remains.is_empty()
            && self.objects.awaited().is_empty()
    }

    fn only(verdict: Verdict) -> Decided {
        Decided {
            milvus: None,
            targets: Vec::new(),
            progress: Progress::default(),
            plan: None,
            verdict,
            objects: Objects::default(),
            stale: Vec::new(),
            remains: BTreeSet::new(),
        }
    }
}

/// Decides a pass.
///
/// # Errors
/// Only bugs: an object that can't be rendered or hashed. What a user can get wrong is a [`Verdict`].
pub fn decide(snapshot: &Snapshot) -> Result<Decided, Error> {
    let meta = &snapshot.core.milvus.metadata;
    if meta.deletion_timestamp.is_some() {
        return Ok(deleting(snapshot));
    }
    let paused = meta.annotations.as_ref().and_then(|a| a.get(keys::PAUSE_RECONCILE));
    if paused.is_some_and(|value| value == "true") {
        return Ok(Decided::only(Verdict::Paused));
    }
    let milvus = match validate(&snapshot.core.milvus, snapshot.kafka_has_ca()) {
        Ok(milvus) => milvus,
        Err(refusals) => return Ok(Decided::only(Verdict::Refused(refusals))),
    };
    if let Some(refusal) = size::refusal(&milvus) {
        return Ok(Decided::only(Verdict::Refused(vec![refusal])));
    }
    if let Some(refusals) = refused_outright(&milvus, snapshot) {
        return Ok(Decided { milvus: Some(milvus), ..Decided::only(Verdict::Refused(refusals)) });
    }
    let leftovers = snapshot.core.leftovers();
    if !leftovers.is_empty() {
        return Ok(Decided { milvus: Some(milvus), ..Decided::only(Verdict::Leftovers(leftovers)) });
    }
    planned(milvus, snapshot)
}

/// Stops the workloads first; the finalizer goes when no pod is left, and with it the claim, if it was asked to. The rest is
/// garbage-collected.
fn deleting(snapshot: &Snapshot) -> Decided {
    let mut decided = Decided::only(Verdict::Deleting);
    let removal = |kind, name: &str, uid: &str| Removal { kind, name: name.to_owned(), uid: uid.to_owned() };
    let live = snapshot.core.owned().filter(|d| !d.deleting);
    decided.objects.removals = live.map(|d| removal(Removed::Deployment, &d.name, &d.uid)).collect();
    // A claim is read here only when it is to go.
    if let (true, Some(claim)) =
        (snapshot.nothing_runs(), snapshot.claim.as_ref().filter(|c| !c.meta.deleting))
    {
        let name = milvus_api::names::data_claim(snapshot.core.name()).unwrap_or_default();
        decided.objects.removals.push(removal(Removed::Beside(Kind::Claim), &name, &claim.meta.uid));
    }
    decided
}

/// Refusals that leave nothing to render by.
fn refused_outright(milvus: &Validated, snapshot: &Snapshot) -> Option<Vec<Refusal>> {
    let status = snapshot.core.milvus.status.as_ref();
    if snapshot.core.started() {
        let refusals = pins::refusals(milvus, status.and_then(|s| s.resolved.as_ref()));
        return (!refusals.is_empty()).then_some(refusals);
    }
    let Version::Unknown(text) = &milvus.target.version else { return None };
    let message = format!(
        "spec.components.image: the Milvus version of {} can't be told from its tag ({text:?}), so it is not known which components it \
         needs. Set spec.components.version, for example \"2.5.16\"",
        milvus.target.image
    );
    Some(vec![Refusal::new(Reason::UnknownVersion, message)])
}

fn planned(milvus: Validated, snapshot: &Snapshot) -> Result<Decided, Error> {
    let core = &snapshot.core;
    let plan = match request::planned(&milvus, snapshot) {
        Ok(plan) => plan,
        Err(objections) => {
            let refusals = objections.iter().map(Refusal::from).collect();
            return halted(milvus, refusals, snapshot);
        }
    };
    let targets = target::targets(&milvus, core, snapshot.pods.as_deref())?;
    let progress = survey::progress(&targets, snapshot);
    let (verdict, mut open) = next_move(&plan, &progress, snapshot);
    if matches!(verdict, Verdict::Plan(_)) && survey::only_target_runs(&targets, snapshot) {
        // Nothing older is there that an order would be for: a stopped Milvus starts at the target at once.
        open.extend(plan.steps().flat_map(Step::components).copied());
    }
    let mut objects = match &verdict {
        // Nothing of a Milvus is created before it can start; nothing is changed before the target is recorded.
        Verdict::Dependencies if !core.started() => Objects::default(),
        Verdict::Plan(Decision::Record) => Objects::default(),
        Verdict::Plan(_) => assemble::render(&milvus, &targets, Some(&plan), &open, snapshot)?,
        _ => assemble::render(&milvus, &targets, None, &open, snapshot)?,
    };
    if snapshot.kafka_ca.is_none() {
        // Half of the configuration is not known: what exists stays as it is.
        objects.config_maps.clear();
    }
    let Leftover { stale, vacated } = Leftover::of(&targets, core);
    if verdict != Verdict::Plan(Decision::Record) {
        objects.removals.extend(vacated);
    }
    if verdict == Verdict::Plan(Decision::Done) {
        objects.removals.extend(stale.iter().cloned());
    }
    let remains = assemble::remains(&targets, &stale, snapshot);
    Ok(Decided {
        milvus: Some(milvus),
        targets,
        progress,
        plan: Some(plan),
        verdict,
        objects,
        stale,
        remains,
    })
}

/// A change of image that is refused: what runs is kept up as it is, with the components of the version that runs.
fn halted(milvus: Validated, refusals: Vec<Refusal>, snapshot: &Snapshot) -> Result<Decided, Error> {
    let core = &snapshot.core;
    let milvus = as_it_runs(snapshot).unwrap_or(milvus);
    let targets = target::targets(&milvus, core, snapshot.pods.as_deref())?;
    let progress = survey::progress(&targets, snapshot);
    let mut objects = assemble::render(&milvus, &targets, None, &BTreeSet::new(), snapshot)?;
    // Configuration and entry of a refused change would reach what runs.
    objects.config_maps.retain(|map| {
        let name = map.metadata.name.as_deref().unwrap_or_default();
        !core.config_maps.contains_key(name) && snapshot.kafka_ca.is_some()
    });
    objects.service = objects.service.filter(|_| core.service.is_none());
    objects.beside.retain(|write| match write.kind {
        Kind::Claim => snapshot.claim.is_none(),
        Kind::Ingress => core.ingress.is_none(),
        Kind::PodMonitor => core.pod_monitor.is_none(),
    });
    objects.removals.clear();
    let verdict = Verdict::Refused(refusals);
    let stale = Leftover::of(&targets, core).stale;
    let remains = assemble::remains(&targets, &stale, snapshot);
    Ok(Decided { milvus: Some(milvus), targets, progress, plan: None, verdict, objects, stale, remains })
}

/// The spec with the image that the last finished roll left; `None` before the first was finished.
fn as_it_runs(snapshot: &Snapshot) -> Option<Validated> {
    let mut milvus = snapshot.core.milvus.clone();
    let status = milvus.status.as_ref()?;
    let image = status.current_image.clone().filter(|image| !image.is_empty())?;
    let version = status.current_version.clone();
    milvus.spec.components.global.image = Some(image);
    milvus.spec.components.global.version = version;
    validate(&milvus, snapshot.kafka_has_ca()).ok()
}

/// What the plan says now, and which components may have their new template.
///
/// A roll that is under way never waits for a probe: it goes on, and the condition says what is wrong. A new one, unless it goes back, does
/// not begin while a dependency is away.
fn next_move(plan: &Plan, progress: &Progress, snapshot: &Snapshot) -> (Verdict, BTreeSet<Component>) {
    let status = snapshot.core.milvus.status.as_ref();
    let moves = request::moves(plan);
    let recorded = !moves || request::recorded(status, plan);
    let back = plan.direction == milvus_plan::Direction::Revert;
    let begins =
        !snapshot.core.started() || (moves && !recorded && !back && request::under_way(status).is_none());
    if begins && !snapshot.probes.ready() {
        return (Verdict::Dependencies, BTreeSet::new());
    }
    (Verdict::Plan(next(plan, progress, recorded, &[])), milvus_plan::open(plan, progress, &[]))
}
