//! Which objects of a collection are asked for.

use serde_json::Value;

use crate::server::kinds::Kind;

/// A selection by labels and fields.
#[derive(Debug, Clone, Default)]
pub(super) struct Selector {
    labels: Vec<(String, Labels)>,
    fields: Vec<(&'static str, bool, String)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Labels {
    In(Vec<String>),
    NotIn(Vec<String>),
    Exists,
    Missing,
}

/// Fields that can be selected by: kind or every kind, name, place in the object, value when it is missing.
const FIELDS: &[(Option<Kind>, &str, &str)] = &[
    (None, "metadata.name", "/metadata/name"),
    (None, "metadata.namespace", "/metadata/namespace"),
    (Some(Kind::Pod), "status.phase", "/status/phase"),
    (Some(Kind::Pod), "spec.nodeName", "/spec/nodeName"),
    (Some(Kind::Event), "regarding.name", "/regarding/name"),
    (Some(Kind::Event), "regarding.kind", "/regarding/kind"),
    (Some(Kind::Event), "involvedObject.name", "/regarding/name"),
    (Some(Kind::Event), "involvedObject.kind", "/regarding/kind"),
    (Some(Kind::Event), "involvedObject.namespace", "/regarding/namespace"),
    (Some(Kind::Event), "involvedObject.uid", "/regarding/uid"),
    (Some(Kind::Secret), "type", "/type"),
];

impl Selector {
    /// Parses both selectors.
    ///
    /// # Errors
    /// What is not understood of them.
    pub(super) fn parse(kind: Kind, labels: &str, fields: &str) -> Result<Selector, String> {
        let labels = split(labels).into_iter().map(label).collect::<Result<_, _>>()?;
        let parse =
            |text: &str| field(kind, text).ok_or_else(|| format!("the field selector {text:?} of {kind:?}"));
        let fields = split(fields).into_iter().map(parse).collect::<Result<_, _>>()?;
        Ok(Selector { labels, fields })
    }

    /// Whether everything is selected.
    pub(super) fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }

    pub(super) fn selects(&self, object: &Value) -> bool {
        let label = |(key, wanted): &(String, Labels)| {
            let found = object["metadata"]["labels"][key.as_str()].as_str();
            let among =
                |values: &[String]| found.is_some_and(|found| values.iter().any(|value| value == found));
            match wanted {
                Labels::In(values) => among(values),
                Labels::NotIn(values) => !among(values),
                Labels::Exists => found.is_some(),
                Labels::Missing => found.is_none(),
            }
        };
        let field = |(pointer, equal, wanted): &(&str, bool, String)| {
            let found = object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
            (found == wanted) == *equal
        };
        self.labels.iter().all(label) && self.fields.iter().all(field)
    }
}

/// Splits at commas outside of brackets.
fn split(text: &str) -> Vec<&str> {
    let (mut parts, mut start, mut depth) = (Vec::new(), 0, 0_usize);
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts.into_iter().map(str::trim).filter(|part| !part.is_empty()).collect()
}

fn label(text: &str) -> Result<(String, Labels), String> {
    let set = |key: &str, values: &str, make: fn(Vec<String>) -> Labels| {
        let values = values.trim().strip_prefix('(')?.strip_suffix(')')?;
        let values = values.split(',').map(|value| value.trim().to_owned()).collect();
        Some((key.trim().to_owned(), make(values)))
    };
    let one = |key: &str, value: &str, make: fn(Vec<String>) -> Labels| {
        Some((key.trim().to_owned(), make(vec![value.trim().to_owned()])))
    };
    let parsed = if let Some((key, value)) = text.split_once("!=") {
        one(key, value, Labels::NotIn)
    } else if let Some((key, value)) = text.split_once("==").or_else(|| text.split_once('=')) {
        one(key, value, Labels::In)
    } else if let Some((key, values)) = text.split_once(" notin ") {
        set(key, values, Labels::NotIn)
    } else if let Some((key, values)) = text.split_once(" in ") {
        set(key, values, Labels::In)
    } else if let Some(key) = text.strip_prefix('!') {
        Some((key.trim().to_owned(), Labels::Missing))
    } else {
        Some((text.to_owned(), Labels::Exists))
    };
    let plain = |key: &str| key.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c));
    parsed
        .filter(|(key, _)| !key.is_empty() && plain(key))
        .ok_or_else(|| format!("the label selector {text:?}"))
}

fn field(kind: Kind, text: &str) -> Option<(&'static str, bool, String)> {
    let (name, equal, value) = if let Some((name, value)) = text.split_once("!=") {
        (name, false, value)
    } else {
        let (name, value) = text.split_once("==").or_else(|| text.split_once('='))?;
        (name, true, value)
    };
    let fits =
        |(of, known, _): &&(Option<Kind>, &str, &str)| of.is_none_or(|of| of == kind) && *known == name;
    let (.., pointer) = FIELDS.iter().find(fits)?;
    Some((pointer, equal, value.to_owned()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn labels_and_fields_select() {
        let pod = json!({
            "metadata": { "name": "a", "labels": { "x": "1", "e.f/g": "h" } },
            "status": { "phase": "Running" },
        });
        for (labels, fields, expected) in [
            ("", "", true),
            ("x=1", "", true),
            ("x==1,e.f/g", "", true),
            ("x!=1", "", false),
            ("y!=1", "", true),
            ("x in (1, 2)", "", true),
            ("x notin (1,2)", "", false),
            ("!y", "", true),
            ("y", "", false),
            ("", "metadata.name=a", true),
            ("", "status.phase!=Succeeded,status.phase!=Failed", true),
            ("", "status.phase=Failed", false),
        ] {
            let selector = Selector::parse(Kind::Pod, labels, fields).unwrap();
            assert_eq!(selector.selects(&pod), expected, "{labels} {fields}");
        }
        assert!(Selector::parse(Kind::Service, "", "status.phase=Failed").is_err());
        assert!(Selector::parse(Kind::Pod, "x>1", "").is_err());
    }
}
