//! Sets of fields, as `fieldsV1` of managed fields has them.
//!
//! A step of a path is kept as it is written there: `f:image`, `k:{"name":"milvus"}`, `v:"finalizer"`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::server::schema::{Merge, Schema};

/// A set of paths.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Fields {
    members: BTreeSet<String>,
    below: BTreeMap<String, Fields>,
}

impl Fields {
    pub(super) fn of_paths(paths: &[&[&str]]) -> Fields {
        let mut fields = Fields::default();
        for path in paths {
            fields.insert(&path.iter().map(|name| format!("f:{name}")).collect::<Vec<_>>());
        }
        fields
    }

    /// Adds a path. The empty one, which is the whole object, is owned by nobody.
    pub(super) fn insert(&mut self, path: &[String]) {
        match path {
            [] => {}
            [last] => _ = self.members.insert(last.clone()),
            [first, rest @ ..] => self.below.entry(first.clone()).or_default().insert(rest),
        }
    }

    /// Adds a step, as a path by itself or not, and what is below it.
    pub(super) fn put(&mut self, step: String, member: bool, below: Fields) {
        if !below.is_empty() {
            self.below.insert(step.clone(), below);
        }
        if member {
            self.members.insert(step);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty() && self.below.is_empty()
    }

    pub(super) fn has(&self, step: &str) -> bool {
        self.members.contains(step)
    }

    pub(super) fn below(&self, step: &str) -> Option<&Fields> {
        self.below.get(step)
    }

    pub(super) fn union(&self, other: &Fields) -> Fields {
        let mut all = self.clone();
        all.members.extend(other.members.iter().cloned());
        for (step, fields) in &other.below {
            let merged = all.below.get(step).map_or_else(|| fields.clone(), |own| own.union(fields));
            all.below.insert(step.clone(), merged);
        }
        all
    }

    pub(super) fn intersection(&self, other: &Fields) -> Fields {
        let members = self.members.intersection(&other.members).cloned().collect();
        let both =
            |(step, own): (&String, &Fields)| Some((step.clone(), own.intersection(other.below.get(step)?)));
        Fields { members, below: self.below.iter().filter_map(both).filter(|(_, f)| !f.is_empty()).collect() }
    }

    /// Without the paths of another set; what is below a path stays.
    pub(super) fn difference(&self, other: &Fields) -> Fields {
        let members = self.members.difference(&other.members).cloned().collect();
        let left = |(step, own): (&String, &Fields)| {
            (step.clone(), other.below.get(step).map_or_else(|| own.clone(), |theirs| own.difference(theirs)))
        };
        Fields { members, below: self.below.iter().map(left).filter(|(_, f)| !f.is_empty()).collect() }
    }

    /// Without the paths of another set and everything below them.
    pub(super) fn without_all_of(&self, other: &Fields) -> Fields {
        let members = self.members.difference(&other.members).cloned().collect();
        let left = |(step, own): (&String, &Fields)| {
            let own = other.below.get(step).map_or_else(|| own.clone(), |theirs| own.without_all_of(theirs));
            (step.clone(), own)
        };
        let kept = self.below.iter().filter(|(step, _)| !other.members.contains(*step));
        Fields { members, below: kept.map(left).filter(|(_, f)| !f.is_empty()).collect() }
    }

    /// With every named field of an object that has something below it.
    pub(super) fn with_named(&self, schema: &Schema) -> Fields {
        let mut members = self.members.clone();
        let mut below = BTreeMap::new();
        for (step, fields) in &self.below {
            let name = step.strip_prefix("f:");
            let schema = match (schema, name) {
                (Schema::Object(object), Some(name)) => {
                    if object.fields.contains_key(name) {
                        members.insert(step.clone());
                    }
                    object.field(name)
                }
                (Schema::List(list), None) => Some(&*list.item),
                _ => None,
            };
            below.insert(step.clone(), fields.with_named(schema.unwrap_or(&Schema::Any)));
        }
        Fields { members, below }
    }

    /// As in `fieldsV1`.
    pub(super) fn encode(&self) -> Value {
        let mut map = Map::new();
        for step in &self.members {
            map.insert(step.clone(), json!({}));
        }
        for (step, fields) in &self.below {
            let mut below = fields.encode();
            if self.members.contains(step) {
                below["."] = json!({});
            }
            map.insert(step.clone(), below);
        }
        Value::Object(map)
    }

    pub(super) fn decode(value: &Value) -> Fields {
        let mut fields = Fields::default();
        for (step, value) in value.as_object().into_iter().flatten().filter(|(step, _)| *step != ".") {
            let below = Fields::decode(value);
            if below.is_empty() || value.get(".").is_some() {
                fields.members.insert(step.clone());
            }
            if !below.is_empty() {
                fields.below.insert(step.clone(), below);
            }
        }
        fields
    }

    /// All paths in words.
    pub(super) fn words(&self) -> String {
        let mut paths = Vec::new();
        self.collect("", &mut paths);
        paths.join(", ")
    }

    fn collect(&self, prefix: &str, paths: &mut Vec<String>) {
        let shown = |step: &str| match step.split_once(':') {
            Some(("f", name)) => format!("{prefix}.{name}"),
            _ => format!("{prefix}[{step}]"),
        };
        paths.extend(self.members.iter().map(|step| shown(step)));
        for (step, fields) in &self.below {
            fields.collect(&shown(step), paths);
        }
    }
}

/// The step that leads to an item of a list. None for an item of a list that is one value, or without its
/// keys.
pub(super) fn step_of(merge: &Merge, item: &Value) -> Option<String> {
    match merge {
        Merge::Atomic => None,
        Merge::Set => (!item.is_object() && !item.is_array() && !item.is_null()).then(|| format!("v:{item}")),
        Merge::Keys(keys) => {
            let item = item.as_object()?;
            let value = |(key, default): &(String, Option<Value>)| {
                Some((key.clone(), item.get(key).or(default.as_ref())?.clone()))
            };
            let keys: BTreeMap<String, Value> = keys.iter().filter_map(value).collect();
            if keys.is_empty() {
                return None;
            }
            Some(format!("k:{}", serde_json::to_string(&keys).unwrap_or_default()))
        }
    }
}
