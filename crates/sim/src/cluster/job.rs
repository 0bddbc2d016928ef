//! The Job controller, for Jobs of one pod at a time.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::look::Look;
use super::objects::{
    condition, controlled_by, controller, is_ending, name, namespace, number, stamp, text, time, uid,
};
use super::replica_set::create_pod;
use crate::server::{Failure, Kind};

const ACTOR: &str = "job-controller";
/// Pods that fail are replaced after 10 s, 20 s, 40 s, … and at most 6 min.
const LONGEST: Duration = Duration::from_mins(6);

/// Pods of a Job, by what became of them.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    active: i64,
    ready: i64,
    ending: i64,
    succeeded: i64,
    failed: i64,
    restarts: i64,
}

/// Looks at every Job.
pub(super) fn look(look: &mut Look<'_>) -> Result<(), Failure> {
    for (namespace, name) in look.names(Kind::Job) {
        sync(look, &namespace, &name)?;
    }
    Ok(())
}

fn sync(look: &mut Look<'_>, namespace: &str, of: &str) -> Result<(), Failure> {
    let Some(job) = look.store.get(Kind::Job, namespace, of) else { return Ok(()) };
    let job = job.clone();
    if is_ending(&job) {
        return Ok(());
    }
    if let Some(end) = finished(&job) {
        return expire(look, &job, end);
    }
    let counts = count(look, &job);
    let suspended = job["spec"]["suspend"] == true;
    let too_long = is_too_long(look, &job);
    let mut status = running_status(look, &job, counts);
    if let Some(verdict) = verdict(&job, counts, too_long) {
        end(look, &job, counts, &mut status, verdict)?;
    } else if suspended {
        end_pods(look, &job)?;
    } else if counts.active + counts.ending == 0 && is_due(look, &job, counts.failed) {
        make(look, &job)?;
    }
    let at = (namespace, of);
    look.write_status(ACTOR, Kind::Job, at, status)?;
    Ok(())
}

/// Type, reason and message of what a Job has come to. What it says once, it stays with.
fn verdict(
    job: &Value,
    counts: Counts,
    too_long: bool,
) -> Option<(&'static str, &'static str, &'static str)> {
    const LATE: (&str, &str, &str) =
        ("Failed", "DeadlineExceeded", "Job was active longer than specified deadline");
    const GIVEN_UP: (&str, &str, &str) =
        ("Failed", "BackoffLimitExceeded", "Job has reached the specified backoff limit");
    let limit = job["spec"]["backoffLimit"].as_i64().unwrap_or(6);
    let wanted = job["spec"]["completions"].as_i64().unwrap_or(1);
    if let Some(known) = condition(job, "FailureTarget") {
        return Some(if known["reason"] == LATE.1 { LATE } else { GIVEN_UP });
    }
    if counts.succeeded >= wanted {
        return Some(("Complete", "CompletionsReached", "Reached expected number of succeeded pods"));
    }
    if too_long {
        return Some(LATE);
    }
    (counts.failed > limit || counts.restarts >= limit.max(1)).then_some(GIVEN_UP)
}

/// When it completed or failed.
fn finished(job: &Value) -> Option<Timestamp> {
    let ends = ["Complete", "Failed"].into_iter().filter_map(|type_| condition(job, type_));
    ends.filter(|c| c["status"] == "True").find_map(|c| time(c, "/lastTransitionTime"))
}

fn expire(look: &mut Look<'_>, job: &Value, end: Timestamp) -> Result<(), Failure> {
    let Some(seconds) = job["spec"]["ttlSecondsAfterFinished"].as_u64() else { return Ok(()) };
    let Ok(at) = end.checked_add(Duration::from_secs(seconds)) else { return Ok(()) };
    if look.now < at {
        look.wake(at);
        return Ok(());
    }
    look.delete(ACTOR, Kind::Job, (namespace(job), name(job)))
}

fn pods<'a>(look: &'a Look<'_>, job: &'a Value) -> impl Iterator<Item = &'a Value> {
    look.store.list_in(Kind::Pod, namespace(job)).filter(|pod| controller(pod) == Some(uid(job)))
}

