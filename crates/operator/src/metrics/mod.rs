//! What Prometheus is told.
//!
//! Takes what passes saw; gives the text of a scrape. The series stand in [`series`]. Those about one Milvus are kept as facts and written
//! at the scrape, so that they go with it; the others have fixed labels.

mod instances;
mod process;
pub mod series;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use milvus_api::{Milvus, MilvusStatus};
use milvus_controller::Observer;
use milvus_plan::Component;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Metric, Registry};

use self::instances::Instances;
pub use self::process::Lead;
use self::process::Process;
use self::series::Series;

/// Outcome of a pass that succeeded.
const SUCCESS: &str = "success";
/// 1 ms to 16 s: a pass that waits for a slow API server is still told from one that hangs.
const PASS_BUCKETS: [f64; 9] = [0.001, 0.004, 0.016, 0.064, 0.25, 0.5, 1.0, 4.0, 16.0];
/// 5 s to 4 h: `minReadySeconds` is 30 by default, and a query node may load for hours.
const STEP_BUCKETS: [f64; 10] = [5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 14400.0];

/// Written as its name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Word(&'static str);

impl EncodeLabelValue for Word {
    fn encode(&self, encoder: &mut LabelValueEncoder) -> Result<(), fmt::Error> {
        EncodeLabelValue::encode(&self.0, encoder)
    }
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
pub struct Metrics(Arc<All>);

struct All {
    registry: Registry,
    instances: Instances,
    process: Process,
    passes: Family<ByOutcome, Counter>,
    pass_time: Histogram,
    last_success: Gauge,
    step_time: Family<ByComponent, Histogram>,
}

impl Default for Metrics {
    fn default() -> Metrics {
        let instances = Instances::default();
        let process = Process::default();
        let passes = Family::<ByOutcome, Counter>::default();
        let pass_time = Histogram::new(PASS_BUCKETS);
        let last_success = Gauge::default();
        let step_time =
            Family::<ByComponent, Histogram>::new_with_constructor(|| Histogram::new(STEP_BUCKETS));
        // There from the start, so that a rate over it is 0 and not unknown.
        let _ = passes.get_or_create(&ByOutcome { outcome: Word(SUCCESS) });
        let mut registry = Registry::default();
        registry.register_collector(Box::new(instances.clone()));
        registry.register_collector(Box::new(process.clone()));
        register(&mut registry, &series::RECONCILE, passes.clone());
        register(&mut registry, &series::RECONCILE_TIME, pass_time.clone());
        register(&mut registry, &series::LAST_SUCCESS, last_success.clone());
        register(&mut registry, &series::STEP, step_time.clone());
        let build = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        register(&mut registry, &series::BUILD, build);
        Metrics(Arc::new(All { registry, instances, process, passes, pass_time, last_success, step_time }))
    }
}

fn register(registry: &mut Registry, series: &Series, metric: impl Metric) {
    registry.register(series.registered(), series.help, metric);
}

impl Metrics {
    /// Whether this process works, from now on.
    pub fn leads(&self, lead: Lead) {
        self.0.process.leads(lead);
    }

    /// The text of a scrape.
    pub fn encode(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.0.registry)?;
        Ok(text)
    }
}

impl Observer for Metrics {
    fn passed(&self, milvus: &Milvus, status: &MilvusStatus, took: Duration) {
        self.0.pass_time.observe(took.as_secs_f64());
        self.0.instances.observe(milvus, status);
    }

    fn succeeded(&self, namespace: &str, name: &str, at: Timestamp) {
        self.0.passes.get_or_create(&ByOutcome { outcome: Word(SUCCESS) }).inc();
        self.0.last_success.set(at.as_second());
        self.0.instances.failed(namespace, name, 0);
    }

    fn failed(&self, error: &'static str) {
        self.0.passes.get_or_create(&ByOutcome { outcome: Word(error) }).inc();
    }

    fn failing(&self, namespace: &str, name: &str, failures: u32) {
        self.0.instances.failed(namespace, name, failures);
    }

    fn rolled(&self, component: Component, took: Duration) {
        let labels = ByComponent { component: Word(component.name()) };
        self.0.step_time.get_or_create(&labels).observe(took.as_secs_f64());
    }

    fn forget(&self, namespace: &str, name: &str) {
        self.0.instances.forget(namespace, name);
    }
}
