//! What becomes of objects whose owners go.

use milvus_sim::cluster::controller;
use milvus_sim::server::{Kind, Propagation};
use rstest::rstest;

use crate::bench::{Bench, NEW, OLD, container, deployment, one_more};

#[rstest]
#[case::at_once(Propagation::Background)]
#[case::dependents_first(Propagation::Foreground)]
fn a_deleted_deployment_takes_everything_with_it(#[case] how: Propagation) {
    let mut bench = Bench::running(deployment(2, &one_more()));
    bench.delete(Kind::Deployment, "proxy", how);
    bench.run(60);
    for kind in [Kind::Deployment, Kind::ReplicaSet, Kind::Pod] {
        assert!(bench.names(kind).is_empty(), "{kind:?}: {:?}", bench.names(kind));
    }
}

#[test]
fn what_is_left_behind_is_taken_over_by_the_next_of_the_name() {
    let mut bench = Bench::running(deployment(2, &one_more()));
    let pods = bench.names(Kind::Pod);
    bench.delete(Kind::Deployment, "proxy", Propagation::Orphan);
    bench.run(60);
    assert_eq!(bench.names(Kind::Pod), pods);
    assert_eq!(controller(&bench.list(Kind::ReplicaSet)[0]), None);
    bench.create(Kind::Deployment, deployment(2, &one_more()));
    bench.run(60);
    assert_eq!(bench.names(Kind::Pod), pods);
    let uid = bench.get(Kind::Deployment, "proxy")["metadata"]["uid"].clone();
    assert_eq!(controller(&bench.list(Kind::ReplicaSet)[0]), uid.as_str());
}

/// The ReplicaSet of the last Deployment of the name has not been collected yet, so its name is taken.
#[test]
fn a_deployment_that_is_made_again_at_once_gets_pods_of_its_own() {
    let mut bench = Bench::running(deployment(2, &one_more()));
    let before = bench.names(Kind::Pod);
    bench.delete(Kind::Deployment, "proxy", Propagation::Background);
    bench.create(Kind::Deployment, deployment(2, &one_more()));
    bench.run(60);
    assert_eq!(bench.ready(), 2);
    assert!(bench.names(Kind::Pod).iter().all(|pod| !before.contains(pod)));
    assert_eq!(bench.get(Kind::Deployment, "proxy")["status"]["availableReplicas"], 2);
}

/// Labels, and not owners, decide what a controller adopts: one of another owner is left alone.
#[test]
fn pods_of_others_are_left_alone() {
    let mut bench = Bench::running(deployment(1, &one_more()));
    let mut other = deployment(1, &one_more());
    other["metadata"]["name"] = "other".into();
    other["spec"]["template"]["spec"]["containers"][0] = container(NEW);
    bench.create(Kind::Deployment, other);
    bench.run(60);
    assert_eq!(bench.images(), [NEW, OLD]);
    assert_eq!(bench.list(Kind::ReplicaSet).len(), 2);
}