fn count(look: &Look<'_>, job: &Value) -> Counts {
    let mut counts = Counts::default();
    for pod in pods(look, job) {
        match text(pod, "/status/phase") {
            "Succeeded" => counts.succeeded += 1,
            "Failed" => counts.failed += 1,
            _ if is_ending(pod) => counts.ending += 1,
            _ => {
                counts.active += 1;
                counts.ready += i64::from(super::objects::holds(pod, "Ready"));
                counts.restarts += number(pod, "/status/containerStatuses/0/restartCount");
            }
        }
    }
    counts
}

fn is_too_long(look: &mut Look<'_>, job: &Value) -> bool {
    let started = time(job, "/status/startTime");
    let seconds = job["spec"]["activeDeadlineSeconds"].as_u64().map(Duration::from_secs);
    let deadline = started.zip(seconds).and_then(|(start, after)| start.checked_add(after).ok());
    deadline.is_some_and(|at| {
        look.wake(at);
        look.now >= at
    })
}

fn running_status(look: &Look<'_>, job: &Value, counts: Counts) -> Value {
    let start = job["status"].get("startTime").cloned().unwrap_or_else(|| stamp(look.now));
    let mut status = json!({ "startTime": start, "ready": counts.ready, "terminating": counts.ending });
    let numbers = [("active", counts.active), ("succeeded", counts.succeeded), ("failed", counts.failed)];
    for (key, count) in numbers.into_iter().filter(|(_, count)| *count > 0) {
        status[key] = count.into();
    }
    if let Some(conditions) = job["status"].get("conditions") {
        status["conditions"] = conditions.clone();
    }
    status
}

fn end(
    look: &mut Look<'_>,
    job: &Value,
    counts: Counts,
    status: &mut Value,
    (type_, reason, message): (&str, &str, &str),
) -> Result<(), Failure> {
    let now = stamp(look.now);
    let first = if type_ == "Complete" { "SuccessCriteriaMet" } else { "FailureTarget" };
    let one = |type_: &str| {
        json!({
            "type": type_, "status": "True", "reason": reason, "message": message,
            "lastProbeTime": now, "lastTransitionTime": now,
        })
    };
    // A Job is finished when its last pod is; until then it only says what it will come to.
    let running = counts.active + counts.ending > 0;
    let known = condition(job, first).cloned().unwrap_or_else(|| one(first));
    let last = (!running).then(|| one(type_));
    status["conditions"] = std::iter::once(known).chain(last).collect();
    if !running && type_ == "Complete" {
        status["completionTime"] = now;
    }
    end_pods(look, job)
}

fn end_pods(look: &mut Look<'_>, job: &Value) -> Result<(), Failure> {
    let active = pods(look, job)
        .filter(|pod| !is_ending(pod) && !matches!(text(pod, "/status/phase"), "Failed" | "Succeeded"));
    let names: Vec<String> = active.map(|pod| name(pod).to_owned()).collect();
    names.iter().try_for_each(|pod| look.delete(ACTOR, Kind::Pod, (namespace(job), pod)))
}

/// Whether enough time has passed since the last pod failed.
fn is_due(look: &mut Look<'_>, job: &Value, failed: i64) -> bool {
    let ends = pods(look, job)
        .filter_map(|pod| time(pod, "/status/containerStatuses/0/state/terminated/finishedAt"));
    let Some(last) = ends.max() else { return true };
    let doublings = u32::try_from(failed - 1).unwrap_or_default().min(16);
    let wait = Duration::from_secs(10).saturating_mul(1 << doublings).min(LONGEST);
    let Ok(at) = last.checked_add(wait) else { return true };
    if look.now < at {
        look.wake(at);
    }
    look.now >= at
}

fn make(look: &mut Look<'_>, job: &Value) -> Result<(), Failure> {
    let template = &job["spec"]["template"];
    let mut metadata = template["metadata"].as_object().cloned().unwrap_or_default();
    metadata.insert("generateName".to_owned(), format!("{}-", name(job)).into());
    metadata.insert("namespace".to_owned(), namespace(job).into());
    metadata.insert("ownerReferences".to_owned(), json!([controlled_by(Kind::Job, job)]));
    match create_pod(look, ACTOR, &metadata, &template["spec"]) {
        // A quota that refuses a pod shows in an Event only; the controller tries again.
        Err(failure) if failure.code == 403 => {
            if let Ok(again) = look.now.checked_add(Duration::from_secs(10)) {
                look.wake(again);
            }
            Ok(())
        }
        other => other,
    }
}
