//! What becomes of a write. Whether an error ends the pass is the caller's: here is what kind of error it is.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::events::v1::Event;
use milvus_api::Milvus;
use milvus_cluster::objects;
use milvus_cluster::write::{Error, REQUEST_TIMEOUT, Writer};
use milvus_cluster::{Key, Records};
use milvus_state::changes::{Removal, Write};
use milvus_state::kinds::Kind;
use milvus_state::manifests::Manifest;
use rstest::rstest;
use serde_json::{Value, json};

use crate::script::{Answer, Script, failed, pause};

const APPLY: &str = "PATCH /apis/apps/v1/namespaces/ns/deployments/d fieldManager=milvus-operator force=true";
const DELETE: &str = "DELETE /apis/apps/v1/namespaces/ns/deployments/d";

fn writer(script: &Script) -> Writer {
    Writer::new(script.client(), Arc::new(|_| true))
}

fn deployment(version: &str) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "d", "namespace": "ns", "resourceVersion": version, "generation": 4}})
}

async fn apply(script: &Script) -> Result<Deployment, Error> {
    writer(script).apply("ns", "d", &deployment("")).await
}

async fn delete(script: &Script) -> Result<(), Error> {
    let seen = Removal::new(Kind::Deployment, "d", "u-1");
    objects::remove(&writer(script), "ns", &seen).await
}

#[tokio::test(start_paused = true)]
async fn an_object_is_applied_whole_by_one_field_manager_that_wins() {
    let script = Script::new().on(APPLY, Answer::Json(200, deployment("8")));
    assert_eq!(apply(&script).await.unwrap().metadata.resource_version.as_deref(), Some("8"));
    let calls = script.done();
    assert_eq!(calls[0].content_type, "application/apply-patch+yaml");
    assert_eq!(calls[0].body, deployment(""));
}

/// These are judgements: the same request has the same answer, so none is sent twice.
#[rstest]
#[case::bad(400, "BadRequest")]
#[case::forbidden(403, "Forbidden")]
#[case::gone(404, "NotFound")]
#[case::conflict(409, "Conflict")]
#[case::invalid(422, "Invalid")]
#[case::bug_of_the_server(500, "InternalError")]
#[case::proxy(502, "BadGateway")]
#[tokio::test(start_paused = true)]
async fn what_the_server_has_judged_is_an_error_with_its_words(#[case] code: u16, #[case] reason: &str) {
    let script = Script::new().on(APPLY, failed(code, reason));
    let error = apply(&script).await.unwrap_err();
    assert_eq!(error.code(), Some(code));
    assert_eq!(error.is_refusal(), matches!(code, 400 | 403 | 422));
    assert_eq!(error.is_conflict(), code == 409, "out of date: decided anew, and no failure");
    assert_eq!(error.is_gone(), code == 404);
    let words = format!("the server says {reason}");
    assert_eq!(error.why(), words);
    assert_eq!(error.to_string(), format!("can't apply Deployment ns/d: {words}"));
    script.done();
}

/// Neither was the write done, nor will it be refused the next time: it is sent again after the time that the server
/// asks for.
#[rstest]
#[case::too_many_requests(429)]
#[case::unavailable(503)]
#[case::gateway(504)]
#[tokio::test(start_paused = true)]
async fn a_busy_server_is_asked_again_when_it_says(#[case] code: u16) {
    let script = Script::new().on(APPLY, Answer::Busy(code, 2)).on(APPLY, Answer::Json(200, deployment("8")));
    apply(&script).await.unwrap();
    let calls = script.done();
    assert!(pause(&calls, 0) >= Duration::from_secs(2), "{:?}", pause(&calls, 0));
    assert_eq!(calls[0].body, calls[1].body);
}

