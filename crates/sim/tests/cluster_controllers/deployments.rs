//! A Deployment at rest, paused, scaled, refused.

use milvus_sim::cluster::Pods;
use milvus_sim::server::Kind;
use serde_json::json;

use crate::bench::{Bench, NEW, OLD, deployment, one_more};

#[test]
fn a_new_deployment_gets_its_pods_and_says_so() {
    let bench = Bench::running(deployment(3, &one_more()));
    let sets = bench.list(Kind::ReplicaSet);
    assert_eq!(sets.len(), 1);
    let hash = sets[0]["metadata"]["labels"]["pod-template-hash"].as_str().unwrap();
    assert_eq!(sets[0]["metadata"]["name"], format!("proxy-{hash}"));
    assert_eq!(sets[0]["spec"]["selector"]["matchLabels"]["pod-template-hash"], hash);
    assert_eq!(bench.images(), [OLD; 3]);
    assert_eq!(bench.ready(), 3);
    let live = bench.get(Kind::Deployment, "proxy");
    assert_eq!(live["metadata"]["annotations"]["deployment.kubernetes.io/revision"], "1");
    assert_eq!(live["metadata"]["generation"], 1, "status and annotation are no change of what is desired");
    let status = &live["status"];
    for key in ["replicas", "updatedReplicas", "readyReplicas", "availableReplicas"] {
        assert_eq!(status[key], 3, "{key}");
    }
    assert_eq!(status.get("unavailableReplicas"), None);
    assert_eq!(status["observedGeneration"], 1);
    let condition = |type_: &str| bench.condition(Kind::Deployment, "proxy", type_);
    assert_eq!(condition("Available"), ("True".to_owned(), "MinimumReplicasAvailable".to_owned()));
    assert_eq!(condition("Progressing"), ("True".to_owned(), "NewReplicaSetAvailable".to_owned()));
}

#[test]
fn at_rest_nothing_is_written() {
    let mut bench = Bench::running(deployment(3, &one_more()));
    let before = bench.log().len();
    bench.run(86_400);
    assert_eq!(bench.log().len(), before, "{:?}", bench.log().last());
}

#[test]
fn a_deleted_pod_is_replaced() {
    let mut bench = Bench::running(deployment(2, &one_more()));
    let name = bench.names(Kind::Pod).remove(0);
    bench.delete(Kind::Pod, &name, milvus_sim::server::Propagation::Background);
    bench.run(30);
    assert_eq!(bench.ready(), 2);
    assert!(!bench.names(Kind::Pod).contains(&name));
}

#[test]
fn scaling_makes_no_template() {
    let mut bench = Bench::running(deployment(2, &one_more()));
    for replicas in [5, 1, 0, 3] {
        bench.patch(Kind::Deployment, "proxy", &json!({ "spec": { "replicas": replicas } }));
        bench.run(60);
        assert_eq!(bench.ready(), replicas);
        assert_eq!(bench.list(Kind::ReplicaSet).len(), 1);
    }
    assert_eq!(bench.condition(Kind::Deployment, "proxy", "Progressing").1, "NewReplicaSetAvailable");
}

#[test]
fn a_paused_deployment_is_scaled_and_not_rolled() {
    let mut bench = Bench::running(deployment(2, &one_more()));
    bench.patch(Kind::Deployment, "proxy", &json!({ "spec": { "paused": true, "replicas": 3 } }));
    bench.set_image(NEW);
    bench.run(60);
    assert_eq!(bench.images(), [OLD; 3]);
    let condition = |bench: &Bench| bench.condition(Kind::Deployment, "proxy", "Progressing").1;
    assert_eq!(condition(&bench), "DeploymentPaused");
    bench.patch(Kind::Deployment, "proxy", &json!({ "spec": { "paused": false } }));
    bench.run(60);
    assert_eq!(bench.images(), [NEW; 3]);
    assert_eq!(condition(&bench), "NewReplicaSetAvailable");
}

/// The pods of a roll under way get their parts of a new number, and the roll goes on.
#[test]
fn scaling_in_the_middle_of_a_roll_keeps_both_templates() {
    let mut bench = Bench::running(deployment(4, &one_more()));
    bench.cluster.behaviour.broken.insert(NEW.to_owned());
    bench.set_image(NEW);
    bench.run(60);
    bench.patch(Kind::Deployment, "proxy", &json!({ "spec": { "replicas": 8 } }));
    bench.run(60);
    let old = bench.images().iter().filter(|image| *image == OLD).count();
    assert_eq!((bench.images().len(), old), (9, 7), "{:?}", bench.images());
    bench.cluster.behaviour.broken.clear();
    bench.run(120);
    assert_eq!(bench.images(), [NEW; 8]);
}

#[test]
fn a_quota_shows_on_the_deployment_until_it_is_lifted() {
    let mut bench = Bench::running(deployment(2, &one_more()));
    bench.cluster.behaviour.refused = vec![Pods::of("proxy").and_image(NEW)];
    bench.set_image(NEW);
    bench.run(60);
    let failure = ("True".to_owned(), "FailedCreate".to_owned());
    assert_eq!(bench.condition(Kind::Deployment, "proxy", "ReplicaFailure"), failure);
    let live = bench.get(Kind::Deployment, "proxy");
    let said = milvus_sim::cluster::condition(&live, "ReplicaFailure").unwrap()["message"].to_string();
    assert!(said.contains("is forbidden: exceeded quota: team"), "{said}");
    assert_eq!(bench.images(), [OLD; 2], "what runs goes on");
    bench.cluster.behaviour.refused.clear();
    bench.run(60);
    assert_eq!(bench.images(), [NEW; 2]);
    assert_eq!(bench.condition(Kind::Deployment, "proxy", "ReplicaFailure").0, "");
}

#[test]
fn a_roll_without_progress_is_late_after_its_deadline() {
    let mut bench = Bench::running(deployment(2, &one_more()));
    bench.cluster.behaviour.unschedulable = vec![Pods::with(NEW)];
    bench.set_image(NEW);
    let progress = |bench: &Bench| bench.condition(Kind::Deployment, "proxy", "Progressing").1;
    bench.run(590);
    assert_ne!(progress(&bench), "ProgressDeadlineExceeded");
    bench.run(20);
    assert_eq!(progress(&bench), "ProgressDeadlineExceeded");
    bench.cluster.behaviour.unschedulable.clear();
    bench.run(60);
    assert_eq!(progress(&bench), "NewReplicaSetAvailable");
}

#[test]
fn pods_are_available_when_they_were_ready_for_long_enough() {
    let mut slow = deployment(1, &one_more());
    slow["spec"]["minReadySeconds"] = 30.into();
    let mut bench = Bench::new();
    bench.create(Kind::Deployment, slow);
    bench.run(10);
    let status = bench.get(Kind::Deployment, "proxy")["status"].clone();
    assert_eq!((status["readyReplicas"].as_i64(), status["availableReplicas"].as_i64()), (Some(1), None));
    bench.run(30);
    assert_eq!(bench.get(Kind::Deployment, "proxy")["status"]["availableReplicas"], 1);
}
