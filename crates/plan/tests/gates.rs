//! Gates: what each holds back, when, and in which words.
#![allow(clippy::unwrap_used, reason = "a helper of a test fails as the test does")]

mod common;

use std::collections::BTreeMap;

use common::{plan_of_five as roll, progress, request, running};
use milvus_plan::gate::{Facts, GATES, Gate};
use milvus_plan::hold_before::HoldBefore;
use milvus_plan::{
    Component, ComponentState, Decision, GateName, Hold, HoldReason, HoldsBack, Position, Progress,
    WaitReason, Waiting, explain, holds, next, plan,
};
use proptest::prelude::*;
use rstest::rstest;
use strum::IntoEnumIterator;

/// A Milvus that runs, with nothing in the way.
fn running_fine() -> Facts {
    Facts { started: true, ..Facts::default() }
}

fn updating() -> ComponentState {
    ComponentState::Updating(Waiting::new(WaitReason::Generation))
}

/// The roll of [`roll`], with the first `done` steps done and the next one begun or not.
fn at_step(done: usize, begun: bool) -> Progress {
    let order = ["indexnode", "mixcoord", "querynode", "datanode", "proxy"];
    let mut known = Progress::default();
    for (at, name) in order.iter().enumerate() {
        let state = match at {
            _ if at < done => ComponentState::Done,
            _ if at == done && begun => updating(),
            _ => ComponentState::Pending,
        };
        known.components.insert(name.parse().unwrap(), state);
    }
    known
}

fn held(facts: &Facts, known: &Progress) -> Vec<GateName> {
    let plan = roll();
    holds(facts, &Position::of(&plan, known, true)).into_iter().map(|hold| hold.gate).collect()
}

#[test]
fn nothing_is_held_when_nothing_is_in_the_way() {
    let plan = roll();
    for recorded in [false, true] {
        let at = Position::of(&plan, &Progress::default(), recorded);
        assert_eq!(holds(&running_fine(), &at), []);
    }
}

#[test]
fn all_holds_are_shown_at_once_in_the_order_of_the_list() {
    let facts = Facts {
        paused: true,
        former_objects: vec!["Deployment m-milvus-proxy".to_owned(), "Service m-milvus".to_owned()],
        dependency_troubles: Some("etcd: no answer".to_owned()),
        hold_before: Some("indexnode".to_owned()),
        ..running_fine()
    };
    let plan = roll();
    let all = holds(&facts, &Position::of(&plan, &at_step(0, false), false));
    let gates: Vec<GateName> = all.iter().map(|hold| hold.gate).collect();
    assert_eq!(gates, GateName::iter().collect::<Vec<_>>());
    insta::assert_snapshot!(explain::holds(&all));
    let decision = next(&plan, &at_step(0, false), false, &all);
    assert_eq!(decision, Decision::Held { step: Some(0), holds: all });
}

#[test]
fn every_gate_is_in_the_list_once_and_what_holds_back_more_comes_first() {
    let names: Vec<GateName> = GATES.iter().map(|gate| gate.name).collect();
    assert_eq!(names, GateName::iter().collect::<Vec<_>>());
    assert!(GATES.is_sorted_by_key(|gate| gate.holds_back));
}

#[rstest]
#[case::first_start(
    Facts::default(),
    true,
    false,
    Some("nothing is created before all dependencies are ready: away")
)]
#[case::new_change(running_fine(), false, false, Some("begins when all dependencies are ready: away"))]
#[case::change_that_is_recorded(running_fine(), true, false, None)]
#[case::change_of_a_roll_under_way(Facts { roll_under_way: true, ..running_fine() }, false, false, None)]
#[case::way_back(running_fine(), false, true, None)]
fn dependencies_hold_back_a_new_change(
    #[case] facts: Facts,
    #[case] recorded: bool,
    #[case] back: bool,
    #[case] expected: Option<&str>,
) {
    let facts = Facts { dependency_troubles: Some("away".to_owned()), ..facts };
    let asked = match back {
        true => running(request("2.4.23", "2.4.23"), &["2.4.23", "2.5.16"]),
        false => request("2.4.23", "2.5.16"),
    };
    let plan = plan(&asked).unwrap();
    let found = holds(&facts, &Position::of(&plan, &Progress::default(), recorded));
    assert_eq!(found.iter().map(|hold| hold.message.as_str()).collect::<Vec<_>>(), Vec::from_iter(expected));
    assert!(found.iter().all(|hold| hold.reason == HoldReason::WaitingForDependencies));
}

#[test]
fn dependencies_do_not_hold_back_a_change_without_another_image() {
    let facts = Facts { dependency_troubles: Some("away".to_owned()), ..running_fine() };
    let plan = plan(&request("2.4.23", "2.4.23")).unwrap();
    assert_eq!(holds(&facts, &Position::of(&plan, &Progress::default(), true)), []);
}

#[test]
fn what_holds_everything_needs_no_plan() {
    let facts = Facts { paused: true, ..running_fine() };
    let found = holds(&facts, &Position::default());
    assert_eq!(found.iter().map(|hold| hold.holds_back).collect::<Vec<_>>(), [HoldsBack::Everything]);
}

