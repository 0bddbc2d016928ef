//! What is done next in the plans that there are: examples, and what holds for each of them and every
//! progress. Plans of all kinds of steps are in `steps.rs`.
#![allow(clippy::unwrap_used, reason = "a helper of a test fails as the test does")]

mod common;

use std::collections::BTreeSet;

use common::{FOUR, MIX, STANDALONE, VERSIONS, progress, request, running, side};
use milvus_plan::{
    Action, Component, ComponentState, Coordinators, Decision, Direction, Halt, Plan, Progress, QueueChange,
    Request, Step, Topology, UpdateMode, WaitReason, Waiting, decide, next, open, plan,
};
use proptest::prelude::*;
use strum::IntoEnumIterator;

fn updating() -> ComponentState {
    ComponentState::Updating(Waiting::new(WaitReason::Generation))
}

#[test]
fn a_roll_from_start_to_end() {
    let plan = plan(&request("2.4.23", "2.5.16")).unwrap();
    let mut known = Progress::default();
    assert_eq!(next(&plan, &known, false, &[]), Decision::Record);
    for (step, expected) in
        ["indexnode", "mixcoord", "querynode", "datanode", "proxy"].into_iter().enumerate()
    {
        let component: Component = expected.parse().unwrap();
        assert_eq!(next(&plan, &known, true, &[]), Decision::Act { step }, "{expected} is sent");
        known.components.insert(component, updating());
        let on = vec![(Some(component), Waiting::new(WaitReason::Generation))];
        assert_eq!(next(&plan, &known, true, &[]), Decision::Wait { step, on }, "{expected} is waited for");
        known.components.insert(component, ComponentState::Done);
    }
    assert_eq!(next(&plan, &known, true, &[]), Decision::Done);
}

#[test]
fn a_component_that_falls_behind_holds_up_the_later_ones() {
    let plan = plan(&request("2.4.23", "2.5.16")).unwrap();
    let known = progress([
        (Component::IndexNode, updating()),
        (Component::MixCoord, ComponentState::Done),
        (Component::QueryNode, ComponentState::Pending),
    ]);
    assert!(matches!(next(&plan, &known, true, &[]), Decision::Wait { step: 0, .. }));
    assert_eq!(open(&plan, &known, &[]), BTreeSet::from([Component::IndexNode]));
}

#[test]
fn a_change_of_image_is_one_hop() {
    let plan = plan(&request("2.4.23", "2.5.16")).unwrap();
    let [hop] = &plan.hops[..] else { panic!("{} hops", plan.hops.len()) };
    assert_eq!((&hop.from, &hop.to), (&plan.from, &plan.to));
    assert!(hop.steps.iter().all(|step| matches!(step.action, Action::Roll(_)) && !step.irreversible));
}

/// The target of a roll of which no pod was ever ready is known to nobody but the status.
#[test]
fn the_way_back_from_an_abandoned_target_names_it() {
    let plan = plan(&request("2.4.23", "2.4.23")).unwrap();
    assert!(!plan.moves());
    let back = plan.clone().back_from(side("2.5.16"));
    assert_eq!((back.direction, back.moves()), (Direction::Revert, true));
    assert_eq!((&back.from, &back.hops[0].from), (&Some(side("2.5.16")), &Some(side("2.5.16"))));
    assert_eq!(back.hops[0].steps, plan.hops[0].steps, "the steps stay");
}

#[test]
fn a_refusal_halts() {
    let refused = plan(&request("2.1.4", "2.4.23"));
    let halted = decide(&refused, &Progress::default(), false, &[]);
    assert_eq!(halted, Decision::Halt(Halt::Refused(refused.unwrap_err())));
}

fn topology() -> impl Strategy<Value = Topology> {
    (proptest::sample::select(vec![MIX, FOUR, STANDALONE]), any::<bool>(), any::<bool>())
        .prop_map(|(base, streaming, cdc)| Topology { streaming, cdc, ..base })
}

fn update_mode() -> impl Strategy<Value = UpdateMode> {
    use UpdateMode::{All, Force, RollingDowngrade, RollingUpgrade};
    proptest::sample::select(vec![RollingUpgrade, RollingDowngrade, All, Force])
}

fn tag() -> impl Strategy<Value = &'static str> {
    proptest::sample::select([&VERSIONS[..], &["latest", "master-1"]].concat())
}

