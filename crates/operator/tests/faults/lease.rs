//! Who leads, and what happens when the API server can't be asked.

use std::{os::unix::process::ExitStatusExt as _, time::Duration};

use k8s_openapi::api::coordination::v1::Lease;
use kube::Api;
use milvus_testkit::{
    operator::{NAME as OPERATOR, Operator},
    process::Signal,
    wait::wait_for,
};
use tokio::sync::{Mutex, MutexGuard, OnceCell};

use crate::world::{Ground, SOON, Story};

const LEASE: &str = "71808ec5.milvus.io";

static GROUND: OnceCell<(&'static Ground, Mutex<()>)> = OnceCell::const_new();

/// The ground of these tests, for one of them at a time: an operator looks at all of it.
pub async fn ground() -> (&'static Ground, MutexGuard<'static, ()>) {
    let (ground, turn) = GROUND
        .get_or_init(async || {
            let ground: &'static Ground = Box::leak(Box::new(Box::pin(Ground::start()).await));
            (ground, Mutex::new(()))
        })
        .await;
    (ground, turn.lock().await)
}

pub async fn install(ground: &Ground) -> Operator {
    Box::pin(Operator::install(ground.plane.access(), &Ground::operator_options())).await.unwrap()
}

async fn launch(ground: &Ground) -> Operator {
    Box::pin(Operator::launch(ground.plane.access(), &Ground::operator_options())).await.unwrap()
}

/// Waits until the Lease has a holder other than the given one; the holder.
async fn holder_after(ground: &Ground, other: &str) -> String {
    let leases: Api<Lease> = Api::namespaced(ground.plane.client().unwrap(), OPERATOR);
    let holder = |lease: &Lease| {
        let holder = lease.spec.as_ref().and_then(|spec| spec.holder_identity.clone());
        holder.filter(|name| !name.is_empty() && name != other)
    };
    let lease = wait_for(leases, LEASE, SOON, |lease| lease.and_then(holder).is_some()).await.unwrap();
    lease.as_ref().and_then(holder).unwrap()
}

async fn rolled(story: &Story, mark: u64, tag: &str) {
    let done = story.until_healthy(tag).await;
    story.caught_up(&done).await;
    let order = ["indexnode", "mixcoord", "querynode", "datanode", "proxy"];
    story.history().assert_steps(mark, tag, &order);
}

#[tokio::test]
async fn the_second_operator_takes_over_in_the_middle_of_a_roll_when_the_first_is_told_to_end() {
    let (ground, _turn) = ground().await;
    let mut first = install(ground).await;
    let mut second = launch(ground).await;
    let story = Story::begin(ground, first.user(), "lease-handover").await;
    let mark = story.running(story.places.mix("2.4.9"), "2.4.9").await;
    let leader = holder_after(ground, "").await;
    assert!(!log(&second).contains("leading"), "one leads at a time");

    story.set_image("2.4.10").await;
    story.until_step("mixcoord").await;
    let ended = first.terminate().await.unwrap();
    assert!(ended.success(), "{ended}");
    let next = holder_after(ground, &leader).await;
    assert_ne!(next, leader);
    rolled(&story, mark, "2.4.10").await;
    second.wait_ready().await.unwrap();
    assert!(second.terminate().await.unwrap().success());
}

fn log(operator: &Operator) -> String {
    std::fs::read_to_string(operator.log()).unwrap()
}

#[tokio::test]
async fn after_a_kill_nobody_writes_until_the_lease_has_run_out() {
    let (ground, _turn) = ground().await;
    let mut first = install(ground).await;
    let mut second = launch(ground).await;
    let story = Story::begin(ground, first.user(), "lease-kill").await;
    let mark = story.running(story.places.mix("2.4.9"), "2.4.9").await;
    let leader = holder_after(ground, "").await;
    story.set_image("2.4.10").await;
    story.until_step("mixcoord").await;
    first.kill().await.unwrap();
    let next = holder_after(ground, &leader).await;
    let taken = story
        .until_audited(|all| {
            let won = |e: &&milvus_testkit::audit::Event| {
                e.resource == "leases" && e.verb == "update" && e.code == 200 && e.user_agent.contains(&next)
            };
            all.iter().filter(won).map(|e| e.received).next()
        })
        .await;
    rolled(&story, mark, "2.4.10").await;
    // What the first one had sent when it was killed may be answered after its end: what counts is who asked.
    let (by_next, by_first): (Vec<_>, Vec<_>) =
        story.writes().into_iter().partition(|w| w.user_agent.contains(&next));
    assert!(by_first.iter().all(|w| w.user_agent.contains(&leader)), "{by_first:#?}");
    assert!(!by_next.is_empty(), "the next one finishes the roll");
    let early: Vec<_> = by_next.iter().filter(|w| w.received < taken).collect();
    assert!(early.is_empty(), "{early:#?}");
    assert!(second.terminate().await.unwrap().success());
}

#[tokio::test]
async fn an_api_server_that_hangs_for_a_while_is_survived_without_a_restart() {
    let (ground, _turn) = ground().await;
    let mut operator = install(ground).await;
    let story = Story::begin(ground, operator.user(), "api-hangs").await;
    let mark = story.running(story.places.mix("2.4.9"), "2.4.9").await;
    story.set_image("2.4.10").await;
    story.until_step("mixcoord").await;
    let server = ground.plane.process("kube-apiserver").unwrap().id();
    server.signal(Signal::STOP).unwrap();
    // Shorter than the time in which the lease must be renewed, longer than a renewal.
    tokio::time::sleep(Duration::from_secs(4)).await;
    server.signal(Signal::CONT).unwrap();
    rolled(&story, mark, "2.4.10").await;
    assert!(operator.id().is_alive(), "it is the process that it was");
    assert!(operator.terminate().await.unwrap().success());
}

/// How long the API server is away in the long case.
const AWAY: Duration = Duration::from_mins(1);

/// The operator gives its Lease up and ends, is started again as the kubelet does it, and waits. Then everything goes on where it was: the
/// roll in its order, and what had nothing to do is not touched.
#[tokio::test]
async fn an_api_server_that_is_away_for_a_minute_costs_no_pod() {
    let (ground, _turn) = ground().await;
    let mut operator = install(ground).await;
    let still = Story::begin(ground, operator.user(), "api-away-still").await;
    let story = Story::begin(ground, operator.user(), "api-away").await;
    let (_, mark) = tokio::join!(
        Box::pin(still.running(still.places.standalone("2.4.9"), "2.4.9")),
        Box::pin(story.running(story.places.mix("2.4.9"), "2.4.9")),
    );
    let before = still.history().workloads();
    story.set_image("2.4.10").await;
    story.until_step("mixcoord").await;
    let server = ground.plane.process("kube-apiserver").unwrap().id();
    server.signal(Signal::STOP).unwrap();
    let since = tokio::time::Instant::now();
    let ended = operator.id().exited(Duration::from_secs(30)).await;
    assert!(ended.unwrap(), "it goes on without a lease");
    let status = operator.terminate().await.unwrap();
    assert!(status.code().is_some_and(|code| code != 0) && status.signal().is_none(), "{status}");
    assert!(log(&operator).contains("no longer leads"), "{}", log(&operator));
    operator.start_again().await.unwrap();
    // Nothing happens while it is away; the time itself is what is tested.
    tokio::time::sleep_until(since + AWAY).await;
    assert!(operator.id().is_alive(), "a standby waits: {}", log(&operator));
    server.signal(Signal::CONT).unwrap();

    rolled(&story, mark, "2.4.10").await;
    story.history().assert_always_served(mark);
    still.settle().await;
    assert_eq!(still.history().workloads(), before);
    assert!(operator.terminate().await.unwrap().success());
}
