//! Plans of every kind of step, made by hand: what holds for every plan, every progress and every hold.
#![allow(clippy::unwrap_used, reason = "a helper of a test fails as the test does")]

mod common;

use std::collections::BTreeSet;

use common::side;
use milvus_plan::{
    Action, Component, ComponentState, Decision, Direction, GateName, Halt, Hold, HoldReason, HoldsBack, Hop,
    JobKind, Plan, Progress, Step, StepState, WaitReason, Waiting, explain, next, open, table,
};
use proptest::prelude::*;
use strum::IntoEnumIterator;

fn step(name: &str, action: Action) -> Step {
    Step { name: name.to_owned(), action, irreversible: false, downtime: None }
}

/// A migration of the metadata, then a roll: all kinds of steps, in two hops.
fn migration() -> Plan {
    let first = vec![
        step("inspect", Action::Job(JobKind::Inspect)),
        step("stop", Action::Stop),
        step("backup", Action::Job(JobKind::BackupMeta)),
        step("verify-backup", Action::Job(JobKind::VerifyBackup)),
        step("migrate", Action::Job(JobKind::MigrateMeta)),
        step("verify", Action::Job(JobKind::VerifyMeta)),
        Step { irreversible: true, ..step("start", Action::Start) },
        step("settle", Action::Settle { seconds: 60 }),
    ];
    let second = vec![
        step("dependencies", Action::Gate(GateName::Dependencies)),
        Step::roll(vec![Component::MixCoord], None),
        Step::roll(vec![Component::QueryNode, Component::DataNode], None),
    ];
    let hops = vec![
        Hop { from: Some(side("2.1.4")), to: side("2.2.16"), steps: first },
        Hop { from: Some(side("2.2.16")), to: side("2.4.23"), steps: second },
    ];
    plan_of(hops)
}

fn plan_of(hops: Vec<Hop>) -> Plan {
    Plan {
        from: hops.first().and_then(|hop| hop.from.clone()),
        to: hops.last().map_or_else(|| side("2.2.16"), |hop| hop.to.clone()),
        own: Vec::new(),
        direction: Direction::Upgrade,
        ordered: true,
        hops,
        warnings: Vec::new(),
    }
}

fn running() -> StepState {
    StepState::Running(Waiting::new(WaitReason::Job { name: "m".to_owned() }))
}

fn failed() -> StepState {
    StepState::Failed { reason: "NoRoom".to_owned(), message: "etcd is full.".to_owned() }
}

fn updating() -> ComponentState {
    ComponentState::Updating(Waiting::new(WaitReason::Generation))
}

fn hold(gate: GateName, holds_back: HoldsBack) -> Hold {
    let reason = HoldReason::HeldByAnnotation;
    Hold { gate, holds_back, reason, message: "held".to_owned(), to_do: "Let go.".to_owned() }
}

/// What the operator of these tests remembers beyond the progress: whether the hop is recorded.
struct Operator {
    known: Progress,
    recorded: bool,
    /// Numbers of the steps that were begun, in order.
    begun: Vec<usize>,
}

impl Operator {
    fn new() -> Self {
        Self { known: Progress::default(), recorded: false, begun: Vec::new() }
    }

    /// Does what it is told, in a world where every wait comes to its end. Gives whether anything is left to
    /// do.
    fn pass(&mut self, plan: &Plan, decision: &Decision) -> bool {
        match decision {
            Decision::Record if self.recorded => {
                self.known = Progress { hop: self.known.hop + 1, ..Progress::default() };
            }
            Decision::Record => self.recorded = true,
            Decision::Act { step } => self.begin(*step, plan.step(*step).unwrap()),
            Decision::Wait { step, on } => match on[0].0 {
                Some(component) => {
                    self.known.components.insert(component, ComponentState::Done);
                }
                None => {
                    self.known.steps.insert(plan.step(*step).unwrap().name.clone(), StepState::Done);
                }
            },
            Decision::Held { .. } | Decision::Done | Decision::Halt(_) => return false,
        }
        true
    }

