//! What the watches know after the API server was busy, forgot, broke off, or said something that can't be decoded.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::BoxStream;
use jiff::Timestamp;
use milvus_api::Milvus;
use milvus_cluster::scope::Scope;
use milvus_cluster::watch::{Synced, Watch, Watching};
use milvus_cluster::{Key, Records};
use milvus_state::kinds::Kind;
use rstest::rstest;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::script::{Answer, Script, failed, pause, status};

const LIST: &str =
    "GET /apis/apps/v1/deployments limit=50 labelSelector=app.kubernetes.io/managed-by=milvus-operator";
const SECOND_PAGE: &str = "GET /apis/apps/v1/deployments continue=more";
const FROM_5: &str = "GET /apis/apps/v1/deployments watch=true resourceVersion=5 allowWatchBookmarks=true";
const FROM_7: &str = "GET /apis/apps/v1/deployments watch=true resourceVersion=7";
const FROM_9: &str = "GET /apis/apps/v1/deployments watch=true resourceVersion=9";

/// A watch that is read by the test.
struct Reader {
    keys: BoxStream<'static, Key>,
    synced: Synced,
    records: Arc<Records>,
}

impl Reader {
    fn of(script: &Script, watch: impl FnOnce(&Watching) -> Watch) -> Reader {
        let records = Arc::new(Records::default());
        let watching = Watching { client: script.client(), scope: Scope::All, records: records.clone() };
        let (keys, synced) = watch(&watching);
        Reader { keys, synced, records }
    }

    fn deployments(script: &Script) -> Reader {
        Reader::of(script, |watching| watching.owned(Kind::Deployment).unwrap())
    }

    /// Names of the Milvus objects that were woken before nothing more came for a minute.
    async fn woken(&mut self) -> Vec<String> {
        let mut names = Vec::new();
        while let Ok(Some((_, name))) = timeout(Duration::from_mins(1), self.keys.next()).await {
            names.push(name);
        }
        names
    }

    fn synced(&self) -> bool {
        *self.synced.borrow()
    }

    /// Resource versions of the Deployments of a Milvus.
    fn versions(&self, milvus: &str) -> Vec<String> {
        let all = self.records.deployments().of(&key(milvus));
        all.into_values().map(|record| record.resource_version).collect()
    }

    /// Why the pass over a Milvus can't begin.
    fn unknown(&self, milvus: &str) -> Option<String> {
        let of: Milvus = serde_json::from_value(json!({"apiVersion": "milvus.io/v1beta1", "kind": "Milvus",
            "metadata": {"name": milvus, "namespace": "ns"}, "spec": {}}))
        .unwrap();
        let watched = self.records.watched(&key(milvus), &of, Timestamp::UNIX_EPOCH, "0");
        watched.err().map(|error| error.to_string())
    }
}

fn key(milvus: &str) -> Key {
    ("ns".to_owned(), milvus.to_owned())
}

/// `<milvus>-d`, of a Milvus.
fn deployment(milvus: &str, version: &str) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {
        "name": format!("{milvus}-d"), "namespace": "ns", "resourceVersion": version, "uid": "u-1", "labels": {
            "app.kubernetes.io/managed-by": "milvus-operator", "app.kubernetes.io/instance": milvus}}})
}

/// One that no type of Kubernetes fits.
fn odd(milvus: &str, version: &str) -> Value {
    let mut odd = deployment(milvus, version);
    odd["spec"] = json!({"replicas": "three"});
    odd
}

fn list(version: &str, more: &str, items: &[Value]) -> Answer {
    Answer::Json(
        200,
        json!({"kind": "DeploymentList", "apiVersion": "apps/v1", "items": items,
        "metadata": {"resourceVersion": version, "continue": more}}),
    )
}

fn event(type_: &str, object: &Value) -> Value {
    json!({"type": type_, "object": object})
}

fn bookmark(version: &str) -> Value {
    event(
        "BOOKMARK",
        &json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"resourceVersion": version}}),
    )
}

fn stays() -> Answer {
    Answer::Stays(Vec::new())
}

