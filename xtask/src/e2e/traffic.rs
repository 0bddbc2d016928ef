//! What the traffic was answered: counts, and the stretches without a right search.

use std::{collections::BTreeMap, time::Duration};

use serde::Deserialize;

/// A stretch without a right search is an outage when it is longer than this.
const OUTAGE: f64 = 1.5;

/// One request of the traffic.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Request {
    /// `search`, `query`, `insert` or `define`.
    pub(super) kind: String,
    /// When it was sent, in seconds since 1970.
    pub(super) at: f64,
    /// Seconds until it was answered.
    pub(super) took: f64,
    pub(super) outcome: Outcome,
    /// Why it failed.
    #[serde(default)]
    pub(super) why: String,
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Outcome {
    Right,
    /// Answered without an error, but not with what is known to be there.
    Wrong,
    Failed,
}

/// How many requests of a kind there were, and how many did not go well.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Count {
    pub(super) all: usize,
    pub(super) failed: usize,
    pub(super) wrong: usize,
}

/// A stretch without a right search.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Outage {
    /// When the last right answer before it came, in seconds since 1970.
    pub(super) from: f64,
    pub(super) lasted: Duration,
}

/// Reads the lines of the client.
pub(super) fn parse(text: &str) -> Result<Vec<Request>, serde_json::Error> {
    text.lines().map(serde_json::from_str).collect()
}

/// Counts by kind.
pub(super) fn counts(requests: &[Request]) -> BTreeMap<&str, Count> {
    let mut counts: BTreeMap<&str, Count> = BTreeMap::new();
    for request in requests {
        let count = counts.entry(&request.kind).or_default();
        count.all += 1;
        match request.outcome {
            Outcome::Right => {}
            Outcome::Wrong => count.wrong += 1,
            Outcome::Failed => count.failed += 1,
        }
    }
    counts
}

/// The stretches between two right answers to searches that are too long; traffic that ends in one counts it
/// to its end.
pub(super) fn outages(requests: &[Request]) -> Vec<Outage> {
    let searches: Vec<&Request> = requests.iter().filter(|request| request.kind == "search").collect();
    let Some(first) = searches.iter().map(|search| search.at).reduce(f64::min) else { return Vec::new() };
    let answered = |search: &&&Request| search.outcome == Outcome::Right;
    let mut right: Vec<f64> =
        searches.iter().filter(answered).map(|search| search.at + search.took).collect();
    right.extend(searches.iter().map(|search| search.at + search.took).reduce(f64::max));
    right.sort_by(f64::total_cmp);
    let before = std::iter::once(first).chain(right.iter().copied());
    before
        .zip(right.iter().copied())
        .filter(|(from, to)| to - from > OUTAGE)
        .map(|(from, to)| Outage { from, lasted: Duration::from_secs_f64(to - from) })
        .collect()
}

/// The different reasons of failures of a kind, with how often each came, the most frequent first.
pub(super) fn reasons(requests: &[Request]) -> Vec<(String, usize)> {
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    for request in requests.iter().filter(|request| request.outcome == Outcome::Failed) {
        *reasons.entry(format!("{}: {}", request.kind, request.why)).or_default() += 1;
    }
    let mut sorted: Vec<(String, usize)> = reasons.into_iter().collect();
    sorted.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    sorted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn search(at: f64, outcome: &str) -> String {
        format!(r#"{{"kind": "search", "at": {at}, "took": 0.1, "outcome": "{outcome}", "why": "gone"}}"#)
    }

    #[test]
    fn a_wrong_answer_ends_no_outage() {
        let lines = [
            search(0.0, "right"),
            search(1.0, "right"),
            search(2.0, "failed"),
            search(3.0, "wrong"),
            search(4.0, "right"),
            search(5.0, "right"),
            search(9.0, "failed"),
        ];
        let requests = parse(&lines.join("\n")).unwrap();
        assert_eq!(counts(&requests)["search"], Count { all: 7, failed: 2, wrong: 1 });
        let lasted: Vec<u64> = outages(&requests).iter().map(|outage| outage.lasted.as_secs()).collect();
        assert_eq!(lasted, [3, 4], "from the last right answer to the next, and to the end");
        assert_eq!(reasons(&requests), [("search: gone".to_owned(), 2)]);
    }
}
