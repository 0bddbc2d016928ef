//! Whether anything is still written.

use std::collections::BTreeMap;
use std::time::Duration;

use super::invariants::is_noise;
use super::world::World;

/// What happened in a time in which nothing should.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Silence {
    /// Committed changes, by who made them. Renewals of leases are not counted.
    pub commits: BTreeMap<String, usize>,
    /// Requests of all clients.
    pub requests: usize,
}

impl Silence {
    /// Commits of everybody whose name begins so.
    pub fn commits_of(&self, prefix: &str) -> usize {
        self.commits.iter().filter(|(actor, _)| actor.starts_with(prefix)).map(|(_, count)| count).sum()
    }
}

impl World {
    /// Waits until nothing was committed for a time. Renewals of leases don't count.
    ///
    /// # Errors
    /// It does not get quiet within [`super::Options::patience`].
    pub async fn quiet(&self, time: Duration) -> Result<(), String> {
        let patience = self.options().patience;
        let begin = self.clock().elapsed();
        loop {
            let now = self.clock().elapsed();
            let quiet_at = self.watcher().last_change.max(begin) + time;
            if now >= quiet_at {
                return Ok(());
            }
            if now > begin + patience {
                return Err(format!("does not get quiet within {patience:?}"));
            }
            tokio::time::sleep(quiet_at.saturating_sub(now)).await;
        }
    }

    /// Lets a time pass, and counts what is done in it.
    pub async fn silence(&self, time: Duration) -> Silence {
        let (logged, requests) = (self.with(|store| store.log().len()), self.chance().requests());
        tokio::time::sleep(time).await;
        let mut silence = Silence { requests: self.chance().requests() - requests, ..Silence::default() };
        self.with(|store| {
            for event in store.log()[logged..].iter().filter(|event| !is_noise(event)) {
                *silence.commits.entry(event.actor.to_string()).or_default() += 1;
            }
        });
        silence
    }
}