#[tokio::test(start_paused = true)]
async fn everything_is_known_only_after_the_last_page() {
    let script = Script::new()
        .on(LIST, list("5", "more", &[deployment("a", "2")]))
        .on(SECOND_PAGE, failed(500, "InternalError"))
        .on(LIST, list("5", "more", &[deployment("a", "2")]))
        .on(SECOND_PAGE, list("5", "", &[deployment("b", "3")]))
        .on(FROM_5, stays());
    let mut reader = Reader::deployments(&script);
    assert_eq!(reader.keys.next().await, Some(key("a")));
    assert!(!reader.synced());
    assert_eq!(reader.keys.next().await, Some(key("a")), "the list began anew");
    assert!(!reader.synced());
    assert_eq!(reader.woken().await, ["b"]);
    assert!(reader.synced());
    script.done();
}

/// The API server ends every watch after some minutes. What happened since comes from where it ended, without a list.
#[tokio::test(start_paused = true)]
async fn a_watch_that_ends_goes_on_where_it_was() {
    let script = Script::new()
        .on(LIST, list("5", "", &[deployment("a", "2")]))
        .on(FROM_5, Answer::Ends(vec![event("MODIFIED", &deployment("a", "6")), bookmark("7")]))
        .on(FROM_7, Answer::Ends(vec![event("DELETED", &deployment("a", "9"))]))
        .on(FROM_9, stays());
    let mut reader = Reader::deployments(&script);
    assert_eq!(reader.keys.next().await, Some(key("a")));
    assert_eq!(reader.keys.next().await, Some(key("a")));
    assert_eq!(reader.versions("a"), ["6"]);
    assert_eq!(reader.woken().await, ["a"]);
    assert!(reader.versions("a").is_empty(), "deleted");
    script.done();
}

/// A watch that says nothing for longer than its time, not even a bookmark, is dead.
#[tokio::test(start_paused = true)]
async fn a_watch_that_falls_silent_is_begun_again() {
    let script = Script::new()
        .on(LIST, list("5", "", &[]))
        .on(FROM_5, stays())
        .on(FROM_5, Answer::Ends(vec![bookmark("7")]));
    let script = script.on(FROM_7, stays());
    let mut reader = Reader::deployments(&script);
    assert!(timeout(Duration::from_secs(310), reader.keys.next()).await.is_err());
    let calls = script.done();
    assert!((290..300).contains(&pause(&calls, 1).as_secs()), "{:?}", pause(&calls, 1));
}

/// In either form the version is too old: the list tells what is left, and whoever lost something is woken.
#[rstest]
#[case::in_the_watch(|| Answer::Ends(vec![event("ERROR", &status(410, "Expired", "too old resource version"))]))]
#[case::in_place_of_it(|| failed(410, "Expired"))]
#[tokio::test(start_paused = true)]
async fn a_version_that_is_too_old_begins_with_a_list(#[case] gone: fn() -> Answer) {
    let script = Script::new()
        .on(LIST, list("5", "", &[deployment("a", "2"), deployment("b", "3")]))
        .on(FROM_5, gone())
        .on(LIST, list("9", "", &[deployment("b", "8")]))
        .on(FROM_9, stays());
    let mut reader = Reader::deployments(&script);
    assert_eq!(reader.woken().await, ["a", "b", "b", "a"], "the last is told that its Deployment went");
    assert!(reader.versions("a").is_empty());
    assert_eq!(reader.versions("b"), ["8"]);
    script.done();
}

/// Of pods nothing is kept, so nobody knows which of them went meanwhile: every Milvus is woken.
#[tokio::test(start_paused = true)]
async fn pods_that_may_have_gone_unseen_wake_every_milvus() {
    const PODS: &str = "GET /api/v1/pods limit=50";
    let script = Script::new()
        .on(PODS, list("5", "", &[deployment("a", "2"), deployment("b", "3")]))
        .on("GET /api/v1/pods watch=true resourceVersion=5", failed(410, "Expired"))
        .on(PODS, list("9", "", &[deployment("b", "3")]))
        .on("GET /api/v1/pods watch=true resourceVersion=9", stays());
    let mut reader = Reader::of(&script, Watching::pods);
    assert_eq!(reader.woken().await, ["a", "b", "b", ""]);
    script.done();
}

