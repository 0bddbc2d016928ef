//! Parameters of a request.

use std::collections::BTreeMap;

use crate::server::answer::Failure;

/// Parameters that are understood.
const KNOWN: &[&str] = &[
    "allowWatchBookmarks",
    "continue",
    "dryRun",
    "fieldManager",
    "fieldSelector",
    "fieldValidation",
    "force",
    "labelSelector",
    "limit",
    "pretty",
    "propagationPolicy",
    "gracePeriodSeconds",
    "resourceVersion",
    "resourceVersionMatch",
    "sendInitialEvents",
    "timeoutSeconds",
    "watch",
];

/// Parameters by name.
#[derive(Debug, Clone, Default)]
pub(super) struct Query(BTreeMap<String, String>);

impl Query {
    /// The parameters, and what of them is not known.
    pub(super) fn parse(query: &str) -> (Query, Vec<String>) {
        let all: BTreeMap<String, String> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let bad = |(name, value): &(&String, &String)| match name.as_str() {
            "fieldValidation" => value.as_str() == "Strict",
            "dryRun" => value.as_str() != "All",
            name => !KNOWN.contains(&name),
        };
        let unknown =
            all.iter().filter(bad).map(|(name, value)| format!("the parameter {name}={value}")).collect();
        (Query(all), unknown)
    }

    /// A parameter; empty when it is not there.
    pub(super) fn text(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    pub(super) fn is(&self, name: &str) -> bool {
        matches!(self.text(name), "true" | "1")
    }

    /// A number that may be missing.
    ///
    /// # Errors
    /// 400 for what is no number.
    pub(super) fn number(&self, name: &str) -> Result<Option<u64>, Failure> {
        let text = self.text(name);
        if text.is_empty() {
            return Ok(None);
        }
        text.parse().map(Some).map_err(|_| Failure::bad_request(format!("{name}: Invalid value: {text:?}")))
    }

    pub(super) fn dry_run(&self) -> bool {
        !self.text("dryRun").is_empty()
    }
}
