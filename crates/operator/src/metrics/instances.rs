//! What is known of each Milvus, told at a scrape. A Milvus that is forgotten leaves no series behind, whatever labels they had.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kube::ResourceExt as _;
use milvus_api::{ConditionStatus, ConditionType, Milvus, MilvusState, MilvusStatus, keys};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeGaugeValue, EncodeLabelSet};
use prometheus_client::metrics::MetricType;
use strum::{EnumIter, IntoEnumIterator as _, IntoStaticStr};

use super::series::{self, Series};

/// State of a Milvus; the discriminants are the values of `milvus_status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumIter, IntoStaticStr)]
pub(super) enum State {
    Pending = 0,
    Healthy = 1,
    Unhealthy = 2,
    Deleting = 3,
    Stopped = 4,
    Maintaining = 5,
}

/// What the step of an upgrade waits for.
#[derive(Debug, Clone, PartialEq)]
struct Waiting {
    step: Box<str>,
    reason: Box<str>,
    /// Unix time, in seconds.
    since: f64,
}

/// A wait in which nothing moves.
#[derive(Debug, Clone, PartialEq)]
struct Stalled {
    reason: Box<str>,
    /// Unix time, in seconds.
    since: f64,
}

/// What is known of one Milvus.
#[derive(Debug, Default)]
struct Facts {
    /// `None` before the first pass that got as far as a status.
    state: Option<State>,
    failures: u32,
    refused: Option<Box<str>>,
    dependencies: [Option<bool>; 3],
    waiting: Option<Waiting>,
    stalled: Option<Stalled>,
}

/// The dependencies, as their conditions and as their labels.
const DEPENDENCIES: [(ConditionType, &str); 3] = [
    (ConditionType::EtcdReady, "etcd"),
    (ConditionType::StorageReady, "storage"),
    (ConditionType::MsgStreamReady, "msgstream"),
];

/// Namespace and name.
type Key = (String, String);

/// All Milvus objects that had a pass. Clones are the same.
#[derive(Debug, Clone, Default)]
pub(super) struct Instances(Arc<Mutex<HashMap<Key, Facts>>>);

impl Instances {
    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Facts>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A pass wrote this status.
    pub(super) fn observe(&self, milvus: &Milvus, status: &MilvusStatus) {
        let key = (milvus.namespace().unwrap_or_default(), milvus.name_any());
        let mut all = self.lock();
        let facts = all.entry(key).or_default();
        facts.state = Some(state(milvus, status));
        facts.dependencies = DEPENDENCIES.map(|(kind, _)| ready(status, kind));
        facts.refused = status
            .condition(ConditionType::SpecAccepted)
            .filter(|condition| condition.status == ConditionStatus::False.as_str())
            .map(|condition| condition.reason.as_str().into());
        facts.waiting = waiting(status);
        facts.stalled = stalled(status);
    }

    /// So many passes have failed in a row.
    pub(super) fn failed(&self, namespace: &str, name: &str, failures: u32) {
        let mut all = self.lock();
        all.entry((namespace.to_owned(), name.to_owned())).or_default().failures = failures;
    }

    /// A Milvus is gone.
    pub(super) fn forget(&self, namespace: &str, name: &str) {
        self.lock().remove(&(namespace.to_owned(), name.to_owned()));
    }
}

fn ready(status: &MilvusStatus, kind: ConditionType) -> Option<bool> {
    match status.condition(kind)?.status.parse() {
        Ok(ConditionStatus::True) => Some(true),
        Ok(ConditionStatus::False) => Some(false),
        Ok(ConditionStatus::Unknown) | Err(_) => None,
    }
}

fn waiting(status: &MilvusStatus) -> Option<Waiting> {
    let waiting = status.upgrade.as_ref()?.waiting_for.as_ref()?;
    Some(Waiting {
        step: waiting.step.as_deref().unwrap_or_default().into(),
        reason: waiting.reason.as_str().into(),
        since: seconds(waiting.since.as_ref()?.0),
    })
}

fn stalled(status: &MilvusStatus) -> Option<Stalled> {
    let condition = status.condition(ConditionType::Stalled)?;
    let since = status.last_progress.as_ref()?.time.as_ref()?;
    Some(Stalled { reason: condition.reason.as_str().into(), since: seconds(since.0) })
}