#[rstest]
#[case::long_before("querynode", 0, false, false)]
#[case::before_it("querynode", 2, false, true)]
#[case::once_it_has_begun("querynode", 2, true, false)]
#[case::after_it("querynode", 3, false, false)]
#[case::white_space(" querynode ", 2, false, true)]
#[case::no_pods("querynode/0", 2, false, true)]
#[case::not_in_the_plan("streamingnode", 2, false, false)]
#[case::empty("", 2, false, false)]
fn a_step_is_held_before_it_begins(
    #[case] text: &str,
    #[case] done: usize,
    #[case] begun: bool,
    #[case] expected: bool,
) {
    let facts = Facts { hold_before: Some(text.to_owned()), ..running_fine() };
    assert_eq!(held(&facts, &at_step(done, begun)) == [GateName::HoldBefore], expected);
}

#[rstest]
#[case::begins(2, false, 0, false)]
#[case::one_has_moved(2, true, 1, false)]
#[case::two_have_moved(2, true, 2, true)]
#[case::more_have_moved(2, true, 3, true)]
#[case::there_were_only_two(3, false, 2, true)]
#[case::the_next_step_goes_on(3, true, 2, false)]
#[case::later_steps(4, false, 2, false)]
fn a_step_is_held_after_some_pods(
    #[case] done: usize,
    #[case] begun: bool,
    #[case] moved: u32,
    #[case] expected: bool,
) {
    let moved = BTreeMap::from([(Component::QueryNode, moved)]);
    let facts = Facts { hold_before: Some("querynode/2".to_owned()), moved, ..running_fine() };
    assert_eq!(held(&facts, &at_step(done, begun)) == [GateName::HoldBefore], expected);
}

#[test]
fn the_way_back_and_a_change_without_another_image_are_not_held() {
    let facts = Facts { hold_before: Some("proxy".to_owned()), ..running_fine() };
    let back = plan(&running(request("2.4.23", "2.4.23"), &["2.4.23", "2.5.16"])).unwrap();
    let same = plan(&request("2.4.23", "2.4.23")).unwrap();
    for plan in [back, same] {
        assert_eq!(
            holds(&facts, &Position::of(&plan, &Progress::default(), true)),
            [],
            "{:?}",
            plan.direction
        );
    }
}

#[rstest]
#[case::no_component("querynodes", "querynodes")]
#[case::no_number("querynode/two", "querynode/2")]
#[case::negative("querynode/-1", "querynode/2")]
fn a_text_that_cannot_be_read_holds_the_next_step_and_tells_the_form(#[case] text: &str, #[case] word: &str) {
    assert!(text.parse::<HoldBefore>().unwrap_err().to_string().contains(word));
    let facts = Facts { hold_before: Some(text.to_owned()), ..running_fine() };
    let plan = roll();
    let found = holds(&facts, &Position::of(&plan, &at_step(1, false), true));
    let [Hold { gate: GateName::HoldBefore, message, to_do, .. }] = &found[..] else { panic!("{found:?}") };
    assert!(message.contains(text) && message.contains("querynode"), "{message}");
    assert!(to_do.contains("Correct"), "{to_do}");
    assert_eq!(held(&facts, &at_step(1, true)), [], "what has begun goes on");
}

#[test]
fn a_hold_that_is_let_go_lets_the_roll_go_on() {
    let plan = roll();
    let known = progress([
        (Component::IndexNode, ComponentState::Done),
        (Component::MixCoord, ComponentState::Done),
        (Component::QueryNode, ComponentState::Pending),
    ]);
    let mut facts = Facts { hold_before: Some("querynode".to_owned()), ..running_fine() };
    let at = Position::of(&plan, &known, true);
    assert!(matches!(next(&plan, &known, true, &holds(&facts, &at)), Decision::Held { step: Some(2), .. }));
    assert_eq!(
        milvus_plan::open(&plan, &known, &holds(&facts, &at)),
        [Component::IndexNode, Component::MixCoord].into()
    );
    facts.hold_before = None;
    assert_eq!(next(&plan, &known, true, &holds(&facts, &at)), Decision::Act { step: 2 });
}

proptest! {
    #[test]
    fn where_to_hold_reads_back_as_itself(at in 0usize..12, pods in any::<u32>()) {
        let component = Component::iter().nth(at).unwrap();
        let hold = HoldBefore { component, pods };
        prop_assert_eq!(hold.to_string().parse::<HoldBefore>().unwrap(), hold);
    }

    /// Whatever is observed, each hold is that of its gate and has words.
    #[test]
    fn every_hold_has_words(
        flags in any::<(bool, bool, bool, bool, bool)>(), text in proptest::option::of("[a-z]{0,9}(/[0-9]{0,2})?"),
        done in 0usize..6, moved in 0u32..4, recorded in any::<bool>(),
    ) {
        let (paused, former, troubles, started, roll_under_way) = flags;
        let facts = Facts {
            paused,
            former_objects: former.then(|| "Service m".to_owned()).into_iter().collect(),
            dependency_troubles: troubles.then(|| "away".to_owned()),
            started,
            roll_under_way,
            hold_before: text,
            moved: Component::iter().map(|one| (one, moved)).collect(),
        };
        let plan = roll();
        for hold in holds(&facts, &Position::of(&plan, &at_step(done, false), recorded)) {
            let gate: &Gate = GATES.iter().find(|gate| gate.name == hold.gate).unwrap();
            prop_assert_eq!(gate.holds_back, hold.holds_back);
            prop_assert!(!hold.message.is_empty() && hold.to_do.ends_with('.'));
        }
    }
}
