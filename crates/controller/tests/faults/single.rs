//! A fault at every request, and the operator's end at many polls, on its first start and on a roll.
//!
//! What each request meets in every test run is a share of [`Fault::ANY`] and [`Fault::WATCHES`]: [`FIRST`] and [`ROLL`].
//! Left out are other codes, `LostReply` and `Timeout`, which leave stored what `NoReply` and `KillBefore` leave, most
//! faults of watches, and most polls. With `MILVUS_TEST_ALL` set nothing is left out; that takes many minutes.

use std::time::Duration;

use milvus_sim::harness::{Choice, Fault, Scenario, WatchFault, explore};

use crate::scenarios;

/// What requests of a first start meet.
const FIRST: [Fault; 4] = [
    Fault::Error(409),
    Fault::NoReply,
    Fault::KillAfter,
    Fault::Watch(WatchFault::Lag(Duration::from_secs(5))),
];

/// What requests of a roll meet.
const ROLL: [Fault; 2] = [Fault::KillAfter, Fault::Watch(WatchFault::Gap(Duration::from_secs(20)))];

fn check(script: &impl Scenario, faults: &[Fault], every_poll: u64) {
    let choice = match std::env::var_os("MILVUS_TEST_ALL") {
        Some(_) => Choice::default(),
        None => Choice { faults: faults.to_vec(), every_poll, ..Choice::default() },
    };
    let report = explore(script, &choice);
    println!("{report}");
    assert!(report.failed.is_empty(), "{report}");
}

#[test]
fn no_single_fault_changes_the_end_of_a_first_start() {
    check(&scenarios::created(), &FIRST, 10);
}

#[test]
fn no_single_fault_changes_the_end_of_a_roll() {
    check(&scenarios::rolled(), &ROLL, 40);
}
