//! A plan: everything that makes a run what it is, in one line that a person can read and write.

use std::fmt;
use std::str::FromStr;

use super::fault::Fault;
use super::operation::{Operation, Verb};

/// Which requests are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// All.
    Request,
    /// Those that change nothing.
    Read,
    /// Those that change what is stored.
    Write,
    /// Those of a verb.
    Verb(Verb),
    /// No request: how often the operator's future is polled. Each poll is one or more awaits further.
    Poll,
}

impl Class {
    fn holds(self, verb: Verb) -> bool {
        match self {
            Class::Request => true,
            Class::Read => !verb.writes(),
            Class::Write => verb.writes(),
            Class::Verb(own) => own == verb,
            Class::Poll => false,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Class::Request => "request",
            Class::Read => "read",
            Class::Write => "write",
            Class::Verb(verb) => verb.as_str(),
            Class::Poll => "poll",
        }
    }

    fn parse(word: &str) -> Option<Class> {
        let verbs = Verb::ALL.into_iter().map(Class::Verb);
        let all = [Class::Request, Class::Read, Class::Write, Class::Poll].into_iter().chain(verbs);
        all.into_iter().find(|class| class.as_str() == word)
    }
}

/// A fault at the n-th request of a class: `at write 12: kill after`, `operator-1 at apply deployments 3:
/// 409`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct At {
    /// Only requests of this client are counted.
    pub client: Option<String>,
    /// Which requests are counted.
    pub class: Class,
    /// Only requests for this resource are counted.
    pub resource: Option<String>,
    /// The n-th, from 1.
    pub nth: u64,
    /// What happens then.
    pub fault: Fault,
}

impl At {
    /// Whether a request is counted.
    pub(super) fn counts(&self, client: &str, operation: &Operation) -> bool {
        self.class.holds(operation.verb)
            && self.client.as_ref().is_none_or(|own| own == client)
            && self.resource.as_ref().is_none_or(|own| *own == operation.resource)
    }

    /// Whether a poll is counted.
    pub(super) fn counts_poll(&self, client: &str) -> bool {
        self.class == Class::Poll && self.client.as_ref().is_none_or(|own| own == client)
    }
}

impl fmt::Display for At {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(client) = &self.client {
            write!(out, "{client} ")?;
        }
        write!(out, "at {} ", self.class.as_str())?;
        if let Some(resource) = &self.resource {
            write!(out, "{resource} ")?;
        }
        write!(out, "{}: {}", self.nth, self.fault)
    }
}

impl At {
    fn parse(text: &str) -> Option<At> {
        let (place, fault) = text.split_once(':')?;
        let (client, place) = match place.strip_prefix("at ") {
            Some(rest) => (None, rest),
            None => place.split_once(" at ").map(|(client, rest)| (Some(client.to_owned()), rest))?,
        };
        let mut words = place.split_whitespace();
        let class = Class::parse(words.next()?)?;
        let second = words.next()?;
        let (resource, nth) = match words.next() {
            Some(third) => (Some(second.to_owned()), third),
            None => (None, second),
        };
        let fault = fault.trim().parse().ok()?;
        Some(At { client, class, resource, nth: nth.parse().ok()?, fault })
    }
}

/// A seed, what is done, and what goes wrong: `seed=17 create mix-2.4.9; roll 2.4.10; at write 12: kill
/// after`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Everything that is left to chance follows from it.
    pub seed: u64,
    /// What is done, in the words of the scenario.
    pub steps: Vec<String>,
    /// What goes wrong.
    pub faults: Vec<At>,
}

impl fmt::Display for Plan {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let faults = self.faults.iter().map(ToString::to_string);
        let parts: Vec<String> = self.steps.iter().cloned().chain(faults).collect();
        write!(out, "seed={} {}", self.seed, parts.join("; "))
    }
}

/// A line that is no plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanError {
    /// The part that can't be read.
    pub part: String,
}

impl fmt::Display for PlanError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "no part of a plan: {:?}. As in: seed=17 create; roll; at write 12: kill after",
            self.part
        )
    }
}

impl std::error::Error for PlanError {}

impl FromStr for Plan {
    type Err = PlanError;

    /// # Errors
    /// The line does not begin with a seed, or what begins with `at` is no fault.
    fn from_str(line: &str) -> Result<Plan, PlanError> {
        let wrong = |part: &str| PlanError { part: part.to_owned() };
        let rest = line.trim().strip_prefix("seed=").ok_or_else(|| wrong(line))?;
        let (seed, rest) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        let mut plan = Plan { seed: seed.parse().map_err(|_| wrong(seed))?, ..Plan::default() };
        for part in rest.split(';').map(str::trim).filter(|part| !part.is_empty()) {
            if part.starts_with("at ")
                || part.split_once(':').is_some_and(|(place, _)| place.contains(" at "))
            {
                plan.faults.push(At::parse(part).ok_or_else(|| wrong(part))?);
            } else {
                plan.steps.push(part.to_owned());
            }
        }
        Ok(plan)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_read_as_it_was_printed() {
        for line in [
            "seed=17 create mix-2.4.9; roll 2.4.10; at write 12: kill after",
            "seed=0 roll; operator-1 at apply deployments 3: 409; at watch pods 2: lag 5000ms",
            "seed=1 x; at request 7: lost reply; at poll 33: kill before; at get milvuses 1: timeout before",
            "seed=2 x; at watch milvuses 1: gap 20000ms; at watch pods 1: expired; at list pods 1: delay 250ms",
            "seed=3 x; operator-0 at update milvuses/status 4: timeout after; at watch pods 1: twice",
        ] {
            assert_eq!(line.parse::<Plan>().map(|plan| plan.to_string()).as_deref(), Ok(line));
        }
        let short: Plan = "seed=5 at watch pods 1: lag 5s".parse().unwrap();
        assert_eq!(short.to_string(), "seed=5 at watch pods 1: lag 5000ms");
        for fault in Fault::ANY.into_iter().chain(Fault::WATCHES) {
            assert_eq!(fault.to_string().parse(), Ok(fault));
        }
    }

    #[test]
    fn what_is_no_fault_is_not_taken_for_a_step() {
        for line in ["create", "seed=x create", "seed=1 at write: 409", "seed=1 at write 3: explode"] {
            assert!(line.parse::<Plan>().is_err(), "{line}");
        }
    }
}
