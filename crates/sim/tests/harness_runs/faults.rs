//! What each fault does, as a client sees it.

use std::time::Duration;

use futures::StreamExt as _;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{PostParams, WatchEvent, WatchParams};
use kube::{Api, Client};
use milvus_sim::harness::{Odds, Options, Plan, World, run};
use milvus_sim::server::Kind;
use rstest::rstest;

use crate::toy::plan;

const HOUR: Duration = Duration::from_hours(1);

fn map(name: &str) -> ConfigMap {
    let mut map = ConfigMap::default();
    map.metadata.name = Some(name.to_owned());
    map
}

async fn create(client: &Client, name: &str) -> Result<ConfigMap, kube::Error> {
    Api::<ConfigMap>::default_namespaced(client.clone()).create(&PostParams::default(), &map(name)).await
}

fn exists(world: &World, name: &str) -> bool {
    world.with(|store| store.get(Kind::ConfigMap, "default", name).is_some())
}

/// The n-th write meets it, and no other; whether it was done is what its name says.
#[rstest]
#[case::refused("503", Some(503), false, 0)]
#[case::conflict("409", Some(409), false, 0)]
#[case::timeout("timeout before", None, false, 30)]
#[case::lost_reply("lost reply", None, true, 0)]
#[case::no_reply("timeout after", None, true, 30)]
fn a_write_meets_its_fault(
    #[case] fault: &str,
    #[case] code: Option<u16>,
    #[case] done: bool,
    #[case] seconds: u64,
) {
    let options = Options::plan(plan(&format!("seed=1 at write 2: {fault}")));
    let outcome = run(options, |world| async move {
        let client = world.client("test");
        create(&client, "one").await.unwrap();
        let begin = world.clock().elapsed();
        let error = create(&client, "two").await.unwrap_err();
        let took = world.clock().elapsed().saturating_sub(begin).as_secs();
        assert_eq!((took, exists(&world, "two")), (seconds, done), "{error}");
        match error {
            kube::Error::Api(status) => assert_eq!(Some(status.code), code),
            other => assert_eq!(code, None, "{other}"),
        }
        create(&client, "three").await.unwrap();
        Ok(())
    });
    assert_eq!(outcome.result, Ok(()));
    assert_eq!(outcome.hit.len(), 1);
}

#[test]
fn a_delayed_write_is_done_later() {
    let outcome = run(Options::plan(plan("seed=1 at create configmaps 1: delay 5s")), |world| async move {
        create(&world.client("test"), "one").await.unwrap();
        assert!(world.clock().elapsed() > Duration::from_secs(5));
        Ok(exists(&world, "one"))
    });
    assert_eq!(outcome.result, Ok(true));
}

/// Names and kinds of what a watch shows within a time, and how long after the creation of "b" that came.
async fn watch(world: &World) -> Vec<(String, u64)> {
    let client = world.client("test");
    create(&client, "a").await.unwrap();
    let api = Api::<ConfigMap>::default_namespaced(client.clone());
    let from = api.list(&kube::api::ListParams::default()).await.unwrap().metadata.resource_version.unwrap();
    let events = match api.watch(&WatchParams::default(), &from).await {
        Ok(events) => events,
        Err(error) => return vec![(words(&error), 0)],
    };
    let begin = world.clock().elapsed();
    create(&client, "b").await.unwrap();
    let mut seen = Vec::new();
    let mut events = std::pin::pin!(events.take_until(tokio::time::sleep(Duration::from_secs(50))));
    while let Some(event) = events.next().await {
        let what = match event {
            Ok(WatchEvent::Added(map)) => map.metadata.name.unwrap(),
            Ok(WatchEvent::Error(status)) => format!("{}", status.code),
            Ok(other) => format!("{other:?}"),
            Err(error) => words(&error),
        };
        seen.push((what, world.clock().elapsed().saturating_sub(begin).as_secs()));
    }
    seen.push(("end".to_owned(), world.clock().elapsed().saturating_sub(begin).as_secs()));
    seen
}

fn words(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) => status.code.to_string(),
        _ => "broken".to_owned(),
    }
}

#[rstest]
#[case::none("get 9: 500", &[("b", 0), ("end", 50)])]
#[case::lag("watch configmaps 1: lag 7s", &[("b", 7), ("end", 50)])]
#[case::close("watch configmaps 1: close 3s", &[("b", 0), ("end", 3)])]
#[case::broken("watch configmaps 1: break 3s", &[("b", 0), ("broken", 3), ("end", 3)])]
#[case::gap("watch configmaps 1: gap 20s", &[("410", 20), ("end", 20)])]
#[case::expired("watch configmaps 1: expired", &[("410", 0)])]
#[case::twice("watch configmaps 1: twice", &[("b", 0), ("b", 0), ("end", 50)])]
fn a_watch_meets_its_fault(#[case] fault: &str, #[case] expected: &[(&str, u64)]) {
    let options = Options::plan(plan(&format!("seed=1 at {fault}")));
    let seen = run(options, |world| async move { Ok(watch(&world).await) }).result.unwrap();
    let seen: Vec<(&str, u64)> = seen.iter().map(|(what, at)| (what.as_str(), *at)).collect();
    assert_eq!(seen, expected);
}

/// What chance does in a run is a plan that does the same again.
#[test]
fn what_chance_did_can_be_planned() {
    let work = |world: World| async move {
        let client = world.client("test");
        for number in 0..100 {
            let _ = create(&client, &format!("map-{number}")).await;
        }
        Ok(world.with(|store| store.revision()))
    };
    // A kill would stop this client for good, so this looks for a seed that draws other faults.
    let odds = Odds { request: 30, ..Odds::default() };
    let chance = |seed: u64| run(Options { odds: Some(odds), longest: HOUR, ..Options::seed(seed) }, work);
    let (seed, drawn) = (0..200)
        .map(|seed| (seed, chance(seed)))
        .find(|(_, outcome)| outcome.result.is_ok() && !outcome.hit.is_empty())
        .unwrap();
    let plan = Plan { seed, steps: Vec::new(), faults: drawn.hit.clone() };
    let again = run(Options::plan(plan.to_string().parse().unwrap()), work);
    assert_eq!(again.trace.to_string(), drawn.trace.to_string(), "{plan}");
}
