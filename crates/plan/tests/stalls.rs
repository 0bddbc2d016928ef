//! When a wait has turned into a stall.

mod common;

use std::collections::BTreeMap;

use common::{plan_of_five, progress};
use milvus_plan::{
    Component, ComponentState, GateName, Hold, HoldReason, HoldsBack, LastProgress, Mark, PodCounts,
    Progress, STALLED_AFTER_SECONDS, StepState, WaitReason, Waiting, explain, next, stall,
};
use proptest::prelude::*;
use rstest::rstest;

fn pods(new: u32, ready: u32, old: u32) -> BTreeMap<Component, PodCounts> {
    [(Component::QueryNode, PodCounts { new, ready, old })].into()
}

fn mark(new: u32, ready: u32, old: u32) -> Mark {
    Mark::of(&Progress::default(), pods(new, ready, old), &[])
}

fn on(what: WaitReason) -> Vec<(Option<Component>, Waiting)> {
    vec![(Some(Component::QueryNode), Waiting::new(what))]
}

fn pod_problem() -> WaitReason {
    WaitReason::PodProblem {
        pod: "m-0".to_owned(),
        reason: "ImagePullBackOff".to_owned(),
        message: "no such tag".to_owned(),
    }
}

#[test]
fn a_wait_without_progress_is_a_stall_after_the_declared_time() {
    let begun = LastProgress::as_of(1000, mark(1, 0, 2), None);
    assert_eq!(begun.at, 1000);
    let later = LastProgress::as_of(1500, mark(1, 0, 2), Some(&begun));
    assert_eq!(later.at, 1000, "nothing has moved");
    assert_eq!(stall(later.at, 1000 + STALLED_AFTER_SECONDS - 1, &on(pod_problem())), None);
    let stalled = stall(later.at, 1000 + STALLED_AFTER_SECONDS, &on(pod_problem())).unwrap();
    assert_eq!((stalled.since, stalled.seconds), (1000, 600));
    assert_eq!(
        explain::stall(&stalled),
        "no progress for 10 min: querynode: pod m-0 does not get ready: ImagePullBackOff: no such tag"
    );
}

#[rstest]
#[case::a_pod_came(mark(2, 0, 2))]
#[case::a_pod_got_ready(mark(1, 1, 2))]
#[case::a_pod_ended(mark(1, 0, 1))]
#[case::a_step_began(step_mark(StepState::Running(Waiting::new(WaitReason::Generation))))]
#[case::a_step_ended(step_mark(StepState::Done))]
#[case::the_next_hop(Mark { hop: 1, ..mark(1, 0, 2) })]
fn progress_resets_the_time(#[case] after: Mark) {
    let before = LastProgress::as_of(1000, mark(1, 0, 2), None);
    assert_eq!(LastProgress::as_of(1599, after, Some(&before)).at, 1599);
}

fn step_mark(state: StepState) -> Mark {
    let known = Progress { steps: [("backup".to_owned(), state)].into(), ..Progress::default() };
    Mark::of(&known, pods(1, 0, 2), &[])
}

#[test]
fn a_gate_that_opens_is_progress() {
    let hold = Hold {
        gate: GateName::HoldBefore,
        holds_back: HoldsBack::Step,
        reason: HoldReason::HeldByAnnotation,
        message: "held".to_owned(),
        to_do: "Let go.".to_owned(),
    };
    let closed = Mark::of(&Progress::default(), pods(1, 1, 2), &[hold]);
    let held = LastProgress::as_of(0, closed, None);
    assert_eq!(LastProgress::as_of(7200, mark(1, 1, 2), Some(&held)).at, 7200);
}

/// What a step waits for may be worded otherwise without anything having moved.
#[test]
fn other_words_are_no_progress() {
    let running =
        |name: &str| step_mark(StepState::Running(Waiting::new(WaitReason::Job { name: name.to_owned() })));
    let before = LastProgress::as_of(1000, running("a"), None);
    assert_eq!(LastProgress::as_of(1700, running("b"), Some(&before)).at, 1000);
}

#[rstest]
#[case::paused(WaitReason::Paused)]
#[case::manual(WaitReason::Manual { deployment: "m-0".to_owned() })]
#[case::settling(WaitReason::Settling { seconds: 30 })]
fn what_was_asked_for_is_no_stall(#[case] what: WaitReason) {
    assert_eq!(stall(0, 86_400, &on(what)), None);
}

#[rstest]
#[case(3_599, "59 min")]
#[case(3_600, "1 h")]
#[case(7_500, "2 h 5 min")]
fn the_time_is_told_in_minutes_and_hours(#[case] seconds: i64, #[case] expected: &str) {
    let stalled = stall(0, seconds, &on(pod_problem())).unwrap();
    assert!(explain::stall(&stalled).starts_with(&format!("no progress for {expected}: ")));
}

#[test]
fn what_a_decision_waits_for_can_be_asked_at_once() {
    let known = progress([(
        Component::IndexNode,
        ComponentState::Updating(Waiting::new(WaitReason::OldPods { count: 1 })),
    )]);
    let milvus_plan::Decision::Wait { on, .. } = next(&plan_of_five(), &known, true, &[]) else {
        panic!("it does not wait")
    };
    assert!(stall(0, STALLED_AFTER_SECONDS, &on).is_some());
}

proptest! {
    /// A drain that goes on never stalls, however long it takes: each pod that ends counts anew.
    #[test]
    fn a_drain_that_goes_on_is_no_stall(start in 2u32..60, every in 1i64..STALLED_AFTER_SECONDS) {
        let mut last = LastProgress::as_of(0, mark(1, 1, start), None);
        for (passed, old) in (0..start).rev().enumerate() {
            let now = every * (i64::try_from(passed).unwrap() + 1);
            prop_assert_eq!(stall(last.at, now, &on(WaitReason::OldPods { count: old + 1 })), None);
            last = LastProgress::as_of(now, mark(1, 1, old), Some(&last));
        }
    }

    #[test]
    fn the_last_progress_is_never_in_the_future(now in any::<i64>(), before in any::<i64>(), same in any::<bool>()) {
        let earlier = LastProgress::as_of(before, mark(1, 0, 2), None);
        let seen = if same { mark(1, 0, 2) } else { mark(1, 1, 2) };
        prop_assert!(LastProgress::as_of(now, seen, Some(&earlier)).at <= now);
    }
}
