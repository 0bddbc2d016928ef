//! Free-form parts of a spec, typed.

use milvus_api::FreeForm;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::findings::Findings;
use crate::refusal::Refusal;

/// What a decoder says, without the texts that it quotes: a password in the wrong place must not get into the status.
pub(super) fn without_values(said: &str) -> String {
    for (begins, ends, instead) in
        [("string \"", "\", expected", "a text"), ("variant `", "`, expected", "variant")]
    {
        let quoted = said.find(begins).zip(said.rfind(ends)).filter(|(from, to)| from + begins.len() <= *to);
        if let Some((from, to)) = quoted {
            return format!("{}{instead}{}", &said[..from], &said[to + ends.len() - ", expected".len()..]);
        }
    }
    said.to_owned()
}

/// Where the settings of all components stand.
pub(super) const GLOBAL: &str = "spec.components";

/// Types free-form parts, and names the field that can't be typed.
pub(super) struct Decode<'a> {
    /// Where the component's own settings stand.
    pub(super) own: &'a str,
    pub(super) findings: &'a mut Findings,
}

impl Decode<'_> {
    /// Types a value that stands in the component's own settings, or in those of all.
    pub(super) fn one<T: DeserializeOwned + Serialize>(
        &mut self,
        field: &str,
        value: Option<(bool, &FreeForm)>,
    ) -> Option<T> {
        let (mine, value) = value?;
        let path = format!("{}.{field}", if mine { self.own } else { GLOBAL });
        match value.decode::<T>() {
            Ok(typed) => {
                // What a type of Kubernetes does not have can't be passed on.
                let back = serde_json::to_value(&typed).unwrap_or_default();
                lost(&value.to_value(), &back, &path, &mut self.findings.warnings);
                Some(typed)
            }
            Err(error) => {
                let fix = "Write it as Kubernetes documents it for pods.";
                let why = without_values(&error.to_string());
                self.findings.refusals.push(Refusal::invalid(&path, why, fix));
                None
            }
        }
    }

    pub(super) fn list<T: DeserializeOwned + Serialize>(
        &mut self,
        field: &str,
        own: &[FreeForm],
        global: &[FreeForm],
    ) -> Vec<T> {
        let (mine, values) = if own.is_empty() { (false, global) } else { (true, own) };
        let numbered = values.iter().enumerate();
        numbered.filter_map(|(i, value)| self.one(&format!("{field}[{i}]"), Some((mine, value)))).collect()
    }
}

/// Says which fields of `given` are not in `typed`.
fn lost(given: &Value, typed: &Value, path: &str, said: &mut Vec<String>) {
    match (given, typed) {
        (Value::Object(given), Value::Object(typed)) => {
            for (key, value) in given.iter().filter(|(_, value)| !value.is_null()) {
                let path = format!("{path}.{key}");
                match typed.get(key) {
                    Some(typed) => lost(value, typed, &path, said),
                    None => {
                        said.push(format!("{path}: Kubernetes has no such field there, and it is left out"));
                    }
                }
            }
        }
        (Value::Array(given), Value::Array(typed)) => {
            let pairs = given.iter().zip(typed).enumerate();
            pairs.for_each(|(i, (given, typed))| lost(given, typed, &format!("{path}[{i}]"), said));
        }
        _ => {}
    }
}
