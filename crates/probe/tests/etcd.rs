//! The etcd probe against a real etcd.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the helpers of tests may fail as the tests themselves"
)]

use std::time::Duration;

use milvus_probe::etcd::{EtcdTarget, EtcdTransport, EtcdUser};
use milvus_probe::outcome::Reason;
use milvus_probe::{ClientCertificate, Outcome, ProbeKey, Prober, Target, Tls, Trust, probe};
use milvus_testkit::etcd::{Etcd, Options};
use milvus_testkit::pki::Authority;
use tokio::net::TcpListener;
use tokio::time::timeout;

const PASSWORD: &str = "canary-etcd-password";

fn target(endpoints: &[&str], login: Option<(&str, &str)>) -> Target {
    let user = login.map(|(name, password)| EtcdUser { name: name.into(), password: password.into() });
    Target::Etcd(EtcdTarget {
        endpoints: endpoints.iter().map(|e| (*e).to_owned()).collect(),
        user,
        transport: EtcdTransport::Plain,
    })
}

fn healthy() -> Outcome {
    Outcome::ready(Reason::EtcdReady, "Etcd endpoints is healthy")
}

async fn with_auth() -> Etcd {
    let auth = Some(("root".to_owned(), PASSWORD.to_owned()));
    Etcd::start(Options { auth, ..Options::default() }).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_healthy_endpoint_is_enough_and_the_others_are_named_and_cost_a_second_at_most() {
    let etcd = Etcd::start(Options::default()).await.unwrap();
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let hole = silent.local_addr().unwrap().to_string();
    let target = target(&[&hole, "nowhere.invalid:2379", &etcd.address()], None);
    let outcome = timeout(Duration::from_secs(3), probe(&target)).await.unwrap();
    let others = format!("[{hole}:no answer within 1 s][nowhere.invalid:2379:the name cannot be resolved]");
    let message = format!("Etcd endpoints is healthy, but these endpoints can't be used:{others}");
    assert_eq!(outcome, Outcome::ready(Reason::EtcdReady, message));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_may_be_written_with_its_scheme() {
    let etcd = Etcd::start(Options::default()).await.unwrap();
    assert_eq!(probe(&target(&[&etcd.endpoint()], None)).await, healthy());
}

#[tokio::test(flavor = "multi_thread")]
async fn with_authentication_on_only_the_right_password_will_do() {
    let etcd = with_auth().await;
    let address = etcd.address();
    assert_eq!(probe(&target(&[&address], Some(("root", PASSWORD)))).await, healthy());

    let wrong = target(&[&address], Some(("root", "canary-wrong-password")));
    let outcome = probe(&wrong).await;
    assert_eq!(outcome.reason, Reason::EtcdNotReady);
    assert!(outcome.message.contains("invalid user ID or password"), "{}", outcome.message);
    assert!(!outcome.message.contains("canary"), "{}", outcome.message);
    assert_eq!(outcome, probe(&wrong).await, "the same failure reads the same");

    let outcome = probe(&target(&[&address], None)).await;
    assert!(!outcome.ready, "Milvus could not log in either");
    assert!(outcome.message.contains("user name is empty"), "{}", outcome.message);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_that_may_not_read_the_health_key_is_still_let_in() {
    let etcd = with_auth().await;
    let mut client = etcd.client().await.unwrap();
    client.user_add("milvus", PASSWORD, None).await.unwrap();
    assert_eq!(probe(&target(&[&etcd.address()], Some(("milvus", PASSWORD)))).await, healthy());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_is_no_fault_where_authentication_is_off() {
    let etcd = Etcd::start(Options::default()).await.unwrap();
    assert_eq!(probe(&target(&[&etcd.address()], Some(("root", PASSWORD)))).await, healthy());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_etcd_that_is_full_answers_and_is_not_ready() {
    let options = Options { quota_bytes: Some(128 * 1024), ..Options::default() };
    let etcd = Etcd::start(options).await.unwrap();
    let target = target(&[&etcd.address()], None);
    assert_eq!(probe(&target).await, healthy());
    let mut client = etcd.client().await.unwrap();
    let mut n = 0;
    while client.put(format!("k{n}"), vec![b'x'; 16 * 1024], None).await.is_ok() {
        n += 1;
        assert!(n < 1_000, "the quota is not kept");
    }
    let outcome = probe(&target).await;
    assert_eq!(outcome.reason, Reason::EtcdNotReady);
    assert!(outcome.message.contains("alarm raised: NOSPACE"), "{}", outcome.message);
}

#[tokio::test(flavor = "multi_thread")]
async fn death_and_return_are_told_by_the_prober() {
    let mut etcd = Etcd::start(Options::default()).await.unwrap();
    let key = ProbeKey::new("ns/name#etcd");
    let (prober, mut changes) = Prober::new();
    // Dead first, because then the back-off is short; a healthy one is asked again only after half a minute.
    etcd.kill().await.unwrap();
    prober.ensure(&key, target(&[&etcd.address()], None));
    assert_eq!(changes.next().await, key);
    let seen = prober.latest(&key).unwrap();
    assert!(!seen.outcome.ready);
    assert!(seen.outcome.message.contains("connection refused"), "{}", seen.outcome.message);

    etcd.restart().await.unwrap();
    timeout(Duration::from_secs(40), changes.next()).await.unwrap();
    let back = prober.latest(&key).unwrap();
    assert_eq!(back.outcome, healthy());
    assert!(back.since > seen.since);

    etcd.kill().await.unwrap();
    timeout(Duration::from_mins(1), changes.next()).await.unwrap();
    assert!(!prober.latest(&key).unwrap().outcome.ready);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_tls_the_right_ca_and_a_client_certificate_are_needed() {
    let mut server = Etcd::start(Options { tls: true, ..Options::default() }).await.unwrap();
    let authority = server.authority().unwrap();
    let pair = authority.client("milvus").unwrap();
    let ca = authority.certificate().to_owned();
    let address = server.address();
    let with = |trust, client| {
        Target::Etcd(EtcdTarget {
            endpoints: vec![address.clone()],
            user: None,
            transport: EtcdTransport::Tls(Tls { trust, client }),
        })
    };
    let client = ClientCertificate { certificate_pem: pair.certificate, key_pem: pair.key.into() };
    let good = with(Trust::Ca(ca.clone()), Some(client.clone()));
    assert_eq!(probe(&good).await, healthy());

    let stranger =
        probe(&with(Trust::Ca(Authority::new("stranger").unwrap().certificate().to_owned()), Some(client)))
            .await;
    assert!(stranger.message.contains("TLS: "), "{}", stranger.message);
    assert!(!probe(&with(Trust::Ca(ca), None)).await.ready, "etcd asks for a client certificate");

    let Target::Etcd(mut dialled) = good else { panic!() };
    dialled.transport = EtcdTransport::DialOnly("log-in is not checked".into());
    let expected = Outcome::ready(Reason::ConnectionOk, "log-in is not checked");
    assert_eq!(probe(&Target::Etcd(dialled)).await, expected);
    server.kill().await.unwrap();
}
