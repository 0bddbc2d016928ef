//! A fault at every request, and the operator's end at many polls, in most scenarios.
//!
//! What each request meets in every test run is a share of [`Fault::ANY`] and [`Fault::WATCHES`]: [`FAULTS`]. Left
//! out are other codes, `LostReply` and `Timeout`, which leave stored what `NoReply` and `KillBefore` leave, most
//! faults of watches and most polls; and outside the first start all but one pair of a request and a fault in so
//! many, as the list says. With `MILVUS_TEST_ALL` set nothing is left out (`cargo xtask sim --single`).

use std::time::Duration;

use milvus_sim::harness::{Choice, Fault, WatchFault, explore};
use rstest::rstest;

use crate::scenarios;
use crate::script::Script;

/// What requests meet.
const FAULTS: [Fault; 6] = [
    Fault::KillAfter,
    Fault::NoReply,
    Fault::KillBefore,
    Fault::Error(409),
    Fault::Watch(WatchFault::Lag(Duration::from_secs(5))),
    Fault::Watch(WatchFault::Gap(Duration::from_secs(20))),
];

/// Runs of a scenario with one fault each.
fn faulty(name: &str, script: &Script, share: usize, every_poll: u64) {
    let all = std::env::var_os("MILVUS_TEST_ALL").is_some();
    let choice = match all {
        true => Choice::default(),
        false => Choice { faults: FAULTS.to_vec(), stride: share, every_poll, ..Choice::default() },
    };
    let began = std::time::Instant::now();
    let report = explore(script, &choice);
    println!("{name}: {report}{:.1} s", began.elapsed().as_secs_f32());
    assert!(report.failed.is_empty(), "{name}: {report}");
}

#[test]
fn no_single_fault_changes_the_end_of_a_first_start() {
    faulty("created", &scenarios::created(), 1, 10);
}

/// From a Milvus that is up and at rest, with an operator that has just started.
#[rstest]
#[case::rolled("rolled", 29)]
#[case::reverted("reverted", 29)]
#[case::downgraded("downgraded", 29)]
#[case::refused("refused", 1)]
#[case::mode_refused("mode refused", 1)]
#[case::deleted("deleted", 3)]
#[case::asked("asked", 3)]
#[case::relaid("relaid", 29)]
#[case::cut_off("cut off", 3)]
#[case::crashing("crashing", 29)]
#[case::leader_dies("leader dies", 71)]
#[case::leader_stands_still("leader stands still", 71)]
#[case::leader_cut_off("leader cut off", 71)]
fn no_single_fault_changes_the_end(#[case] name: &str, #[case] share: usize) {
    let mut all = scenarios::all().into_iter().chain(scenarios::elected());
    let (_, script) = all.find(|(known, _)| *known == name).unwrap();
    faulty(name, &script.settled(1), share, 20 * u64::try_from(share).unwrap());
}
