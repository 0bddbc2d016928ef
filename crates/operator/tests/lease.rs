//! Leader election on a real API server.

#![allow(clippy::unwrap_used, reason = "helpers of tests may fail as tests do")]

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{Api, Patch, PatchParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use milvus_api::keys::LEADER_LEASE;
use milvus_controller::Clock;
use milvus_controller::lease::{Elector, Leadership, Lost, Timing, identity};
use milvus_testkit::ControlPlane;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

/// Shorter than the real ones, in the same proportion.
const QUICK: Timing = Timing {
    duration: Duration::from_secs(3),
    renew_deadline: Duration::from_secs(2),
    retry: Duration::from_millis(400),
};

async fn namespace(name: &str) -> Client {
    rustls::crypto::ring::default_provider().install_default().ok();
    let client = ControlPlane::shared().await.unwrap().client().unwrap();
    let namespace = serde_json::from_value(json!({ "metadata": { "name": name } })).unwrap();
    Api::<Namespace>::all(client.clone()).create(&PostParams::default(), &namespace).await.unwrap();
    client
}

async fn lead(client: &Client, namespace: &str, name: &str, timing: Timing) -> Leadership {
    Elector::new(client.clone(), namespace, identity(name), Clock::system())
        .with_timing(timing)
        .wait_until_leader()
        .await
}

async fn lease(client: &Client, namespace: &str) -> Lease {
    Api::namespaced(client.clone(), namespace).get(LEADER_LEASE).await.unwrap()
}

async fn holder(client: &Client, namespace: &str) -> Option<String> {
    lease(client, namespace).await.spec.unwrap().holder_identity
}

#[tokio::test(flavor = "multi_thread")]
async fn one_leads_the_other_waits_and_follows_a_release_at_once() {
    let client = namespace("release").await;
    let first = lead(&client, "release", "a", Timing::default()).await;
    assert!(holder(&client, "release").await.unwrap().starts_with("a_"));
    let second = tokio::spawn({
        let client = client.clone();
        async move { lead(&client, "release", "b", Timing::default()).await }
    });
    // Longer than the Lease holds: renewals are what keeps it.
    sleep(Duration::from_secs(17)).await;
    assert!(!second.is_finished(), "two lead");
    assert!(first.held().outlives(Duration::from_secs(10)), "renewed well before it runs out");

    let held = first.held();
    let released = Instant::now();
    first.release().await.unwrap();
    assert!(!held.outlives(Duration::ZERO));
    let second = timeout(Duration::from_secs(3), second).await.unwrap().unwrap();
    println!("hand-over took {:?}", released.elapsed());
    let spec = lease(&client, "release").await.spec.unwrap();
    assert!(spec.holder_identity.unwrap().starts_with("b_"));
    assert_eq!(spec.lease_transitions, Some(1));
    assert_eq!(spec.lease_duration_seconds, Some(15));
    second.release().await.unwrap();
    assert_eq!(holder(&client, "release").await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_vanishes_is_followed_when_its_lease_has_run_out_and_not_before() {
    let client = namespace("vanish").await;
    let first = lead(&client, "vanish", "a", QUICK).await;
    let held = first.held();
    let vanished = Instant::now();
    drop(first);
    let _second = lead(&client, "vanish", "b", QUICK).await;
    let took = vanished.elapsed();
    assert!(took >= QUICK.duration, "after {took:?}");
    assert!(took <= QUICK.duration + QUICK.retry * 3, "after {took:?}");
    assert!(!held.outlives(Duration::ZERO), "the first must know that its time is over");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_that_the_go_operator_left_is_respected_until_it_runs_out() {
    let client = namespace("upstream").await;
    // Written an hour ago by a clock that is wrong: only whether it changes counts.
    let then = Timestamp::now() - SignedDuration::from_hours(1);
    let left = json!({
        "metadata": { "name": LEADER_LEASE },
        "spec": {
            "holderIdentity": "milvus-operator-5d4f_2f0c",
            "leaseDurationSeconds": 4,
            "acquireTime": format!("{then:.6}"),
            "renewTime": format!("{then:.6}"),
            "leaseTransitions": 7,
        },
    });
    let leases: Api<Lease> = Api::namespaced(client.clone(), "upstream");
    leases.create(&PostParams::default(), &serde_json::from_value(left).unwrap()).await.unwrap();
    let begun = Instant::now();
    let _ours = lead(&client, "upstream", "a", QUICK).await;
    assert!(begun.elapsed() >= Duration::from_secs(4), "its holder's duration counts, not ours");
    assert_eq!(lease(&client, "upstream").await.spec.unwrap().lease_transitions, Some(8));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_that_was_taken_or_deleted_is_noticed_at_the_next_renewal() {
    let client = namespace("taken").await;
    let leases: Api<Lease> = Api::namespaced(client.clone(), "taken");
    let mut first = lead(&client, "taken", "a", QUICK).await;
    let theirs = json!({ "spec": { "holderIdentity": "somebody" } });
    leases.patch(LEADER_LEASE, &PatchParams::default(), &Patch::Merge(theirs)).await.unwrap();
    let lost = timeout(Duration::from_secs(2), first.lost()).await.unwrap();
    assert!(matches!(&lost, Lost::Taken { holder } if holder == "somebody"), "{lost}");
    assert!(!first.held().outlives(Duration::ZERO));

    leases.delete(LEADER_LEASE, &kube::api::DeleteParams::default()).await.unwrap();
    let mut second = lead(&client, "taken", "b", QUICK).await;
    leases.delete(LEADER_LEASE, &kube::api::DeleteParams::default()).await.unwrap();
    let lost = timeout(Duration::from_secs(2), second.lost()).await.unwrap();
    assert!(matches!(&lost, Lost::Taken { holder } if holder.is_empty()), "{lost}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_label_on_the_lease_costs_nobody_the_leadership() {
    let client = namespace("label").await;
    let leases: Api<Lease> = Api::namespaced(client.clone(), "label");
    let mut first = lead(&client, "label", "a", QUICK).await;
    for n in 0..8 {
        let label = json!({ "metadata": { "labels": { "n": n.to_string() } } });
        leases.patch(LEADER_LEASE, &PatchParams::default(), &Patch::Merge(label)).await.unwrap();
        assert!(timeout(Duration::from_millis(500), first.lost()).await.is_err());
    }
    assert!(first.held().outlives(QUICK.renew_deadline / 2));
}

/// A way to the API server that can be cut: everything behind it is silent then, as behind a failed network.
async fn through_a_wire() -> (Client, tokio::task::JoinHandle<()>) {
    let plane = ControlPlane::shared().await.unwrap();
    let kubeconfig = Kubeconfig::read_from(plane.access().kubeconfig()).unwrap();
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
    let behind = config.cluster_url.authority().unwrap().to_string();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    config.cluster_url = format!("https://127.0.0.1:{port}").parse().unwrap();
    let wire = tokio::spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((mut near, _)) = listener.accept().await {
            let mut far = TcpStream::connect(&behind).await.unwrap();
            connections.spawn(async move { tokio::io::copy_bidirectional(&mut near, &mut far).await.ok() });
        }
    });
    (Client::try_from(config).unwrap(), wire)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_is_cut_off_gives_up_before_anybody_else_leads() {
    let client = namespace("cut").await;
    let (own, wire) = through_a_wire().await;
    let mut first = lead(&own, "cut", "a", QUICK).await;
    let second = tokio::spawn({
        let client = client.clone();
        async move { lead(&client, "cut", "b", QUICK).await }
    });
    sleep(Duration::from_secs(4)).await;
    assert!(!second.is_finished());
    wire.abort();
    let lost = timeout(QUICK.renew_deadline + Duration::from_millis(500), first.lost()).await.unwrap();
    assert!(matches!(lost, Lost::NotRenewed { .. }), "{lost}");
    assert!(!second.is_finished(), "the successor must come later");
    timeout(Duration::from_secs(5), second).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn four_that_come_and_go_never_lead_two_at_a_time() {
    const NAMESPACE: &str = "crowd";
    let client = namespace(NAMESPACE).await;
    let (leading, terms) = (Arc::new(AtomicI32::new(0)), Arc::new(AtomicUsize::new(0)));
    let until = Instant::now() + Duration::from_secs(25);
    let mut crowd = JoinSet::new();
    for n in 0..4_u64 {
        let (client, leading, terms) = (client.clone(), leading.clone(), terms.clone());
        crowd.spawn(async move {
            let name = format!("member-{n}");
            for term in 0.. {
                let waited = timeout(
                    until.saturating_duration_since(Instant::now()),
                    lead(&client, NAMESPACE, &name, QUICK),
                );
                let Ok(leadership) = waited.await else { return };
                assert_eq!(leading.fetch_add(1, Ordering::SeqCst), 0, "two lead");
                terms.fetch_add(1, Ordering::SeqCst);
                sleep(Duration::from_millis(300 * (n + 1))).await;
                assert!(leadership.held().outlives(Duration::ZERO));
                leading.fetch_sub(1, Ordering::SeqCst);
                // Some go politely, some die.
                if (n + term) % 3 == 0 {
                    drop(leadership);
                } else {
                    leadership.release().await.unwrap();
                }
            }
        });
    }
    while let Some(member) = crowd.join_next().await {
        member.unwrap();
    }
    let terms = terms.load(Ordering::SeqCst);
    assert!(terms >= 6, "only {terms} terms");
}
