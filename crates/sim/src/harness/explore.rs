//! Many runs of one scenario: every single fault, then faults by chance.

use std::future::Future;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use super::fault::{Fault, Odds};
use super::operation::Verb;
use super::options::Options;
use super::plan::{At, Class, Plan};
use super::report::{Failed, Report};
use super::runtime::{Outcome, run};
use super::world::World;
use crate::server::Store;

/// Lines of a trace that are kept of a run that went wrong.
const LINES: usize = 200;

/// Something that is done to a cluster with operators in it.
pub trait Scenario: Sync {
    /// What is done, in words for plans: `create mix-2.4.9`, `roll 2.4.10`. Without `;` and not beginning
    /// with `at `.
    fn steps(&self) -> Vec<String>;

    /// Does it. Calls [`World::calm`] where faults are to end, then waits until the world is at rest.
    ///
    /// # Errors
    /// Something did not come, or came out wrong.
    fn play(&self, world: World) -> impl Future<Output = Result<(), String>>;

    /// What is compared with a run without faults.
    fn end(&self, store: &Store) -> Value;

    /// What runs are functions of, besides plan and odds.
    fn options(&self, plan: Plan) -> Options {
        Options::plan(plan)
    }
}

/// Which single faults are tried.
#[derive(Clone, Debug)]
pub struct Choice {
    /// Seed of all runs.
    pub seed: u64,
    /// What each request meets, as far as it suits.
    pub faults: Vec<Fault>,
    /// Of all pairs of a request and a fault, one in so many is tried; 1 for all. A number that has no factor
    /// in common with that of the faults goes through them in turn.
    pub stride: usize,
    /// Each so many polls an operator is killed; 0 for never.
    pub every_poll: u64,
    /// Runs at a time.
    pub threads: usize,
}

impl Default for Choice {
    fn default() -> Choice {
        let faults = Fault::ANY.into_iter().chain(Fault::WATCHES).collect();
        Choice { seed: 1, faults, stride: 1, every_poll: 1, threads: threads() }
    }
}

fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Runs a scenario by a plan; gives its end.
pub fn replay<S: Scenario>(scenario: &S, plan: Plan, odds: Option<Odds>) -> Outcome<Value> {
    let options = Options { odds, ..scenario.options(plan) };
    run(options, |world| async move {
        scenario.play(world.clone()).await?;
        Ok(world.with(|store| scenario.end(store)))
    })
}

/// Runs a scenario without faults, then once for each single fault. Each end must be that of the run without.
pub fn explore<S: Scenario>(scenario: &S, choice: &Choice) -> Report {
    let base = Plan { seed: choice.seed, steps: scenario.steps(), faults: Vec::new() };
    let smooth = replay(scenario, base.clone(), None);
    let end = match &smooth.result {
        Ok(end) => end.clone(),
        Err(why) => return broken(base, why, &smooth),
    };
    let plans = single_faults(&base, choice, &smooth);
    let failed = many(choice.threads, &plans, |plan| check(scenario, plan, &end));
    Report { runs: plans.len() + 1, requests: smooth.made.len(), polls: smooth.polls.values().sum(), failed }
}

fn broken(plan: Plan, why: &str, outcome: &Outcome<Value>) -> Report {
    let failed = Failed { plan, why: why.to_owned(), trace: outcome.trace.tail(LINES) };
    Report { runs: 1, failed: vec![failed], ..Report::default() }
}

fn single_faults(base: &Plan, choice: &Choice, smooth: &Outcome<Value>) -> Vec<Plan> {
    let with = |at: At| Plan { faults: vec![at], ..base.clone() };
    let mut plans = Vec::new();
    for made in &smooth.made {
        let verb = made.operation.verb;
        for fault in choice.faults.iter().filter(|fault| fault.suits(verb.writes(), verb == Verb::Watch)) {
            plans.push(with(At {
                client: Some(made.client.to_string()),
                class: Class::Verb(verb),
                resource: Some(made.operation.resource.clone()),
                nth: made.nth,
                fault: *fault,
            }));
        }
    }
    let mut plans: Vec<Plan> = plans.into_iter().step_by(choice.stride.max(1)).collect();
    for (client, polls) in smooth.polls.iter().filter(|_| choice.every_poll > 0) {
        let steps = usize::try_from(choice.every_poll).unwrap_or(usize::MAX);
        plans.extend((1..=*polls).step_by(steps).map(|nth| {
            let client = Some(client.to_string());
            with(At { client, class: Class::Poll, resource: None, nth, fault: Fault::KillBefore })
        }));
    }
    plans
}

