//! Backing up: write, sync, read again, compare with etcd at the same revision, and only then give it its
//! name.

use std::path::Path;

use milvus_plan::migration::{BackupFact, Stage};

use super::{
    Facts, Look, Migration, RunError,
    error::{ForeignBackupSnafu, WrongStageSnafu},
};
use crate::{
    VERSION,
    backup::{self, Header, Record, Summary, Writer},
    catalog::Catalog,
    change::Planner,
    etcd::{scan::Kv, space::Space},
    key::Key,
};

/// How often a scan starts over when the revision that it reads is compacted.
const ATTEMPTS: usize = 5;

/// Whether an existing backup has to be there, or may be, or is ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Reuse one that equals etcd, else make one. The metadata has to be that of 2.1.
    ToMigrate,
    /// As above, whatever the metadata is.
    ToKeep,
    /// There has to be one that equals etcd.
    Present,
}

impl Migration {
    /// The verb: a verified backup of what is there.
    ///
    /// # Errors
    ///
    /// When etcd can't be asked, the file can't be written, or what was written does not equal etcd.
    pub async fn backup(&self, facts: &mut Facts) -> Result<String, RunError> {
        Box::pin(self.locked(async |_| {
            if let Some(marker) = self.etcd.marker().await?.marker {
                facts.stage = Some(marker.stage);
                let ours = backup::verify(&self.settings.backup)
                    .is_ok_and(|summary| summary.sha256 == marker.backup_sha256);
                match marker.stage {
                    Stage::RolledBack => {}
                    Stage::Migrated if !ours => {}
                    stage => {
                        let what = format!(
                            "a migration is at the stage `{stage}`, and its way back is the backup {}: it is not \
                             replaced. Give another path",
                            marker.backup_sha256
                        );
                        return WrongStageSnafu { what, stage }.fail();
                    }
                }
            }
            self.save(Wanted::ToKeep, facts).await.map(|(_, backup)| backup)
        }))
        .await
        .map(|backup| done(&backup))
    }

