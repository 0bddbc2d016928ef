//! Verifying without touching: against the backup where there is one, else against what Milvus 2.2 takes for
//! granted.

use milvus_plan::migration::{Schema, Stage};

use super::{Facts, Look, Migration, RunError, error::DifferentSnafu};
use crate::{backup, etcd::scan::Kv, invariants::Invariants};

impl Migration {
    /// The verb.
    ///
    /// # Errors
    ///
    /// When there is a difference, the backup can't be read, or etcd can't be asked.
    pub async fn verify(&self, facts: &mut Facts) -> Result<String, RunError> {
        let marker = self.etcd.marker().await?.marker;
        facts.stage = marker.as_ref().map(|marker| marker.stage);
        let mut invariants = Invariants::default();
        let mut observe = |kv: Kv| {
            invariants.observe(&kv.key, &kv.value);
            Ok(())
        };
        let (catalog, _) = self.survey(facts, &mut observe).await?;
        if catalog.schema() == Schema::Empty {
            self.check_schema(&catalog).await?;
        }
        let path = self.backup_path();
        if path.as_os_str().is_empty() {
            return judge_alone(&catalog, invariants);
        }
        let summary = backup::verify(path)?;
        self.check_identity(&summary.header).await?;
        facts.backup = Some(self.fact(&summary, true));
        let look = Look::at_backup(path)?;
        let plan = look.ready()?;
        facts.changes = Some(plan.changes.clone());
        let sides = (Some(&look.catalog), &plan.expected);
        let tally = self.compare("comparing", path, sides, &mut |_| {}).await?;
        let stage = marker.map(|marker| marker.stage);
        if tally.foreign > 0 {
            let what = format!(
                "{} key(s) are neither as in the backup nor as the migration makes them: {}",
                tally.foreign,
                tally.examples.join("; ")
            );
            return DifferentSnafu { what }.fail();
        }
        let original = tally.is_original();
        if tally.is_migrated() && stage.is_none_or(|stage| stage != Stage::RolledBack || original) {
            let problems = invariants.finish();
            if problems.is_empty() {
                return Ok(format!(
                    "migrated: all {} keys are as the migration makes them",
                    tally.same + tally.after + tally.added
                ));
            }
            return DifferentSnafu { what: problems.to_string() }.fail();
        }
        if original {
            return Ok(format!("not migrated: all {} keys are as in the backup", tally.same + tally.before));
        }
        let what = format!(
            "half-way: {} old key(s) wait, {} are migrated, {} of {} new keys are there. Call `apply` or `rollback`",
            tally.before, tally.after, tally.added, tally.expected
        );
        DifferentSnafu { what }.fail()
    }
}

fn judge_alone(catalog: &crate::catalog::Catalog, invariants: Invariants) -> Result<String, RunError> {
    match catalog.schema() {
        Schema::V21 if catalog.problems().is_empty() => {
            Ok("metadata of Milvus 2.1; every record can be read".into())
        }
        Schema::V21 => DifferentSnafu { what: catalog.problems().to_string() }.fail(),
        Schema::V22 | Schema::Undetermined | Schema::Empty => {
            let problems = invariants.finish();
            if problems.is_empty() {
                return Ok("metadata that Milvus 2.2 can read: nothing contradicts anything".into());
            }
            DifferentSnafu { what: problems.to_string() }.fail()
        }
        Schema::Mixed => DifferentSnafu { what: "records of Milvus 2.1 and of 2.2 lie side by side" }.fail(),
    }
}
