//! When a wait has turned into a stall.

mod common;

use std::collections::BTreeMap;

use common::{plan_of_five, progress};
use milvus_plan::{
    Component, ComponentState, Decision, GateName, Hold, HoldReason, HoldsBack, LastProgress, Mark,
    PodCounts, Progress, STALLED_AFTER_SECONDS, WaitReason, Waiting, explain, next, stall, stalls_at,
};
use proptest::prelude::*;
use rstest::rstest;

fn pods(new: u32, ready: u32, old: u32) -> BTreeMap<Component, PodCounts> {
    [(Component::QueryNode, PodCounts { new, ready, old })].into()
}

fn mark(new: u32, ready: u32, old: u32) -> Mark {
    Mark::of(&Progress::default(), &waits(), pods(new, ready, old))
}

fn waits() -> Decision {
    Decision::Wait { step: 0, on: on(pod_problem()) }
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
        explain::stall(&stalled, "nine"),
        "nothing has moved since nine: querynode: pod m-0 does not get ready: ImagePullBackOff: no such tag"
    );
}

#[rstest]
#[case::a_pod_came(mark(2, 0, 2))]
#[case::a_pod_got_ready(mark(1, 1, 2))]
#[case::a_pod_ended(mark(1, 0, 1))]
#[case::the_next_step_began(Mark { begun: 2, ..mark(1, 0, 2) })]
#[case::a_step_ended(Mark { ended: 1, ..mark(1, 0, 2) })]
#[case::the_next_hop(Mark { hop: 1, ..mark(1, 0, 2) })]
fn progress_resets_the_time(#[case] after: Mark) {
    let before = LastProgress::as_of(1000, mark(1, 0, 2), None);
    assert_eq!(LastProgress::as_of(1599, after, Some(&before)).at, 1599);
}

/// A step begins when its new template is sent, not when it could be.
#[test]
fn a_step_that_is_sent_has_begun() {
    let of = |decision: Decision| Mark::of(&Progress::default(), &decision, pods(1, 0, 2));
    let acts = LastProgress::as_of(1000, of(Decision::Act { step: 0 }), None);
    assert_eq!(LastProgress::as_of(1500, of(Decision::Act { step: 0 }), Some(&acts)).at, 1000);
    assert_eq!(LastProgress::as_of(1500, of(waits()), Some(&acts)).at, 1500);
}

/// A pod that gets ready and fails in turn, or is replaced by another that fails as well, is progress once.
#[test]
fn to_and_fro_is_no_progress() {
    let mut last = LastProgress::as_of(1000, mark(1, 0, 2), None);
    last = LastProgress::as_of(1100, mark(1, 1, 2), Some(&last));
    for now in (1200..3000).step_by(100) {
        let failing = if now % 200 == 0 { mark(1, 0, 2) } else { mark(1, 1, 2) };
        last = LastProgress::as_of(now, failing, Some(&last));
        last = LastProgress::as_of(now + 50, mark(0, 0, 3), Some(&last));
    }
    assert_eq!(last.at, 1100);
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
    let decision = Decision::Held { step: Some(1), holds: vec![hold] };
    let closed = Mark::of(&Progress::default(), &decision, pods(1, 1, 2));
    let held = LastProgress::as_of(0, closed.clone(), None);
    assert_eq!(LastProgress::as_of(3600, closed, Some(&held)).at, 0, "it is closed still");
    assert_eq!(LastProgress::as_of(7200, mark(1, 1, 2), Some(&held)).at, 7200);
}

/// The moment is known before it comes, so that nobody has to look in between.
#[test]
fn it_is_known_when_a_wait_turns_into_a_stall() {
    assert_eq!(stalls_at(1000, &on(pod_problem())), Some(1000 + STALLED_AFTER_SECONDS));
    assert_eq!(stalls_at(1000, &on(WaitReason::Paused)), None);
}

#[rstest]
#[case::paused(WaitReason::Paused)]
#[case::manual(WaitReason::Manual { deployment: "m-0".to_owned() })]
#[case::settling(WaitReason::Settling { seconds: 30 })]
fn what_was_asked_for_is_no_stall(#[case] what: WaitReason) {
    assert_eq!(stall(0, 86_400, &on(what)), None);
}

#[test]
fn what_a_decision_waits_for_can_be_asked_at_once() {
    let known = progress([(
        Component::IndexNode,
        ComponentState::Updating(Waiting::new(WaitReason::OldPods { count: 1 })),
    )]);
    let Decision::Wait { on, .. } = next(&plan_of_five(), &known, true, &[]) else {
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

    /// It is a moment at which something was seen to move, whatever the clock does.
    #[test]
    fn the_last_progress_was_at_a_pass_that_saw_some(now in any::<i64>(), before in any::<i64>(), same in any::<bool>()) {
        let earlier = LastProgress::as_of(before, mark(1, 0, 2), None);
        let seen = if same { mark(1, 0, 2) } else { mark(1, 1, 2) };
        let expected = if same { before } else { now };
        prop_assert_eq!(LastProgress::as_of(now, seen, Some(&earlier)).at, expected);
    }
}
