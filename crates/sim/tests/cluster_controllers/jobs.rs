//! Jobs.

use std::time::Duration;

use milvus_sim::cluster::Pods;
use milvus_sim::server::Kind;
use rstest::rstest;
use serde_json::{Value, json};

use crate::bench::{Bench, NAMESPACE, container};

fn job(spec: &Value) -> Value {
    let pod = json!({ "spec": { "restartPolicy": "Never", "containers": [container("tool:1")] } });
    let mut job = json!({
        "apiVersion": "batch/v1", "kind": "Job",
        "metadata": { "name": "migrate", "namespace": NAMESPACE },
        "spec": { "template": pod },
    });
    for (key, value) in spec.as_object().unwrap() {
        job["spec"][key] = value.clone();
    }
    job
}

fn with(spec: &Value, fails: bool) -> Bench {
    let mut bench = Bench::new();
    bench.cluster.behaviour.runs_for = Duration::from_secs(5);
    if fails {
        bench.cluster.behaviour.fails = vec![Pods::with("tool:1")];
    }
    bench.create(Kind::Job, job(spec));
    bench
}

fn end(bench: &Bench) -> (String, String) {
    let of = |type_: &str| bench.condition(Kind::Job, "migrate", type_);
    let failed = of("Failed");
    if failed.0.is_empty() { of("Complete") } else { failed }
}

#[test]
fn a_job_completes_with_its_pod() {
    let mut bench = with(&json!({}), false);
    bench.run(3);
    let running = bench.get(Kind::Job, "migrate")["status"].clone();
    assert_eq!((running["active"].as_i64(), running["ready"].as_i64()), (Some(1), Some(1)));
    assert_eq!(end(&bench).0, "");
    bench.run(30);
    assert_eq!(end(&bench), ("True".to_owned(), "CompletionsReached".to_owned()));
    let status = bench.get(Kind::Job, "migrate")["status"].clone();
    assert_eq!(status["succeeded"], 1);
    assert!(status["completionTime"].is_string());
    let pods = bench.list(Kind::Pod);
    assert_eq!((pods.len(), pods[0]["status"]["phase"].as_str()), (1, Some("Succeeded")), "it is kept");
}

#[test]
fn a_job_that_fails_is_tried_again_and_given_up() {
    let mut bench = with(&json!({ "backoffLimit": 2 }), true);
    bench.run(12);
    assert_eq!(
        (bench.list(Kind::Pod).len(), end(&bench).0.as_str()),
        (1, ""),
        "it waits before it tries again"
    );
    bench.run(120);
    assert_eq!(end(&bench), ("True".to_owned(), "BackoffLimitExceeded".to_owned()));
    assert_eq!(bench.list(Kind::Pod).len(), 3);
    assert_eq!(bench.get(Kind::Job, "migrate")["status"]["failed"], 3);
}

#[test]
fn a_pod_that_is_started_again_in_place_counts_too() {
    let mut bench = with(&json!({ "backoffLimit": 1 }), true);
    let mut other = job(&json!({ "backoffLimit": 1 }));
    other["metadata"] = json!({ "name": "again", "namespace": NAMESPACE });
    other["spec"]["template"]["spec"]["restartPolicy"] = "OnFailure".into();
    bench.create(Kind::Job, other);
    bench.run(300);
    assert_eq!(bench.condition(Kind::Job, "again", "Failed").1, "BackoffLimitExceeded");
}

#[rstest]
#[case::deadline(json!({ "activeDeadlineSeconds": 2 }), "DeadlineExceeded")]
#[case::no_retry(json!({ "backoffLimit": 0 }), "BackoffLimitExceeded")]
fn a_job_is_given_up_for_a_reason(#[case] spec: Value, #[case] reason: &str) {
    let mut bench = with(&spec, true);
    bench.run(60);
    assert_eq!(end(&bench), ("True".to_owned(), reason.to_owned()));
}

#[test]
fn a_suspended_job_starts_when_it_may() {
    let mut bench = with(&json!({ "suspend": true }), false);
    bench.run(60);
    assert!(bench.list(Kind::Pod).is_empty());
    bench.patch(Kind::Job, "migrate", &json!({ "spec": { "suspend": false } }));
    bench.run(60);
    assert_eq!(end(&bench).0, "True");
}

#[test]
fn a_finished_job_goes_after_its_time() {
    let mut bench = with(&json!({ "ttlSecondsAfterFinished": 100 }), false);
    bench.run(60);
    assert_eq!(end(&bench).0, "True");
    bench.run(120);
    assert!(bench.list(Kind::Job).is_empty() && bench.list(Kind::Pod).is_empty());
}
