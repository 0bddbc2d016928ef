//! Applying: new keys, read back, rewrites, deletes, verify. Every step can be taken again.

use std::path::Path;

use futures::{StreamExt as _, stream::FuturesUnordered};
use milvus_plan::migration::{Marker, Stage};

use super::{
    Facts, Look, Migration, RunError,
    error::{DisagreementSnafu, ForeignSnafu, NotAsWrittenSnafu, OtherBackupSnafu, WrongStageSnafu},
    save::Wanted,
};
use crate::{
    backup,
    catalog::Catalog,
    change::{Phase, Plan, writes},
    compare::Tally,
    etcd::{lock::Lock, marker::Found, write::Batcher},
    key::WRITTEN,
    transform::effect,
};

/// Batches under way at once: enough to keep etcd's disk busy, few enough to stay small.
const IN_FLIGHT: usize = 4;

impl Migration {
    /// The verb `run`: backup, apply, verify; or finish what an earlier call began.
    ///
    /// # Errors
    ///
    /// When the metadata may not be migrated, the backup can't be made or used, or etcd can't be asked or
    /// written.
    pub async fn run(&self, facts: &mut Facts) -> Result<String, RunError> {
        Box::pin(self.migrate(Wanted::ToMigrate, facts)).await
    }

    /// The verb `apply`: as `run`, but the backup has to be there.
    ///
    /// # Errors
    ///
    /// As [`Migration::run`]; also when there is no backup that equals what is in etcd.
    pub async fn apply(&self, facts: &mut Facts) -> Result<String, RunError> {
        Box::pin(self.migrate(Wanted::Present, facts)).await
    }

    async fn migrate(&self, wanted: Wanted, facts: &mut Facts) -> Result<String, RunError> {
        if let Some(message) = self.already(facts).await? {
            return Ok(message);
        }
        Box::pin(self.locked(async |lock| {
            // Looked at again: another call may have done it before the lock was ours.
            if let Some(message) = self.already(facts).await? {
                return Ok(message);
            }
            let found = self.etcd.marker().await?;
            facts.stage = found.marker.as_ref().map(|marker| marker.stage);
            match found.marker.clone() {
                Some(marker) if is_applying(marker.stage) => self.resume(lock, found, marker, facts).await,
                Some(marker) if marker.stage == Stage::RollingBack => rolling_back(&marker),
                _ => self.begin(lock, found, wanted, facts).await,
            }
        }))
        .await
    }

    /// Whether an earlier call has migrated this already; reads, and writes nothing.
    async fn already(&self, facts: &mut Facts) -> Result<Option<String>, RunError> {
        let Some(marker) = self.etcd.marker().await?.marker else { return Ok(None) };
        facts.stage = Some(marker.stage);
        if marker.stage != Stage::Migrated {
            return Ok(None);
        }
        self.survey(facts, &mut |_| Ok(())).await?;
        if facts.schema == Some(milvus_plan::migration::Schema::V21) {
            facts.notes.push("the marker said `migrated`, but another tool has brought back 2.1".into());
            return Ok(None);
        }
        let tally = match backup::verify(&self.settings.backup) {
            Ok(summary) if summary.sha256 == marker.backup_sha256 => {
                facts.backup = Some(self.fact(&summary, true));
                let view = Look::at_backup(&self.settings.backup)?;
                let plan = view.ready()?;
                facts.changes = Some(plan.changes.clone());
                let path = &self.settings.backup;
                Some(
                    self.compare("verifying", path, (Some(&view.catalog), &plan.expected), &mut |_| {})
                        .await?,
                )
            }
            _ => None,
        };
        Ok(Some(match tally {
            Some(tally) if tally.is_migrated() => "already migrated; verified key by key".into(),
            Some(_) => "already migrated; Milvus has written since".into(),
            None => "already migrated; the backup it was made from is not at hand to compare with".into(),
        }))
    }

