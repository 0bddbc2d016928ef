//! Every scenario once, without faults, and silence for a day after it.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use milvus_sim::harness::{Options, Plan, Scenario as _, replay, run};
use milvus_sim::server::Kind;

use crate::operator::is_operator;
use crate::{order, scenarios};

#[test]
fn every_scenario_ends_well_and_then_nothing_is_written_for_a_day() {
    for (name, script) in scenarios::all() {
        let script = script.silent_for(Duration::from_hours(24));
        let plan = Plan { seed: 1, steps: script.steps(), faults: Vec::new() };
        let outcome = replay(&script, plan, None);
        let polls: u64 = outcome.polls.values().sum();
        println!("{name}: {} requests, {polls} polls", outcome.made.len());
        assert!(outcome.result.is_ok(), "{name}: {:?}\n{}", outcome.result, outcome.trace.tail(60));
    }
}

/// With two operators, whatever happens to the one that leads: the other goes on, both have written, and only the
/// leader has, at any moment (`invariants::demand`).
#[test]
fn a_standby_takes_over_in_the_middle_of_a_roll() {
    for (name, script) in scenarios::elected() {
        let writers = Arc::new(Mutex::new(BTreeSet::new()));
        let seen = writers.clone();
        let outcome = run(Options::seed(1), |world| async move {
            world.demand("noted", move |_, event| {
                if event.kind == Kind::Deployment && is_operator(&event.actor) {
                    seen.lock().unwrap().insert(event.actor.to_string());
                }
                Ok(())
            });
            script.play(world).await
        });
        assert_eq!(outcome.result, Ok(()), "{name}: {}", outcome.trace.tail(60));
        assert_eq!(writers.lock().unwrap().len(), 2, "{name}: {}", outcome.trace.tail(60));
    }
}

/// The order of `milvus_plan::order`, as the API server sees it.
#[test]
fn components_move_in_the_order_of_the_plan() {
    for (script, expected) in [
        (scenarios::rolled(), "indexnode mixcoord querynode datanode proxy"),
        (scenarios::downgraded(), "proxy datanode querynode mixcoord indexnode"),
        (scenarios::relaid(), "indexnode mixcoord querynode datanode proxy"),
    ] {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let noted = seen.clone();
        let outcome = run(Options::seed(1), |world| async move {
            world.demand("noted", move |state, event| {
                noted.lock().unwrap().extend(order::moves(state, event));
                Ok(())
            });
            script.play(world).await
        });
        assert_eq!(outcome.result, Ok(()), "{}", outcome.trace.tail(60));
        assert_eq!(seen.lock().unwrap().join(" "), expected);
    }
}
