//! Operators are killed, stopped, started again.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use jiff::SignedDuration;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::PostParams;
use kube::{Api, Client};
use milvus_sim::harness::{Clock, Options, World, run};
use milvus_sim::server::Kind;

use crate::toy::plan;

async fn create(client: Client, name: String) -> Result<ConfigMap, kube::Error> {
    let mut map = ConfigMap::default();
    map.metadata.name = Some(name);
    Api::<ConfigMap>::default_namespaced(client).create(&PostParams::default(), &map).await
}

fn maps(world: &World) -> Vec<String> {
    let name = |map: &serde_json::Value| map["metadata"]["name"].as_str().unwrap().to_owned();
    world.with(|store| store.list(Kind::ConfigMap).map(name).collect())
}

/// Each life creates maps of its own number, one a second.
fn counting() -> impl Fn(Client, Clock) -> std::pin::Pin<Box<dyn Future<Output = ()>>> {
    let lives = Rc::new(Cell::new(0));
    move |client, _| {
        lives.set(lives.get() + 1);
        let life = lives.get();
        Box::pin(async move {
            for number in 0.. {
                let _ = create(client.clone(), format!("life-{life}-{number}")).await;
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        })
    }
}

#[test]
fn a_write_before_the_kill_is_there_and_one_instead_of_it_is_not() {
    for (fault, last) in [("kill after", "life-1-2"), ("kill before", "life-1-1")] {
        let outcome = run(Options::plan(plan(&format!("seed=1 at write 3: {fault}"))), |world| async move {
            world.start("operator-0", counting());
            world
                .until("a second life", |store| store.get(Kind::ConfigMap, "default", "life-2-1").is_some())
                .await?;
            Ok(maps(&world))
        });
        let maps = outcome.result.unwrap();
        let first: Vec<&String> = maps.iter().filter(|name| name.starts_with("life-1")).collect();
        assert_eq!(first.last().map(|name| name.as_str()), Some(last));
    }
}

/// A task that an operator has spawned survives it, and gets nothing done.
#[test]
fn what_a_dead_operator_left_running_is_cut_off() {
    let outcome = run(Options::seed(1), |world| async move {
        world.start("operator-0", |client, _| async move {
            tokio::spawn(async move {
                for number in 0.. {
                    let _ = create(client.clone(), format!("map-{number}")).await;
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            });
            std::future::pending::<()>().await;
        });
        world.sleep(Duration::from_secs(10)).await;
        world.remove("operator-0");
        let before = maps(&world).len();
        world.sleep(Duration::from_secs(100)).await;
        Ok((before, maps(&world).len()))
    });
    let (before, after) = outcome.result.unwrap();
    assert!(before > 5);
    assert_eq!(before, after);
}

/// It goes on where it was, with what it knew.
#[test]
fn a_stopped_operator_goes_on() {
    let outcome = run(Options::seed(1), |world| async move {
        world.start("operator-0", counting());
        world.sleep(Duration::from_secs(10)).await;
        world.stop("operator-0", Duration::from_secs(100));
        world.sleep(Duration::from_secs(2)).await;
        let before = maps(&world).len();
        world.sleep(Duration::from_secs(90)).await;
        let during = maps(&world).len();
        world.sleep(Duration::from_secs(20)).await;
        Ok((before, during, maps(&world)))
    });
    let (before, during, after) = outcome.result.unwrap();
    assert_eq!(before, during);
    assert!(after.len() > during && after.iter().all(|name| name.starts_with("life-1")), "{after:?}");
}

#[test]
fn every_poll_can_be_the_last() {
    let lives = |line: &str| {
        let outcome = run(Options::plan(plan(line)), |world| async move {
            world.start("operator-0", counting());
            world.sleep(Duration::from_secs(20)).await;
            Ok(maps(&world).iter().any(|name| name.starts_with("life-2")))
        });
        (outcome.result.unwrap(), outcome.polls.values().sum::<u64>())
    };
    let (again, polls) = lives("seed=1");
    assert!(!again && polls > 20, "{polls}");
    for nth in 1..=polls {
        let (again, _) = lives(&format!("seed=1 at poll {nth}: kill before"));
        assert!(again || nth + 4 > polls, "poll {nth} of {polls}");
    }
}

#[test]
fn a_panic_ends_the_run() {
    let outcome = run(Options::seed(1), |world| async move {
        world.start("operator-0", |_, _| async { panic!("a bug") });
        world.sleep(Duration::from_secs(10)).await;
        Ok(())
    });
    assert_eq!(outcome.result, Err("operator-0 panics: a bug".to_owned()));
}

#[test]
fn a_clock_that_is_wrong_is_wrong_for_one() {
    let outcome = run(Options::seed(1), |world| async move {
        world.start("operator-0", |client, clock: Clock| async move {
            tokio::time::sleep(Duration::from_secs(5)).await;
            let now = clock.now().to_string().to_lowercase().replace(':', ".");
            let _ = create(client, now).await;
            std::future::pending::<()>().await;
        });
        world.clock_of("operator-0").unwrap().jump(SignedDuration::from_hours(-1));
        world.sleep(Duration::from_secs(20)).await;
        Ok((maps(&world), world.clock().now().to_string()))
    });
    let (maps, right) = outcome.result.unwrap();
    assert_eq!(right, "2027-01-15T08:00:20Z");
    assert!(maps[0].starts_with("2027-01-15t07.00.05"), "{maps:?}");
}
