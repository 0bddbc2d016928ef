//! YAML in which every scalar stays what was written.
//!
//! Milvus reads its settings as text: `0777`, `1e3`, `yes` and `1.0` must reach it unchanged, so nothing here
//! decides what is a number. A scalar is its text and whether it was quoted. Comments are lost, as they are
//! with upstream; order is kept.

mod emit;
mod parse;

pub use emit::emit;
use indexmap::IndexMap;
pub use parse::parse;

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// Text.
    Scalar(Scalar),
    /// A sequence.
    List(Vec<Node>),
    /// A mapping in the order of its text.
    Map(Map),
}

/// One text. A value that is left out is `~`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scalar {
    /// What it says, after escapes.
    pub text: String,
    /// Not quoted, so a reader may take it for a number, a boolean or null.
    pub plain: bool,
}

/// A mapping with keys of text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Map(pub IndexMap<String, Entry>);

/// What belongs to a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Whether the key was written without quotes.
    pub plain_key: bool,
    /// Its value.
    pub value: Node,
}

impl Map {
    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.0.get(key).map(|entry| &entry.value)
    }

    /// The value of a key in a map of a key.
    pub fn get_in(&self, outer: &str, key: &str) -> Option<&Node> {
        match self.get(outer)? {
            Node::Map(map) => map.get(key),
            _ => None,
        }
    }

    /// Takes a key away; the others keep their order.
    pub fn remove(&mut self, key: &str) {
        self.0.shift_remove(key);
    }

    /// Puts `over` on top: maps become one, key by key; everything else, lists and null too, is replaced.
    pub fn merge(&mut self, over: Self) {
        for (key, entry) in over.0 {
            match (self.0.get_mut(&key).map(|existing| &mut existing.value), entry.value) {
                (Some(Node::Map(map)), Node::Map(over)) => map.merge(over),
                (Some(existing), value) => *existing = value,
                (None, value) => {
                    self.0.insert(key, Entry { plain_key: entry.plain_key, value });
                }
            }
        }
    }
}

impl Node {
    /// Its text, when it is a text that says something.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Scalar(scalar) if !scalar.is_null() => Some(&scalar.text),
            _ => None,
        }
    }
}

impl Scalar {
    /// Null as YAML 1.2 writes it.
    pub fn is_null(&self) -> bool {
        self.plain && matches!(self.text.as_str(), "~" | "null" | "Null" | "NULL")
    }
}