/// What was known stays known until a list says otherwise.
#[rstest]
#[case::forbidden(|| failed(403, "Forbidden"))]
#[case::missing(|| failed(404, "NotFound"))]
#[case::bug_of_the_server(|| failed(500, "InternalError"))]
#[case::broken(|| Answer::Broken)]
#[case::no_json(|| Answer::Text(200, "<html>"))]
#[tokio::test(start_paused = true)]
async fn a_list_that_fails_loses_nothing_and_is_tried_again_later(#[case] answer: fn() -> Answer) {
    let script = Script::new()
        .on(LIST, answer())
        .on(LIST, list("5", "", &[deployment("a", "2")]))
        .on(FROM_5, failed(410, "Expired"))
        .on(LIST, answer())
        .on(LIST, answer())
        .on(LIST, list("9", "", &[]))
        .on(FROM_9, stays());
    let mut reader = Reader::deployments(&script);
    assert_eq!(reader.keys.next().await, Some(key("a")));
    assert_eq!(reader.versions("a"), ["2"]);
    assert_eq!(reader.keys.next().await, Some(key("a")), "only the good list says that it went");
    assert!(reader.versions("a").is_empty());
    assert!(reader.woken().await.is_empty());
    let calls = script.done();
    for failed in [0, 3, 4] {
        assert!(pause(&calls, failed) >= Duration::from_millis(400), "no storm of lists");
    }
}

#[tokio::test(start_paused = true)]
async fn a_busy_server_is_asked_again_when_it_says() {
    let script = Script::new()
        .on(LIST, Answer::Busy(429, 5))
        .on(LIST, list("5", "", &[]))
        .on(FROM_5, Answer::Busy(429, 7))
        .on(FROM_5, stays());
    let mut reader = Reader::deployments(&script);
    assert!(reader.woken().await.is_empty());
    assert!(reader.synced());
    let calls = script.done();
    assert!(pause(&calls, 0) >= Duration::from_secs(5) && pause(&calls, 2) >= Duration::from_secs(7));
}

/// It is not taken for missing either: the pass over its Milvus can't begin, those of the others can.
#[tokio::test(start_paused = true)]
async fn an_object_that_can_not_be_decoded_holds_up_its_own_milvus_only() {
    let script = Script::new()
        .on(LIST, list("5", "", &[odd("a", "2"), deployment("b", "3")]))
        .on(LIST, list("5", "", &[odd("a", "2"), deployment("b", "3")]))
        .on(FROM_5, Answer::Ends(vec![event("MODIFIED", &deployment("a", "7"))]))
        .on(FROM_7, stays());
    let mut reader = Reader::deployments(&script);
    assert_eq!(reader.keys.next().await, Some(key("a")));
    assert_eq!(reader.keys.next().await, Some(key("b")));
    let why = reader.unknown("a").unwrap();
    assert!(why.starts_with("Deployment ns/a-d can't be decoded: ") && why.contains("three"), "{why}");
    assert_eq!((reader.unknown("b"), reader.versions("b")), (None, vec!["3".to_owned()]));
    assert_eq!(reader.woken().await, ["a"]);
    assert!(reader.synced());
    assert_eq!((reader.unknown("a"), reader.versions("a")), (None, vec!["7".to_owned()]), "mended");
    script.done();
}

/// A change that can't be decoded would be lost, and what was known before would be taken for the present.
#[tokio::test(start_paused = true)]
async fn a_change_that_can_not_be_decoded_is_not_lost() {
    let script = Script::new()
        .on(LIST, list("5", "", &[deployment("a", "2")]))
        .on(FROM_5, Answer::Stays(vec![event("MODIFIED", &odd("a", "6"))]))
        .on(LIST, list("7", "", &[odd("a", "6")]))
        .on(FROM_7, Answer::Ends(vec![event("DELETED", &odd("a", "9"))]))
        .on(FROM_9, stays());
    let mut reader = Reader::deployments(&script);
    assert_eq!(reader.keys.next().await, Some(key("a")));
    assert_eq!(reader.unknown("a"), None);
    assert_eq!(reader.keys.next().await, Some(key("a")));
    assert!(reader.unknown("a").is_some());
    assert_eq!(reader.woken().await, ["a"]);
    assert_eq!((reader.unknown("a"), reader.versions("a").len()), (None, 0), "deleted");
    script.done();
}

