//! PodMonitors: a kind that a cluster may not have, may get and may lose.

use std::sync::Arc;
use std::time::Duration;

use futures::channel::mpsc;
use milvus_cluster::Records;
use milvus_cluster::optional::{self, LOOK_AGAIN, News};
use milvus_cluster::scope::Scope;
use milvus_cluster::watch::Watching;
use milvus_state::records::MonitorKind;
use rstest::rstest;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::script::{Answer, Script, failed, pause};

const KIND: &str = "GET /apis/monitoring.coreos.com/v1";
const LIST: &str = "GET /apis/monitoring.coreos.com/v1/podmonitors limit=50";
const FROM_5: &str = "GET /apis/monitoring.coreos.com/v1/podmonitors watch=true resourceVersion=5";

/// What is known after so long, whether anything waits for it, and how often everybody and one Milvus was woken.
async fn after(script: &Script, time: Duration) -> (MonitorKind, bool, usize, Vec<String>, Arc<Records>) {
    let records = Arc::new(Records::default());
    let watching = Watching { client: script.client(), scope: Scope::All, records: records.clone() };
    let ((changed, mut one), (all, mut everybody)) = (mpsc::unbounded(), mpsc::unbounded());
    let (running, known) = optional::watch(watching, News::new(changed, all));
    assert!(timeout(time, running).await.is_err(), "it watches without end");
    let (mut woken, mut rounds) = (Vec::new(), 0);
    while let Ok((_, name)) = one.try_recv() {
        woken.push(name);
    }
    while everybody.try_recv().is_ok() {
        rounds += 1;
    }
    let kind = *records.monitor_kind();
    let known = *known.borrow();
    (kind, known, rounds, woken, records)
}

fn served() -> Answer {
    let verbs = ["list", "watch", "create", "patch", "delete"];
    let monitors = json!({"name": "podmonitors", "singularName": "podmonitor", "namespaced": true,
        "kind": "PodMonitor", "verbs": verbs});
    Answer::Json(
        200,
        json!({"kind": "APIResourceList", "apiVersion": "v1",
        "groupVersion": "monitoring.coreos.com/v1", "resources": [monitors]}),
    )
}

fn monitor() -> Value {
    json!({"apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata", "metadata": {
        "name": "a", "namespace": "ns", "resourceVersion": "3", "uid": "u-1", "labels": {
            "app.kubernetes.io/managed-by": "milvus-operator", "app.kubernetes.io/instance": "a"}}})
}

fn list() -> Answer {
    Answer::Json(
        200,
        json!({"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1",
        "metadata": {"resourceVersion": "5"}, "items": [monitor()]}),
    )
}

/// No group, or a group without the kind: nothing waits for it, and it is looked for again.
#[rstest]
#[case::no_group(|| failed(404, "NotFound"))]
#[case::no_such_kind(|| Answer::Json(200, json!({"kind": "APIResourceList", "apiVersion": "v1",
    "groupVersion": "monitoring.coreos.com/v1", "resources": []})))]
#[tokio::test(start_paused = true)]
async fn a_kind_that_is_missing_is_looked_for_again(#[case] missing: fn() -> Answer) {
    let script = Script::new()
        .on(KIND, missing())
        .on(KIND, served())
        .on(LIST, list())
        .on(FROM_5, Answer::Stays(vec![]));
    let (kind, known, rounds, woken, records) = after(&script, LOOK_AGAIN + Duration::from_secs(5)).await;
    assert_eq!((kind, known), (MonitorKind::Present, true));
    assert_eq!(
        (rounds, woken),
        (2, vec!["a".to_owned()]),
        "everybody is told that it is missing, and that it came"
    );
    let key = ("ns".to_owned(), "a".to_owned());
    assert!(records.pod_monitors().get(&key, "a").is_some());
    assert_eq!(pause(&script.done(), 0), LOOK_AGAIN);
}

/// Its objects are gone with it.
#[tokio::test(start_paused = true)]
async fn a_kind_that_goes_takes_its_objects_with_it() {
    let script = Script::new()
        .on(KIND, served())
        .on(LIST, list())
        .on(FROM_5, Answer::Ends(vec![]))
        .on(FROM_5, failed(404, "NotFound"))
        .on(KIND, failed(404, "NotFound"));
    let (kind, known, rounds, _, records) = after(&script, LOOK_AGAIN + Duration::from_secs(5)).await;
    assert_eq!((kind, known, rounds), (MonitorKind::Absent, true, 2));
    assert!(records.pod_monitors().get(&("ns".to_owned(), "a".to_owned()), "a").is_none());
    script.done();
}

/// That nobody could say is not "there is none": nothing is written or said of PodMonitors, and nothing waits for them.
#[rstest]
#[case::forbidden(|| failed(403, "Forbidden"))]
#[case::bug_of_the_server(|| failed(500, "InternalError"))]
#[case::broken(|| Answer::Broken)]
#[tokio::test(start_paused = true)]
async fn a_kind_that_nobody_can_tell_of_is_unknown(#[case] answer: fn() -> Answer) {
    let script = Script::new().on(KIND, answer()).on(KIND, answer());
    let (kind, known, rounds, ..) = after(&script, LOOK_AGAIN + Duration::from_secs(5)).await;
    assert_eq!((kind, known, rounds), (MonitorKind::Unknown, true, 0));
    script.done();
}

/// What was known of its objects stays, and a list that fails is tried again.
#[tokio::test(start_paused = true)]
async fn a_list_that_fails_is_no_missing_kind() {
    let script = Script::new()
        .on(KIND, served())
        .on(LIST, failed(403, "Forbidden"))
        .on(LIST, failed(500, "InternalError"))
        .on(LIST, list())
        .on(FROM_5, Answer::Stays(vec![]));
    let (kind, known, rounds, ..) = after(&script, Duration::from_mins(1)).await;
    assert_eq!((kind, known, rounds), (MonitorKind::Present, true, 1));
    let calls = script.done();
    assert!(pause(&calls, 1) >= Duration::from_millis(400) && pause(&calls, 2) >= Duration::from_millis(400));
}
