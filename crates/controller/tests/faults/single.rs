//! A fault at every request, and the operator's end at many polls, on its first start and on a roll.
//!
//! What each request meets in every test run is a share of [`Fault::ANY`] and [`Fault::WATCHES`]: [`FIRST`] and [`ROLL`].
//! Left out are other codes, `LostReply` and `Timeout`, which leave stored what `NoReply` and `KillBefore` leave, most
//! faults of watches, most polls, and most requests of a roll: one in [`STRIDE`] meets one fault. With `MILVUS_TEST_ALL` set nothing is left out; that takes many minutes.

use std::time::Duration;

use milvus_sim::harness::{At, Choice, Class, Fault, Plan, Scenario as _, Verb, WatchFault, explore, replay};

use crate::scenarios;

/// What requests of a first start meet.
const FIRST: [Fault; 4] = [
    Fault::Error(409),
    Fault::NoReply,
    Fault::KillAfter,
    Fault::Watch(WatchFault::Lag(Duration::from_secs(5))),
];

/// What requests of a roll meet, in turn, as far as it suits.
const ROLL: [Fault; 5] = [
    Fault::KillAfter,
    Fault::NoReply,
    Fault::KillBefore,
    Fault::Error(409),
    Fault::Watch(WatchFault::Gap(Duration::from_secs(20))),
];
/// Of so many requests of a roll, one meets a fault.
const STRIDE: usize = 11;

fn is_all() -> bool {
    std::env::var_os("MILVUS_TEST_ALL").is_some()
}

#[test]
fn no_single_fault_changes_the_end_of_a_first_start() {
    let choice = match is_all() {
        true => Choice::default(),
        false => Choice { faults: FIRST.to_vec(), every_poll: 10, ..Choice::default() },
    };
    let report = explore(&scenarios::created(), &choice);
    println!("{report}");
    assert!(report.failed.is_empty(), "{report}");
}

#[test]
fn no_single_fault_changes_the_end_of_a_roll() {
    let script = scenarios::rolled();
    if is_all() {
        let report = explore(&script, &Choice::default());
        assert!(report.failed.is_empty(), "{report}");
        return;
    }
    let base = Plan { seed: 1, steps: script.steps(), faults: Vec::new() };
    let smooth = replay(&script, base.clone(), None);
    let end = smooth.result.unwrap();
    for (index, made) in smooth.made.iter().enumerate().step_by(STRIDE) {
        let verb = made.operation.verb;
        let turn = ROLL.iter().cycle().skip(index / STRIDE).take(ROLL.len());
        let mut suiting = turn.filter(|fault| fault.suits(verb.writes(), verb == Verb::Watch));
        let Some(fault) = suiting.next().copied() else { continue };
        let (client, resource) = (Some(made.client.to_string()), Some(made.operation.resource.clone()));
        let at = At { client, class: Class::Verb(verb), resource, nth: made.nth, fault };
        let plan = Plan { faults: vec![at], ..base.clone() };
        let outcome = replay(&script, plan.clone(), None);
        assert_eq!(outcome.result.as_ref(), Ok(&end), "{plan}\n{}", outcome.trace.tail(60));
    }
}
