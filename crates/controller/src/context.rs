//! What every pass may use, and what is kept between passes. Nothing here holds intent: all of it can be lost at any
//! moment.

use std::sync::Arc;
use std::time::Duration;

use kube::Client;
use milvus_cluster::Records;
use milvus_cluster::write::Writer;
use milvus_state::manifests::Tool;

use crate::credentials::Cache;
use crate::failures::Failures;
use crate::ports::{Clock, Dependencies, Observer};
use crate::recorder::Recorder;

/// What a context is made of.
pub struct Parts {
    /// Client, for reads.
    pub client: Client,
    /// All writes.
    pub writer: Writer,
    /// The time.
    pub clock: Clock,
    /// What is asked over the network.
    pub dependencies: Arc<dyn Dependencies>,
    /// Who is told what became of passes.
    pub observer: Arc<dyn Observer>,
    /// Image of the init container.
    pub tool: Tool,
    /// Version of the operator, for the label on a new Milvus.
    pub version: String,
    /// Name of the operator's pod: the reporter of Events.
    pub instance: String,
    /// How old Secrets may be while all is well.
    pub secrets_period: Duration,
}

/// Shared by all passes.
pub struct Context {
    /// What it was made of.
    pub parts: Parts,
    /// What the watches have seen.
    pub records: Arc<Records>,
    /// Events.
    pub recorder: Recorder,
    /// Failed passes in a row, for the back-off.
    pub failures: Failures,
    /// Credentials that probes use, by UID of the Milvus.
    pub credentials: Cache,
}

impl Context {
    /// A context.
    pub fn new(parts: Parts) -> Context {
        Context {
            recorder: Recorder::new(parts.writer.clone(), parts.clock.clone(), parts.instance.clone()),
            records: Arc::new(Records::default()),
            failures: Failures::default(),
            credentials: Cache::new(parts.client.clone(), parts.secrets_period),
            parts,
        }
    }
}
