//! Looking at metadata: in etcd at one revision, or in a backup that was verified.

use std::path::Path;

use milvus_plan::migration::Schema;

use super::{
    Facts, Migration, RunError,
    error::{NothingThereSnafu, UnsentDdlSnafu, WrongSchemaSnafu},
};
use crate::{
    backup::{self, Record},
    catalog::Catalog,
    change::{Expected, Plan, Planner},
    compare::{Comparison, Finding, Seen, Tally},
    etcd::scan::Kv,
    findings::Problems,
    transform::Effect,
};

/// What two looks give: everything that is needed to compute any change again.
pub struct Look {
    /// What the first look kept.
    pub catalog: Catalog,
    /// What the second look adds up to, or what forbids the migration.
    pub plan: Result<Plan, Problems>,
}

/// Called with key, value and effect of each record.
pub type Each<'a> = &'a mut (dyn FnMut(&[u8], &[u8], &Effect) + Send);

impl Look {
    /// Both looks at a backup.
    ///
    /// # Errors
    ///
    /// When the backup can't be read to its end.
    pub fn at_backup(path: &Path) -> Result<Self, RunError> {
        let mut catalog = Catalog::default();
        for record in backup::open(path)? {
            let Record { key, value, .. } = record?;
            catalog.observe(&key, &value);
        }
        let mut planner = Planner::default();
        for record in backup::open(path)? {
            let Record { key, value, .. } = record?;
            planner.record(&catalog, &key, &value);
        }
        let plan = planner.finish(&catalog);
        Ok(Self { catalog, plan })
    }

    /// The plan, if nothing forbids it.
    ///
    /// # Errors
    ///
    /// When records can't be migrated: all of them.
    pub fn ready(&self) -> Result<&Plan, RunError> {
        self.plan.as_ref().map_err(|problems| RunError::Damaged { problems: problems.clone() })
    }
}

impl Migration {
    /// Hands on every key below the meta root, without leased ones, at one revision. Gives the revision.
    pub(super) async fn each_key(
        &self,
        step: &str,
        revision: i64,
        each: &mut (dyn FnMut(Kv) -> Result<(), RunError> + Send),
    ) -> Result<i64, RunError> {
        let mut scan = self.etcd.scan(revision);
        let mut seen = 0u64;
        while let Some(page) = scan.page().await? {
            self.check_stop()?;
            seen += page.len() as u64;
            for kv in page.into_iter().filter(|kv| !kv.leased) {
                each(kv)?;
            }
            (self.progress)(step, seen, None);
        }
        Ok(scan.revision())
    }

    /// First look at etcd.
    pub(super) async fn survey(
        &self,
        facts: &mut Facts,
        each: &mut (dyn FnMut(Kv) -> Result<(), RunError> + Send),
    ) -> Result<(Catalog, i64), RunError> {
        let mut catalog = Catalog::default();
        let mut observe = |kv: Kv| {
            catalog.observe(&kv.key, &kv.value);
            each(kv)
        };
        let revision = self.each_key("reading", 0, &mut observe).await?;
        facts.revision = Some(revision);
        facts.schema = Some(catalog.schema());
        facts.census = Some(catalog.census());
        facts.notes = catalog.notes().lines();
        Ok((catalog, revision))
    }

    /// Whether what was seen may be migrated at all.
    pub(super) async fn check_schema(&self, catalog: &Catalog) -> Result<(), RunError> {
        let root = self.etcd.root.meta();
        match catalog.schema() {
            Schema::Empty => {
                let hint = match self.etcd.neighbours().await {
                    Ok(found) if found.is_empty() => "; no metadata of Milvus was found elsewhere".to_owned(),
                    Ok(found) => format!("; there is metadata of Milvus below {}", found.join(", ")),
                    Err(error) => format!("; looking elsewhere failed: {error}"),
                };
                NothingThereSnafu { root, hint }.fail()
            }
            schema @ (Schema::V22 | Schema::Mixed) => WrongSchemaSnafu { schema, root }.fail(),
            Schema::V21 | Schema::Undetermined if catalog.has_unsent_ddl() => UnsentDdlSnafu.fail(),
            Schema::V21 | Schema::Undetermined => Ok(()),
        }
    }

    /// Both looks at etcd, at one revision; `each` sees every change of the second. Starts over when the
    /// revision is compacted meanwhile.
    ///
    /// # Errors
    ///
    /// When etcd can't be asked, the metadata is not 2.1's, or records of it can't be migrated.
    pub async fn plan(&self, facts: &mut Facts, each: Each<'_>) -> Result<Plan, RunError> {
        let (catalog, revision) = self.survey(facts, &mut |_| Ok(())).await?;
        self.check_schema(&catalog).await?;
        let mut planner = Planner::default();
        let mut record = |kv: Kv| {
            if let Some(effect) = planner.record(&catalog, &kv.key, &kv.value) {
                each(&kv.key, &kv.value, &effect);
            }
            Ok(())
        };
        self.each_key("computing", revision, &mut record).await?;
        let plan = planner.finish(&catalog).map_err(|problems| RunError::Damaged { problems })?;
        facts.changes = Some(plan.changes.clone());
        facts.notes = plan.notes.lines();
        let space = self.etcd.space().await?;
        space.check(plan.changes.new_keys + plan.changes.rewritten, plan.bytes_written)?;
        Ok(plan)
    }

    /// Compares etcd, as it is now, with a backup and with what the migration makes of it.
    pub(super) async fn compare(
        &self,
        step: &str,
        path: &Path,
        sides: (Option<&Catalog>, &Expected),
        found: &mut (dyn FnMut(Finding<'_>) + Send),
    ) -> Result<Tally, RunError> {
        let mut comparison = Comparison::new(backup::open(path)?, sides.0, sides.1);
        let mut feed = |kv: Kv| {
            let seen = Seen { key: &kv.key, value: &kv.value, revision: kv.mod_revision };
            Ok(comparison.feed(seen, found)?)
        };
        self.each_key(step, 0, &mut feed).await?;
        Ok(comparison.finish(found)?)
    }
}
