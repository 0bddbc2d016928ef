//! Scheduler and kubelet of one node that has room for everything.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::behaviour::hits;
use super::look::Look;
use super::objects::{is_ending, name, namespace, text, uid};
use super::pod_status::{self, Phase};
use crate::server::{Failure, Kind};

const ACTOR: &str = "kubelet";
/// The containers of a pod that crashes start again after this time, then after twice of it, and so on.
const FIRST_CRASH: Duration = Duration::from_secs(10);
/// The longest time until they start again.
const LAST_CRASH: Duration = Duration::from_mins(5);

/// What a kubelet knows of its pods.
#[derive(Clone, Debug, Default)]
pub struct Node {
    pods: BTreeMap<String, Run>,
    placed: u32,
}

/// A pod on the node.
#[derive(Clone, Debug)]
struct Run {
    /// When it could last begin to get ready.
    since: Timestamp,
    /// When it was told to end.
    ending: Option<Timestamp>,
    /// What its status shows.
    shown: Option<Phase>,
    restarts: u32,
    crashed: Option<Timestamp>,
    number: u32,
}

impl Node {
    /// Looks at every pod.
    pub(super) fn look(&mut self, look: &mut Look<'_>) -> Result<(), Failure> {
        let pods: Vec<(String, String, String)> = look
            .store
            .list(Kind::Pod)
            .map(|p| (uid(p).to_owned(), namespace(p).to_owned(), name(p).to_owned()))
            .collect();
        self.pods.retain(|known, _| pods.iter().any(|(uid, ..)| uid == known));
        for (uid, namespace, name) in &pods {
            if !self.pods.contains_key(uid) {
                self.placed += 1;
                let run = Run {
                    since: look.now,
                    ending: None,
                    shown: None,
                    restarts: 0,
                    crashed: None,
                    number: self.placed,
                };
                self.pods.insert(uid.clone(), run);
            }
            if let Some(run) = self.pods.get_mut(uid) {
                run.look(look, (namespace, name))?;
            }
        }
        Ok(())
    }
}

fn after(moment: Timestamp, time: Duration) -> Timestamp {
    moment.checked_add(time).unwrap_or(Timestamp::MAX)
}

impl Run {
    fn look(&mut self, look: &mut Look<'_>, at: (&str, &str)) -> Result<(), Failure> {
        let Some(pod) = look.store.get(Kind::Pod, at.0, at.1) else { return Ok(()) };
        if is_ending(pod) {
            return self.end(look, at);
        }
        if matches!(text(pod, "/status/phase"), "Succeeded" | "Failed") {
            return Ok(());
        }
        let pod = pod.clone();
        let phase = self.phase(look, &pod);
        if self.shown.as_ref() == Some(&phase) {
            return Ok(());
        }
        if !phase.waits_for_node() && text(&pod, "/spec/nodeName").is_empty() {
            look.change("scheduler", Kind::Pod, at, |object| object["spec"]["nodeName"] = "node-0".into())?;
        }
        let seen = pod_status::Seen { phase: &phase, restarts: self.restarts, number: self.number };
        let status = pod_status::of(&pod, &seen, look.now);
        look.write_status(ACTOR, Kind::Pod, at, status)?;
        self.shown = Some(phase);
        Ok(())
    }

    /// Gone after a while; at once when it has never run.
    fn end(&mut self, look: &mut Look<'_>, at: (&str, &str)) -> Result<(), Failure> {
        let Some(pod) = look.store.get(Kind::Pod, at.0, at.1) else { return Ok(()) };
        let ran = !text(pod, "/spec/nodeName").is_empty()
            && !matches!(text(pod, "/status/phase"), "Succeeded" | "Failed");
        let began = *self.ending.get_or_insert(look.now);
        if ran && hits(&look.behaviour.hang_on_end, pod) {
            return Ok(());
        }
        let gone = after(began, look.behaviour.ends_after);
        if ran && look.now < gone {
            look.wake(gone);
            return Ok(());
        }
        look.finish_pod(ACTOR, at)
    }

    fn phase(&mut self, look: &mut Look<'_>, pod: &Value) -> Phase {
        let behaviour = look.behaviour;
        let started = matches!(self.shown, Some(Phase::Ready | Phase::Unready));
        if text(pod, "/spec/nodeName").is_empty() && hits(&behaviour.unschedulable, pod) {
            self.since = look.now;
            return Phase::Unschedulable;
        }
        if let Some(image) = behaviour.broken_image(pod).filter(|_| !started) {
            self.since = look.now;
            return Phase::Broken(image.to_owned());
        }
        if hits(&behaviour.crash_loops, pod) {
            return self.crash(look);
        }
        if pod_status::is_of_job(pod) {
            return self.run_job(look, pod);
        }
        if self.crashed.take().is_some() {
            self.since = look.now;
        }
        let ready = after(self.since, behaviour.ready_after(pod));
        if !started && look.now < ready {
            look.wake(ready);
            return Phase::Starting;
        }
        if hits(&behaviour.unready, pod) { Phase::Unready } else { Phase::Ready }
    }

    fn crash(&mut self, look: &mut Look<'_>) -> Phase {
        let wait = FIRST_CRASH.saturating_mul(1 << self.restarts.min(16)).min(LAST_CRASH);
        match self.crashed.map(|last| after(last, wait)) {
            Some(again) if look.now >= again => {
                self.restarts += 1;
                self.crashed = Some(look.now);
            }
            Some(_) => {}
            None => self.crashed = Some(look.now),
        }
        let wait = FIRST_CRASH.saturating_mul(1 << self.restarts.min(16)).min(LAST_CRASH);
        look.wake(after(self.crashed.unwrap_or(look.now), wait));
        Phase::Crashing(self.restarts)
    }

    fn run_job(&mut self, look: &mut Look<'_>, pod: &Value) -> Phase {
        let end = after(self.since, look.behaviour.runs_for);
        if look.now < end {
            look.wake(end);
            return Phase::Ready;
        }
        if !hits(&look.behaviour.fails, pod) {
            return Phase::Done(true);
        }
        if text(pod, "/spec/restartPolicy") == "OnFailure" {
            return self.crash(look);
        }
        Phase::Done(false)
    }
}
