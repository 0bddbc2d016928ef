//! Shared by the tests: the real 2.1.0 metadata, and the migration as a function on a map.
#![allow(dead_code, reason = "each test binary uses a part")]

#[cfg(feature = "cli")]
pub mod instance;
#[cfg(feature = "cli")]
pub mod proxy;

pub mod generate;

use std::collections::BTreeMap;

use milvus_meta::{
    backup::{BackupError, Record},
    catalog::Catalog,
    change::{Plan, Planner},
    compare::{Comparison, Finding, Seen, Tally},
    findings::Problems,
    transform::{Own, effect},
};

/// Metadata with keys relative to the meta root.
pub type State = BTreeMap<Vec<u8>, Vec<u8>>;

/// The metadata that a real Milvus 2.1.0 left.
pub const REAL: &str = include_str!("../data/milvus-2.1.0.json");
/// Its session keys while it ran.
pub const REAL_LIVE: &str = include_str!("../data/milvus-2.1.0-live.json");

pub fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

/// Whole keys, values and leases of a dump.
pub fn dump(json: &str) -> Vec<(String, Vec<u8>, i64)> {
    let rows: Vec<(String, String, i64)> = serde_json::from_str(json).unwrap();
    rows.into_iter().map(|(key, value, lease)| (key, unhex(&value), lease)).collect()
}

/// What lies below the meta root of the real instance.
pub fn real() -> State {
    let below = |key: &str| key.strip_prefix("by-dev/meta/").map(|key| key.as_bytes().to_vec());
    dump(REAL).into_iter().filter_map(|(key, value, _)| Some((below(&key)?, value))).collect()
}

pub fn catalog(state: &State) -> Catalog {
    let mut catalog = Catalog::default();
    for (key, value) in state {
        catalog.observe(key, value);
    }
    catalog
}

pub fn plan(state: &State) -> Result<Plan, Problems> {
    let catalog = catalog(state);
    let mut planner = Planner::default();
    for (key, value) in state {
        planner.record(&catalog, key, value);
    }
    planner.finish(&catalog)
}

/// The state after the migration.
pub fn migrate(state: &State) -> Result<State, Problems> {
    plan(state)?;
    let catalog = catalog(state);
    let mut after = State::new();
    for (key, value) in state {
        let effect = effect(&catalog, key, value).unwrap();
        after.extend(effect.adds);
        match effect.own {
            Own::Keep => drop(after.insert(key.clone(), value.clone())),
            Own::Replace(new) => drop(after.insert(key.clone(), new)),
            Own::Remove => {}
        }
    }
    Ok(after)
}

pub fn records(state: &State) -> impl Iterator<Item = Result<Record, BackupError>> {
    state.iter().map(|(key, value)| Ok(Record { key: key.clone(), value: value.clone(), mod_revision: 1 }))
}

/// Compares `now` with the backup `before`.
pub fn compare(before: &State, now: &State, found: &mut dyn FnMut(Finding<'_>)) -> Tally {
    let catalog = catalog(before);
    let plan = plan(before).unwrap();
    let mut comparison = Comparison::new(records(before), Some(&catalog), &plan.expected);
    for (key, value) in now {
        comparison.feed(Seen { key, value, revision: 1 }, found).unwrap();
    }
    comparison.finish(found).unwrap()
}
