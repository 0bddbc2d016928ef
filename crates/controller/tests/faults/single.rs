//! A fault at every request, and the operator's end at many polls, on its first start and on a roll.
//!
//! What each request meets here is a share of [`Fault::ANY`] and [`Fault::WATCHES`]: one code for each way in which the
//! operator can take a refusal, and each way to die. Left out are 400, 429, 500, 503 and 504, which end as 403 or as no
//! answer does, `LostReply` and `Timeout`, which end as `NoReply` and `KillBefore` do for what is stored, and the kinder
//! halves of the watches' faults. With `MILVUS_TEST_ALL` set nothing is left out.

use milvus_sim::harness::{Choice, Fault, Scenario, WatchFault, explore};
use std::time::Duration;

use crate::scenarios;

/// What requests meet in every test run.
const SHARE: [Fault; 7] = [
    Fault::Error(403),
    Fault::Error(404),
    Fault::Error(409),
    Fault::NoReply,
    Fault::KillAfter,
    Fault::Watch(WatchFault::Lag(Duration::from_secs(5))),
    Fault::Watch(WatchFault::Gap(Duration::from_secs(20))),
];

fn choice(every_poll: u64) -> Choice {
    if std::env::var_os("MILVUS_TEST_ALL").is_some() {
        return Choice::default();
    }
    Choice { faults: SHARE.to_vec(), every_poll, ..Choice::default() }
}

fn check(script: &impl Scenario, every_poll: u64) {
    let report = explore(script, &choice(every_poll));
    println!("{report}");
    assert!(report.failed.is_empty(), "{report}");
}

#[test]
fn no_single_fault_changes_the_end_of_a_first_start() {
    check(&scenarios::created(), 10);
}

#[test]
fn no_single_fault_changes_the_end_of_a_roll() {
    check(&scenarios::rolled(), 40);
}
