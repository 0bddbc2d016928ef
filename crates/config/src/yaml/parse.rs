//! Reads one YAML document that is a mapping.

use std::{borrow::Cow, collections::HashMap, path::Path};

use granit_parser::{Event, Marker, Parser, ScalarStyle, Tag};

use super::{Entry, Map, Node, Scalar};
use crate::error::{Error, YamlSnafu};

/// More values than any configuration has: what a text whose aliases multiply is stopped at.
const MOST_VALUES: usize = 200_000;

/// The mapping in `text`; an empty one when there is nothing in it. `path` is for the error, which names line
/// and column.
///
/// # Errors
///
/// When the text is no YAML, no mapping, or more than a configuration can be.
pub fn parse(path: &Path, text: &str) -> Result<Map, Error> {
    let mut builder =
        Builder { path, open: Vec::new(), anchors: HashMap::new(), root: None, left: MOST_VALUES };
    for next in Parser::new_from_str(text) {
        let (event, span) = next.map_err(|error| builder.error(error.marker(), error.info()))?;
        builder.event(event, &span.start)?;
    }
    match builder.root {
        None => Ok(Map::default()),
        Some(Node::Map(map)) => Ok(map),
        Some(Node::Scalar(scalar)) if scalar.is_null() => Ok(Map::default()),
        Some(_) => {
            YamlSnafu { path, line: 1_usize, column: 1_usize, reason: "must be a mapping (`key: value`)" }
                .fail()
        }
    }
}

/// A collection that has begun.
enum Open {
    List { anchor: usize, items: Vec<Node> },
    Map { anchor: usize, map: Map, key: Option<Scalar>, merged: Vec<Map> },
}

struct Builder<'a> {
    path: &'a Path,
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    root: Option<Node>,
    /// Values that may still come.
    left: usize,
}

impl Builder<'_> {
    fn error(&self, at: &Marker, reason: impl Into<String>) -> Error {
        YamlSnafu { path: self.path, line: at.line(), column: at.col() + 1, reason }.build()
    }

    fn event(&mut self, event: Event<'_>, at: &Marker) -> Result<(), Error> {
        self.charge(1, at)?;
        match event {
            Event::DocumentStart(..) if self.root.is_some() => {
                Err(self.error(at, "a second document; only one is read"))
            }
            Event::Scalar(text, style, anchor, tag) => {
                let plain = style == ScalarStyle::Plain && !self.is_text(tag.as_deref(), at)?;
                self.value(anchor, Node::Scalar(Scalar { text: text.into_owned(), plain }), at)
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.is_text(tag.as_deref(), at)?;
                self.open.push(Open::List { anchor, items: Vec::new() });
                Ok(())
            }
            Event::MappingStart(_, anchor, tag) => {
                self.is_text(tag.as_deref(), at)?;
                self.open.push(Open::Map { anchor, map: Map::default(), key: None, merged: Vec::new() });
                Ok(())
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(at),
            Event::Alias(anchor) => {
                let node = self.anchors.get(&anchor).cloned();
                let node = node.ok_or_else(|| self.error(at, "this alias stands inside of what it names"))?;
                self.charge(size(&node), at)?;
                self.value(0, node, at)
            }
            // Starts, ends and comments say nothing about values.
            _ => Ok(()),
        }
    }

    /// Whether a tag makes its value a text. Tags that say what is so without them are allowed, those of
    /// somebody's own are not.
    fn is_text(&self, tag: Option<&Tag>, at: &Marker) -> Result<bool, Error> {
        match tag.map(|tag| (tag.core_suffix(), tag)) {
            None => Ok(false),
            Some((Some(kind), _)) => Ok(kind == "str"),
            Some((None, tag)) => {
                Err(self.error(at, format!("the tag {}{} is not known", tag.original_handle(), tag.suffix())))
            }
        }
    }

    fn close(&mut self, at: &Marker) -> Result<(), Error> {
        match self.open.pop() {
            Some(Open::List { anchor, items }) => self.value(anchor, Node::List(items), at),
            Some(Open::Map { anchor, mut map, merged, .. }) => {
                for (key, entry) in merged.into_iter().flat_map(|merged| merged.0) {
                    map.0.entry(key).or_insert(entry);
                }
                self.value(anchor, Node::Map(map), at)
            }
            None => Err(self.error(at, "an end without a beginning")),
        }
    }

    fn charge(&mut self, values: usize, at: &Marker) -> Result<(), Error> {
        let left = self.left.checked_sub(values);
        self.left = left.ok_or_else(|| self.error(at, format!("more than {MOST_VALUES} values")))?;
        Ok(())
    }

    /// A whole value goes into what is open.
    fn value(&mut self, anchor: usize, node: Node, at: &Marker) -> Result<(), Error> {
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        let problem: Cow<'static, str> = match (self.open.last_mut(), node) {
            (None, node) => {
                self.root = Some(node);
                return Ok(());
            }
            (Some(Open::List { items, .. }), node) => {
                items.push(node);
                return Ok(());
            }
            (Some(Open::Map { key, map, merged, .. }), node) => match (key.take(), node) {
                (None, Node::Scalar(name)) if map.get(&name.text).is_some() => {
                    format!("the key {:?} is there twice", name.text).into()
                }
                (None, Node::Scalar(name)) => {
                    *key = Some(name);
                    return Ok(());
                }
                (None, _) => "a key must be a text".into(),
                (Some(name), node) if name.plain && name.text == "<<" => match maps(node) {
                    Some(maps) => {
                        merged.extend(maps);
                        return Ok(());
                    }
                    None => "`<<` takes a mapping or a list of mappings".into(),
                },
                (Some(name), node) => {
                    map.0.insert(name.text, Entry { plain_key: name.plain, value: node });
                    return Ok(());
                }
            },
        };
        Err(self.error(at, problem))
    }
}

fn maps(node: Node) -> Option<Vec<Map>> {
    match node {
        Node::Map(map) => Some(vec![map]),
        Node::List(items) => {
            items.into_iter().map(|item| if let Node::Map(map) = item { Some(map) } else { None }).collect()
        }
        Node::Scalar(_) => None,
    }
}

/// How many values a value is made of.
fn size(node: &Node) -> usize {
    match node {
        Node::Scalar(_) => 1,
        Node::List(items) => 1 + items.iter().map(size).sum::<usize>(),
        Node::Map(map) => 1 + map.0.values().map(|entry| size(&entry.value)).sum::<usize>(),
    }
}