    fn begin(&mut self, number: usize, step: &Step) {
        self.begun.push(number);
        for component in step.components() {
            self.known.components.insert(*component, updating());
        }
        if step.components().is_empty() {
            self.known.steps.insert(step.name.clone(), running());
        }
    }
}

#[test]
fn a_migration_from_start_to_end() {
    let plan = migration();
    let mut operator = Operator::new();
    let mut told = Vec::new();
    loop {
        let decision = next(&plan, &operator.known, operator.recorded, &[]);
        told.push(match &decision {
            Decision::Act { step } => format!("begin {}", plan.step(*step).unwrap().name),
            Decision::Wait { step, on } => {
                format!("wait for {}: {}", plan.step(*step).unwrap().name, explain::waits(on))
            }
            other => format!("{other:?}"),
        });
        if !operator.pass(&plan, &decision) {
            break;
        }
    }
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn a_step_that_has_failed_halts_until_it_is_begun_again() {
    let plan = migration();
    let mut known = Progress::default();
    known.steps.insert("inspect".to_owned(), StepState::Done);
    known.steps.insert("stop".to_owned(), failed());
    let Decision::Halt(Halt::Failed { step: 1, reason, message }) = next(&plan, &known, true, &[]) else {
        panic!("{:?}", next(&plan, &known, true, &[]));
    };
    assert_eq!((reason.as_str(), message.as_str()), ("NoRoom", "etcd is full."));
    known.steps.insert("stop".to_owned(), StepState::NotStarted);
    assert_eq!(next(&plan, &known, true, &[]), Decision::Act { step: 1 });
}

#[test]
fn the_next_hop_is_recorded_before_it_begins() {
    let plan = migration();
    let over = plan.hops[0].steps.iter().map(|step| (step.name.clone(), StepState::Done));
    // What is done at the target of the first hop is not done at the target of the second.
    let components = [(Component::MixCoord, ComponentState::Done)].into();
    let known = Progress { hop: 0, components, steps: over.collect() };
    assert_eq!(next(&plan, &known, true, &[]), Decision::Record);
    let held = [hold(GateName::Dependencies, HoldsBack::NewChange)];
    assert_eq!(next(&plan, &known, true, &held), Decision::Held { step: None, holds: held.to_vec() });
    let begun = Progress { hop: 1, ..Progress::default() };
    assert_eq!(next(&plan, &begun, true, &[]), Decision::Act { step: 8 });
    let last = plan.hops[1].steps.iter().map(|step| (step.name.clone(), StepState::Done));
    let components = [Component::MixCoord, Component::QueryNode, Component::DataNode];
    let components = components.map(|one| (one, ComponentState::Done)).into();
    let all = Progress { hop: 1, components, steps: last.collect() };
    assert_eq!(next(&plan, &all, true, &[]), Decision::Done);
}

#[test]
fn a_plan_of_all_kinds_in_words() {
    let plan = migration();
    let steps = [("inspect", StepState::Done), ("stop", StepState::Done), ("backup", failed())];
    let steps = steps.into_iter().map(|(name, state)| (name.to_owned(), state)).collect();
    let known = Progress { steps, ..Progress::default() };
    let table = table::rows(&plan, Some(&known));
    let lines: Vec<String> = table.iter().map(|row| row.cells().join(" | ").trim_end().to_owned()).collect();
    insta::assert_snapshot!(format!("{}\n\n{}", explain::plan_text(&plan), lines.join("\n")));
}

#[test]
fn steps_of_a_hop_that_is_over_are_done_in_the_table() {
    let known = Progress { hop: 1, ..Progress::default() };
    let states: Vec<String> =
        table::rows(&migration(), Some(&known)).into_iter().map(|row| row.state).collect();
    assert!(states[..8].iter().all(|state| state == "done"), "{states:?}");
    assert_eq!(states[8..], ["waits for its turn", "not created yet", "not created yet", "not created yet"]);
}

fn component() -> impl Strategy<Value = Component> {
    proptest::sample::select(Component::iter().collect::<Vec<_>>())
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        3 => proptest::collection::btree_set(component(), 1..4)
            .prop_map(|set| Action::Roll(set.into_iter().collect())),
        1 => Just(Action::Stop),
        2 => proptest::sample::select(JobKind::iter().collect::<Vec<_>>()).prop_map(Action::Job),
        1 => Just(Action::Start),
        1 => (0u32..900).prop_map(|seconds| Action::Settle { seconds }),
        1 => proptest::sample::select(GateName::iter().collect::<Vec<_>>()).prop_map(Action::Gate),
    ]
}

