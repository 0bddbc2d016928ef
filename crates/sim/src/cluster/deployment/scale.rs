//! The number of pods changes while a roll may be under way.

use super::{Rollout, Set};
use crate::cluster::look::Look;
use crate::server::Failure;

impl Rollout {
    /// One ReplicaSet with pods gets the number; several get their parts of it.
    pub(super) fn scale(&mut self, look: &mut Look<'_>) -> Result<(), Failure> {
        let replicas = self.bounds.replicas;
        if let Some(only) = self.active_or_latest() {
            let (name, wanted) = (only.name.clone(), only.wanted);
            if wanted != replicas || only.desired != Some(replicas) {
                self.resize(look, &name, replicas)?;
            }
            return Ok(());
        }
        if self.new.as_ref().is_some_and(|new| self.is_saturated(new)) {
            for set in self.old.iter().filter(|set| set.wanted > 0) {
                self.resize(look, &set.name, 0)?;
            }
            return Ok(());
        }
        if self.bounds.recreate { Ok(()) } else { self.scale_in_proportion(look) }
    }

    fn active_or_latest(&self) -> Option<&Set> {
        let mut active = self.all().filter(|set| set.wanted > 0);
        match (active.next(), active.next()) {
            (None, _) => self.new.as_ref().or(self.old.last()),
            (Some(only), None) => Some(only),
            _ => None,
        }
    }

    fn is_saturated(&self, set: &Set) -> bool {
        let replicas = self.bounds.replicas;
        set.desired == Some(replicas) && set.wanted == replicas && set.available == replicas
    }

    fn scale_in_proportion(&self, look: &mut Look<'_>) -> Result<(), Failure> {
        let allowed = if self.bounds.replicas > 0 { self.bounds.maximum() } else { 0 };
        let to_add = allowed - self.sum(|set| set.wanted);
        let mut sets: Vec<&Set> = self.all().filter(|set| set.wanted > 0).collect();
        // The largest first; of equal ones the newer when pods are added, and the older when they are taken
        // away.
        sets.sort_by(|a, b| {
            let age = (&a.created, &a.name).cmp(&(&b.created, &b.name));
            b.wanted.cmp(&a.wanted).then(if to_add > 0 { age.reverse() } else { age })
        });
        let mut added = 0;
        let mut sizes = Vec::new();
        for set in &sets {
            let part = self.part(set, to_add, added);
            added += part;
            sizes.push(set.wanted + part);
        }
        if let Some(first) = sizes.first_mut() {
            *first = (*first + to_add - added).max(0);
        }
        for (set, size) in sets.iter().zip(sizes) {
            self.resize(look, &set.name, size)?;
        }
        Ok(())
    }

    fn part(&self, set: &Set, to_add: i64, added: i64) -> i64 {
        let left = to_add - added;
        if to_add == 0 || left == 0 {
            return 0;
        }
        if self.bounds.replicas == 0 {
            return (-set.wanted).max(left);
        }
        let before = set.maximum.unwrap_or(self.sum(|set| set.has)).max(1);
        // Rounded to the nearest, as the size is never negative.
        let size = (2 * set.wanted * self.bounds.maximum() + before) / (2 * before);
        let part = size - set.wanted;
        if to_add > 0 { part.min(left) } else { part.max(left) }
    }
}
