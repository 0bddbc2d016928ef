//! The words that users and their scripts read.

mod common;

use common::{progress, request};
use milvus_plan::{Component, ComponentState, GateName, WaitReason, Waiting, explain, plan, table};
use rstest::rstest;

#[test]
fn the_message_of_a_roll_is_that_of_the_guides() {
    assert_eq!(
        explain::roll_message([Component::DataNode, Component::Proxy]),
        "Milvus components[datanode,proxy] are updating"
    );
    assert_eq!(
        explain::roll_message(["querynode/zone-a"]),
        "Milvus components[querynode/zone-a] are updating"
    );
    assert_eq!(explain::roll_message::<Component>([]), "Milvus components are all updated");
}

#[test]
fn the_message_lists_what_is_left_in_the_order_of_the_list_not_of_the_steps() {
    let plan = plan(&request("2.4.23", "2.5.16")).unwrap();
    let known = progress([
        (Component::IndexNode, ComponentState::Done),
        (Component::MixCoord, ComponentState::Done),
        (Component::QueryNode, ComponentState::Pending),
    ]);
    assert_eq!(
        explain::plan_message(&plan, &known),
        "Milvus components[datanode,querynode,proxy] are updating"
    );
}

#[rstest]
#[case(WaitReason::Generation, "Kubernetes has not taken up the last change yet")]
#[case(WaitReason::Replicas { updated: 1, available: 0, wanted: 2 }, "1 of 2 pods are new, 0 of 2 are available")]
#[case(WaitReason::OldPods { count: 1 }, "1 old pod has not ended yet")]
#[case(WaitReason::OldPods { count: 3 }, "3 old pods have not ended yet")]
#[case(
    WaitReason::PodProblem { pod: "m-0".into(), reason: "ImagePullBackOff".into(), message: "no such tag".into() },
    "pod m-0 does not get ready: ImagePullBackOff: no such tag"
)]
#[case(
    WaitReason::PodProblem { pod: "m-0".into(), reason: "CrashLoopBackOff".into(), message: String::new() },
    "pod m-0 does not get ready: CrashLoopBackOff"
)]
#[case(
    WaitReason::PodsRefused { reason: "FailedCreate".into(), message: "exceeded quota".into() },
    "its pods can't be created: FailedCreate: exceeded quota; it goes on when they are admitted"
)]
#[case(
    WaitReason::Manual { deployment: "m-0".into() },
    "in manual mode Deployment m-0 is left as it is while it has pods; scale it to 0, and it gets the new template"
)]
#[case(WaitReason::Job { name: "m-backup".into() }, "Job m-backup has not ended")]
#[case(WaitReason::Settling { seconds: 40 }, "all is ready, and is watched for another 40 s")]
#[case(
    WaitReason::Gate { gate: GateName::Dependencies, message: "etcd is away".into() },
    "etcd is away"
)]
#[case(WaitReason::SlotHandOver { new: 1, old: 2, wanted: 3 }, "1 of 3 pods have been taken over, 2 old ones are left")]
fn every_wait_has_words(#[case] what: WaitReason, #[case] expected: &str) {
    assert_eq!(explain::waiting(&Waiting::new(what.clone())), expected);
    let on = [(Some(Component::Proxy), Waiting::new(what))];
    assert_eq!(explain::waits(&on), format!("proxy: {expected}"));
}

#[test]
fn a_plan_is_a_table() {
    let plan = plan(&request("2.2.2", "2.2.16")).unwrap();
    let known = progress([
        (Component::IndexNode, ComponentState::Done),
        (Component::MixCoord, ComponentState::Updating(Waiting::new(WaitReason::OldPods { count: 1 }))),
        (Component::QueryNode, ComponentState::Pending),
    ]);
    let lines = |known| {
        let rows = table::rows(&plan, known);
        rows.iter().map(|row| row.cells().join(" | ")).collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!("table", format!("{}\n{}", table::Row::HEADERS.join(" | "), lines(Some(&known))));
    assert!(lines(None).starts_with("1 | indexnode | planned | "));
}