/// Up to three hops of up to five steps. A component is in one step of a hop only, as in every plan.
fn any_plan() -> impl Strategy<Value = Plan> {
    let hop = proptest::collection::vec((action(), any::<bool>()), 0..6).prop_map(|actions| {
        let mut seen = BTreeSet::new();
        let steps = actions.into_iter().enumerate().map(|(at, (action, irreversible))| {
            let action = match action {
                Action::Roll(list) => {
                    Action::Roll(list.into_iter().filter(|one| seen.insert(*one)).collect())
                }
                other => other,
            };
            Step { irreversible, ..step(&format!("step-{at}"), action) }
        });
        Hop { from: Some(side("2.2.16")), to: side("2.4.23"), steps: steps.collect() }
    });
    proptest::collection::vec(hop, 1..4).prop_map(plan_of)
}

fn any_progress() -> impl Strategy<Value = Progress> {
    let component_state = proptest::sample::select(vec![
        ComponentState::Absent,
        ComponentState::Pending,
        updating(),
        ComponentState::Done,
        ComponentState::Done,
    ]);
    let step_state = proptest::sample::select(vec![
        StepState::NotStarted,
        running(),
        failed(),
        StepState::Done,
        StepState::Done,
    ]);
    let components = proptest::collection::btree_map(component(), component_state, 0..12);
    let steps =
        proptest::collection::btree_map((0usize..5).prop_map(|at| format!("step-{at}")), step_state, 0..6);
    (0usize..3, components, steps).prop_map(|(hop, components, steps)| Progress { hop, components, steps })
}

fn any_holds() -> impl Strategy<Value = Vec<Hold>> {
    use HoldsBack::{Everything, NewChange, Step};
    let one = (proptest::sample::select(GateName::iter().collect::<Vec<_>>()), 0usize..3)
        .prop_map(|(gate, back)| hold(gate, [Everything, NewChange, Step][back]));
    proptest::collection::vec(one, 0..3)
}

fn seen_done(step: &Step, known: &Progress) -> bool {
    match &step.action {
        Action::Roll(list) => list.iter().all(|one| known.of(*one) == &ComponentState::Done),
        _ => known.of_step(&step.name) == &StepState::Done,
    }
}

/// The steps of the recorded hop, with their numbers.
fn steps_of_hop<'a>(plan: &'a Plan, known: &Progress) -> Vec<(usize, &'a Step)> {
    let earlier: usize = plan.hops.iter().take(known.hop).map(|hop| hop.steps.len()).sum();
    let steps = plan.hops.get(known.hop).map(|hop| hop.steps.as_slice()).unwrap_or_default();
    steps.iter().enumerate().map(|(at, step)| (earlier + at, step)).collect()
}

/// Something of it is left that was not begun.
fn can_begin(step: &Step, known: &Progress) -> bool {
    match &step.action {
        Action::Roll(list) => {
            list.iter().any(|one| matches!(known.of(*one), ComponentState::Absent | ComponentState::Pending))
        }
        _ => known.of_step(&step.name) == &StepState::NotStarted,
    }
}

