//! The change set: what the second look at all records adds up to.
//!
//! It is never held as a whole. A [`Planner`] takes records in key order and keeps a digest, totals, and 32
//! bytes for each key that will be new; the changes themselves are computed again, record by record, when
//! they are written. Two plans are the same if and only if their digests are.

use std::{collections::HashMap, fmt::Write as _};

use milvus_plan::migration::Changes;
use sha2::{Digest as _, Sha256};

use crate::{
    catalog::Catalog,
    findings::{Notes, Problem, Problems},
    invariants::Invariants,
    key::Key,
    transform::{Effect, Own, effect},
};

/// Half of a SHA-256: enough to tell keys and values apart, small enough to keep for each new key.
pub type Short = [u8; 16];

/// Half of the SHA-256 of `bytes`.
pub fn short(bytes: &[u8]) -> Short {
    let mut half = [0; 16];
    half.copy_from_slice(&Sha256::digest(bytes)[..16]);
    half
}

/// Bytes as lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Keys that will be new, with their values, both as [`short`] digests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expected(HashMap<Short, Short>);

impl Expected {
    /// Whether the key is one of them.
    pub fn has(&self, key: &[u8]) -> bool {
        self.0.contains_key(&short(key))
    }

    /// Whether key and value are one of them.
    pub fn matches(&self, key: &[u8], value: &[u8]) -> bool {
        self.0.get(&short(key)).is_some_and(|digest| *digest == short(value))
    }

    /// How many there are.
    pub fn len(&self) -> u64 {
        self.0.len() as u64
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A change set that is free of problems.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Totals and digest.
    pub changes: Changes,
    /// The new keys.
    pub expected: Expected,
    /// What is worth knowing.
    pub notes: Notes,
    /// Bytes of the keys and values that will be written.
    pub bytes_written: u64,
}

/// Adds up effects.
#[derive(Debug, Default)]
pub struct Planner {
    digest: Sha256,
    changes: Changes,
    expected: Expected,
    notes: Notes,
    problems: Problems,
    invariants: Invariants,
    bytes_written: u64,
}

impl Planner {
    /// Takes one record and says what becomes of it. Records come in key order, each once.
    pub fn record(&mut self, catalog: &Catalog, key: &[u8], value: &[u8]) -> Option<Effect> {
        if !Key::parse(key).is_restored() {
            return None;
        }
        match effect(catalog, key, value) {
            Ok(effect) => {
                self.add(key, value, &effect);
                Some(effect)
            }
            Err(problem) => {
                self.problems.push(problem);
                None
            }
        }
    }

    fn add(&mut self, key: &[u8], value: &[u8], effect: &Effect) {
        self.hash(key);
        self.hash(value);
        match &effect.own {
            Own::Keep => {
                self.digest.update([0]);
                self.changes.untouched += 1;
                self.invariants.observe(key, value);
            }
            Own::Replace(new) => {
                self.digest.update([1]);
                self.hash(new);
                self.changes.rewritten += 1;
                self.bytes_written += (key.len() + new.len()) as u64;
                self.invariants.observe(key, new);
            }
            Own::Remove => {
                self.digest.update([2]);
                self.changes.removed += 1;
            }
        }
        self.digest.update((effect.adds.len() as u64).to_be_bytes());
        for (new_key, new_value) in &effect.adds {
            self.hash(new_key);
            self.hash(new_value);
            self.changes.new_keys += 1;
            self.bytes_written += (new_key.len() + new_value.len()) as u64;
            self.invariants.observe(new_key, new_value);
            if self.expected.0.insert(short(new_key), short(new_value)).is_some() {
                let what = format!("a second record gives {}", String::from_utf8_lossy(new_key));
                self.problems.push(Problem::new(key, what));
            }
        }
        for note in &effect.notes {
            self.notes.push(*note, key);
        }
    }

    /// Length first, so that no two sequences of parts give the same bytes.
    fn hash(&mut self, part: &[u8]) {
        self.digest.update((part.len() as u64).to_be_bytes());
        self.digest.update(part);
    }

    /// The plan, or all that forbids it: what the first look found, what the second found, and what would not
    /// fit together afterwards.
    ///
    /// # Errors
    ///
    /// When a record can't be migrated, or the result would not fit together.
    pub fn finish(mut self, catalog: &Catalog) -> Result<Plan, Problems> {
        let mut problems = catalog.problems().clone();
        problems.extend(&self.problems);
        if problems.is_empty() {
            problems.extend(&self.invariants.finish());
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        self.notes.extend(catalog.notes().clone());
        self.changes.plan_sha256 = hex(&self.digest.finalize());
        Ok(Plan {
            changes: self.changes,
            expected: self.expected,
            notes: self.notes,
            bytes_written: self.bytes_written,
        })
    }
}

/// Which of the changes are meant: they are written in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::Display)]
pub enum Phase {
    /// Keys that only 2.2 has: 2.1 does not see them.
    #[strum(to_string = "new keys")]
    Add,
    /// Collections without their list of indexes: from here on 2.1 has no indexes.
    #[strum(to_string = "rewrites")]
    Rewrite,
    /// Keys that only 2.1 has.
    #[strum(to_string = "deletes")]
    Remove,
}

/// One write: from `before` to `after`, where `None` means that there is no such key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// Key, relative to the meta root.
    pub key: Vec<u8>,
    /// Value that has to be there, with the revision at which it was seen (0: not known).
    pub before: Option<(Vec<u8>, i64)>,
    /// Value that has to be there afterwards.
    pub after: Option<Vec<u8>>,
}

/// The writes of one phase that a record gives.
pub fn writes(phase: Phase, effect: Effect, key: &[u8], value: &[u8], revision: i64) -> Vec<Write> {
    let own = |after| vec![Write { key: key.to_vec(), before: Some((value.to_vec(), revision)), after }];
    match (phase, effect.own) {
        (Phase::Add, _) => {
            let add = |(key, value)| Write { key, before: None, after: Some(value) };
            effect.adds.into_iter().map(add).collect()
        }
        (Phase::Rewrite, Own::Replace(new)) => own(Some(new)),
        (Phase::Remove, Own::Remove) => own(None),
        _ => Vec::new(),
    }
}
