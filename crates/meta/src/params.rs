//! Index parameters: from the nested form of 2.1 to the flat one of 2.2.
//!
//! 2.1 keeps what the user gave: `index_type`, `metric_type`, and `params` with a JSON object as text. 2.2
//! wants one list of names and texts. The official tool prints numbers as Go's `%v` does, which turns 1000000
//! into `1e+06`, a value that Milvus cannot read as an integer; here integers stay integers.

use std::collections::BTreeMap;

use serde_json::{Number, Value};
use snafu::{ResultExt, Snafu, ensure};

use crate::proto::KeyValuePair;

/// Why parameters cannot be flattened.
#[derive(Debug, Snafu)]
pub enum ParamsError {
    /// `params` is not JSON.
    #[snafu(display("index parameter `params` is not JSON: {source}"))]
    NotJson {
        /// What the parser says.
        source: serde_json::Error,
    },
    /// `params` is JSON, but not an object.
    #[snafu(display("index parameter `params` is not a JSON object"))]
    NotObject,
    /// A member is an array, an object or null: no index of 2.1 takes such a value.
    #[snafu(display("index parameter `params.{name}` is neither text, a number nor a truth value"))]
    Value {
        /// The member.
        name: String,
    },
}

/// The flat form, sorted by name. Where a name occurs twice, the later one wins.
///
/// # Errors
///
/// When `params` is no JSON object of texts, numbers and truth values.
pub fn flatten(nested: &[KeyValuePair]) -> Result<Vec<KeyValuePair>, ParamsError> {
    let mut flat = BTreeMap::new();
    for pair in nested {
        if pair.key != "params" {
            flat.insert(pair.key.clone(), pair.value.clone());
            continue;
        }
        let value: Value = serde_json::from_str(&pair.value).context(NotJsonSnafu)?;
        let Value::Object(members) = value else { return NotObjectSnafu.fail() };
        for (name, value) in members {
            let text = text(&value);
            ensure!(text.is_some(), ValueSnafu { name });
            flat.insert(name, text.unwrap_or_default());
        }
    }
    Ok(flat.into_iter().map(|(key, value)| KeyValuePair { key, value }).collect())
}

/// A JSON scalar as text; `None` for anything else.
pub fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Number(number) => Some(number_text(number)),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Integers in full; fractions as Go's `%v` prints a float64: shortest form, with an exponent of at least two
/// digits below 1e-4 and from 1e6 on.
fn number_text(number: &Number) -> String {
    let Some(float) = number.as_f64().filter(|_| number.is_f64()) else {
        return number.to_string();
    };
    if float.fract() == 0.0 && float.abs() < 1e15 {
        return format!("{float:.0}");
    }
    let scientific = format!("{float:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..6).contains(&exponent) {
        return format!("{float}");
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("1024", "1024")]
    #[case("1000000", "1000000")]
    #[case("1e6", "1000000")]
    #[case("-3", "-3")]
    #[case("0.5", "0.5")]
    #[case("0.0001", "0.0001")]
    #[case("0.00001", "1e-05")]
    #[case("0.000012", "1.2e-05")]
    #[case("1234567.5", "1.2345675e+06")]
    #[case("true", "true")]
    #[case("\"a\"", "a")]
    fn scalars(#[case] json: &str, #[case] expected: &str) {
        assert_eq!(text(&serde_json::from_str(json).unwrap()).as_deref(), Some(expected));
    }

    #[rstest]
    #[case("{\"nlist\": [1]}")]
    #[case("{\"nlist\": null}")]
    #[case("[]")]
    #[case("nlist=1")]
    fn what_has_no_flat_form_is_refused(#[case] params: &str) {
        let pair = KeyValuePair { key: "params".into(), value: params.into() };
        assert!(flatten(&[pair]).is_err());
    }
}
