//! The two strategies.

use super::{Rollout, Set};
use crate::cluster::look::Look;
use crate::server::Failure;

impl Rollout {
    /// Old pods end; when the last is gone the new ones start.
    pub(super) fn recreate(&mut self, look: &mut Look<'_>) -> Result<(), Failure> {
        self.find_new(look, false)?;
        let mut smaller = false;
        for set in self.old.iter().filter(|set| set.wanted > 0) {
            smaller |= self.resize(look, &set.name, 0)?;
        }
        if smaller || self.old_pods_run(look) {
            return Ok(());
        }
        self.find_new(look, true)?;
        if let Some(new) = self.new.as_ref().filter(|set| set.wanted != self.bounds.replicas) {
            self.resize(look, &new.name, self.bounds.replicas)?;
        }
        Ok(())
    }

    /// The new ReplicaSet grows as far as the surge allows; else the old ones shrink as far as enough pods
    /// are available.
    pub(super) fn roll(&mut self, look: &mut Look<'_>) -> Result<(), Failure> {
        self.find_new(look, true)?;
        let Some(new) = self.new.clone() else { return Ok(()) };
        let wanted = self.new_size(&new);
        if wanted != new.wanted {
            return self.resize(look, &new.name, wanted).map(drop);
        }
        self.shrink_old(look, &new)
    }

    /// How large the new ReplicaSet may be now.
    pub(super) fn new_size(&self, new: &Set) -> i64 {
        let Self { bounds, .. } = self;
        if new.wanted >= bounds.replicas || bounds.recreate {
            return bounds.replicas;
        }
        let room = bounds.maximum() - self.sum(|set| set.wanted);
        new.wanted + room.clamp(0, bounds.replicas - new.wanted)
    }

    fn shrink_old(&mut self, look: &mut Look<'_>, new: &Set) -> Result<(), Failure> {
        if self.old.iter().all(|set| set.wanted == 0) {
            return Ok(());
        }
        let new_unavailable = new.wanted - new.available;
        let most = self.sum(|set| set.wanted) - self.bounds.minimum() - new_unavailable;
        if most <= 0 {
            return Ok(());
        }
        let before: Vec<i64> = self.old.iter().map(|set| set.wanted).collect();
        self.drop_unhealthy(most);
        self.drop_available();
        for (set, before) in self.old.iter().zip(before) {
            if set.wanted != before {
                self.resize(look, &set.name, set.wanted)?;
            }
        }
        Ok(())
    }

    /// Pods that serve nobody go first.
    fn drop_unhealthy(&mut self, most: i64) {
        let mut left = most;
        for set in &mut self.old {
            let going = (set.wanted - set.available).clamp(0, left);
            set.wanted -= going;
            left -= going;
        }
    }

    /// Then those that are spare.
    fn drop_available(&mut self) {
        let mut spare = self.sum(|set| set.available) - self.bounds.minimum();
        for set in &mut self.old {
            let going = set.wanted.min(spare).max(0);
            set.wanted -= going;
            spare -= going;
        }
    }
}
