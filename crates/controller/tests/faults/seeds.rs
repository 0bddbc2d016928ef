//! Faults by chance, seed after seed.

use std::ops::Range;

use milvus_sim::harness::{Odds, Report, seeds};

use crate::scenarios;

/// Which seeds to run, as `FROM..TO`: `cargo xtask sim` sets it.
const SEEDS: &str = "MILVUS_SIM_SEEDS";
/// Seeds of every test run. Seed 0 has shown a roll that went on beside a pod of the image that was taken back.
const ALWAYS: Range<u64> = 0..12;
/// Seeds after which progress is told.
const CHUNK: u64 = 8;

fn some(range: Range<u64>) -> Report {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    seeds(&scenarios::mixed(), range, Odds::default(), threads)
}

fn parse(range: &str) -> Option<Range<u64>> {
    let (from, to) = range.split_once("..")?;
    Some(from.trim().parse().ok()?..to.trim().parse().ok()?)
}

#[test]
fn chance_changes_nothing() {
    let report = some(ALWAYS);
    println!("{report}");
    assert!(report.failed.is_empty(), "{report}");
}

/// As many as are asked for. A line `seeds FROM..TO: 0 wrong` for every few of them is what `cargo xtask sim` reads.
#[test]
#[ignore = "runs for as long as it is asked to: cargo xtask sim --seeds FROM..TO"]
fn seeds_that_are_asked_for() {
    let asked = std::env::var(SEEDS).ok();
    let range =
        asked.map_or(ALWAYS, |asked| parse(&asked).unwrap_or_else(|| panic!("{SEEDS}={asked}: FROM..TO")));
    let mut wrong = 0;
    let mut from = range.start;
    while from < range.end {
        let to = (from + CHUNK).min(range.end);
        let report = some(from..to);
        println!("seeds {from}..{to}: {} wrong", report.failed.len());
        if !report.failed.is_empty() {
            println!("{report}");
        }
        wrong += report.failed.len();
        from = to;
    }
    assert_eq!(wrong, 0, "of {range:?}");
}
