//! What Prometheus is told. `milvus_status` and `milvus_total_count` are the Go operator's series, with its labels and numbers.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kube::ResourceExt as _;
use milvus_api::{Milvus, MilvusState, MilvusStatus, keys};
use milvus_plan::Component;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use strum::{EnumIter, IntoEnumIterator as _, IntoStaticStr};

/// Outcome of a pass that succeeded.
const SUCCESS: &str = "success";

/// State of a Milvus; the discriminants are the values of `milvus_status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EnumIter, IntoStaticStr)]
enum State {
    Pending = 0,
    Healthy = 1,
    Unhealthy = 2,
    Deleting = 3,
    Stopped = 4,
    Maintaining = 5,
}

/// Written as its name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Word(&'static str);

impl EncodeLabelValue for Word {
    fn encode(&self, encoder: &mut LabelValueEncoder) -> Result<(), fmt::Error> {
        EncodeLabelValue::encode(&self.0, encoder)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Instance {
    milvus_namespace: String,
    milvus_name: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByStatus {
    status: Word,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByOutcome {
    outcome: Word,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByComponent {
    component: Word,
}

/// All series. Clones are the same series.
#[derive(Clone)]
pub struct Metrics(Arc<Series>);

struct Series {
    registry: Registry,
    status: Family<Instance, Gauge>,
    total: Family<ByStatus, Gauge>,
    passes: Family<ByOutcome, Counter>,
    pass_time: Histogram,
    step_time: Family<ByComponent, Histogram>,
    states: Mutex<HashMap<Instance, State>>,
}

impl Default for Metrics {
    fn default() -> Metrics {
        let mut registry = Registry::default();
        let status = Family::<Instance, Gauge>::default();
        let total = Family::<ByStatus, Gauge>::default();
        let passes = Family::<ByOutcome, Counter>::default();
        let pass_time = Histogram::new(PASS_BUCKETS);
        let step_time =
            Family::<ByComponent, Histogram>::new_with_constructor(|| Histogram::new(STEP_BUCKETS));
        registry.register(
            "milvus_status",
            "State of a Milvus: 0 pending, 1 healthy, 2 unhealthy, 3 deleting, 4 stopped, 5 under maintenance",
            status.clone(),
        );
        registry.register("milvus_total_count", "Milvus installations by state", total.clone());
        // The library adds `_total` to the names of counters.
        registry.register("milvus_reconcile", "Passes by outcome", passes.clone());
        registry.register("milvus_reconcile_duration_seconds", "Time of a pass", pass_time.clone());
        registry.register(
            "milvus_step_duration_seconds",
            "Time in which one component came to the target of an upgrade",
            step_time.clone(),
        );
        let metrics = Metrics(Arc::new(Series {
            registry,
            status,
            total,
            passes,
            pass_time,
            step_time,
            states: Mutex::default(),
        }));
        metrics.count(&HashMap::new());
        metrics
    }
}

/// 1 ms to 16 s: a pass that waits for a slow API server is still told from one that hangs.
const PASS_BUCKETS: [f64; 9] = [0.001, 0.004, 0.016, 0.064, 0.25, 0.5, 1.0, 4.0, 16.0];
/// 5 s to 4 h: `minReadySeconds` is 30 by default, and a query node may load for hours.
const STEP_BUCKETS: [f64; 10] = [5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 14400.0];

impl Metrics {
    /// A pass wrote this status and took so long, whatever follows from it.
    pub fn observe_pass(&self, milvus: &Milvus, status: &MilvusStatus, took: Duration) {
        self.0.pass_time.observe(took.as_secs_f64());
        let instance = Instance {
            milvus_namespace: milvus.namespace().unwrap_or_default(),
            milvus_name: milvus.name_any(),
        };
        let state = state(milvus, status);
        self.0.status.get_or_create(&instance).set(state as i64);
        let mut known = self.0.states.lock().unwrap_or_else(PoisonError::into_inner);
        if known.insert(instance, state) != Some(state) {
            self.count(&known);
        }
    }

    /// A pass did all that it was to do.
    pub fn succeeded_pass(&self) {
        self.0.passes.get_or_create(&ByOutcome { outcome: Word(SUCCESS) }).inc();
    }

    /// A pass failed; the name of the error's variant is the label.
    pub fn failed_pass(&self, error: impl Into<&'static str>) {
        self.0.passes.get_or_create(&ByOutcome { outcome: Word(error.into()) }).inc();
    }

    /// An upgrade brought `component` to its target in this time.
    pub fn observe_step(&self, component: Component, took: Duration) {
        let labels = ByComponent { component: Word(component.name()) };
        self.0.step_time.get_or_create(&labels).observe(took.as_secs_f64());
    }

    /// A Milvus is gone, and with it its series.
    pub fn forget(&self, namespace: &str, name: &str) {
        let instance = Instance { milvus_namespace: namespace.to_owned(), milvus_name: name.to_owned() };
        self.0.status.remove(&instance);
        let mut known = self.0.states.lock().unwrap_or_else(PoisonError::into_inner);
        if known.remove(&instance).is_some() {
            self.count(&known);
        }
    }

    /// The text of a scrape.
    pub fn encode(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.0.registry)?;
        Ok(text)
    }

    /// Counts anew: states are few, changes rare, and a count can't drift.
    fn count(&self, states: &HashMap<Instance, State>) {
        for state in State::iter() {
            let count = states.values().filter(|other| **other == state).count();
            let labels = ByStatus { status: Word(state.into()) };
            self.0.total.get_or_create(&labels).set(i64::try_from(count).unwrap_or(i64::MAX));
        }
    }
}

fn state(milvus: &Milvus, status: &MilvusStatus) -> State {
    if milvus.annotations().get(keys::MAINTAINING).is_some_and(|value| value == "true") {
        return State::Maintaining;
    }
    match &status.status {
        MilvusState::Healthy => State::Healthy,
        MilvusState::Unhealthy => State::Unhealthy,
        MilvusState::Deleting => State::Deleting,
        MilvusState::Stopped => State::Stopped,
        MilvusState::Pending | MilvusState::Other(_) => State::Pending,
    }
}
