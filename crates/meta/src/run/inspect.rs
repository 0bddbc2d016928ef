//! Looking without touching.

use milvus_plan::migration::Schema;

use super::{Facts, Migration, RunError};

impl Migration {
    /// The verb: what is there, in which schema, who is alive, how far a migration is.
    ///
    /// # Errors
    ///
    /// When etcd can't be asked, or nothing lies below the meta root.
    pub async fn inspect(&self, facts: &mut Facts) -> Result<String, RunError> {
        let marker = self.etcd.marker().await?.marker;
        facts.stage = marker.as_ref().map(|marker| marker.stage);
        let sessions = self.etcd.sessions().await?;
        let (catalog, _) = self.survey(facts, &mut |_| Ok(())).await?;
        if let Some(census) = &mut facts.census {
            census.sessions = sessions;
        }
        if catalog.schema() == Schema::Empty {
            self.check_schema(&catalog).await?;
        }
        let space = self.etcd.space().await?;
        facts.notes.push(format!(
            "etcd uses {} of {} bytes{}",
            space.in_use,
            space.quota,
            if space.alarm { ", and its space alarm is raised" } else { "" }
        ));
        if catalog.has_unsent_ddl() {
            facts.notes.push("Milvus 2.1 still has to send a DDL message: start and stop it once".into());
        }
        if !catalog.problems().is_empty() {
            facts.notes.push(catalog.problems().to_string());
        }
        let words = match catalog.schema() {
            Schema::Empty => "nothing",
            Schema::V21 => "metadata of Milvus 2.1",
            Schema::V22 => "metadata of Milvus 2.2 or later",
            Schema::Mixed => "a mixture of 2.1 and 2.2",
            Schema::Undetermined => "metadata without index and alias: 2.1 and 2.2 look alike",
        };
        Ok(match marker {
            Some(marker) => format!("{words}; a migration is at the stage `{}`", marker.stage),
            None => words.to_owned(),
        })
    }
}
