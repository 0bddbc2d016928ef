//! A cluster that gets the Prometheus operator after Milvus.

use kube::Api;
use milvus_api::{ConditionType, PodMonitor};
use milvus_testkit::wait::wait_for;

use crate::lease::{ground, install};
use crate::world::{NAME, SOON, Story, monitors, said};

#[tokio::test]
async fn a_pod_monitor_comes_when_its_kind_does() {
    let (ground, _turn) = ground().await;
    monitors::remove(ground).await;
    let mut operator = install(ground).await;
    let story = Story::begin(ground, operator.user(), "monitors-later").await;
    story.running(story.places.standalone("2.4.9"), "2.4.9").await;
    let milvus = story.until(|m| said(m, ConditionType::SpecSupported).is_some()).await;
    let [status, _, message] = said(&milvus, ConditionType::SpecSupported).unwrap();
    assert_eq!(status, "True");
    assert!(message.contains("no PodMonitor is made"), "{message}");
    let before = story.requests().len();

    monitors::install(ground).await;
    let api: Api<PodMonitor> = story.api();
    let found = wait_for(api, NAME, SOON, |m| m.is_some()).await.unwrap();
    assert_eq!(found.unwrap().spec.pod_metrics_endpoints[0].port, "metrics");
    story
        .until(|m| said(m, ConditionType::SpecSupported).is_some_and(|[_, _, message]| message.is_empty()))
        .await;
    let asked = story.requests().split_off(before);
    assert!(asked.len() < 12, "no hot loop: {asked:#?}");
    assert!(operator.terminate().await.unwrap().success());
}
