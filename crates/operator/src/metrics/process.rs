//! What is told of the process itself: whether it leads, and what it uses.

use std::fmt;
use std::fs;
use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeGaugeValue, NoLabelSet};
use prometheus_client::metrics::MetricType;

use super::instances::seconds;
use super::series::{self, Series};
use milvus_controller::lease::Held;

/// Ticks of a second in `/proc`: Linux tells user space of 100, whatever the kernel counts by (`USER_HZ`, time(7)).
const TICKS: f64 = 100.0;

/// Whether this process works.
#[derive(Debug, Clone, Default)]
pub enum Lead {
    /// Another one does.
    #[default]
    Standby,
    /// It does, as no other is meant to.
    Alone,
    /// It does, while it holds the Lease.
    Elected(Held),
}

/// Told at a scrape. Clones are the same.
#[derive(Debug, Clone)]
pub(super) struct Process {
    lead: Arc<Mutex<Lead>>,
    /// Unix time, in seconds.
    started: f64,
}

impl Default for Process {
    fn default() -> Process {
        Process { lead: Arc::default(), started: seconds(jiff::Timestamp::now()) }
    }
}

impl Process {
    pub(super) fn leads(&self, lead: Lead) {
        *self.lead.lock().unwrap_or_else(PoisonError::into_inner) = lead;
    }
}

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        let lead = self.lead.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let encoder = &mut encoder;
        one(encoder, &series::LEADER, Some(u32::from(!matches!(lead, Lead::Standby))))?;
        let remaining = match &lead {
            Lead::Elected(held) => Some(held.remaining().as_secs_f64()),
            Lead::Standby | Lead::Alone => None,
        };
        one(encoder, &series::LEASE, remaining)?;
        one(encoder, &series::MEMORY, resident())?;
        one(encoder, &series::STARTED, Some(self.started))?;
        let Some(used) = processor_time() else { return Ok(()) };
        let help = format!("{}.", series::CPU.help);
        let name = series::CPU.registered();
        let mut counter = encoder.encode_descriptor(name, &help, None, MetricType::Counter)?;
        counter.encode_counter::<NoLabelSet, f64, u64>(&used, None)
    }
}

/// Writes one gauge without labels, or nothing where there is no value.
fn one<V: EncodeGaugeValue>(
    encoder: &mut DescriptorEncoder,
    series: &Series,
    value: Option<V>,
) -> fmt::Result {
    let Some(value) = value else { return Ok(()) };
    let help = format!("{}.", series.help);
    encoder.encode_descriptor(series.name, &help, None, MetricType::Gauge)?.encode_gauge(&value)
}

/// Resident memory in bytes; `None` where the system has no `/proc`.
#[allow(clippy::cast_precision_loss, reason = "memory has fewer than 53 bits")]
fn resident() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib as f64 * 1024.0)
}

/// Processor time in seconds, of user and system.
fn processor_time() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The second field is the name of the program in brackets, which may hold spaces. utime and stime are the 14th and 15th.
    let after_name = stat.rsplit_once(')')?.1;
    let mut ticks = after_name.split_whitespace().skip(11).map(|field| field.parse::<f64>().ok());
    Some((ticks.next()?? + ticks.next()??) / TICKS)
}
