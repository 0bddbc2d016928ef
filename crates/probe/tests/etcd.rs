//! The etcd probe against a real etcd.

use std::time::Duration;

use milvus_probe::etcd::{EtcdTarget, EtcdTransport, EtcdUser};
use milvus_probe::outcome::reason;
use milvus_probe::{ClientCertificate, Outcome, ProbeKey, Prober, Target, Tls, Trust, probe};
use milvus_testkit::etcd::{Etcd, Options};
use milvus_testkit::ports::Port;
use milvus_testkit::process::Program;
use milvus_testkit::tools::{self, Tool};
use tokio::net::{TcpListener, TcpStream};
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
    Outcome::ready(reason::ETCD_READY, "Etcd endpoints is healthy")
}

async fn with_auth() -> Etcd {
    let auth = Some(("root".to_owned(), PASSWORD.to_owned()));
    Etcd::start(Options { auth, ..Options::default() }).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_healthy_endpoint_is_enough_and_the_others_cost_no_time() {
    let etcd = Etcd::start(Options::default()).await.unwrap();
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let hole = silent.local_addr().unwrap().to_string();
    let target = target(&[&hole, "nowhere.invalid:2379", &etcd.address()], None);
    let outcome = timeout(Duration::from_secs(2), probe(&target)).await.unwrap();
    assert_eq!(outcome, healthy());
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
    assert_eq!(outcome.reason, reason::ETCD_NOT_READY);
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
    assert_eq!(outcome.reason, reason::ETCD_NOT_READY);
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
    timeout(Duration::from_secs(60), changes.next()).await.unwrap();
    assert!(!prober.latest(&key).unwrap().outcome.ready);
}

/// A CA and, signed by it, certificates for a server on the loopback address and for a client.
struct Certificates {
    ca: String,
    server: (String, String),
    client: (String, String),
}

fn certificates() -> Certificates {
    let ca_key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(Vec::<String>::new()).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let ca = params.self_signed(&ca_key).unwrap().pem();
    let issuer = rcgen::Issuer::new(params, ca_key);
    let leaf = |usage: Vec<rcgen::ExtendedKeyUsagePurpose>| {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        params.extended_key_usages = usage;
        (params.signed_by(&key, &issuer).unwrap().pem(), key.serialize_pem())
    };
    use rcgen::ExtendedKeyUsagePurpose::{ClientAuth, ServerAuth};
    // etcd's own HTTP gateway is a client of its own port, with the server's certificate.
    Certificates { ca, server: leaf(vec![ServerAuth, ClientAuth]), client: leaf(vec![ClientAuth]) }
}

#[tokio::test(flavor = "multi_thread")]
async fn with_tls_the_right_ca_and_a_client_certificate_are_needed() {
    let pem = certificates();
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = directory.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let (client_port, peer_port) = (Port::free().unwrap(), Port::free().unwrap());
    let url = format!("https://{}", client_port.address());
    let executable = tools::path(Tool::Etcd).await.unwrap();
    let mut server = Program::new("etcd", &executable, directory.path().join("log"))
        .args(["--client-cert-auth".to_owned()])
        .args([format!("--data-dir={}", directory.path().join("data").display())])
        .args([format!("--listen-client-urls={url}"), format!("--advertise-client-urls={url}")])
        .args([format!("--listen-peer-urls={}", peer_port.http())])
        .args([format!("--cert-file={}", file("crt", &pem.server.0))])
        .args([format!("--key-file={}", file("key", &pem.server.1))])
        .args([format!("--trusted-ca-file={}", file("ca", &pem.ca))])
        .start()
        .await
        .unwrap();
    let address = client_port.address();
    server.ready(Duration::from_secs(30), async || TcpStream::connect(&address).await.is_ok()).await.unwrap();

    let with = |trust, client| {
        Target::Etcd(EtcdTarget {
            endpoints: vec![client_port.address()],
            user: None,
            transport: EtcdTransport::Tls(Tls { trust, client }),
        })
    };
    let client =
        ClientCertificate { certificate_pem: pem.client.0.clone(), key_pem: pem.client.1.clone().into() };
    let good = with(Trust::Ca(pem.ca.clone()), Some(client.clone()));
    // It listens a moment before it has elected itself; a probe waits for that.
    assert_eq!(probe(&good).await, healthy());

    let stranger = probe(&with(Trust::Ca(certificates().ca), Some(client))).await;
    assert!(stranger.message.contains("TLS: "), "{}", stranger.message);
    assert!(!probe(&with(Trust::Ca(pem.ca), None)).await.ready, "etcd asks for a client certificate");

    let Target::Etcd(mut dialled) = good else { panic!() };
    dialled.transport = EtcdTransport::DialOnly;
    assert_eq!(probe(&Target::Etcd(dialled)).await, Outcome::ready(reason::CONNECTION_OK, ""));
    server.kill().await.unwrap();
}
