//! A Deployment whose template changes.

use std::collections::BTreeMap;

use milvus_sim::cluster::{holds, is_ending};
use milvus_sim::server::{Event, Kind};
use rstest::rstest;
use serde_json::{Value, json};

use crate::bench::{Bench, NEW, OLD, deployment, image, one_more, rolling};

/// How many pods there were and how many of them were ready, and the images, after each commit.
fn moments(log: &[Event]) -> Vec<(usize, usize, Vec<String>)> {
    let mut pods: BTreeMap<String, Value> = BTreeMap::new();
    let mut moments = Vec::new();
    for event in log.iter().filter(|event| event.kind == Kind::Pod) {
        match &event.after {
            Some(pod) => pods.insert(event.name.to_string(), (**pod).clone()),
            None => pods.remove(&*event.name),
        };
        let live: Vec<&Value> = pods.values().filter(|pod| !is_ending(pod)).collect();
        let ready = live.iter().filter(|pod| holds(pod, "Ready")).count();
        moments.push((live.len(), ready, pods.values().map(image).collect()));
    }
    moments
}

#[rstest]
#[case::one_by_one(3, json!(1), json!(0), 4, 3)]
#[case::in_place(3, json!(0), json!(1), 3, 2)]
#[case::neither_given(4, Value::Null, Value::Null, 5, 3)]
#[case::percent(10, json!("30%"), json!("20%"), 13, 8)]
#[case::all_at_once(3, json!("100%"), json!("100%"), 3, 0)]
#[case::faster(4, json!("50%"), json!(0), 6, 4)]
fn a_roll_keeps_its_bounds(
    #[case] replicas: usize,
    #[case] surge: Value,
    #[case] unavailable: Value,
    #[case] most: usize,
    #[case] least: usize,
) {
    let size = i64::try_from(replicas).unwrap();
    let mut bench = Bench::running(deployment(size, &rolling(&surge, &unavailable)));
    let before = bench.log().len();
    let running = moments(&bench.log()).len();
    bench.set_image(NEW);
    bench.run(300);
    assert_eq!(bench.images(), vec![NEW; replicas]);
    assert!(bench.log().len() > before);
    let moments = &moments(&bench.log())[running..];
    let largest = moments.iter().map(|(all, ..)| *all).max().unwrap();
    let fewest = moments.iter().map(|(_, ready, _)| *ready).min().unwrap();
    assert_eq!((largest, fewest >= least), (most, true), "at least {fewest} were ready");
    assert_eq!(bench.list(Kind::ReplicaSet).len(), 2, "the old one is kept, without pods");
}

#[test]
fn recreate_lets_no_two_templates_run_at_once() {
    let mut bench = Bench::running(deployment(2, &json!({ "type": "Recreate" })));
    let running = moments(&bench.log()).len();
    bench.set_image(NEW);
    bench.run(120);
    assert_eq!(bench.images(), [NEW; 2]);
    for (_, _, images) in &moments(&bench.log())[running..] {
        assert!(!(images.contains(&OLD.to_owned()) && images.contains(&NEW.to_owned())), "{images:?}");
    }
}

/// The template of a revert is known: its ReplicaSet grows again, with a new revision, and what still runs is
/// kept.
#[test]
fn a_revert_goes_back_to_the_replica_set_that_was() {
    let mut bench = Bench::running(deployment(2, &one_more()));
    let old = bench.names(Kind::Pod);
    bench.cluster.behaviour.broken.insert(NEW.to_owned());
    bench.set_image(NEW);
    bench.run(60);
    assert_eq!(bench.images(), [NEW, OLD, OLD]);
    assert_eq!(bench.ready(), 2);
    bench.set_image(OLD);
    bench.run(60);
    assert_eq!(bench.names(Kind::Pod), old);
    assert_eq!(bench.list(Kind::ReplicaSet).len(), 2);
    let live = bench.get(Kind::Deployment, "proxy");
    assert_eq!(live["metadata"]["annotations"]["deployment.kubernetes.io/revision"], "3");
    assert_eq!(bench.condition(Kind::Deployment, "proxy", "Progressing").1, "NewReplicaSetAvailable");
}

#[test]
fn old_templates_beyond_the_limit_go() {
    let mut bench = Bench::running(deployment(1, &one_more()));
    bench.patch(Kind::Deployment, "proxy", &json!({ "spec": { "revisionHistoryLimit": 2 } }));
    for tag in 1..5 {
        bench.set_image(&format!("milvus:2.5.{tag}"));
        bench.run(60);
    }
    assert_eq!(bench.list(Kind::ReplicaSet).len(), 3);
}
