//! `spec.config` as Milvus reads it: the only place that knows how its keys are compared.
//!
//! Milvus flattens its files to keys such as `etcd.rootPath` and compares them without case, `_`, `/` and `.`, so one
//! key can be written in many ways, nested or flat. It reads every value as text. Of a key that is in a file twice it
//! takes one by chance, and a variable of the environment over both.

use std::collections::BTreeMap;

use serde_json::{Map, Number, Value};

/// Keys below it are compared as they are written.
const VERBATIM: &str = "knowhere.";

/// What Milvus takes away from the name of a variable.
const VARIABLE: &str = "milvus.";

/// The form in which Milvus compares a key.
pub fn plain(key: &str) -> String {
    if key.starts_with(VERBATIM) {
        return key.to_owned();
    }
    key.chars().filter(|c| !matches!(c, '_' | '/' | '.')).flat_map(char::to_lowercase).collect()
}

/// The form in which Milvus compares the name of a variable with keys.
pub fn plain_variable(name: &str) -> String {
    let lower = name.to_lowercase();
    plain(lower.strip_prefix(VARIABLE).unwrap_or(&lower))
}

/// A value that is set.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry<'a> {
    /// Where it stands below `spec.config`, as the user wrote it.
    pub path: String,
    /// As the user wrote it: no map, and neither `null` nor empty, which mean "not set".
    pub value: &'a Value,
    text: String,
}

/// Every value of a configuration that is set.
#[derive(Debug, Default)]
pub struct Config<'a>(BTreeMap<String, Vec<Entry<'a>>>);

impl<'a> Config<'a> {
    /// Reads a configuration.
    pub fn of(map: &'a Map<String, Value>) -> Config<'a> {
        let mut config = Config::default();
        config.add("", map);
        config
    }

    fn add(&mut self, above: &str, map: &'a Map<String, Value>) {
        for (name, value) in map {
            let path = joined(above, name);
            if let Value::Object(inner) = value {
                self.add(&path, inner);
            } else if let Some(text) = text(value).filter(|text| !text.is_empty()) {
                self.0.entry(plain(&path)).or_default().push(Entry { path, value, text });
            }
        }
    }

    /// The value of a key, in whatever spelling.
    pub fn get(&self, key: &str) -> Option<&Entry<'a>> {
        self.each(key).first()
    }

    /// All spellings of a key that have a value.
    pub fn each(&self, key: &str) -> &[Entry<'a>] {
        self.0.get(&plain(key)).map_or(&[], Vec::as_slice)
    }

    /// The value of a key as Milvus reads it.
    pub fn text(&self, key: &str) -> Option<String> {
        self.get(key).map(|entry| entry.text.clone())
    }

    /// The value of a key is one that Milvus takes for true.
    pub fn flag(&self, key: &str) -> bool {
        self.get(key).is_some_and(|entry| TRUE.contains(&entry.text.as_str()))
    }

    /// The path of a key below `spec`: the user's, or as Milvus documents it.
    pub fn path(&self, key: &str) -> String {
        format!("spec.config.{}", self.get(key).map_or(key, |entry| &entry.path))
    }

    /// Keys that are written more than once, with different values: all spellings of each.
    pub fn contradictions(&self) -> impl Iterator<Item = &[Entry<'a>]> {
        let different = |all: &&Vec<Entry<'_>>| all.iter().any(|entry| Some(&entry.text) != text_of(all));
        self.0.values().filter(different).map(Vec::as_slice)
    }
}

impl Entry<'_> {
    /// The value as Milvus reads it.
    pub fn text(&self) -> &str {
        &self.text
    }
}

fn text_of<'e>(all: &'e [Entry<'_>]) -> Option<&'e String> {
    all.first().map(|entry| &entry.text)
}

/// What Go's `strconv.ParseBool` takes for true.
const TRUE: [&str; 6] = ["1", "t", "T", "TRUE", "true", "True"];

/// A value as Milvus turns it into text; `None` of what is no single value.
pub fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null | Value::Object(_) => None,
        Value::Bool(value) => Some(value.to_string()),
        Value::Number(value) => Some(number(value)),
        Value::String(value) => Some(value.clone()),
        Value::Array(items) => items.iter().map(text).collect::<Option<Vec<_>>>().map(|all| all.join(",")),
    }
}