/// Whose an object is says its owner. A label can be edited: then it would be gone for one Milvus, and in the way of
/// another.
#[tokio::test(start_paused = true)]
async fn an_edited_label_does_not_give_an_object_to_another_milvus() {
    let owned = |label: &str, version: &str| {
        let mut object = deployment("a", version);
        object["metadata"]["labels"]["app.kubernetes.io/instance"] = json!(label);
        object["metadata"]["ownerReferences"] = json!([
            {"apiVersion": "milvus.io/v1beta1", "kind": "Milvus", "name": "a", "uid": "m", "controller": true}]);
        object
    };
    let script = Script::new()
        .on(LIST, list("5", "", &[owned("a", "2")]))
        .on(FROM_5, Answer::Stays(vec![event("MODIFIED", &owned("b", "6"))]));
    let mut reader = Reader::deployments(&script);
    assert_eq!(reader.woken().await, ["a", "a"]);
    assert_eq!((reader.versions("a"), reader.versions("b").len()), (vec!["6".to_owned()], 0));
    script.done();
}

const BUDGETS: &str = "GET /apis/policy/v1/poddisruptionbudgets limit=50";
const BUDGETS_FROM_5: &str = "GET /apis/policy/v1/poddisruptionbudgets watch=true resourceVersion=5";

/// Kubernetes writes the status of every budget at every move of a pod. Only one that comes, goes or changes is news,
/// and a stranger's is news for its whole namespace.
#[tokio::test(start_paused = true)]
async fn the_status_of_a_budget_wakes_nobody() {
    let budget = |version: &str, generation: i64, app: &str| {
        json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
            "metadata": {"name": "b", "namespace": "ns", "resourceVersion": version, "generation": generation},
            "spec": {"selector": {"matchLabels": {"app": app}}}})
    };
    let events = vec![
        event("MODIFIED", &budget("6", 1, "x")),
        event("MODIFIED", &budget("7", 2, "y")),
        event("DELETED", &budget("8", 2, "y")),
    ];
    let script = Script::new()
        .on(BUDGETS, list("5", "", &[budget("2", 1, "x")]))
        .on(BUDGETS_FROM_5, Answer::Stays(events));
    let mut reader = Reader::of(&script, |watching| watching.owned(Kind::PodDisruptionBudget).unwrap());
    assert_eq!(reader.woken().await, ["", "", ""], "it came, it changed, it went");
    script.done();
}

const UPGRADES: &str = "GET /apis/milvus.io/v1beta1/milvusupgrades limit=50";
const UPGRADES_FROM_5: &str = "GET /apis/milvus.io/v1beta1/milvusupgrades watch=true resourceVersion=5";

/// It belongs to the Milvus that it names now; the one that it named before is told.
#[tokio::test(start_paused = true)]
async fn an_upgrade_follows_the_milvus_that_it_names() {
    let upgrade = |version: &str, spec: Value| {
        json!({"apiVersion": "milvus.io/v1beta1", "kind": "MilvusUpgrade", "spec": spec,
            "metadata": {"name": "u", "namespace": "ns", "resourceVersion": version, "uid": "u-1"}})
    };
    let names = |milvus: &str| json!({"milvus": {"name": milvus}, "sourceVersion": "2.1.4", "targetVersion": "2.2.16"});
    let events = vec![
        event("MODIFIED", &upgrade("6", names("b"))),
        event("MODIFIED", &upgrade("7", json!({"milvus": 7}))),
        event("MODIFIED", &upgrade("8", names("a"))),
        event("DELETED", &upgrade("9", json!({"milvus": 7}))),
    ];
    let script = Script::new()
        .on(UPGRADES, list("5", "", &[upgrade("2", names("a")), upgrade("3", json!({"milvus": 7}))]))
        .on(UPGRADES_FROM_5, Answer::Stays(events));
    let mut reader = Reader::of(&script, Watching::upgrades);
    assert_eq!(reader.woken().await, ["a", "a", "b", "b", "a", "a"]);
    assert!(
        reader.records.upgrades().of(&key("a")).is_empty()
            && reader.records.upgrades().of(&key("b")).is_empty()
    );
    script.done();
}
