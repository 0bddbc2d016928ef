//! Watches, under the production watcher and without it.

use std::pin::pin;
use std::time::Duration;

use futures::{Stream, StreamExt as _, TryStreamExt as _};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::{
    Api, Client, ResourceExt as _,
    api::{WatchEvent, WatchParams},
    runtime::{WatchStreamExt as _, watcher},
};
use milvus_sim::server::{Kind, Lag, Preconditions, Propagation, Store};
use serde_json::json;
use tokio::time::{Instant, timeout};
use tower::ServiceBuilder;

use crate::{World, config_map};

fn put(store: &mut Store, name: &str, value: &str, label: &str) {
    let mut object = config_map(name, &json!({ "k": value }));
    object["metadata"]["labels"] = json!({ "l": label });
    if store.get(Kind::ConfigMap, "default", name).is_none() {
        store.create("test", Kind::ConfigMap, object).unwrap();
    } else {
        store.update("test", Kind::ConfigMap, object).unwrap();
    }
}

fn remove(store: &mut Store, name: &str) {
    let target = Kind::ConfigMap.at("default", name);
    store.delete("test", target, &Preconditions::default(), Propagation::Background).unwrap();
}

/// The next event in short; `end` when the stream ends.
async fn next<S>(events: &mut S) -> String
where
    S: Stream<Item = Result<WatchEvent<ConfigMap>, kube::Error>> + Unpin,
{
    match events.next().await {
        None => "end".to_owned(),
        Some(Ok(WatchEvent::Added(object))) => format!("added {}", object.name_any()),
        Some(Ok(WatchEvent::Modified(object))) => format!("modified {}", object.name_any()),
        Some(Ok(WatchEvent::Deleted(object))) => format!("deleted {}", object.name_any()),
        Some(Ok(WatchEvent::Bookmark(mark))) => format!("bookmark {}", mark.metadata.annotations.len()),
        Some(Ok(WatchEvent::Error(status))) => format!("error {} {}", status.code, status.reason),
        Some(Err(error)) => format!("broken: {error}"),
    }
}

#[tokio::test(start_paused = true)]
async fn objects_enter_and_leave_a_selection() {
    let world = World::new();
    let from = world.server.with(|store| store.revision()).to_string();
    let params = WatchParams::default().labels("l=x");
    let mut events = pin!(world.config_maps().watch(&params, &from).await.unwrap());
    world.server.with(|store| {
        put(store, "a", "1", "x");
        put(store, "b", "1", "y");
        put(store, "a", "2", "x");
        put(store, "a", "2", "y");
        put(store, "b", "1", "x");
        remove(store, "a");
        remove(store, "b");
    });
    for expected in ["added a", "modified a", "deleted a", "added b", "deleted b"] {
        assert_eq!(next(&mut events).await, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_watch_from_the_beginning_shows_the_state_first_and_marks_its_end() {
    let world = World::new();
    world.server.with(|store| put(store, "a", "1", "x"));
    let mut events = pin!(world.config_maps().watch(&WatchParams::default(), "0").await.unwrap());
    assert_eq!(next(&mut events).await, "added a");
    let params = WatchParams { send_initial_events: true, ..WatchParams::default() };
    let mut marked = pin!(world.config_maps().watch(&params, "").await.unwrap());
    assert_eq!(next(&mut marked).await, "added a");
    assert_eq!(next(&mut marked).await, "bookmark 1");
    world.server.with(|store| remove(store, "a"));
    assert_eq!(next(&mut events).await, "deleted a");
    assert_eq!(next(&mut marked).await, "deleted a");
}

#[tokio::test(start_paused = true)]
async fn a_watch_ends_after_its_time_and_has_bookmarks_before() {
    let world = World::new();
    let from = world.server.with(|store| store.revision()).to_string();
    let started = Instant::now();
    let params = WatchParams::default().timeout(90);
    let mut events = pin!(world.config_maps().watch(&params, &from).await.unwrap());
    assert_eq!(next(&mut events).await, "bookmark 0");
    assert_eq!(started.elapsed().as_secs(), 60);
    assert_eq!(next(&mut events).await, "end");
    assert_eq!(started.elapsed().as_secs(), 90);
}

#[tokio::test(start_paused = true)]
async fn a_watch_from_before_a_compaction_is_told_so() {
    let world = World::new();
    let from = world.server.with(|store| store.revision()).to_string();
    world.server.with(|store| {
        put(store, "a", "1", "x");
        store.compact(store.revision());
    });
    let mut events = pin!(world.config_maps().watch(&WatchParams::default(), &from).await.unwrap());
    assert_eq!(next(&mut events).await, "error 410 Expired");
    assert_eq!(next(&mut events).await, "end");
}

#[tokio::test(start_paused = true)]
async fn a_watch_can_be_behind() {
    let world = World::new();
    let behind = |lag: Lag| {
        let service =
            ServiceBuilder::new().map_request(move |mut request: http::Request<kube::client::Body>| {
                request.extensions_mut().insert(lag);
                request
            });
        let client = Client::new(service.service(world.server.service()), "default");
        Api::<ConfigMap>::default_namespaced(client)
    };
    let from = world.server.with(|store| store.revision()).to_string();
    let late = behind(Lag::Time(Duration::from_secs(7)));
    let mut late = pin!(late.watch(&WatchParams::default(), &from).await.unwrap());
    let short = behind(Lag::Revisions(1));
    let mut short = pin!(short.watch(&WatchParams::default(), &from).await.unwrap());
    let started = Instant::now();
    world.server.with(|store| put(store, "a", "1", "x"));
    assert!(timeout(Duration::from_secs(5), next(&mut short)).await.is_err());
    assert_eq!(next(&mut late).await, "added a");
    assert_eq!(started.elapsed().as_secs(), 7);
    world.server.with(|store| put(store, "b", "1", "x"));
    assert_eq!(next(&mut short).await, "added a");
}

#[tokio::test(start_paused = true)]
async fn the_watcher_survives_ends_breaks_and_compactions() {
    let world = World::new();
    let events = watcher(world.config_maps(), watcher::Config::default()).default_backoff().applied_objects();
    let mut events = pin!(events);
    let mut seen = async || events.try_next().await.ok().flatten().map(|object| object.name_any());
    world.server.with(|store| put(store, "a", "1", "x"));
    assert_eq!(seen().await.as_deref(), Some("a"));
    world.server.close_watches(Some(Kind::ConfigMap), false);
    world.server.with(|store| put(store, "b", "1", "x"));
    assert_eq!(seen().await.as_deref(), Some("b"));
    world.server.close_watches(None, true);
    let mut found = seen().await;
    world.server.with(|store| {
        put(store, "c", "1", "x");
        store.compact(store.revision());
    });
    world.server.close_watches(None, false);
    while found.as_deref() != Some("c") {
        found = seen().await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_watch_of_a_kind_that_goes_ends() {
    let world = World::new();
    let from = world.server.with(|store| store.revision()).to_string();
    let mut events = pin!(world.config_maps().watch(&WatchParams::default(), &from).await.unwrap());
    world.server.with(|store| store.remove_kind(Kind::ConfigMap));
    assert_eq!(next(&mut events).await, "end");
    let again = world.config_maps().watch(&WatchParams::default(), &from).await;
    assert!(matches!(again, Err(kube::Error::Api(status)) if status.code == 404));
}