/// Go writes a whole number without a point, also where it was written with one.
fn number(value: &Number) -> String {
    match value.as_f64() {
        Some(float) if value.is_f64() => float.to_string(),
        _ => value.to_string(),
    }
}

/// Takes every spelling of a key out of a configuration, and a section that is empty without it.
pub fn remove(map: &mut Map<String, Value>, key: &str) {
    remove_below("", map, &plain(key));
}

fn remove_below(above: &str, map: &mut Map<String, Value>, key: &str) {
    map.retain(|name, value| {
        let path = joined(above, name);
        let plain = plain(&path);
        match value {
            Value::Object(inner) if key.starts_with(&plain) => {
                let was_empty = inner.is_empty();
                remove_below(&path, inner, key);
                was_empty || !inner.is_empty()
            }
            Value::Object(_) => true,
            _ => plain != key,
        }
    });
}

/// The section of a top-level key of the file: `kafka` of `kafka` and of `kafka.brokerList`.
pub fn section(key: &str) -> String {
    plain(key.split(['.', '/']).next().unwrap_or(key))
}

fn joined(above: &str, name: &str) -> String {
    if above.is_empty() { name.to_owned() } else { format!("{above}.{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(yaml: &str) -> Map<String, Value> {
        serde_saphyr::from_str(yaml).unwrap()
    }

    #[test]
    fn a_key_is_found_in_every_spelling() {
        for yaml in [
            "{etcd: {rootPath: a}}",
            "{ETCD: {root_path: a}}",
            "{etcd.rootPath: a}",
            "{etcd/rootpath: a}",
            "{etcd: {root: {path: a}}}",
            "{etcdRootPath: a}",
        ] {
            assert_eq!(Config::of(&map(yaml)).text("etcd.rootPath").as_deref(), Some("a"), "{yaml}");
        }
        assert_eq!(plain_variable("ETCD_ROOTPATH"), plain("etcd.rootPath"));
        assert_eq!(plain_variable("milvus.etcd.rootPath"), plain("etcd.rootPath"));
    }

    #[test]
    fn what_is_null_or_empty_is_not_set() {
        for yaml in
            ["{etcd: null}", "{etcd: {}}", "{etcd: {rootPath: null}}", "{etcd: {rootPath: \"\"}}", "{}"]
        {
            assert_eq!(Config::of(&map(yaml)).text("etcd.rootPath"), None, "{yaml}");
        }
    }

    #[test]
    fn values_are_read_as_text() {
        let map = map("{a: 7, b: 7.0, c: 0.5, d: true, e: [x, 1], f: \"1\", g: 1, h: yes please}");
        let config = Config::of(&map);
        let texts: Vec<_> = ["a", "b", "c", "d", "e"].map(|key| config.text(key).unwrap()).into();
        assert_eq!(texts, ["7", "7", "0.5", "true", "x,1"]);
        assert_eq!(["d", "f", "g", "h"].map(|key| config.flag(key)), [true, true, true, false]);
    }

    #[test]
    fn two_values_of_one_key_contradict_each_other() {
        let two = map("{etcd: {rootPath: a, rootpath: b}, minio.port: 1, minio: {port: \"1\"}}");
        let config = Config::of(&two);
        let paths: Vec<Vec<&str>> =
            config.contradictions().map(|all| all.iter().map(|e| e.path.as_str()).collect()).collect();
        assert_eq!(paths, [["etcd.rootPath", "etcd.rootpath"]]);
        let exact = map("{knowhere: {HNSW: {a: 1}, hnsw: {a: 2}}}");
        assert_eq!(Config::of(&exact).contradictions().count(), 0, "these are two keys for Milvus");
    }

    #[test]
    fn every_spelling_is_taken_out() {
        let mut config =
            map("{ETCD: {root_path: a}, etcd: {rootPath: b, auth: {}}, etcd.rootpath: c, log: {}}");
        remove(&mut config, "etcd.rootPath");
        assert_eq!(config, map("{etcd: {auth: {}}, log: {}}"));
    }
}
