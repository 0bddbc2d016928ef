//! Images that never become ready: the wait names the pod and the reason, and fixing forward or going back is followed at
//! once, in the first step as well as in the step of the query nodes, where two Deployments are involved.

use milvus_api::RolloutPhase;
use serde_json::{Value, json};

use crate::world::{NAME, Story, World, image, observed, said};

/// Asks for a broken image and waits until the status says which pod is in trouble.
async fn stuck(story: &Story, patch: Value, step: &str, reason: &str) {
    story.patch(patch).await;
    let milvus = story
        .until(|milvus| {
            let waiting = milvus.status.as_ref().and_then(|s| s.upgrade.as_ref()?.waiting_for.as_ref());
            observed(milvus)
                && waiting.is_some_and(|w| w.step.as_deref() == Some(step) && w.reason == "PodProblem")
        })
        .await;
    let waiting = milvus.status.unwrap().upgrade.unwrap().waiting_for.unwrap();
    let pod = format!("pod {NAME}-milvus-{step}");
    assert!(waiting.message.contains(&pod) && waiting.message.contains(reason), "{}", waiting.message);
    assert!(waiting.since.is_some());
    let note = story.until_event("PodProblem").await;
    assert!(note.contains(&pod) && note.contains(reason), "{note}");
}

fn all(tag: &str) -> Value {
    json!({ "spec": { "components": { "image": image(tag) } } })
}

#[tokio::test]
async fn a_broken_image_in_the_first_step_is_fixed_forward() {
    let story = World::story("broken-first").await;
    let mark = story.running(story.places.mix("2.4.9"), "2.4.9").await;
    stuck(&story, all("2.4.10-bad-pull"), "indexnode", "ImagePullBackOff").await;
    story.set_image("2.4.11").await;
    let done = story.until_healthy("2.4.11").await;
    story.caught_up(&done).await;
    story.history().assert_steps(
        mark,
        "2.4.11",
        &["indexnode", "mixcoord", "querynode", "datanode", "proxy"],
    );
    story.history().assert_always_served(mark);
}

#[tokio::test]
async fn a_broken_image_in_the_first_step_is_taken_back() {
    let story = World::story("broken-back").await;
    let mark = story.running(story.places.mix("2.4.9"), "2.4.9").await;
    let before = story.history().pods();
    stuck(&story, all("2.4.10-crash"), "indexnode", "CrashLoopBackOff").await;
    story.set_image("2.4.9").await;
    let done = story.until_healthy("2.4.9").await;
    story.caught_up(&done).await;
    assert_eq!(
        story.history().pods(),
        before,
        "the pods that served all the time are the ones that are left"
    );
    story.history().assert_always_served(mark);
}

/// A roll in which the first steps go well: only the query node's new image is broken.
fn querynode(tag: &str, broken: &str) -> Value {
    json!({ "spec": { "components": { "image": image(tag), "queryNode": { "image": image(broken) } } } })
}

#[tokio::test]
async fn a_broken_query_node_is_fixed_forward() {
    let story = World::story("broken-query").await;
    let mark = story.running(story.places.mix("2.4.9"), "2.4.9").await;
    stuck(&story, querynode("2.4.10", "2.4.10-crash"), "querynode", "CrashLoopBackOff").await;
    story.patch(json!({ "spec": { "components": { "queryNode": { "image": null } } } })).await;
    let done = story.until_healthy("2.4.10").await;
    story.caught_up(&done).await;
    story.history().assert_always_served(mark);
    assert_eq!(story.history().pods().len(), 5);
}

#[tokio::test]
async fn a_broken_query_node_is_taken_back_with_all_that_came_before_it() {
    let story = World::story("broken-query-back").await;
    let mark = story.running(story.places.mix("2.4.9"), "2.4.9").await;
    stuck(&story, querynode("2.4.10", "2.4.10-bad-pull"), "querynode", "ImagePullBackOff").await;
    let stuck_at = story.history().mark();
    story.patch(querynode("2.4.9", "2.4.9")).await;
    let done = story.until_healthy("2.4.9").await;
    story.caught_up(&done).await;
    let history = story.history();
    history.assert_always_served(mark);
    assert_eq!(history.pods().len(), 5);
    // What had arrived goes back in the reverse order.
    let moved: Vec<String> = history.written(stuck_at, "2.4.9");
    // The old query node never stopped to serve.
    assert_eq!(moved, ["mixcoord", "indexnode"]);
}

#[tokio::test]
async fn an_image_that_runs_but_never_gets_ready_is_named_by_its_numbers() {
    let story = World::story("broken-slow").await;
    story.running(story.places.mix("2.4.9"), "2.4.9").await;
    story.patch(all("2.4.10-never-ready")).await;
    let progressing = milvus_api::ConditionType::UpgradeProgressing;
    let expected = "indexnode: 1 of 1 pods are new, 0 of 1 are available";
    story.until(|milvus| said(milvus, progressing) == Some(["True", "WaitingForPodsReady", expected])).await;
}

#[tokio::test]
async fn a_roll_that_is_stuck_says_since_when_and_does_not_write_on() {
    let story = World::story("broken-quiet").await;
    story.running(story.places.mix("2.4.9"), "2.4.9").await;
    stuck(&story, all("2.4.10-crash"), "indexnode", "CrashLoopBackOff").await;
    story.settle().await;
    // An Event is written after the status that it tells of, so the last one may come now.
    let mut written = story.quiet_for(std::time::Duration::from_secs(8)).await;
    written.retain(|write| write.resource != "events");
    assert!(written.is_empty(), "{written:#?}");
    let milvus = story.until(|m| m.status.is_some()).await;
    assert_eq!(milvus.status.unwrap().upgrade.unwrap().phase, Some(RolloutPhase::Rolling));
}
