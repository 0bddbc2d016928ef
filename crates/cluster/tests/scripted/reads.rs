//! What becomes of a read. Not there and not known are different things.

use std::time::Duration;

use milvus_cluster::read::{self, SecretRead};
use rstest::rstest;
use serde_json::{Value, json};

use crate::script::{Answer, Script, failed, pause};

const PODS: &str =
    "GET /api/v1/namespaces/ns/pods fieldSelector=status.phase!=Succeeded,status.phase!=Failed";
const DEPLOYMENT: &str = "GET /apis/apps/v1/namespaces/ns/deployments/d";
const CLAIM: &str = "GET /api/v1/namespaces/ns/persistentvolumeclaims/c";
const SECRET: &str = "GET /api/v1/namespaces/ns/secrets/s";

/// Every read of a pass, with its error as text.
async fn every(script: &Script) -> Vec<Result<(), String>> {
    let client = script.client();
    let words = |error: read::Error| error.to_string();
    vec![
        read::pods(&client, "ns", "my-release").await.map(|_| ()).map_err(words),
        read::template(&client, "ns", "d").await.map(|_| ()).map_err(words),
        read::claim(&client, "ns", "c").await.map(|_| ()).map_err(words),
        read::secret(&client, "ns", "s").await.map(|_| ()).map_err(words),
    ]
}

fn everywhere(answer: impl Fn() -> Answer) -> Script {
    [PODS, DEPLOYMENT, CLAIM, SECRET]
        .into_iter()
        .fold(Script::new(), |script, request| script.on(request, answer()))
}

/// A failed read is never an empty value: the pass ends before it decides on what it has not seen.
#[rstest]
#[case::timeout_of_a_proxy(|| failed(502, "BadGateway"), "the server says BadGateway")]
#[case::bug_of_the_server(|| failed(500, "InternalError"), "the server says InternalError")]
#[case::broken(|| Answer::Broken, "connection refused")]
#[case::half_an_answer(|| Answer::Text(200, r#"{"metadata": {"na"#), "EOF")]
#[case::another_shape(|| Answer::Json(200, json!({"metadata": 7, "items": "none"})), "invalid type")]
#[case::silent(|| Answer::Silent, "no answer within 30 s")]
#[tokio::test(start_paused = true)]
async fn a_read_that_fails_is_an_error(#[case] answer: fn() -> Answer, #[case] why: &str) {
    let script = everywhere(answer);
    let what = ["the pods of ns/my-release", "Deployment ns/d", "PersistentVolumeClaim ns/c", "Secret ns/s"];
    for (outcome, what) in every(&script).await.into_iter().zip(what) {
        let error = outcome.unwrap_err();
        assert!(error.contains(what) && error.contains(why), "{error}");
    }
    script.done();
}

#[tokio::test(start_paused = true)]
async fn what_is_not_there_is_an_answer() {
    let script = Script::new()
        .on(DEPLOYMENT, failed(404, "NotFound"))
        .on(CLAIM, failed(404, "NotFound"))
        .on(SECRET, failed(404, "NotFound"));
    let client = script.client();
    assert_eq!(read::template(&client, "ns", "d").await.unwrap(), None);
    assert_eq!(read::claim(&client, "ns", "c").await.unwrap(), None);
    assert_eq!(read::secret(&client, "ns", "s").await.unwrap(), SecretRead::Missing);
    script.done();
}

/// It stays until somebody changes a role, so it is told and not tried again and again; of anything else it is an
/// error.
#[tokio::test(start_paused = true)]
async fn a_secret_that_may_not_be_read_is_an_answer() {
    let script = everywhere(|| failed(403, "Forbidden"));
    let outcomes = every(&script).await;
    assert_eq!(outcomes.iter().map(Result::is_ok).collect::<Vec<_>>(), [false, false, false, true]);
    let again = Script::new().on(SECRET, failed(403, "Forbidden"));
    let read = read::secret(&again.client(), "ns", "s").await.unwrap();
    assert_eq!(read, SecretRead::Forbidden("the server says Forbidden".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_busy_server_is_asked_again_when_it_says() {
    let list =
        json!({"kind": "PodList", "apiVersion": "v1", "metadata": {"resourceVersion": "1"}, "items": []});
    let script = Script::new().on(PODS, Answer::Busy(429, 3)).on(PODS, Answer::Json(200, list));
    assert!(read::pods(&script.client(), "ns", "my-release").await.unwrap().is_empty());
    assert!(pause(&script.done(), 0) >= Duration::from_secs(3));
}

/// Of a newer Kubernetes no field of a template is lost.
#[tokio::test(start_paused = true)]
async fn a_template_comes_as_it_is() {
    let template = json!({"spec": {"containers": [], "fieldOfTheFuture": {"a": [1]}}});
    let live: Value = json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "d", "namespace": "ns"}, "spec": {"template": template}});
    let script = Script::new().on(DEPLOYMENT, Answer::Json(200, live));
    assert_eq!(read::template(&script.client(), "ns", "d").await.unwrap(), Some(template));
}
