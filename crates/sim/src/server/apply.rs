//! Server-side apply, and who owns which field.

mod compare;
mod fields;
mod merge;
mod owners;
mod remove;

use serde_json::Value;

use super::{answer::Failure, schema::Schema};

use compare::{Comparison, compare, fields_of};
pub(crate) use owners::{Manager, Owners, decode as owners_of, encode as set_owners};

/// What an apply or an update is about.
pub(crate) struct Write<'a> {
    pub(crate) schema: &'a Schema,
    pub(crate) manager: Manager,
    /// Paths that this write can't change.
    pub(crate) reset: &'a [&'a [&'a str]],
    /// Seconds, as in `managedFields`.
    pub(crate) now: String,
}

impl Write<'_> {
    fn compared(&self, live: &Value, new: &Value) -> Comparison {
        let mut comparison = compare(self.schema, live, new);
        let reset = fields::Fields::of_paths(self.reset);
        for set in [&mut comparison.added, &mut comparison.modified, &mut comparison.removed] {
            *set = set.without_all_of(&reset);
        }
        comparison
    }

    /// The owners after a write that was no apply: the writer owns what it changed, the others lose it.
    pub(crate) fn update(&self, live: &Value, new: &Value, mut owners: Owners) -> Owners {
        let comparison = self.compared(live, new);
        let changed = comparison.modified.union(&comparison.added);
        for entry in owners.values_mut() {
            entry.fields = entry.fields.difference(&changed).difference(&comparison.removed);
        }
        owners.retain(|_, entry| !entry.fields.is_empty());
        let reset = fields::Fields::of_paths(self.reset);
        let own = changed.without_all_of(&reset).difference(&fields::Fields::of_paths(owners::NEVER_OWNED));
        if !own.is_empty() {
            let entry = owners.entry(self.manager.clone()).or_default();
            entry.fields = entry.fields.union(&own);
            entry.time = Some(self.now.clone());
        }
        owners
    }

    /// The owners after a write of a scale: the writer owns a new count if somebody did before, and if it is
    /// not 0, which is written as none.
    ///
    /// A scale is an object of another version. So who owns the count by an update keeps it, if the count
    /// stays, in an entry of its own without a time; the next write that reads the owners loses it.
    pub(crate) fn scale(&self, live: &Value, new: &Value, mut owners: Owners) -> Owners {
        let count = fields::Fields::of_paths(&[&["spec", "replicas"]]);
        let mut own = Owners::new();
        for (manager, entry) in
            owners.iter().filter(|(_, entry)| !entry.fields.intersection(&count).is_empty())
        {
            own.insert(manager.of_scale(), owners::Entry { fields: count.clone(), ..entry.clone() });
        }
        if own.is_empty() {
            return owners;
        }
        let wanted = &new["spec"]["replicas"];
        if live["spec"]["replicas"] != *wanted {
            own.clear();
            if *wanted != 0 {
                own.insert(self.manager.of_scale(), owners::Entry { fields: count.clone(), time: None });
            }
        }
        for (manager, entry) in &mut owners {
            if own.remove(manager).is_none() {
                entry.fields = entry.fields.difference(&count);
            }
        }
        owners.retain(|_, entry| !entry.fields.is_empty());
        owners
            .extend(own.into_iter().map(|(manager, entry)| (manager, owners::Entry { time: None, ..entry })));
        owners
    }

    /// The object and the owners after an apply. `None` when the object does not change.
    ///
    /// # Errors
    /// 500 for an object that does not fit its schema, 409 for fields that others own, unless forced.
    pub(crate) fn apply(
        &self,
        live: &Value,
        applied: &Value,
        mut owners: Owners,
        force: bool,
        keep: bool,
    ) -> Result<(Option<Value>, Owners), Failure> {
        merge::fits(self.schema, applied)
            .map_err(|words| Failure::internal(format!("failed to create typed patch object: {words}")))?;
        let mut new = merge::merge(self.schema, Some(live), Some(applied)).unwrap_or_default();
        let reset = fields::Fields::of_paths(self.reset);
        let set = fields_of(self.schema, applied).without_all_of(&reset);
        let last = owners.get(&self.manager).cloned();
        let entry = owners.entry(self.manager.clone()).or_default();
        entry.fields = set;
        if let Some(last) = last.filter(|last| !last.fields.is_empty() && !keep) {
            new = self.prune(&new, &owners, &last.fields);
        }
        let comparison = self.compared(live, &new);
        let changed = comparison.modified.union(&comparison.added);
        let mut conflicts = Vec::new();
        for (manager, entry) in owners.iter_mut().filter(|(manager, _)| **manager != self.manager) {
            let taken = entry.fields.intersection(&changed);
            if !taken.is_empty() {
                conflicts.push(format!("conflict with {manager}: {}", taken.words()));
            }
            entry.fields = entry.fields.difference(&taken).difference(&comparison.removed);
        }
        if !force && !conflicts.is_empty() {
            let count = conflicts.len();
            let words = conflicts.join("\n");
            return Err(Failure::conflict(format!("Apply failed with {count} conflict: {words}")));
        }
        if let Some(entry) = owners.get_mut(&self.manager) {
            entry.fields = entry.fields.difference(&fields::Fields::of_paths(owners::NEVER_OWNED));
        }
        owners.retain(|_, entry| !entry.fields.is_empty());
        if new == *live {
            return Ok((None, owners));
        }
        if let Some(entry) = owners.get_mut(&self.manager) {
            entry.time = Some(self.now.clone());
        }
        Ok((Some(new), owners))
    }

    /// Takes away what the manager applied last time and now does not, unless others own it.
    fn prune(&self, merged: &Value, owners: &Owners, last: &fields::Fields) -> Value {
        let schema = self.schema;
        let without =
            |value: &Value, set: &fields::Fields| remove::remove(schema, value, set).unwrap_or_default();
        let last = last.with_named(schema);
        let pruned = without(merged, &last);
        let mut owned = fields::Fields::default();
        for entry in owners.values() {
            owned = owned.union(&entry.fields);
        }
        let all = fields_of(schema, merged).with_named(schema);
        let kept = fields_of(schema, &pruned).with_named(schema).union(&owned.with_named(schema));
        let pruned = without(merged, &all.difference(&kept));
        // What went with its parent and was not applied by this manager comes back.
        let left = fields_of(schema, &pruned).with_named(schema);
        without(merged, &all.difference(&left).intersection(&last))
    }
}
