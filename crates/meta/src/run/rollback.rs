//! Rolling back: whatever differs from the backup is put back, whatever is not in it is removed; restartable,
//! because what has to be done is computed from what is there.

use std::path::Path;

use milvus_plan::migration::{Marker, Schema, Stage};
use snafu::ResultExt as _;

use super::{Facts, Look, Migration, RunError, apply::check_ours};
use crate::{
    backup::{self, ReadSnafu},
    catalog::Catalog,
    change::{Expected, Phase, Write},
    compare::{Finding, Tally},
    etcd::{lock::Lock, write::Batcher},
    key::SESSION_COUNTER,
};

impl Migration {
    /// The verb.
    ///
    /// # Errors
    ///
    /// When the backup is damaged or of another instance, somebody else has written, or etcd can't be asked
    /// or written.
    pub async fn rollback(&self, facts: &mut Facts) -> Result<String, RunError> {
        let summary = backup::verify(self.backup_path())?;
        self.check_identity(&summary.header).await?;
        let backup = self.fact(&summary, true);
        facts.backup = Some(backup.clone());
        let look = Look::at_backup(self.backup_path())?;
        // A backup that cannot be migrated (damaged, or not of 2.1) is put back as it is.
        let plan = match look.catalog.schema() {
            Schema::V21 | Schema::Undetermined => look.plan.as_ref().ok(),
            _ => None,
        };
        let none = Expected::default();
        let sides = match plan {
            Some(plan) => (Some(&look.catalog), &plan.expected),
            None => (None, &none),
        };
        let mut marker = self.new_marker(Stage::RollingBack, &backup, plan);
        Box::pin(self.locked(async |lock| self.put_back(lock, sides, &mut marker, facts).await)).await
    }

    async fn put_back(
        &self,
        lock: &Lock,
        sides: (Option<&Catalog>, &Expected),
        marker: &mut Marker,
        facts: &mut Facts,
    ) -> Result<String, RunError> {
        let mut found = self.etcd.marker().await?;
        facts.stage = found.marker.as_ref().map(|marker| marker.stage);
        let begun = found.marker.as_ref().is_some_and(|old| {
            old.stage == Stage::RollingBack && old.loss_accepted && old.backup_sha256 == marker.backup_sha256
        });
        marker.loss_accepted = self.settings.accept_loss || begun;
        let path = self.backup_path();
        let mut lost = 0u64;
        let mut count = |finding: Finding<'_>| lost += u64::from(finding.backup.is_none());
        let tally = self.compare("comparing", path, sides, &mut count).await?;
        if !marker.loss_accepted {
            let advice = format!(
                "Milvus, or somebody else, has written since the backup. To lose all of that, add \
                 --lose-writes-since-backup {}; nothing was written",
                self.etcd.root.meta()
            );
            check_ours(&tally, &advice)?;
        }
        if tally.is_original() && found.marker.as_ref().is_none_or(|old| old.stage == Stage::RolledBack) {
            return Ok("nothing to do: the metadata is what the backup holds".into());
        }
        let puts = tally.after + tally.foreign;
        self.etcd.space().await?.check(puts, size(path)?)?;
        found = self.stage(lock, found, marker, Stage::RollingBack, facts).await?;
        self.restore_phase(lock, sides, Phase::Add, facts).await?;
        self.restore_counter(lock, facts).await?;
        self.restore_phase(lock, sides, Phase::Remove, facts).await?;
        let tally = self.compare("verifying", path, sides, &mut |_| {}).await?;
        if !tally.is_original() {
            return Err(not_restored(&tally));
        }
        self.stage(lock, found, marker, Stage::RolledBack, facts).await?;
        facts.schema = None;
        Ok("rolled back; the metadata is byte for byte what the backup holds".into())
    }

    /// One pass: with [`Phase::Add`] what is missing or differs is put back, with [`Phase::Remove`] what is
    /// not in the backup goes. Two passes, so that nothing is removed before everything is back.
    async fn restore_phase(
        &self,
        lock: &Lock,
        sides: (Option<&Catalog>, &Expected),
        phase: Phase,
        facts: &mut Facts,
    ) -> Result<(), RunError> {
        let mut comparison =
            crate::compare::Comparison::new(backup::open(self.backup_path())?, sides.0, sides.1);
        let mut batcher = Batcher::new(self.settings.txn_ops);
        let mut ready = Vec::new();
        let mut scan = self.etcd.scan(0);
        let step = if phase == Phase::Add { "putting back" } else { "removing what is new" };
        let mut take = |finding: Finding<'_>, ready: &mut Vec<Vec<Write>>| {
            if let Some(write) = undo(phase, &finding) {
                ready.extend(batcher.push(write));
            }
        };
        while let Some(page) = scan.page().await? {
            for kv in page.into_iter().filter(|kv| !kv.leased) {
                let seen = crate::compare::Seen { key: &kv.key, value: &kv.value, revision: kv.mod_revision };
                comparison.feed(seen, &mut |finding| take(finding, &mut ready))?;
            }
            self.flush(lock, &mut ready, step, facts).await?;
        }
        comparison.finish(&mut |finding| take(finding, &mut ready))?;
        ready.extend(batcher.take());
        self.flush(lock, &mut ready, step, facts).await
    }

    async fn flush(
        &self,
        lock: &Lock,
        ready: &mut Vec<Vec<Write>>,
        step: &str,
        facts: &mut Facts,
    ) -> Result<(), RunError> {
        use futures::{StreamExt as _, TryStreamExt as _};
        self.check_stop()?;
        let batches =
            futures::stream::iter(ready.drain(..).map(|batch| Box::pin(self.etcd.write(lock, batch))));
        let written: Vec<u64> = batches.buffer_unordered(4).try_collect().await?;
        facts.written += written.iter().sum::<u64>();
        (self.progress)(step, facts.written, None);
        Ok(())
    }

    /// The counter of server ids never goes back, but it must not be missing either: ids would be used twice.
    async fn restore_counter(&self, lock: &Lock, facts: &mut Facts) -> Result<(), RunError> {
        let key = self.etcd.root.meta() + "/" + SESSION_COUNTER;
        if self.etcd.get(&key).await?.is_some() {
            return Ok(());
        }
        for record in backup::open(self.backup_path())? {
            let record = record?;
            if record.key == SESSION_COUNTER.as_bytes() {
                let write = Write { key: record.key, before: None, after: Some(record.value) };
                facts.written += self.etcd.write(lock, vec![write]).await?;
            }
        }
        Ok(())
    }
}

/// What takes one key back to the backup, if this is the pass for it.
fn undo(phase: Phase, finding: &Finding<'_>) -> Option<Write> {
    let before = finding.seen.as_ref().map(|seen| (seen.value.to_vec(), seen.revision));
    match (phase, finding.backup) {
        (Phase::Add, Some(record)) if finding.seen.is_none_or(|seen| seen.value != record.value) => {
            Some(Write { key: record.key.clone(), before, after: Some(record.value.clone()) })
        }
        (Phase::Remove, None) => Some(Write { key: finding.key().to_vec(), before, after: None }),
        _ => None,
    }
}

/// Size of the backup file: as much as can have to be put back.
fn size(path: &Path) -> Result<u64, RunError> {
    let file = path.metadata().context(ReadSnafu { path })?;
    Ok(file.len())
}

fn not_restored(tally: &Tally) -> RunError {
    let what = format!(
        "{} key(s) are not as in the backup after the rollback ({}). Call it again",
        tally.after + tally.added + tally.foreign,
        tally.examples.join("; ")
    );
    RunError::NotAsWritten { what }
}