    /// What the two looks at etcd gave, and a verified backup of etcd as it is.
    pub(super) async fn save(
        &self,
        wanted: Wanted,
        facts: &mut Facts,
    ) -> Result<(Look, BackupFact), RunError> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            match self.attempt(wanted, facts).await {
                Err(error) if error.is_compacted() && attempt < ATTEMPTS => {}
                result => return result,
            }
        }
    }

    async fn attempt(&self, wanted: Wanted, facts: &mut Facts) -> Result<(Look, BackupFact), RunError> {
        let path = &self.settings.backup;
        let space = self.etcd.space().await?;
        let existing = match backup::verify(path) {
            Ok(summary) => Some(summary),
            Err(error) if wanted == Wanted::Present => return Err(error.into()),
            Err(_) => None,
        };
        if let Some(summary) = existing {
            match self.reuse(wanted, summary, facts).await {
                Err(RunError::StaleBackup { .. } | RunError::ForeignBackup { .. })
                    if wanted != Wanted::Present => {}
                result => return result,
            }
        }
        self.make(wanted, &space, facts).await
    }

    /// Looks at etcd twice and compares it with a backup that is there.
    async fn reuse(
        &self,
        wanted: Wanted,
        summary: Summary,
        facts: &mut Facts,
    ) -> Result<(Look, BackupFact), RunError> {
        self.check_identity(&summary.header).await?;
        let (catalog, revision) = self.survey(facts, &mut |_| Ok(())).await?;
        if wanted != Wanted::ToKeep {
            self.check_schema(&catalog).await?;
        }
        let path = &self.settings.backup;
        let look = self
            .second(path, catalog, revision, false)
            .await?
            .map_err(|what| RunError::StaleBackup { path: path.display().to_string(), what })?;
        let backup = self.fact(&summary, true);
        facts.backup = Some(backup.clone());
        Ok((look, backup))
    }

    async fn make(
        &self,
        wanted: Wanted,
        space: &Space,
        facts: &mut Facts,
    ) -> Result<(Look, BackupFact), RunError> {
        let path = &self.settings.backup;
        // The revision is only known with the first page, and the header comes first: ask for it.
        let revision = self.etcd.scan_below(b"session/", 0);
        let revision = first_revision(revision).await?;
        let header = Header {
            tool: format!("meta-migration {VERSION}"),
            cluster_id: format!("{:x}", space.cluster),
            root_path: self.etcd.root.path.clone(),
            meta_sub_path: self.etcd.root.meta_sub_path.clone(),
            revision,
            source_version: self.settings.source_version.clone(),
        };
        let mut writer = Writer::create(path, &header)?;
        let mut catalog = Catalog::default();
        let mut write = |kv: Kv| {
            catalog.observe(&kv.key, &kv.value);
            let Kv { key, value, mod_revision, .. } = kv;
            Ok(writer.record(&Record { key, value, mod_revision })?)
        };
        self.each_key("backing up", revision, &mut write).await?;
        facts.revision = Some(revision);
        facts.schema = Some(catalog.schema());
        facts.census = Some(catalog.census());
        facts.notes = catalog.notes().lines();
        if wanted != Wanted::ToKeep || catalog.census().keys == 0 {
            self.check_schema(&catalog).await?;
        }
        writer.finish()?;
        let summary = backup::verify(writer.partial())?;
        let look = self.second(writer.partial(), catalog, revision, true).await?;
        let look = look.map_err(|what| RunError::BackupDiffers { revision, what })?;
        if path.try_exists().unwrap_or(true) {
            let aside = backup::move_aside(path)?;
            facts.notes.push(format!("an older file was moved to {}", aside.display()));
        }
        writer.publish()?;
        let backup = self.fact(&summary, false);
        facts.backup = Some(backup.clone());
        Ok((look, backup))
    }

    /// Second look at etcd, compared with a backup key by key. `whole`: the session counter counts too. The
    /// inner error names the first difference.
    async fn second(
        &self,
        path: &Path,
        catalog: Catalog,
        revision: i64,
        whole: bool,
    ) -> Result<Result<Look, String>, RunError> {
        let counts = |key: &[u8]| whole || Key::parse(key).is_restored();
        let mut records = backup::open(path)?;
        let mut planner = Planner::default();
        let mut difference = None;
        let mut next = move || loop {
            match records.next() {
                Some(Ok(record)) if !counts(&record.key) => {}
                other => return other.transpose(),
            }
        };
        let mut compare = |kv: Kv| {
            if difference.is_none() && counts(&kv.key) {
                let record = next()?;
                if record.is_none_or(|record| record.key != kv.key || record.value != kv.value) {
                    difference = Some(format!("at {}", String::from_utf8_lossy(&kv.key)));
                }
            }
            planner.record(&catalog, &kv.key, &kv.value);
            Ok(())
        };
        self.each_key("verifying the backup", revision, &mut compare).await?;
        if difference.is_none()
            && let Some(record) = next()?
        {
            difference = Some(format!("at {}", String::from_utf8_lossy(&record.key)));
        }
        if let Some(difference) = difference {
            return Ok(Err(difference));
        }
        let plan = planner.finish(&catalog);
        Ok(Ok(Look { catalog, plan }))
    }

    /// Whether a backup is of this instance.
    pub(super) async fn check_identity(&self, header: &Header) -> Result<(), RunError> {
        let root = &self.etcd.root;
        let path = self.settings.backup.display().to_string();
        if header.root_path != root.path || header.meta_sub_path != root.meta_sub_path {
            let what = format!(
                "it is of {}/{}, and this is {}",
                header.root_path,
                header.meta_sub_path,
                root.meta()
            );
            return ForeignBackupSnafu { path, what }.fail();
        }
        let cluster = format!("{:x}", self.etcd.space().await?.cluster);
        let allowed = self.settings.other_cluster.as_deref();
        if !header.cluster_id.is_empty()
            && header.cluster_id != cluster
            && allowed != Some(header.cluster_id.as_str())
        {
            let what = format!(
                "it is of the etcd cluster {}, and this is {cluster}. If this etcd was rebuilt and the backup is of the \
                 same Milvus, add --backup-of-cluster {}",
                header.cluster_id, header.cluster_id
            );
            return ForeignBackupSnafu { path, what }.fail();
        }
        Ok(())
    }

    pub(super) fn fact(&self, summary: &Summary, reused: bool) -> BackupFact {
        BackupFact {
            path: self.settings.backup.display().to_string(),
            sha256: summary.sha256.clone(),
            revision: summary.header.revision,
            records: summary.records,
            reused,
        }
    }
}

fn done(backup: &BackupFact) -> String {
    let how = if backup.reused { ": it was there and equals etcd" } else { "" };
    format!("verified backup {}{how}", backup.path)
}

async fn first_revision(mut scan: crate::etcd::scan::Scan) -> Result<i64, RunError> {
    scan.page().await?;
    Ok(scan.revision())
}