/// The lease may be somebody else's by then, so a write ends after its time also while it waits for its next try.
#[tokio::test(start_paused = true)]
async fn a_server_that_is_busy_for_longer_than_a_write_may_take_is_an_error() {
    let script = Script::new().on(APPLY, Answer::Busy(429, 60));
    let started = tokio::time::Instant::now();
    let error = apply(&script).await.unwrap_err();
    assert_eq!(started.elapsed(), REQUEST_TIMEOUT);
    assert!(matches!(error, Error::Silence { .. }), "{error}");
    script.done();
}

#[tokio::test(start_paused = true)]
async fn no_answer_is_an_error_after_five_seconds() {
    let script = Script::new().on(APPLY, Answer::Silent);
    let started = tokio::time::Instant::now();
    let error = apply(&script).await.unwrap_err();
    assert_eq!(started.elapsed(), REQUEST_TIMEOUT);
    assert_eq!(error.to_string(), "can't apply Deployment ns/d: no answer within 5 s");
    assert!(!error.is_refusal() && error.code().is_none(), "it may have been done or not");
    script.done();
}

#[tokio::test(start_paused = true)]
async fn a_broken_connection_is_an_error_and_nobodys_refusal() {
    let script = Script::new().on(APPLY, Answer::Broken);
    let error = apply(&script).await.unwrap_err();
    assert!(!error.is_refusal() && error.code().is_none());
    assert!(error.why().contains("connection refused"), "{error}");
    script.done();
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_no_json_is_told_with_its_text() {
    let script = Script::new().on(APPLY, Answer::Text(502, "<html>no upstream</html>"));
    let error = apply(&script).await.unwrap_err();
    assert_eq!((error.code(), error.why().as_str()), (Some(502), "<html>no upstream</html>"));
    script.done();
}

/// The write was done, but what is there now is not known: an error, and the record stays as it was until the watch
/// comes.
#[tokio::test(start_paused = true)]
async fn an_answer_that_can_not_be_decoded_is_an_error_and_no_record() {
    let mut odd = deployment("9");
    odd["spec"] = json!({"replicas": "three"});
    let script =
        Script::new().on(APPLY, Answer::Json(200, deployment("8"))).on(APPLY, Answer::Json(200, odd));
    let (writer, records) = (writer(&script), Records::default());
    let key: Key = ("ns".to_owned(), "my-release".to_owned());
    let manifest = Manifest { kind: Kind::Deployment, name: "d".to_owned(), object: deployment("") };
    let write = Write::from(manifest);
    objects::apply(&writer, &records, &key, &write).await.unwrap();
    let error = objects::apply(&writer, &records, &key, &write).await.unwrap_err();
    assert!(!error.is_refusal() && !error.is_conflict(), "{error}");
    assert_eq!(records.deployments().of(&key)["d"].resource_version, "8");
    script.done();
}

/// Who has written since it was seen is not overruled: nothing is applied, and the next pass decides anew.
#[tokio::test(start_paused = true)]
async fn fields_are_taken_over_before_an_object_is_applied() {
    const TAKE_OVER: &str = "PATCH /apis/apps/v1/namespaces/ns/deployments/d fieldManager=milvus-operator";
    let script = Script::new()
        .on(TAKE_OVER, failed(409, "Conflict"))
        .on(TAKE_OVER, Answer::Json(200, deployment("8")))
        .on(APPLY, Answer::Json(200, deployment("9")));
    let (writer, records) = (writer(&script), Records::default());
    let key: Key = ("ns".to_owned(), "my-release".to_owned());
    let manifest = Manifest { kind: Kind::Deployment, name: "d".to_owned(), object: deployment("") };
    let patch = json!({"metadata": {"resourceVersion": "7", "managedFields": []}});
    let write = Write { takes_over: Some(patch.clone()), ..Write::from(manifest) };
    let error = objects::apply(&writer, &records, &key, &write).await.unwrap_err();
    assert!(error.is_conflict() && error.action() == "take over fields of Deployment ns/d", "{error}");
    objects::apply(&writer, &records, &key, &write).await.unwrap();
    let calls = script.done();
    assert_eq!(
        (calls[0].body.clone(), calls[0].content_type.as_str()),
        (patch, "application/merge-patch+json")
    );
    assert_eq!(calls[2].body, deployment(""));
    assert_eq!(records.deployments().of(&key)["d"].resource_version, "9");
}

/// What is deleted is what was seen.
#[tokio::test(start_paused = true)]
async fn a_delete_is_of_one_uid_and_of_nothing_that_came_after_it() {
    let script = Script::new()
        .on(DELETE, Answer::Json(200, json!({"kind": "Status", "status": "Success"})))
        .on(DELETE, failed(404, "NotFound"))
        .on(DELETE, failed(409, "Conflict"));
    delete(&script).await.unwrap();
    delete(&script).await.expect("what is gone needs no delete");
    assert!(delete(&script).await.unwrap_err().is_conflict(), "another of the same name");
    let calls = script.done();
    assert_eq!(calls[0].body["preconditions"], json!({"uid": "u-1"}));
    assert_eq!(calls[0].body["propagationPolicy"], "Background");
}

/// The first write of two operators that both think to lead is the last: nothing is sent past the fence.
#[tokio::test(start_paused = true)]
async fn who_may_not_write_long_enough_sends_nothing() {
    let script = Script::new();
    let fenced = Writer::new(script.client(), Arc::new(|time| time < REQUEST_TIMEOUT));
    let of: Milvus = serde_json::from_value(milvus()).unwrap();
    let errors = [
        fenced.apply::<Deployment, _>("ns", "d", &deployment("")).await.unwrap_err(),
        objects::remove(&fenced, "ns", &Removal::new(Kind::Deployment, "d", "u-1")).await.unwrap_err(),
        fenced.status(&of).await.unwrap_err(),
        fenced.release(&of).await.unwrap_err(),
        fenced.event(&Event::default()).await.unwrap_err(),
    ];
    for error in errors {
        assert!(matches!(error, Error::NotLeading { .. }), "{error}");
    }
    assert!(script.done().is_empty());
}

fn milvus() -> Value {
    json!({"apiVersion": "milvus.io/v1beta1", "kind": "Milvus", "spec": {}, "metadata": {
        "name": "my-release", "namespace": "ns", "resourceVersion": "7",
        "finalizers": ["milvus.milvus.io/finalizer", "other/finalizer"]}})
}

const STATUS: &str = "PUT /apis/milvus.io/v1beta1/namespaces/ns/milvuses/my-release/status";
const RELEASE: &str = "PATCH /apis/milvus.io/v1beta1/namespaces/ns/milvuses/my-release";

/// A second writer shows as a conflict, and the status is not written over.
#[tokio::test(start_paused = true)]
async fn a_status_is_written_for_the_version_that_was_read() {
    let script = Script::new().on(STATUS, failed(409, "Conflict")).on(STATUS, Answer::Json(200, milvus()));
    let of: Milvus = serde_json::from_value(milvus()).unwrap();
    assert!(writer(&script).status(&of).await.unwrap_err().is_conflict());
    writer(&script).status(&of).await.unwrap();
    assert_eq!(script.done()[0].body["metadata"]["resourceVersion"], "7");
}

/// Only ours goes, and only from what was seen. A Milvus that is gone has none.
#[tokio::test(start_paused = true)]
async fn a_finalizer_goes_once() {
    let script = Script::new()
        .on(RELEASE, failed(409, "Conflict"))
        .on(RELEASE, Answer::Json(200, milvus()))
        .on(RELEASE, failed(404, "NotFound"));
    let of: Milvus = serde_json::from_value(milvus()).unwrap();
    assert!(writer(&script).release(&of).await.unwrap_err().is_conflict());
    writer(&script).release(&of).await.unwrap();
    writer(&script).release(&of).await.expect("it is gone");
    let calls = script.done();
    assert_eq!(
        calls[0].body,
        json!({"metadata": {"finalizers": ["other/finalizer"], "resourceVersion": "7"}})
    );
    assert_eq!(calls[0].content_type, "application/merge-patch+json");
}
