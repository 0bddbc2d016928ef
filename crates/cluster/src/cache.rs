//! Records of one kind, by the Milvus that they belong to.
//!
//! Takes watch events and the answers to our own writes; gives the current records. A record is never replaced by an
//! older one: the answer to a write is often here before the watch is.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::scope::Scope;

/// Namespace and name of a Milvus.
pub type Key = (String, String);

/// A kind of record, by Milvus and by name.
#[derive(Debug)]
pub struct Cache<T> {
    /// A Milvus has few of each kind, most have one: a tree would take room for eleven.
    entries: HashMap<Key, Vec<(String, T)>>,
    /// Objects that are there and can't be decoded, and why: what their records say is out of date.
    unreadable: BTreeMap<(Key, String), String>,
    /// What the relists under way have named so far; the rest of their scope goes when they end.
    relists: Vec<(Scope, HashSet<(Key, String)>)>,
}

impl<T> Default for Cache<T> {
    fn default() -> Self {
        Cache { entries: HashMap::new(), unreadable: BTreeMap::new(), relists: Vec::new() }
    }
}

/// A record that knows how new it is.
pub trait Versioned {
    /// `metadata.resourceVersion`
    fn resource_version(&self) -> &str;
}

/// Whether `new` may replace `old`. Resource versions of one kind are numbers that grow (Kubernetes guarantees it from 1.35 on, every
/// server has always done it); where they are no numbers, the later arrival wins.
pub(crate) fn may_replace(old: &str, new: &str) -> bool {
    match (old.parse::<u64>(), new.parse::<u64>()) {
        (Ok(old), Ok(new)) => new >= old,
        _ => true,
    }
}

impl<T: Versioned + Clone> Cache<T> {
    /// Keeps a record, unless a newer one is here.
    pub fn put(&mut self, key: &Key, name: &str, record: T) {
        self.see(key, name);
        if !self.unreadable.is_empty() {
            self.unreadable.remove(&(key.clone(), name.to_owned()));
        }
        let of_key = self.entries.entry(key.clone()).or_default();
        match of_key.iter_mut().find(|(other, _)| other == name) {
            Some((_, old)) if may_replace(old.resource_version(), record.resource_version()) => *old = record,
            Some(_) => {}
            None => {
                of_key.reserve_exact(1);
                of_key.push((name.to_owned(), record));
            }
        }
    }

    /// Remembers that an object is there and can't be decoded.
    pub fn unreadable(&mut self, key: &Key, name: &str, why: String) {
        self.see(key, name);
        self.unreadable.insert((key.clone(), name.to_owned()), why);
    }

    /// Name of an object of a Milvus that can't be decoded, and why.
    pub fn unknown(&self, key: &Key) -> Option<(&str, &str)> {
        let mut of_key = self.unreadable.iter().filter(|((owner, _), _)| owner == key);
        of_key.next().map(|((_, name), why)| (&**name, &**why))
    }

    fn see(&mut self, key: &Key, name: &str) {
        for (scope, seen) in &mut self.relists {
            if scope.contains(&key.0) {
                seen.insert((key.clone(), name.to_owned()));
            }
        }
    }

    /// Forgets the record of this name, whosever it is; gives whose it was.
    pub fn take(&mut self, name: &str) -> Option<Key> {
        let mut found =
            self.entries.iter().filter(|(_, of_key)| of_key.iter().any(|(other, _)| other == name));
        let key = found.next()?.0.clone();
        self.remove(&key, name);
        Some(key)
    }

    /// Forgets a record.
    pub fn remove(&mut self, key: &Key, name: &str) {
        if !self.unreadable.is_empty() {
            self.unreadable.remove(&(key.clone(), name.to_owned()));
        }
        if let Some(of_key) = self.entries.get_mut(key) {
            of_key.retain(|(other, _)| other != name);
            if of_key.is_empty() {
                self.entries.remove(key);
            }
        }
    }

    /// A relist of a scope begins.
    pub fn relist(&mut self, scope: &Scope) {
        self.relists.retain(|(other, _)| other != scope);
        self.relists.push((scope.clone(), HashSet::new()));
    }

    /// A relist has ended: what is in its scope and it did not name is gone. Gives the owners of what went.
    pub fn relisted(&mut self, scope: &Scope) -> Vec<Key> {
        let Some(at) = self.relists.iter().position(|(other, _)| other == scope) else { return Vec::new() };
        let (_, seen) = self.relists.swap_remove(at);
        let mut gone = Vec::new();
        for (key, of_key) in self.entries.iter().filter(|(key, _)| scope.contains(&key.0)) {
            let entries = of_key.iter().map(|(name, _)| (key.clone(), name.clone()));
            gone.extend(entries.filter(|entry| !seen.contains(entry)));
        }
        let unreadable = self.unreadable.keys().filter(|(key, _)| scope.contains(&key.0));
        gone.extend(unreadable.filter(|entry| !seen.contains(*entry)).cloned());
        for (key, name) in &gone {
            self.remove(key, name);
        }
        gone.into_iter().map(|(key, _)| key).collect()
    }

    /// A record.
    pub fn get(&self, key: &Key, name: &str) -> Option<&T> {
        self.entries.get(key)?.iter().find(|(other, _)| other == name).map(|(_, record)| record)
    }

    /// All records of one Milvus.
    pub fn of(&self, key: &Key) -> BTreeMap<String, T> {
        self.entries.get(key).into_iter().flatten().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use milvus_state::records::DeploymentRecord;

    use super::*;

    fn record(name: &str, version: &str) -> DeploymentRecord {
        let mut object = k8s_openapi::api::apps::v1::Deployment::default();
        object.metadata.name = Some(name.to_owned());
        object.metadata.resource_version = Some(version.to_owned());
        DeploymentRecord::of(&object)
    }

    fn key(name: &str) -> Key {
        ("ns".to_owned(), name.to_owned())
    }

    #[test]
    fn an_older_record_never_replaces_a_newer_one() {
        let mut cache = Cache::default();
        cache.put(&key("a"), "d", record("d", "10"));
        cache.put(&key("a"), "d", record("d", "9"));
        assert_eq!(cache.of(&key("a"))["d"].resource_version, "10");
        cache.put(&key("a"), "d", record("d", "11"));
        assert_eq!(cache.of(&key("a"))["d"].resource_version, "11");
    }

    #[test]
    fn a_relist_drops_what_it_does_not_name_and_tells_whose_it_was() {
        let mut cache = Cache::default();
        cache.put(&key("a"), "kept", record("kept", "1"));
        cache.put(&key("b"), "gone", record("gone", "1"));
        cache.relist(&Scope::All);
        cache.put(&key("a"), "kept", record("kept", "1"));
        assert_eq!(cache.relisted(&Scope::All), vec![key("b")]);
        assert!(cache.of(&key("b")).is_empty());
        assert_eq!(cache.of(&key("a")).len(), 1);
    }
    #[test]
    fn a_relist_of_one_namespace_drops_nothing_in_another() {
        let mut cache = Cache::default();
        let elsewhere = ("elsewhere".to_owned(), "a".to_owned());
        cache.put(&key("a"), "gone", record("gone", "1"));
        cache.put(&elsewhere, "kept", record("kept", "1"));
        let (here, there) = (Scope::Namespace("ns".to_owned()), Scope::Namespace("elsewhere".to_owned()));
        cache.relist(&there);
        cache.relist(&here);
        assert_eq!(cache.relisted(&here), vec![key("a")]);
        assert_eq!(cache.of(&elsewhere).len(), 1);
        assert_eq!(cache.relisted(&there), vec![elsewhere], "the other relist did not name it");
    }
}
