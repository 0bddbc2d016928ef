//! The status of a Deployment.

use std::time::Duration;

use jiff::SignedDuration;
use serde_json::{Map, Value, json};

use super::{ACTOR, Rollout};
use crate::cluster::look::Look;
use crate::cluster::objects::{condition, number, stamp, text, time};
use crate::server::{Failure, Kind};

impl Rollout {
    /// Writes the status. Whether the roll makes progress is only said of one that is not paused or just
    /// scaled.
    pub(super) fn write_status(&mut self, look: &mut Look<'_>, progress: bool) -> Result<(), Failure> {
        let counts = self.counts();
        self.say_available(look);
        if progress {
            self.say_progress(look, &counts);
            self.say_failure(look);
        }
        let mut status = counts;
        for key in ["conditions", "collisionCount"] {
            if let Some(value) = self.deployment["status"].get(key) {
                status.insert(key.to_owned(), value.clone());
            }
        }
        let at = (self.namespace.as_str(), self.name.as_str());
        look.write_status(ACTOR, Kind::Deployment, at, status.into())?;
        Ok(())
    }

    /// The numbers, of which those that are 0 are left out.
    fn counts(&self) -> Map<String, Value> {
        let available = self.sum(|set| set.available);
        let numbers = [
            ("observedGeneration", number(&self.deployment, "/metadata/generation")),
            ("replicas", self.sum(|set| set.has)),
            ("updatedReplicas", self.new.as_ref().map_or(0, |set| set.has)),
            ("readyReplicas", self.sum(|set| set.ready)),
            ("availableReplicas", available),
            ("unavailableReplicas", (self.sum(|set| set.wanted) - available).max(0)),
        ];
        let some = numbers.into_iter().filter(|(_, number)| *number > 0);
        some.map(|(key, number)| (key.to_owned(), number.into())).collect()
    }

    fn say_available(&mut self, look: &Look<'_>) {
        let (said, message) = if self.sum(|set| set.available) >= self.bounds.minimum() {
            (("Available", "True", "MinimumReplicasAvailable"), "Deployment has minimum availability.")
        } else {
            (
                ("Available", "False", "MinimumReplicasUnavailable"),
                "Deployment does not have minimum availability.",
            )
        };
        self.set_condition(look, said, message);
    }

    fn say_progress(&mut self, look: &mut Look<'_>, counts: &Map<String, Value>) {
        if let Some(message) = self.found_message() {
            self.set_condition(look, ("Progressing", "True", "FoundNewReplicaSet"), &message);
        }
        let Some(new) = self.new.as_ref().map(|set| set.name.clone()) else { return };
        let count = |key: &str| counts.get(key).and_then(Value::as_i64).unwrap_or_default();
        let was = |key: &str| number(&self.deployment, &format!("/status/{key}"));
        let old_left = count("replicas") - count("updatedReplicas");
        let moved =
            ["updatedReplicas", "readyReplicas", "availableReplicas"].iter().any(|k| count(k) > was(k))
                || old_left < was("replicas") - was("updatedReplicas");
        let reason = condition(&self.deployment, "Progressing").map(|c| text(c, "/reason").to_owned());
        let done = reason.as_deref() == Some("NewReplicaSetAvailable") && old_left == 0;
        if done {
            return;
        }
        if self.is_complete() {
            let message = format!("ReplicaSet \"{new}\" has successfully progressed.");
            self.set_condition(look, ("Progressing", "True", "NewReplicaSetAvailable"), &message);
        } else if moved {
            let message = format!("ReplicaSet \"{new}\" is progressing.");
            self.renew_progress(look, &message);
        } else if !matches!(
            reason.as_deref(),
            None | Some("NewReplicaSetAvailable" | "ProgressDeadlineExceeded")
        ) {
            self.say_late(look, &new);
        }
    }

    /// A roll that somebody has stopped, or lets go on.
    pub(super) fn say_paused(&mut self, look: &Look<'_>) {
        let paused = self.deployment["spec"]["paused"] == true;
        let reason = condition(&self.deployment, "Progressing").map_or("", |c| text(c, "/reason"));
        match (paused, reason) {
            (_, "ProgressDeadlineExceeded") | (true, "DeploymentPaused") => {}
            (true, _) => {
                self.set_condition(
                    look,
                    ("Progressing", "Unknown", "DeploymentPaused"),
                    "Deployment is paused",
                );
            }
            (false, "DeploymentPaused") => {
                self.set_condition(
                    look,
                    ("Progressing", "Unknown", "DeploymentResumed"),
                    "Deployment is resumed",
                );
            }
            (false, _) => {}
        }
    }

    /// Progress is told with the time at which it was last seen.
    fn renew_progress(&mut self, look: &Look<'_>, message: &str) {
        let since = condition(&self.deployment, "Progressing")
            .filter(|c| c["status"] == "True")
            .map(|c| c["lastTransitionTime"].clone());
        self.remove_condition("Progressing");
        self.set_condition(look, ("Progressing", "True", "ReplicaSetUpdated"), message);
        if let (Some(since), Some(all)) = (since, self.deployment["status"]["conditions"].as_array_mut()) {
            all.iter_mut().filter(|c| c["type"] == "Progressing").for_each(|c| {
                c["lastTransitionTime"] = since.clone();
            });
        }
    }

    fn say_late(&mut self, look: &mut Look<'_>, new: &str) {
        let seconds = self.deployment["spec"]["progressDeadlineSeconds"].as_u64().unwrap_or(600);
        let last = condition(&self.deployment, "Progressing").and_then(|c| time(c, "/lastUpdateTime"));
        let Some(deadline) = last.and_then(|last| last.checked_add(Duration::from_secs(seconds)).ok()) else {
            return;
        };
        if look.now > deadline {
            let message = format!("ReplicaSet \"{new}\" has timed out progressing.");
            self.set_condition(look, ("Progressing", "False", "ProgressDeadlineExceeded"), &message);
        } else if let Ok(late) = deadline.checked_add(SignedDuration::from_secs(1)) {
            look.wake(late);
        }
    }

    /// Why pods can't be made, as the ReplicaSets say.
    fn say_failure(&mut self, look: &Look<'_>) {
        let failure = self.new.iter().chain(&self.old).find_map(|set| set.failure.clone());
        match failure {
            Some(c) => {
                let (status, reason) = (text(&c, "/status"), text(&c, "/reason"));
                self.set_condition(look, ("ReplicaFailure", status, reason), text(&c, "/message"));
            }
            None => self.remove_condition("ReplicaFailure"),
        }
    }

    /// Type, status and reason of a condition; nothing changes where these are what they were.
    pub(super) fn set_condition(&mut self, look: &Look<'_>, said: (&str, &str, &str), message: &str) {
        let (type_, status, reason) = said;
        let now = stamp(look.now);
        let mut since = now.clone();
        if let Some(before) = condition(&self.deployment, type_) {
            if before["status"] == status && before["reason"] == reason {
                return;
            }
            if before["status"] == status {
                since = before["lastTransitionTime"].clone();
            }
        }
        self.remove_condition(type_);
        let new = json!({
            "type": type_, "status": status, "reason": reason, "message": message,
            "lastUpdateTime": now, "lastTransitionTime": since,
        });
        match self.deployment["status"]["conditions"].as_array_mut() {
            Some(all) => all.push(new),
            None => self.deployment["status"]["conditions"] = Value::from(vec![new]),
        }
    }

    fn remove_condition(&mut self, type_: &str) {
        if let Some(all) = self.deployment["status"]["conditions"].as_array_mut() {
            all.retain(|c| c["type"] != type_);
        }
    }
}