    async fn begin(
        &self,
        lock: &Lock,
        found: Found,
        wanted: Wanted,
        facts: &mut Facts,
    ) -> Result<String, RunError> {
        let (at_etcd, backup) = Box::pin(self.save(wanted, facts)).await?;
        let first = at_etcd.ready()?.changes.plan_sha256.clone();
        let view = Look::at_backup(&self.settings.backup)?;
        let plan = view.ready()?;
        if plan.changes.plan_sha256 != first {
            let advice = "Nothing was changed; this is a defect of the program, please report it".to_owned();
            return DisagreementSnafu { first, second: plan.changes.plan_sha256.clone(), advice }.fail();
        }
        facts.changes = Some(plan.changes.clone());
        facts.notes.splice(0..0, plan.notes.lines());
        facts.notes.dedup();
        let space = self.etcd.space().await?;
        space.check(plan.changes.new_keys + plan.changes.rewritten, plan.bytes_written)?;
        let marker = self.new_marker(Stage::AddingKeys, &backup, Some(plan));
        let found = self.stage(lock, found, &marker, Stage::AddingKeys, facts).await?;
        Box::pin(self.write_all(lock, found, marker, &view, facts)).await
    }

    async fn resume(
        &self,
        lock: &Lock,
        found: Found,
        marker: Marker,
        facts: &mut Facts,
    ) -> Result<String, RunError> {
        let path = &self.settings.backup;
        let summary = backup::verify(path)?;
        if summary.sha256 != marker.backup_sha256 {
            let (has, wanted) = (summary.sha256, marker.backup_sha256);
            return OtherBackupSnafu { path: path.display().to_string(), has, wanted }.fail();
        }
        facts.backup = Some(self.fact(&summary, true));
        let view = Look::at_backup(path)?;
        let plan = view.ready()?;
        if plan.changes.plan_sha256 != marker.plan_sha256 {
            let advice = format!(
                "The migration was begun by version {} of this program: finish it with that one, or roll back",
                marker.tool
            );
            let (first, second) = (marker.plan_sha256, plan.changes.plan_sha256.clone());
            return DisagreementSnafu { first, second, advice }.fail();
        }
        facts.changes = Some(plan.changes.clone());
        facts.notes.extend(plan.notes.lines());
        let sides = (Some(&view.catalog), &plan.expected);
        let tally = self.compare("looking where it stopped", path, sides, &mut |_| {}).await?;
        check_ours(&tally, "Roll back, or find out who wrote them; nothing was written")?;
        let missing = tally.expected - tally.added + tally.before;
        let space = self.etcd.space().await?;
        let total = (plan.changes.new_keys + plan.changes.rewritten + plan.changes.removed).max(1);
        space.check(missing.min(total), plan.bytes_written.saturating_mul(missing.min(total)) / total)?;
        Box::pin(self.write_all(lock, found, marker, &view, facts)).await
    }

    /// All phases. Those that an earlier call has finished find nothing left to write.
    async fn write_all(
        &self,
        lock: &Lock,
        mut found: Found,
        marker: Marker,
        view: &Look,
        facts: &mut Facts,
    ) -> Result<String, RunError> {
        let (catalog, plan) = (&view.catalog, view.ready()?);
        let later = |stage| rank(stage) > rank(marker.stage);
        self.write_phase(lock, Phase::Add, catalog, plan.changes.new_keys, facts).await?;
        self.read_back(plan).await?;
        if later(Stage::Rewriting) {
            found = self.stage(lock, found, &marker, Stage::Rewriting, facts).await?;
        }
        self.write_phase(lock, Phase::Rewrite, catalog, plan.changes.rewritten, facts).await?;
        if later(Stage::Removing) {
            found = self.stage(lock, found, &marker, Stage::Removing, facts).await?;
        }
        self.write_phase(lock, Phase::Remove, catalog, plan.changes.removed, facts).await?;
        let sides = (Some(catalog), &plan.expected);
        let tally = self.compare("verifying", &self.settings.backup, sides, &mut |_| {}).await?;
        if !tally.is_migrated() {
            check_ours(&tally, "The backup is whole: `rollback` puts it back")?;
            let what = format!(
                "{} old and {} new key(s) are not as they were written. The backup is whole: `rollback` puts it back",
                tally.before,
                tally.expected - tally.added
            );
            return NotAsWrittenSnafu { what }.fail();
        }
        self.stage(lock, found, &marker, Stage::Migrated, facts).await?;
        facts.schema = Some(milvus_plan::migration::Schema::V22);
        Ok(format!("migrated and verified; the way back is {}", self.settings.backup.display()))
    }

