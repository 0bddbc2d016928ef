//! Where metadata stands between a backup and what the migration makes of it.
//!
//! Takes the records of the backup and those of etcd, both in key order, and says of each key whether it is
//! as in the backup, as after the migration, or neither. This one comparison decides whether a migration can
//! go on, whether it is complete, whether it can be taken back, and what has to be written for that.

use std::{cmp::Ordering, iter::Peekable};

use snafu::Snafu;

use crate::{
    backup::{BackupError, Record},
    catalog::Catalog,
    change::Expected,
    findings::Problem,
    key::Key,
    transform::{Own, effect},
};

/// How one key stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// As in the backup, and the migration does not touch it.
    Same,
    /// As in the backup; the migration will change it.
    Before,
    /// As after the migration.
    After,
    /// Neither: somebody else wrote or removed it.
    Foreign,
}

/// A key of etcd.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// Relative to the meta root.
    pub key: &'a [u8],
    /// Its value.
    pub value: &'a [u8],
    /// etcd revision of its last change.
    pub revision: i64,
}

/// One key, with all that is known of it.
#[derive(Clone, Copy, Debug)]
pub struct Finding<'a> {
    /// How it stands.
    pub standing: Standing,
    /// What the backup holds.
    pub backup: Option<&'a Record>,
    /// What etcd holds.
    pub seen: Option<Seen<'a>>,
}

impl Finding<'_> {
    /// The key, relative to the meta root.
    pub fn key(&self) -> &[u8] {
        match (self.backup, &self.seen) {
            (Some(record), _) => &record.key,
            (None, Some(seen)) => seen.key,
            (None, None) => &[],
        }
    }
}

/// What all keys add up to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Keys that the migration does not touch and nobody else did.
    pub same: u64,
    /// Keys of the backup that wait for the migration.
    pub before: u64,
    /// Keys of the backup that are migrated.
    pub after: u64,
    /// New keys of the migration that are there.
    pub added: u64,
    /// New keys of the migration in all.
    pub expected: u64,
    /// Keys that somebody else changed.
    pub foreign: u64,
    /// The first few of them, each with what is wrong.
    pub examples: Vec<String>,
}

impl Tally {
    /// Everything is as in the backup.
    pub const fn is_original(&self) -> bool {
        self.foreign == 0 && self.after == 0 && self.added == 0
    }

    /// Everything is as after the migration.
    pub const fn is_migrated(&self) -> bool {
        self.foreign == 0 && self.before == 0 && self.added == self.expected
    }
}

/// Why two sides could not be compared.
#[derive(Debug, Snafu)]
pub enum CompareError {
    /// The backup could not be read to its end.
    #[snafu(transparent)]
    Backup {
        /// What is wrong with it.
        source: BackupError,
    },
    /// A record of the backup cannot be migrated.
    #[snafu(transparent)]
    Record {
        /// Which, and why.
        source: Problem,
    },
}

/// A comparison under way.
pub struct Comparison<'a, I: Iterator<Item = Result<Record, BackupError>>> {
    backup: Peekable<I>,
    catalog: Option<&'a Catalog>,
    expected: &'a Expected,
    tally: Tally,
}

impl<'a, I: Iterator<Item = Result<Record, BackupError>>> Comparison<'a, I> {
    /// Starts at the first key. `catalog` and `expected` were made from the same backup; without a catalog
    /// the backup is compared as it is, and nothing counts as migrated.
    pub fn new(backup: I, catalog: Option<&'a Catalog>, expected: &'a Expected) -> Self {
        let tally = Tally { expected: expected.len(), ..Tally::default() };
        Self { backup: backup.peekable(), catalog, expected, tally }
    }

    /// Takes the next key of etcd (leased ones left out) and hands on what is known of it, and of the keys of
    /// the backup that are missing before it.
    ///
    /// # Errors
    ///
    /// When the backup can't be read on, or a record of it can't be migrated.
    pub fn feed(&mut self, seen: Seen<'_>, found: &mut dyn FnMut(Finding<'_>)) -> Result<(), CompareError> {
        if !Key::parse(seen.key).is_restored() {
            return Ok(());
        }
        loop {
            let order = match self.backup.peek() {
                None => Ordering::Greater,
                Some(Ok(record)) => record.key.as_slice().cmp(seen.key),
                Some(Err(_)) => Ordering::Less,
            };
            match order {
                Ordering::Greater => {
                    self.extra(seen, found);
                    return Ok(());
                }
                Ordering::Less | Ordering::Equal => {
                    let Some(record) = self.backup.next().transpose()? else { return Ok(()) };
                    let here = (order == Ordering::Equal).then_some(seen);
                    self.known(&record, here, found)?;
                    if here.is_some() {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Everything of etcd was fed: what is left of the backup is missing.
    ///
    /// # Errors
    ///
    /// When the backup can't be read to its end, or a record of it can't be migrated.
    pub fn finish(mut self, found: &mut dyn FnMut(Finding<'_>)) -> Result<Tally, CompareError> {
        while let Some(record) = self.backup.next().transpose()? {
            self.known(&record, None, found)?;
        }
        Ok(self.tally)
    }

    fn extra(&mut self, seen: Seen<'_>, found: &mut dyn FnMut(Finding<'_>)) {
        let standing = if self.expected.matches(seen.key, seen.value) {
            self.tally.added += 1;
            Standing::After
        } else {
            let what = if self.expected.has(seen.key) {
                "another value than the migration writes"
            } else {
                "not in the backup"
            };
            self.foreign(seen.key, what);
            Standing::Foreign
        };
        found(Finding { standing, backup: None, seen: Some(seen) });
    }

    fn known(
        &mut self,
        record: &Record,
        seen: Option<Seen<'_>>,
        found: &mut dyn FnMut(Finding<'_>),
    ) -> Result<(), CompareError> {
        if !Key::parse(&record.key).is_restored() {
            return Ok(());
        }
        let own = match self.catalog {
            Some(catalog) => effect(catalog, &record.key, &record.value)?.own,
            None => Own::Keep,
        };
        let unchanged = seen.is_some_and(|seen| seen.value == record.value);
        let standing = match (&own, &seen) {
            (Own::Keep, _) if unchanged => Standing::Same,
            (_, _) if unchanged => Standing::Before,
            (Own::Replace(new), Some(seen)) if seen.value == new.as_slice() => Standing::After,
            (Own::Remove, None) => Standing::After,
            _ => Standing::Foreign,
        };
        match standing {
            Standing::Same => self.tally.same += 1,
            Standing::Before => self.tally.before += 1,
            Standing::After => self.tally.after += 1,
            Standing::Foreign if seen.is_none() => self.foreign(&record.key, "missing"),
            Standing::Foreign => self.foreign(&record.key, "neither the old value nor the migrated one"),
        }
        found(Finding { standing, backup: Some(record), seen });
        Ok(())
    }

    fn foreign(&mut self, key: &[u8], what: &str) {
        self.tally.foreign += 1;
        if self.tally.examples.len() < 5 {
            self.tally.examples.push(format!("{}: {what}", String::from_utf8_lossy(key)));
        }
    }
}
