//! What runs have come to, and what is compared of their ends.

use std::fmt;

use serde_json::Value;

use super::plan::Plan;
use super::trace::Trace;

/// A run that went wrong.
#[derive(Clone, Debug)]
pub struct Failed {
    /// The plan that shows it.
    pub plan: Plan,
    /// What is wrong.
    pub why: String,
    /// The end of the trace.
    pub trace: Trace,
}

/// What many runs have come to.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Runs.
    pub runs: usize,
    /// Requests that a run without faults makes while faults are possible.
    pub requests: usize,
    /// Polls of operators in it.
    pub polls: u64,
    /// Runs that went wrong, in the order of their plans.
    pub failed: Vec<Failed>,
}

impl Report {
    /// Both.
    #[must_use]
    pub fn and(mut self, other: Report) -> Report {
        self.runs += other.runs;
        self.requests = self.requests.max(other.requests);
        self.polls = self.polls.max(other.polls);
        self.failed.extend(other.failed);
        self
    }
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report { runs, requests, polls, failed } = self;
        writeln!(out, "{runs} runs over {requests} requests and {polls} polls, {} wrong", failed.len())?;
        for failed in failed.iter().take(20) {
            writeln!(out, "  {}\n    {}", failed.plan, failed.why)?;
        }
        failed.first().map_or(Ok(()), |first| write!(out, "The first of them:\n{}", first.trace))
    }
}

/// An object without what differs from run to run: UIDs, revisions, times, names that are drawn, managed
/// fields.
#[must_use]
pub fn plain(object: &Value) -> Value {
    const METADATA: [&str; 6] =
        ["uid", "resourceVersion", "creationTimestamp", "managedFields", "generation", "generateName"];
    const ANYWHERE: [&str; 7] = [
        "lastTransitionTime",
        "lastUpdateTime",
        "lastProbeTime",
        "observedGeneration",
        "startTime",
        "pod-template-hash",
        "uid",
    ];
    match object {
        Value::Object(map) => {
            let kept = map.iter().filter(|(key, _)| !ANYWHERE.contains(&key.as_str()));
            let parts = kept.map(|(key, value)| {
                let mut value = plain(value);
                if let (true, Some(metadata)) = (key == "metadata", value.as_object_mut()) {
                    metadata.retain(|key, _| !METADATA.contains(&key.as_str()));
                }
                (key.clone(), value)
            });
            Value::Object(parts.collect())
        }
        Value::Array(list) => list.iter().map(plain).collect(),
        other => other.clone(),
    }
}
