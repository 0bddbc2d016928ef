//! What one roll was made of: which step began and ended when, read from the recorded changes and the audit
//! log.
//!
//! Pure: takes what was recorded, gives times.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use milvus_testkit::{audit::Event, recorder::Change};

use super::numbers::between;

const COMPONENT: &str = "app.kubernetes.io/component";

/// A component that was replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    /// For example `mixcoord`.
    pub(super) component: String,
    /// When the first request that changes its Deployments arrived.
    pub(super) patched: Timestamp,
    /// When a watch showed it done: every Deployment complete at the target image, no pod of another image
    /// left.
    pub(super) ended: Timestamp,
}

/// A roll that has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Roll {
    /// When the user's request arrived.
    pub(super) asked: Timestamp,
    /// When the operator's first request after it arrived.
    pub(super) first_write: Timestamp,
    /// In the order in which they began.
    pub(super) steps: Vec<Step>,
    /// When a watch showed `MilvusUpdated=True`.
    pub(super) updated: Timestamp,
}

/// Why a recording is no roll.
#[derive(Debug, snafu::Snafu)]
pub(crate) enum Error {
    /// The operator did nothing.
    #[snafu(display("the operator wrote nothing after the image was changed"))]
    NoWrite,
    /// A step was never seen done before the next one began.
    #[snafu(display("{component} was not seen done before the next step began"))]
    NotDone {
        /// Which.
        component: String,
    },
}

/// What is looked at.
pub(super) struct Recording<'a> {
    /// Of Deployments and Pods, oldest first.
    pub(super) changes: &'a [Change],
    /// The operator's requests, oldest first.
    pub(super) writes: &'a [&'a Event],
}

impl Roll {
    /// Reads the roll to `image` between the two times from a recording.
    pub(super) fn read(
        recording: &Recording<'_>,
        image: &str,
        asked: Timestamp,
        updated: Timestamp,
    ) -> Result<Self, Error> {
        let within = |event: &&&Event| event.received >= asked && event.received <= updated;
        let first_write = recording.writes.iter().find(within).ok_or(Error::NoWrite)?.received;
        let components = recording.components();
        let mut begun: Vec<(&str, Timestamp)> = Vec::new();
        for event in recording.writes.iter().filter(within).filter(|event| event.resource == "deployments") {
            // What no pod runs in has no step.
            let Some(component) = components.get(event.name.as_str()).copied() else { continue };
            if begun.iter().all(|(known, _)| *known != component) {
                begun.push((component, event.received));
            }
        }
        let mut steps = Vec::new();
        for (index, (component, patched)) in begun.iter().enumerate() {
            let until = begun.get(index + 1).map_or(updated, |(_, next)| *next);
            let ended = recording.done(component, image, *patched, until);
            let component = (*component).to_owned();
            let ended = ended.ok_or_else(|| Error::NotDone { component: component.clone() })?;
            steps.push(Step { component, patched: *patched, ended });
        }
        Ok(Self { asked, first_write, steps, updated })
    }

    /// From the end of each step to the first request of the next.
    pub(super) fn gaps(&self) -> Vec<Duration> {
        self.steps.windows(2).map(|pair| between(pair[0].ended, pair[1].patched)).collect()
    }

    /// From the user's request to the first write.
    pub(super) fn reaction(&self) -> Duration {
        between(self.asked, self.first_write)
    }

    /// From the end of the last step to `MilvusUpdated=True`.
    pub(super) fn conclusion(&self) -> Duration {
        self.steps.last().map(|step| between(step.ended, self.updated)).unwrap_or_default()
    }

    /// From the user's request to `MilvusUpdated=True`.
    pub(super) fn wall(&self) -> Duration {
        between(self.asked, self.updated)
    }

    /// What is left of the wall time without the steps themselves: what the operator adds to what the pods
    /// need.
    pub(super) fn overhead(&self) -> Duration {
        let steps: Duration = self.steps.iter().map(|step| between(step.patched, step.ended)).sum();
        self.wall().saturating_sub(steps)
    }
}

