//! Sequences of requests, each made from its number.

use std::fmt;

use fastrand::Rng;
use milvus_sim::server::Kind;
use serde_json::{Value, json};

use crate::objects::{self, KINDS};

/// Requests of a sequence.
const STEPS: std::ops::Range<usize> = 8..16;

/// What is sent.
#[derive(Debug, Clone)]
pub enum Body {
    None,
    /// The same to both servers.
    Fixed(Value),
    /// The object as each server has it now, changed.
    Current(Value),
    /// The object as each server had it when it was read the last time, changed.
    Remembered(Value),
    /// Fixed, with the version that each server had when the object was read the last time.
    WithVersion(Value),
    /// Preconditions of a deletion, from what was read the last time.
    Preconditions {
        uid: bool,
        version: bool,
    },
}

/// A request.
#[derive(Debug, Clone)]
pub struct Step {
    pub kind: Kind,
    pub name: String,
    pub method: &'static str,
    /// After the path of the collection.
    pub suffix: String,
    pub form: &'static str,
    pub body: Body,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}{} ", self.method, self.kind.info().plural, self.suffix)?;
        match &self.body {
            Body::None => Ok(()),
            Body::Fixed(value) => write!(f, "{value}"),
            Body::Current(change) => write!(f, "(current with {change})"),
            Body::Remembered(change) => write!(f, "(remembered with {change})"),
            Body::WithVersion(value) => write!(f, "(remembered version with {value})"),
            Body::Preconditions { uid, version } => write!(f, "(remembered uid {uid} version {version})"),
        }
    }
}

/// A sequence of requests in a namespace of its own.
pub struct Sequence {
    pub seed: u64,
    pub steps: Vec<Step>,
}

impl Sequence {
    pub fn new(seed: u64) -> Sequence {
        let mut rng = Rng::with_seed(seed);
        let kind = KINDS[rng.usize(..KINDS.len())];
        let mut steps = vec![first(&mut rng, kind)];
        for _ in 0..rng.usize(STEPS) {
            let name = if rng.u8(..5) == 0 { "b" } else { "a" };
            steps.push(step(&mut rng, kind, name));
        }
        Sequence { seed, steps }
    }

    pub fn namespace(&self) -> String {
        format!("sequence-{}", self.seed)
    }
}

fn first(rng: &mut Rng, kind: Kind) -> Step {
    if rng.bool() { create(rng, kind, "a") } else { apply(rng, kind, "a") }
}

const JSON: &str = "application/json";
const MERGE: &str = "application/merge-patch+json";
const OPERATIONS: &str = "application/json-patch+json";
const APPLY: &str = "application/apply-patch+yaml";

fn create(rng: &mut Rng, kind: Kind, name: &str) -> Step {
    let body = Body::Fixed(objects::object(rng, kind, name));
    let suffix = "?fieldManager=maker".to_owned();
    Step { kind, name: name.to_owned(), method: "POST", suffix, form: JSON, body }
}

fn apply(rng: &mut Rng, kind: Kind, name: &str) -> Step {
    let manager = if rng.bool() { "one" } else { "two" };
    let force = rng.u8(..3) > 0;
    let suffix = format!("/{name}?fieldManager={manager}&force={force}");
    let body = Body::Fixed(objects::object(rng, kind, name));
    Step { kind, name: name.to_owned(), method: "PATCH", suffix, form: APPLY, body }
}

fn step(rng: &mut Rng, kind: Kind, name: &str) -> Step {
    let has_status = matches!(kind, Kind::Deployment | Kind::Milvus);
    let managed = |part: &str| format!("/{name}{part}?fieldManager=editor");
    let plain = |method, suffix, form, body| Step { kind, name: name.to_owned(), method, suffix, form, body };
    match rng.u8(..22) {
        0 => create(rng, kind, name),
        1..=6 => apply(rng, kind, name),
        7 => {
            let mut step = apply(rng, kind, name);
            if let Body::Fixed(object) = &mut step.body {
                objects::spoil(rng, kind, object);
            }
            step
        }
        8 | 9 => plain("PUT", managed(""), JSON, Body::Current(objects::change(rng, kind))),
        10 => plain("PUT", managed(""), JSON, Body::Remembered(objects::change(rng, kind))),
        11 | 12 => plain("PATCH", managed(""), MERGE, Body::Fixed(objects::change(rng, kind))),
        13 => plain("PATCH", managed(""), MERGE, Body::WithVersion(objects::change(rng, kind))),
        14 => {
            let operations = match rng.u8(..3) {
                0 => json!([{ "op": "add", "path": "/metadata/labels", "value": { "l": "z" } }]),
                1 => json!([{ "op": "test", "path": "/metadata/name", "value": "a" },
                            { "op": "remove", "path": "/metadata/labels/l" }]),
                _ => json!([{ "op": "replace", "path": "/metadata/annotations/n", "value": "9" }]),
            };
            plain("PATCH", managed(""), OPERATIONS, Body::Fixed(operations))
        }
        15 | 16 if has_status => {
            plain("PUT", managed("/status"), JSON, Body::Current(objects::status(rng, kind)))
        }
        17 if has_status => {
            plain("PUT", managed("/status"), JSON, Body::Remembered(objects::status(rng, kind)))
        }
        18 if has_status => {
            plain("PATCH", managed("/status"), MERGE, Body::Fixed(objects::status(rng, kind)))
        }
        17 => {
            let body = Body::Preconditions { uid: rng.bool(), version: rng.bool() };
            plain("DELETE", format!("/{name}"), JSON, body)
        }
        18 => plain("GET", "?labelSelector=l%3Dx".to_owned(), JSON, Body::None),
        19 => {
            let mut step = create(rng, kind, name);
            step.suffix.push_str("&dryRun=All");
            step
        }
        20 if kind == Kind::Deployment => {
            let body = Body::Fixed(json!({ "spec": { "replicas": rng.u8(..4) } }));
            plain("PATCH", managed("/scale"), MERGE, body)
        }
        20 => plain("GET", "?limit=1".to_owned(), JSON, Body::None),
        _ => plain("DELETE", format!("/{name}"), JSON, Body::None),
    }
}
