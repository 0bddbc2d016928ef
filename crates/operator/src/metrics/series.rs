//! Every series that `/metrics` has, in one table: names and texts are registered from here, and `docs/reference/metrics.md` is made of it.
//!
//! Names follow the conventions of Prometheus: base units as suffix, `_total` for counters, `_timestamp_seconds` for Unix times.
//! What is about one Milvus has the labels `milvus_namespace` and `milvus_name`, as the Go operator's series have.

/// What a series is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::Display)]
#[strum(serialize_all = "lowercase")]
pub enum Kind {
    /// Goes up and down.
    Gauge,
    /// Only grows, until the process ends.
    Counter,
    /// Counts of observations by size: `_bucket`, `_sum` and `_count`.
    Histogram,
    /// Always 1; what it says is in its labels.
    Info,
}

/// A series, or a family of them that differ in labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Series {
    /// Its name in a query; of a histogram without `_bucket`, `_sum` and `_count`.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// Names of its labels.
    pub labels: &'static [&'static str],
    /// What its value is, without a full stop.
    pub help: &'static str,
    /// How many there can be, and when they go.
    pub bound: &'static str,
}

impl Series {
    /// The name as the library wants it: it adds the suffix itself.
    pub(super) fn registered(&self) -> &'static str {
        let suffix = match self.kind {
            Kind::Counter => "_total",
            Kind::Info => "_info",
            Kind::Gauge | Kind::Histogram => "",
        };
        self.name.strip_suffix(suffix).unwrap_or(self.name)
    }
}

const INSTANCE: &[&str] = &["milvus_namespace", "milvus_name"];
const PER_INSTANCE: &str = "one for each Milvus, gone with it";
const ONE: &str = "one";

macro_rules! table {
    ($($(#[$doc:meta])* $id:ident = $name:literal $kind:ident $labels:expr, $help:literal, $bound:expr;)+) => {
        $($(#[$doc])* pub(super) const $id: Series =
            Series { name: $name, kind: Kind::$kind, labels: $labels, help: $help, bound: $bound };)+
        /// All of them, in the order of the page.
        pub const ALL: &[Series] = &[$($id),+];
    };
}

table! {
    STATUS = "milvus_status" Gauge INSTANCE,
        "State of a Milvus: 0 pending, 1 healthy, 2 unhealthy, 3 deleting, 4 stopped, 5 under maintenance. The Go operator's series",
        PER_INSTANCE;
    TOTAL = "milvus_total_count" Gauge &["status"],
        "Milvus installations by state. The Go operator's series, with all six states", "one for each state";
    FAILURES = "milvus_reconcile_failures" Gauge INSTANCE,
        "Passes over a Milvus that have failed in a row; 0 after one that succeeded", PER_INSTANCE;
    REFUSED = "milvus_spec_refused" Gauge &["milvus_namespace", "milvus_name", "reason"],
        "1 while the spec of a Milvus is not accepted and what runs is kept; reason is that of the condition SpecAccepted",
        "one for each Milvus whose spec is refused now";
    DEPENDENCY = "milvus_dependency_ready" Gauge &["milvus_namespace", "milvus_name", "dependency"],
        "Whether the last probe found a dependency (etcd, storage, msgstream) usable; absent until it was probed",
        "three for each Milvus, gone with it";
    WAITING = "milvus_step_waiting_since_timestamp_seconds" Gauge
        &["milvus_namespace", "milvus_name", "step", "reason"],
        "Unix time since which the step of an upgrade that is under way waits for what reason names",
        "one for each Milvus that is being upgraded, gone when the step is done";
    STALLED = "milvus_stalled_since_timestamp_seconds" Gauge &["milvus_namespace", "milvus_name", "reason"],
        "Unix time since which nothing of what is waited for has moved, once that is 10 minutes; reason is that of the condition Stalled",
        "one for each Milvus that has stalled, gone when something moves";
    STEP = "milvus_step_duration_seconds" Histogram &["component"],
        "Time in which one component came to the target of an upgrade", "one for each component";
    RECONCILE = "milvus_operator_reconcile_total" Counter &["outcome"],
        "Passes by outcome: success, or what failed (undecodable, observe, render, apply, status)",
        "one for each outcome";
    RECONCILE_TIME = "milvus_operator_reconcile_duration_seconds" Histogram &[], "Time of a pass", ONE;
    LAST_SUCCESS = "milvus_operator_reconcile_last_success_timestamp_seconds" Gauge &[],
        "Unix time at which a pass last succeeded, over whichever Milvus; 0 before the first", ONE;
    LEADER = "milvus_operator_leader" Gauge &[],
        "1 if this process works, 0 if it stands by while another one does", ONE;
    LEASE = "milvus_operator_lease_remaining_seconds" Gauge &[],
        "Time for which the Lease is still held; absent when standing by or without --leader-elect", ONE;
    BUILD = "milvus_operator_build_info" Info &["version"],
        "Version of the operator. The Go operator's series, with the label that has a meaning here", ONE;
    MEMORY = "process_resident_memory_bytes" Gauge &[], "Resident memory of the operator", ONE;
    CPU = "process_cpu_seconds_total" Counter &[], "Processor time that the operator has used", ONE;
    STARTED = "process_start_time_seconds" Gauge &[], "Unix time at which the operator was started", ONE;
}
