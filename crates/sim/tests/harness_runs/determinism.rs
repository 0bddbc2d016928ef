//! A run is a function of its seed.

use std::collections::BTreeSet;
use std::time::Duration;

use milvus_sim::harness::{Odds, Options, Outcome, run};
use rstest::rstest;

use crate::toy::{NEW, OLD, Style, milvus, operator, reached, roll};

/// Many objects under one controller, so that the order of its maps shows in the order of its requests.
fn many(seed: u64, odds: Option<Odds>) -> Outcome<()> {
    run(Options { odds, ..Options::seed(seed) }, |world| async move {
        let names: Vec<String> = (0..8).map(|number| format!("m{number}")).collect();
        world.start("operator-0", operator(Style::Careful));
        for name in &names {
            world.create(milvus(name, OLD))?;
        }
        world.until("2.4.9", |store| names.iter().all(|name| reached(store, name, OLD))).await?;
        for name in &names {
            roll(&world, name, NEW)?;
        }
        world.until("2.4.10", |store| names.iter().all(|name| reached(store, name, NEW))).await?;
        world.calm();
        world.quiet(Duration::from_secs(30)).await
    })
}

#[rstest]
#[case::without_faults(None)]
#[case::with_faults(Some(Odds::default()))]
fn one_seed_is_one_trace(#[case] odds: Option<Odds>) {
    for seed in 0..4 {
        let (first, again) = (many(seed, odds), many(seed, odds));
        assert_eq!(first.result, Ok(()), "{}", first.trace.tail(50));
        let differs = first.trace.lines().zip(again.trace.lines()).find(|(one, other)| one != other);
        assert_eq!(differs, None, "seed {seed}");
        assert_eq!(first.trace.hash(), again.trace.hash(), "seed {seed}");
    }
}

#[test]
fn seeds_differ() {
    let hashes: BTreeSet<u64> = (0..6).map(|seed| many(seed, None).trace.hash()).collect();
    assert_eq!(hashes.len(), 6);
}