/// What is wrong with a run by a plan.
fn check<S: Scenario>(scenario: &S, plan: &Plan, end: &Value) -> Option<Failed> {
    let outcome = replay(scenario, plan.clone(), None);
    let why = wrong(&outcome, end)?;
    Some(Failed { plan: plan.clone(), why, trace: outcome.trace.tail(LINES) })
}

fn wrong(outcome: &Outcome<Value>, end: &Value) -> Option<String> {
    match &outcome.result {
        Err(why) => Some(why.clone()),
        Ok(other) if other != end => Some(format!("ends elsewhere: {}", difference("", end, other))),
        Ok(_) => None,
    }
}

/// The first place at which two values differ.
fn difference(at: &str, left: &Value, right: &Value) -> String {
    if let (Value::Object(one), Value::Object(other)) = (left, right) {
        let mut keys: Vec<&String> = one.keys().chain(other.keys()).collect();
        keys.sort();
        let differs = |key: &&&String| one.get(key.as_str()) != other.get(key.as_str());
        if let Some(key) = keys.iter().find(differs) {
            return difference(&format!("{at}/{key}"), &left[key.as_str()], &right[key.as_str()]);
        }
    }
    if let (Value::Array(one), Value::Array(other)) = (left, right) {
        let pairs = one.iter().zip(other).enumerate();
        if let (true, Some((index, (l, r)))) =
            (one.len() == other.len(), pairs.into_iter().find(|(_, (l, r))| l != r))
        {
            return difference(&format!("{at}/{index}"), l, r);
        }
    }
    format!("{at}: {left} without the fault, {right} with it")
}

/// Runs a scenario with faults by chance, for each seed. Each end must be that of a run of the first seed
/// without.
///
/// The plan of a run that went wrong lists what chance has done, as little of it as still shows that
/// something is wrong.
pub fn seeds<S: Scenario>(scenario: &S, range: std::ops::Range<u64>, odds: Odds, threads: usize) -> Report {
    let base = Plan { seed: range.start, steps: scenario.steps(), faults: Vec::new() };
    let smooth = replay(scenario, base.clone(), None);
    let end = match &smooth.result {
        Ok(end) => end.clone(),
        Err(why) => return broken(base, why, &smooth),
    };
    let plans: Vec<Plan> = range.map(|seed| Plan { seed, ..base.clone() }).collect();
    let failed = many(threads, &plans, |plan| {
        let outcome = replay(scenario, plan.clone(), Some(odds));
        let why = wrong(&outcome, &end)?;
        let full = Plan { faults: outcome.hit.clone(), ..plan.clone() };
        let first = Failed { plan: full, why, trace: outcome.trace.tail(LINES) };
        Some(shrink(scenario, first, &end))
    });
    Report { runs: plans.len() + 1, requests: smooth.made.len(), polls: smooth.polls.values().sum(), failed }
}

/// Leaves out one fault after the other as long as something is still wrong, until each that is left is needed for it.
fn shrink<S: Scenario>(scenario: &S, mut failed: Failed, end: &Value) -> Failed {
    let mut tried = 0;
    while tried < failed.plan.faults.len() {
        let mut plan = failed.plan.clone();
        // The last first: what comes after what is needed is most often not.
        let last = plan.faults.len() - 1 - tried;
        plan.faults.remove(last);
        match check(scenario, &plan, end) {
            Some(smaller) => (failed, tried) = (smaller, 0),
            None => tried += 1,
        }
    }
    failed
}

/// Does something for every plan, several at a time; the results in the order of the plans.
fn many(threads: usize, plans: &[Plan], work: impl Fn(&Plan) -> Option<Failed> + Sync) -> Vec<Failed> {
    let next = AtomicUsize::new(0);
    let found = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(plan) = plans.get(index) else { return };
                    if let (Some(failed), Ok(mut found)) = (work(plan), found.lock()) {
                        found.push((index, failed));
                    }
                }
            });
        }
    });
    let mut found = found.into_inner().unwrap_or_default();
    found.sort_by_key(|(index, _)| *index);
    found.into_iter().map(|(_, failed)| failed).collect()
}
