//! Writes a mapping as block YAML.

use std::fmt::Write as _;

use super::{Map, Node};

/// The text of a mapping; an empty one is `{}`.
pub fn emit(map: &Map) -> String {
    let mut out = String::new();
    if map.0.is_empty() {
        out.push_str("{}\n");
    } else {
        entries(&mut out, map, 0);
    }
    out
}

fn entries(out: &mut String, map: &Map, depth: usize) {
    for (key, entry) in &map.0 {
        indent(out, depth);
        text(out, key, entry.plain_key);
        out.push(':');
        node(out, &entry.value, depth + 1);
    }
}

/// What follows `key:` or `-`, to the end of its last line.
fn node(out: &mut String, value: &Node, depth: usize) {
    match value {
        Node::Scalar(scalar) => {
            out.push(' ');
            text(out, &scalar.text, scalar.plain);
            out.push('\n');
        }
        Node::List(items) if items.is_empty() => out.push_str(" []\n"),
        Node::Map(map) if map.0.is_empty() => out.push_str(" {}\n"),
        Node::List(items) => {
            out.push('\n');
            for item in items {
                indent(out, depth);
                out.push('-');
                node(out, item, depth + 1);
            }
        }
        Node::Map(map) => {
            out.push('\n');
            entries(out, map, depth);
        }
    }
}

fn indent(out: &mut String, depth: usize) {
    for _ in 0..depth {
        out.push_str("  ");
    }
}

/// A plain text stays plain: it was one before, on one line of a block, where it is one again.
fn text(out: &mut String, text: &str, plain: bool) {
    if plain && !text.contains('\n') {
        out.push_str(text);
        return;
    }
    out.push('"');
    for char in text.chars() {
        match char {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            // Not printable, or a line break or mark for some readers.
            c if c.is_control()
                || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}') =>
            {
                // Writing to a String does not fail.
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}