/// Any request; half of them are allowed by name, so that plans of all kinds come up.
fn any_request() -> impl Strategy<Value = Request> {
    let tags = (tag(), tag(), proptest::collection::vec(tag(), 0..3));
    (tags, topology(), update_mode(), any::<(bool, bool, bool)>()).prop_map(
        |((from, to, ready), topology, update_mode, (rolling_enabled, allowed, fresh))| {
            let mut request = running(request(from, to), &ready);
            request.from = (!fresh).then(|| side(from));
            request.override_annotation = allowed.then(|| {
                let paths = ready.iter().chain([&from]).map(|left| format!("{left}->{to}"));
                paths.collect::<Vec<_>>().join(",")
            });
            let running_coordinators = Some(Coordinators::Mix);
            Request {
                update_mode,
                rolling_enabled,
                stopped_first: false,
                topology,
                running_coordinators,
                queue: QueueChange::Unchanged,
                ..request
            }
        },
    )
}

fn state() -> impl Strategy<Value = ComponentState> {
    let select = vec![ComponentState::Absent, ComponentState::Pending, updating(), ComponentState::Done];
    proptest::sample::select(select)
}

fn any_progress() -> impl Strategy<Value = Progress> {
    let all: Vec<Component> = Component::iter().collect();
    proptest::collection::vec(proptest::option::of(state()), all.len()).prop_map(move |states| {
        let known = all.iter().copied().zip(states).filter_map(|(one, state)| Some((one, state?)));
        Progress::of_components(known.collect())
    })
}

fn is_done(known: &Progress, component: Component) -> bool {
    *known.of(component) == ComponentState::Done
}

/// One pass of an operator that does what it is told, in a cluster where every wait comes to its end.
fn pass(plan: &Plan, known: &mut Progress, decision: &Decision) {
    match decision {
        Decision::Act { step } => {
            for component in plan.step(*step).unwrap().components() {
                if matches!(known.of(*component), ComponentState::Absent | ComponentState::Pending) {
                    known.components.insert(*component, updating());
                }
            }
        }
        Decision::Wait { on, .. } => {
            known.components.insert(on[0].0.unwrap(), ComponentState::Done);
        }
        Decision::Record | Decision::Held { .. } | Decision::Done | Decision::Halt(_) => {}
    }
}

proptest! {
    #[test]
    fn a_plan_names_every_component_once(request in any_request()) {
        if let Ok(plan) = plan(&request) {
            let listed: Vec<Component> = plan.steps().flat_map(Step::components).copied().collect();
            let distinct: BTreeSet<Component> = listed.iter().copied().collect();
            let all = milvus_plan::components_of(&request.to.version, &request.topology);
            let placeholder = |one: &Component| {
                *one == Component::Standalone && request.topology.mode == milvus_plan::Mode::Cluster
            };
            let wanted: BTreeSet<Component> = all.into_iter().filter(|one| !placeholder(one)).collect();
            prop_assert_eq!(listed.len(), distinct.len());
            prop_assert_eq!(distinct, wanted);
            prop_assert!(plan.steps().all(|step| !step.components().is_empty()));
            prop_assert!(plan.ordered || plan.steps().count() == 1);
        }
    }

    #[test]
    fn every_roll_ends_in_order(request in any_request(), mut known in any_progress()) {
        let Ok(plan) = plan(&request) else { return Ok(()) };
        let mut furthest = 0;
        for _ in 0..=2 * Component::iter().count() {
            let decision = next(&plan, &known, true, &[]);
            if let Decision::Act { step } | Decision::Wait { step, .. } = decision {
                prop_assert!(step >= furthest, "went back from step {furthest} to {step}");
                prop_assert!(plan.steps().take(step).flat_map(Step::components).all(|one| is_done(&known, *one)));
                furthest = step;
            } else {
                prop_assert_eq!(decision, Decision::Done);
                let all = plan.steps().flat_map(Step::components).all(|one| is_done(&known, *one));
                prop_assert!(all, "done before everything was seen to be done");
                return Ok(());
            }
            pass(&plan, &mut known, &decision);
        }
        prop_assert!(false, "the roll does not end");
    }

    #[test]
    fn at_most_one_unfinished_step_is_open(request in any_request(), known in any_progress()) {
        let Ok(plan) = plan(&request) else { return Ok(()) };
        let open = open(&plan, &known, &[]);
        let unfinished = plan.steps().filter(|step| {
            step.components().iter().any(|one| open.contains(one)) && !step.components().iter().all(|one| is_done(&known, *one))
        });
        prop_assert!(unfinished.count() <= 1);
        if let Decision::Act { step } = next(&plan, &known, true, &[]) {
            prop_assert!(plan.step(step).unwrap().components().iter().all(|one| open.contains(one)), "what is to be sent is open");
        }
    }

    #[test]
    fn a_wait_always_names_something(request in any_request(), known in any_progress()) {
        let Ok(plan) = plan(&request) else { return Ok(()) };
        if let Decision::Wait { on, .. } = next(&plan, &known, true, &[]) {
            prop_assert!(!on.is_empty());
        }
    }
}