proptest! {
    /// Total, and what it gives fits what is known: so no later step is touched while an earlier one is not
    /// done.
    #[test]
    fn only_the_first_step_that_is_not_done_is_touched(
        plan in any_plan(), known in any_progress(), recorded in any::<bool>(), holds in any_holds(),
    ) {
        let steps = steps_of_hop(&plan, &known);
        let first = steps.iter().find(|(_, step)| !seen_done(step, &known)).copied();
        match next(&plan, &known, recorded, &holds) {
            Decision::Record => prop_assert!(!recorded || first.is_none() && known.hop + 1 < plan.hops.len()),
            Decision::Act { step } => {
                let (number, first) = first.unwrap();
                prop_assert_eq!(step, number);
                prop_assert!(can_begin(first, &known));
            }
            Decision::Wait { step, on } => {
                let (number, first) = first.unwrap();
                prop_assert_eq!(step, number);
                prop_assert!(!on.is_empty());
                prop_assert!(!can_begin(first, &known), "it waits although something could begin");
            }
            Decision::Held { step, holds: shown } => {
                prop_assert_eq!(step, first.map(|(number, _)| number));
                prop_assert_eq!(&shown, &holds, "all holds are shown at once");
                prop_assert!(!shown.is_empty());
            }
            Decision::Done => prop_assert!(recorded && first.is_none() && known.hop + 1 >= plan.hops.len()),
            Decision::Halt(Halt::Failed { step, .. }) => {
                let (number, first) = first.unwrap();
                prop_assert_eq!(step, number);
                let failed = matches!(known.of_step(&first.name), StepState::Failed { .. });
                prop_assert!(failed);
            }
            Decision::Halt(Halt::Refused(_)) => prop_assert!(false, "a plan is not refused"),
        }
    }

    #[test]
    fn a_hold_never_lets_a_step_begin(
        plan in any_plan(), known in any_progress(), recorded in any::<bool>(), holds in any_holds(),
    ) {
        let held = |back| holds.iter().any(|hold| hold.holds_back == back);
        let decision = next(&plan, &known, recorded, &holds);
        if !holds.is_empty() {
            let begins = matches!(decision, Decision::Act { .. });
            prop_assert!(!begins, "{decision:?} under {holds:?}");
        }
        if held(HoldsBack::Everything) || held(HoldsBack::NewChange) {
            prop_assert!(decision != Decision::Record, "a change is recorded under {holds:?}");
            prop_assert!(open(&plan, &known, &holds).is_empty());
        }
        if held(HoldsBack::Everything) {
            let held = matches!(decision, Decision::Held { .. });
            prop_assert!(held, "{decision:?} under {holds:?}");
        }
        let open = open(&plan, &known, &holds);
        let unbegun = |step: &&Step| {
            !seen_done(step, &known) && step.components().iter().all(|one| !matches!(known.of(*one), ComponentState::Updating(_)))
        };
        if !holds.is_empty() {
            for (_, step) in steps_of_hop(&plan, &known).iter().filter(|(_, step)| unbegun(step)) {
                prop_assert!(!step.components().iter().any(|one| open.contains(one)), "{} opens under a hold", step.name);
            }
        }
    }

    #[test]
    fn a_component_is_open_only_up_to_the_step_under_way(plan in any_plan(), known in any_progress()) {
        let steps = steps_of_hop(&plan, &known);
        let last = steps.iter().position(|(_, step)| !seen_done(step, &known)).map_or(steps.len(), |at| at + 1);
        let expected: BTreeSet<Component> =
            steps[..last].iter().flat_map(|(_, step)| step.components()).copied().collect();
        prop_assert_eq!(open(&plan, &known, &[]), expected);
    }

    #[test]
    fn every_plan_ends_and_begins_every_step_once_in_order(plan in any_plan()) {
        let mut operator = Operator::new();
        let most = 3 * plan.steps().map(|step| 2 + step.components().len()).sum::<usize>() + 2 * plan.hops.len() + 2;
        for _ in 0..most {
            let decision = next(&plan, &operator.known, operator.recorded, &[]);
            if decision == Decision::Done {
                let all: Vec<usize> = plan.steps().enumerate().filter(|(_, step)| has_work(step)).map(|(at, _)| at).collect();
                prop_assert_eq!(operator.begun, all);
                return Ok(());
            }
            prop_assert!(operator.pass(&plan, &decision), "{decision:?}");
        }
        prop_assert!(false, "the plan does not end");
    }
}

/// A roll of no component has nothing to begin.
fn has_work(step: &Step) -> bool {
    !matches!(&step.action, Action::Roll(list) if list.is_empty())
}