    async fn write_phase(
        &self,
        lock: &Lock,
        phase: Phase,
        catalog: &Catalog,
        total: u64,
        facts: &mut Facts,
    ) -> Result<(), RunError> {
        let mut batcher = Batcher::new(self.settings.txn_ops);
        let mut under_way = FuturesUnordered::new();
        let mut source = backup::open(&self.settings.backup)?;
        let mut done = 0u64;
        loop {
            let next = source.next().transpose()?;
            let mut ready = Vec::new();
            if let Some(record) = &next {
                let effect = effect(catalog, &record.key, &record.value)
                    .map_err(|problem| crate::compare::CompareError::Record { source: problem })?;
                for write in writes(phase, effect, &record.key, &record.value, record.mod_revision) {
                    ready.extend(batcher.push(write));
                }
            } else {
                ready.extend(batcher.take());
            }
            for batch in ready {
                self.check_stop()?;
                done += batch.len() as u64;
                under_way.push(Box::pin(self.etcd.write(lock, batch)));
                while under_way.len() >= IN_FLIGHT
                    && let Some(written) = under_way.next().await
                {
                    facts.written += written?;
                    (self.progress)(&format!("writing {phase}"), done, Some(total));
                }
            }
            if next.is_none() {
                break;
            }
        }
        while let Some(written) = under_way.next().await {
            facts.written += written?;
        }
        (self.progress)(&format!("writing {phase}"), done, Some(total));
        Ok(())
    }

    /// Reads all new keys and compares them with what was computed.
    async fn read_back(&self, plan: &Plan) -> Result<(), RunError> {
        let mut seen = 0;
        for prefix in WRITTEN {
            let mut scan = self.etcd.scan_below(prefix.as_bytes(), 0);
            while let Some(page) = scan.page().await? {
                self.check_stop()?;
                for kv in page {
                    if !plan.expected.matches(&kv.key, &kv.value) {
                        let what = format!(
                            "{} was read back with another value than it was written with; no old key was touched",
                            String::from_utf8_lossy(&kv.key)
                        );
                        return NotAsWrittenSnafu { what }.fail();
                    }
                    seen += 1;
                }
                (self.progress)("reading back", seen, Some(plan.expected.len()));
            }
        }
        if seen == plan.expected.len() {
            return Ok(());
        }
        let what =
            format!("{seen} of {} new keys could be read back; no old key was touched", plan.expected.len());
        NotAsWrittenSnafu { what }.fail()
    }

    /// The backup that `rollback` and `verify` compare with.
    pub(super) fn backup_path(&self) -> &Path {
        &self.settings.backup
    }
}

/// Refuses what somebody else has written.
pub(super) fn check_ours(tally: &Tally, advice: &str) -> Result<(), RunError> {
    if tally.foreign == 0 {
        return Ok(());
    }
    let (count, examples) = (tally.foreign, tally.examples.join("; "));
    ForeignSnafu { count, examples, advice }.fail()
}

fn is_applying(stage: Stage) -> bool {
    rank(stage) < rank(Stage::Migrated)
}

const fn rank(stage: Stage) -> u8 {
    match stage {
        Stage::AddingKeys => 0,
        Stage::Rewriting => 1,
        Stage::Removing => 2,
        Stage::Migrated => 3,
        Stage::RollingBack => 4,
        Stage::RolledBack => 5,
    }
}

fn rolling_back(marker: &Marker) -> Result<String, RunError> {
    let what = format!(
        "a rollback to the backup {} has begun and is not finished: call `rollback` again first",
        marker.backup_sha256
    );
    WrongStageSnafu { what, stage: marker.stage }.fail()
}
