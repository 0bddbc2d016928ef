//! What every pass may use, and what is kept between passes. Nothing here holds intent: all of it can be lost at any moment.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use kube::Client;
use kube::runtime::events::{Recorder, Reporter};
use milvus_cluster::Records;
use milvus_probe::Prober;
use milvus_state::render::Tool;

use crate::credentials::Credentials;
use crate::metrics::Metrics;

/// Name under which Events are reported.
const CONTROLLER: &str = "milvus-operator";

/// Shared by all passes.
pub struct Context {
    /// Client.
    pub client: Client,
    /// What the watches have seen.
    pub records: Arc<Records>,
    /// Probes of dependencies, in the background.
    pub prober: Prober,
    /// Events.
    pub recorder: Recorder,
    /// Metrics.
    pub metrics: Metrics,
    /// Image of the init container.
    pub tool: Tool,
    /// Credentials that probes use, by UID of the Milvus.
    pub credentials: Mutex<HashMap<String, Credentials>>,
}

impl Context {
    /// A context. `instance` is the name of the operator's pod.
    pub fn new(client: Client, prober: Prober, metrics: Metrics, tool: Tool, instance: Option<String>) -> Context {
        let reporter = Reporter { controller: CONTROLLER.to_owned(), instance };
        Context {
            recorder: Recorder::new(client.clone(), reporter),
            client,
            records: Arc::new(Records::default()),
            prober,
            metrics,
            tool,
            credentials: Mutex::default(),
        }
    }
}
