//! A run of the real operator is a function of its seed.

use milvus_sim::harness::{Odds, Plan, Scenario as _, replay};

use crate::scenarios;

#[test]
fn one_seed_is_one_trace() {
    let script = scenarios::rolled();
    let mut hashes = Vec::new();
    for seed in [1, 2] {
        let once = || {
            let plan = Plan { seed, steps: script.steps(), faults: Vec::new() };
            replay(&script, plan, Some(Odds::default()))
        };
        let (first, again) = (once(), once());
        let differs = first.trace.lines().zip(again.trace.lines()).find(|(one, other)| one != other);
        assert_eq!(differs, None, "seed {seed}");
        assert_eq!(first.trace.hash(), again.trace.hash(), "seed {seed}");
        hashes.push(first.trace.hash());
    }
    assert_ne!(hashes[0], hashes[1]);
}