/// Unix time in seconds, to the millisecond.
#[allow(clippy::cast_precision_loss, reason = "milliseconds since 1970 have 41 bits")]
pub(super) fn seconds(time: jiff::Timestamp) -> f64 {
    time.as_millisecond() as f64 / 1000.0
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

/// Writes one family of gauges. One without a sample is left out.
fn gauges<L: EncodeLabelSet, V: EncodeGaugeValue>(
    encoder: &mut DescriptorEncoder,
    series: &Series,
    samples: impl Iterator<Item = (L, V)>,
) -> fmt::Result {
    let mut samples = samples.peekable();
    if samples.peek().is_none() {
        return Ok(());
    }
    let help = format!("{}.", series.help);
    let mut family = encoder.encode_descriptor(series.name, &help, None, MetricType::Gauge)?;
    samples.try_for_each(|(labels, value)| family.encode_family(&labels)?.encode_gauge(&value))
}

impl Collector for Instances {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        let all = self.lock();
        let [namespace, name] = [series::STATUS.labels[0], series::STATUS.labels[1]];
        let of = |key: &'_ Key| [(namespace, key.0.clone()), (name, key.1.clone())];
        let states = || all.iter().filter_map(|(key, facts)| Some((key, facts.state?)));
        let encoder = &mut encoder;
        gauges(encoder, &series::STATUS, states().map(|(key, state)| (of(key), state as i64)))?;
        let counts = State::iter().map(|wanted| {
            let count = states().filter(|(_, state)| *state == wanted).count();
            ([("status", <&str>::from(wanted))], count)
        });
        gauges(encoder, &series::TOTAL, counts)?;
        gauges(encoder, &series::FAILURES, all.iter().map(|(key, facts)| (of(key), facts.failures)))?;
        let with = |key: &Key, more: &[(&'static str, String)]| {
            of(key).into_iter().chain(more.iter().cloned()).collect::<Vec<_>>()
        };
        let refused = all.iter().filter_map(|(key, facts)| {
            Some((with(key, &[("reason", facts.refused.as_deref()?.to_owned())]), 1_u32))
        });
        gauges(encoder, &series::REFUSED, refused)?;
        let dependencies = all.iter().flat_map(|(key, facts)| {
            DEPENDENCIES.iter().zip(facts.dependencies).filter_map(move |((_, label), ready)| {
                Some((with(key, &[("dependency", (*label).to_owned())]), u32::from(ready?)))
            })
        });
        gauges(encoder, &series::DEPENDENCY, dependencies)?;
        let waits = all.iter().filter_map(|(key, facts)| {
            let Waiting { step, reason, since } = facts.waiting.as_ref()?;
            Some((with(key, &[("step", step.to_string()), ("reason", reason.to_string())]), *since))
        });
        gauges(encoder, &series::WAITING, waits)?;
        let stalls = all.iter().filter_map(|(key, facts)| {
            let Stalled { reason, since } = facts.stalled.as_ref()?;
            Some((with(key, &[("reason", reason.to_string())]), *since))
        });
        gauges(encoder, &series::STALLED, stalls)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use milvus_api::{Milvus, MilvusStatus};
    use milvus_controller::Observer as _;
    use serde_json::json;

    use super::super::Metrics;

    fn series(metrics: &Metrics) -> Vec<String> {
        let text = metrics.encode().unwrap();
        text.lines().filter(|line| line.starts_with("milvus_stalled")).map(str::to_owned).collect()
    }

    /// One series for a Milvus that has stalled, with the reason of the condition; none once something moves.
    #[test]
    fn a_stall_is_told_since_when_and_why() {
        let metrics = Metrics::default();
        let milvus = Milvus {
            metadata: serde_json::from_value(json!({"name": "a", "namespace": "ns"})).unwrap(),
            ..Milvus::default()
        };
        let status = |conditions: serde_json::Value| -> MilvusStatus {
            let progress = json!({"time": "2026-05-04T09:12:31Z", "generation": 2});
            serde_json::from_value(json!({"conditions": conditions, "lastProgress": progress})).unwrap()
        };
        let stalled = json!([{"type": "Stalled", "status": "True", "reason": "PodProblem", "message": "…"}]);
        metrics.passed(&milvus, &status(stalled), Duration::ZERO);
        let expected = r#"milvus_stalled_since_timestamp_seconds{milvus_namespace="ns",milvus_name="a",reason="PodProblem"} 1777885951.0"#;
        assert_eq!(series(&metrics), [expected]);
        metrics.passed(&milvus, &status(json!([])), Duration::ZERO);
        assert_eq!(series(&metrics), Vec::<String>::new());
    }
}
