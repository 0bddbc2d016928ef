//! What every pass may use, and what is kept between passes. Nothing here holds intent: all of it can be lost at any moment.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kube::Client;
use milvus_cluster::Records;
use milvus_cluster::write::Writer;
use milvus_probe::Prober;
use milvus_state::render::Tool;

use crate::credentials::Read;
use crate::failures::Failures;
use crate::metrics::Metrics;
use crate::recorder::Recorder;

/// How old Secrets may be while all is well, unless the command line says otherwise.
const SECRETS_PERIOD: Duration = Duration::from_hours(1);

/// Shared by all passes.
pub struct Context {
    /// Client, for reads.
    pub client: Client,
    /// All writes about Milvus objects.
    pub writer: Writer,
    /// What the watches have seen.
    pub records: Arc<Records>,
    /// Probes of dependencies, in the background.
    pub prober: Prober,
    /// Events.
    pub recorder: Recorder,
    /// Metrics.
    pub metrics: Metrics,
    /// Failed passes in a row, for the back-off.
    pub failures: Failures,
    /// Image of the init container.
    pub tool: Tool,
    /// Credentials that probes use, by UID of the Milvus.
    pub credentials: Mutex<HashMap<String, Read>>,
    /// How old they may be while all is well.
    pub secrets_period: Duration,
}

impl Context {
    /// A context. `instance` is the name of the operator's pod.
    pub fn new(
        client: Client,
        writer: Writer,
        prober: Prober,
        metrics: Metrics,
        tool: Tool,
        instance: Option<String>,
    ) -> Context {
        Context {
            recorder: Recorder::new(writer.clone(), instance),
            client,
            writer,
            records: Arc::new(Records::default()),
            prober,
            metrics,
            tool,
            credentials: Mutex::default(),
            secrets_period: SECRETS_PERIOD,
            failures: Failures::default(),
        }
    }
}