impl Recording<'_> {
    /// Deployment to component, of those that ever had a pod to run.
    fn components(&self) -> BTreeMap<&str, &str> {
        let deployments =
            self.changes.iter().filter(|change| change.kind == "Deployment" && change.replicas() > 0);
        deployments
            .filter_map(|change| Some((change.object.metadata.name.as_deref()?, component(change)?)))
            .collect()
    }

    /// Since when, at `until`, the component was seen to be done; none if it was not.
    fn done(&self, name: &str, image: &str, from: Timestamp, until: Timestamp) -> Option<Timestamp> {
        let mut objects: BTreeMap<(&str, &str), &Change> = BTreeMap::new();
        let mut since = None;
        let ours = |change: &&Change| change.at <= until && component(change) == Some(name);
        for change in self.changes.iter().filter(ours) {
            let key = (change.kind, change.object.metadata.name.as_deref().unwrap_or_default());
            if change.gone {
                objects.remove(&key);
            } else {
                objects.insert(key, change);
            }
            if change.at < from || !objects.values().all(|object| at_target(object, image)) {
                since = None;
            } else if since.is_none() {
                since = Some(change.at);
            }
        }
        since
    }
}

fn component(change: &Change) -> Option<&str> {
    change.object.metadata.labels.as_ref()?.get(COMPONENT).map(String::as_str)
}

/// A Deployment is complete at the image, or scaled to nothing; a pod runs the image.
fn at_target(change: &Change, image: &str) -> bool {
    let runs = || change.images().iter().any(|running| running == image);
    if change.kind == "Pod" {
        return runs();
    }
    let wanted = change.replicas();
    let observed = change.observed_generation() >= change.generation();
    let complete =
        ["replicas", "updatedReplicas", "availableReplicas"].iter().all(|f| change.count(f) == wanted);
    observed && complete && (wanted == 0 || runs())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_millisecond(1_000_000 + milliseconds).unwrap()
    }

    fn change(time: i64, kind: &'static str, component: &str, gone: bool, rest: &Value) -> Change {
        let mut object =
            json!({ "metadata": { "name": format!("a-{component}"), "labels": { COMPONENT: component } } });
        object.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        Change { at: at(time), kind, gone, object: serde_json::from_value(object).unwrap() }
    }

    fn pod(time: i64, component: &str, image: &str, gone: bool) -> Change {
        change(time, "Pod", component, gone, &json!({ "spec": { "containers": [{ "image": image }] } }))
    }

    fn deployment(time: i64, component: &str, image: &str, available: u32) -> Change {
        let template = json!({ "spec": { "containers": [{ "image": image }] } });
        let status = json!({ "replicas": 1, "updatedReplicas": 1, "availableReplicas": available });
        let rest = json!({ "spec": { "replicas": 1, "template": template }, "status": status });
        change(time, "Deployment", component, false, &rest)
    }

    fn patch(time: i64, component: &str) -> Event {
        Event {
            verb: "patch".into(),
            user: String::new(),
            user_agent: String::new(),
            group: "apps".into(),
            resource: "deployments".into(),
            subresource: String::new(),
            namespace: String::new(),
            name: format!("a-{component}"),
            code: 200,
            uri: String::new(),
            received: at(time),
            answered: at(time),
        }
    }

    #[test]
    fn a_step_ends_with_its_last_old_pod_and_the_overhead_is_what_lies_between_steps() {
        let changes = [
            deployment(0, "x", "old", 1),
            pod(0, "x", "old", false),
            deployment(0, "y", "old", 1),
            deployment(110, "x", "new", 0),
            deployment(300, "x", "new", 1),
            pod(350, "x", "old", true),
            deployment(450, "y", "new", 1),
        ];
        let writes = [patch(105, "x"), patch(380, "y")];
        let writes: Vec<&Event> = writes.iter().collect();
        let recording = Recording { changes: &changes, writes: &writes };
        let roll = Roll::read(&recording, "new", at(100), at(500)).unwrap();
        let ends: Vec<Timestamp> = roll.steps.iter().map(|step| step.ended).collect();
        assert_eq!(ends, [at(350), at(450)]);
        assert_eq!(roll.gaps(), [Duration::from_millis(30)]);
        assert_eq!(roll.overhead(), Duration::from_millis(5 + 30 + 50));
    }

    #[test]
    fn a_step_that_was_not_seen_done_is_no_figure() {
        let changes = [deployment(0, "x", "old", 1), deployment(110, "x", "new", 0)];
        let writes = [patch(105, "x")];
        let writes: Vec<&Event> = writes.iter().collect();
        let recording = Recording { changes: &changes, writes: &writes };
        let error = Roll::read(&recording, "new", at(100), at(500)).unwrap_err();
        assert_eq!(error.to_string(), "x was not seen done before the next step began");
    }
}
