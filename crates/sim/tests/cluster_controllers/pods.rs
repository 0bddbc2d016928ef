//! How pods start, run and end, and what their status shows of it.

use std::time::Duration;

use milvus_sim::cluster::{Pods, condition};
use milvus_sim::server::{Kind, Propagation};
use serde_json::{Value, json};

use crate::bench::{Bench, NAMESPACE, OLD, component, deployment, one_more};

/// The one pod of a Deployment whose pods do something, after some seconds.
fn pod(change: impl FnOnce(&mut Bench), seconds: i64) -> (Bench, Value) {
    let mut bench = Bench::new();
    change(&mut bench);
    bench.create(Kind::Deployment, deployment(1, &one_more()));
    bench.run(seconds);
    let pod = bench.list(Kind::Pod).remove(0);
    (bench, pod)
}

fn waiting(pod: &Value) -> &str {
    pod["status"]["containerStatuses"][0]["state"]["waiting"]["reason"].as_str().unwrap_or_default()
}

#[test]
fn a_pod_gets_ready_after_its_time() {
    let (mut bench, starting) = pod(|b| b.cluster.behaviour.ready_after = Duration::from_secs(20), 15);
    assert_eq!(component(&starting), "proxy");
    assert_eq!((starting["status"]["phase"].as_str(), bench.ready()), (Some("Running"), 0));
    bench.run(10);
    assert_eq!(bench.ready(), 1);
}

#[test]
fn some_pods_are_slower_than_others() {
    let slow = (Pods::of("proxy"), Duration::from_secs(100));
    let (mut bench, _) = pod(|b| b.cluster.behaviour.slow = vec![slow], 90);
    assert_eq!(bench.ready(), 0);
    bench.run(20);
    assert_eq!(bench.ready(), 1);
}

#[test]
fn a_pod_that_finds_no_node_waits_for_one() {
    let (mut bench, pending) = pod(|b| b.cluster.behaviour.unschedulable = vec![Pods::all()], 30);
    assert_eq!(pending["status"]["phase"], "Pending");
    assert_eq!(condition(&pending, "PodScheduled").unwrap()["reason"], "Unschedulable");
    assert_eq!(pending["spec"].get("nodeName"), None);
    bench.cluster.behaviour.unschedulable.clear();
    bench.run(30);
    assert_eq!(bench.ready(), 1);
}

#[test]
fn an_image_that_can_not_be_pulled_is_named() {
    let broken = |b: &mut Bench| _ = b.cluster.behaviour.broken.insert(OLD.to_owned());
    let (mut bench, pending) = pod(broken, 30);
    assert_eq!(
        (pending["status"]["phase"].as_str(), waiting(&pending)),
        (Some("Pending"), "ImagePullBackOff")
    );
    bench.cluster.behaviour.broken.clear();
    bench.run(30);
    assert_eq!(bench.ready(), 1);
    bench.cluster.behaviour.broken.insert(OLD.to_owned());
    bench.run(30);
    assert_eq!(bench.ready(), 1, "what has been pulled keeps running");
}

#[test]
fn a_crash_loop_counts_and_slows_down() {
    let (mut bench, crashing) = pod(|b| b.cluster.behaviour.crash_loops = vec![Pods::all()], 5);
    assert_eq!(waiting(&crashing), "CrashLoopBackOff");
    let restarts = |bench: &Bench| {
        bench.list(Kind::Pod)[0]["status"]["containerStatuses"][0]["restartCount"].as_i64().unwrap()
    };
    bench.run(100);
    assert_eq!(restarts(&bench), 3, "after 10, 30 and 70 s");
    bench.run(3600);
    assert!((10..20).contains(&restarts(&bench)), "{}", restarts(&bench));
    bench.cluster.behaviour.crash_loops.clear();
    bench.run(30);
    assert_eq!(bench.ready(), 1);
}

#[test]
fn a_pod_can_stop_being_ready() {
    let (mut bench, _) = pod(|_| (), 30);
    bench.cluster.behaviour.unready = vec![Pods::of("proxy")];
    bench.run(5);
    assert_eq!(bench.ready(), 0);
    assert_eq!(bench.condition(Kind::Deployment, "proxy", "Available").0, "False");
    bench.cluster.behaviour.unready.clear();
    bench.run(5);
    assert_eq!(bench.ready(), 1);
}

#[test]
fn a_pod_takes_its_time_to_end_and_can_hang() {
    let (mut bench, pod) = pod(|b| b.cluster.behaviour.ends_after = Duration::from_secs(20), 30);
    let name = pod["metadata"]["name"].as_str().unwrap().to_owned();
    bench.delete(Kind::Pod, &name, Propagation::Background);
    bench.run(15);
    assert!(bench.get(Kind::Pod, &name)["metadata"]["deletionTimestamp"].is_string());
    bench.cluster.behaviour.hang_on_end = vec![Pods::named(&name)];
    bench.run(3600);
    assert!(bench.names(Kind::Pod).contains(&name));
    bench.cluster.behaviour.hang_on_end.clear();
    bench.run(30);
    assert!(!bench.names(Kind::Pod).contains(&name));
}

#[test]
fn a_budget_counts_its_pods() {
    let mut bench = Bench::running(deployment(3, &one_more()));
    let labels = json!({ "matchLabels": { "app.kubernetes.io/component": "proxy" } });
    bench.create(
        Kind::PodDisruptionBudget,
        json!({
            "apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
            "metadata": { "name": "proxy", "namespace": NAMESPACE },
            "spec": { "maxUnavailable": 1, "selector": labels },
        }),
    );
    bench.run(10);
    let status = |bench: &Bench| bench.get(Kind::PodDisruptionBudget, "proxy")["status"].clone();
    let counts =
        |status: &Value| ["expectedPods", "currentHealthy", "disruptionsAllowed"].map(|k| status[k].clone());
    assert_eq!(counts(&status(&bench)), [3, 3, 1].map(Value::from));
    bench.cluster.behaviour.unready = vec![Pods::all()];
    bench.run(10);
    assert_eq!(counts(&status(&bench)), [3, 0, 0].map(Value::from));
}
