//! The storage probe against a real MinIO.

use std::time::Duration;

use milvus_probe::outcome::reason;
use milvus_probe::storage::{StorageKeys, StorageKind, StorageTarget};
use milvus_probe::{Outcome, Target, Trust, probe};
use milvus_testkit::minio::Minio;
use milvus_testkit::ports::Port;
use milvus_testkit::process::Program;
use milvus_testkit::tools::{self, Tool};
use tokio::net::TcpStream;

const ACCESS: &str = "canary-access";
const SECRET: &str = "canary-secret";

fn storage(address: &str, keys: Option<(&str, &str)>) -> StorageTarget {
    StorageTarget {
        kind: StorageKind::Minio,
        endpoint: address.into(),
        bucket: "milvus-bucket".into(),
        keys: keys
            .map(|(access, secret)| StorageKeys { access_key: access.into(), secret_key: secret.into() }),
        use_ssl: false,
        trust: Trust::System,
        virtual_host: false,
        region: None,
    }
}

async fn ask(target: StorageTarget) -> Outcome {
    let target = Target::Storage(target);
    let outcome = probe(&target).await;
    assert!(!outcome.message.contains("canary"), "{}", outcome.message);
    assert_eq!(outcome, probe(&target).await, "the same finding reads the same");
    outcome
}

/// Milvus' client is no part of this test, so object_store's TLS needs its provider from us.
async fn minio() -> Minio {
    rustls::crypto::ring::default_provider().install_default().ok();
    Minio::start(ACCESS, SECRET).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_can_be_listed_is_ready_empty_or_not() {
    let mut minio = minio().await;
    minio.create_bucket("milvus-bucket").await.unwrap();
    let target = storage(&minio.address(), Some((ACCESS, SECRET)));
    let ready = Outcome::ready(reason::STORAGE_READY, "");
    assert_eq!(ask(target.clone()).await, ready);
    assert_eq!(ask(StorageTarget { kind: StorageKind::S3, ..target.clone() }).await, ready);

    minio.stop().await.unwrap();
    let gone = ask(target.clone()).await;
    assert_eq!(gone, Outcome::not_ready(reason::CLIENT_ERROR, "connection refused"));
    minio.restart().await.unwrap();
    assert_eq!(ask(target).await, ready);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_bucket_is_its_own_finding() {
    let minio = minio().await;
    let outcome = ask(storage(&minio.address(), Some((ACCESS, SECRET)))).await;
    assert_eq!(outcome.reason, reason::BUCKET_MISSING);
    assert!(!outcome.ready);
    assert!(outcome.usable_for_first_start());
    assert!(outcome.message.contains("milvus-bucket"));
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_keys_are_refused_in_the_words_of_the_storage() {
    let minio = minio().await;
    minio.create_bucket("milvus-bucket").await.unwrap();
    let wrong_user = ask(storage(&minio.address(), Some(("canary-nobody", SECRET)))).await;
    assert_eq!(wrong_user.reason, reason::CLIENT_ERROR);
    assert!(wrong_user.message.starts_with("InvalidAccessKeyId: "), "{}", wrong_user.message);
    let wrong_secret = ask(storage(&minio.address(), Some((ACCESS, "canary-wrong")))).await;
    assert!(wrong_secret.message.starts_with("SignatureDoesNotMatch: "), "{}", wrong_secret.message);
    assert!(!wrong_secret.usable_for_first_start(), "refused keys are no missing bucket");
    let empty = ask(storage(&minio.address(), Some((ACCESS, "")))).await;
    assert!(empty.message.contains("secretkey"), "{}", empty.message);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_keys_only_an_answer_is_asked_for() {
    let mut minio = minio().await;
    minio.create_bucket("milvus-bucket").await.unwrap();
    let target = storage(&minio.address(), None);
    assert!(ask(target.clone()).await.ready);
    minio.stop().await.unwrap();
    assert!(!ask(target).await.ready);
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_towards_a_plain_server_is_an_outcome() {
    let minio = minio().await;
    let mut target = storage(&minio.address(), Some((ACCESS, SECRET)));
    target.use_ssl = true;
    let outcome = ask(target).await;
    assert!(outcome.message.contains("TLS"), "{}", outcome.message);
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_and_another_region_and_the_bucket_as_host_name() {
    let directory = tempfile::tempdir().unwrap();
    let certs = directory.path().join("certs");
    std::fs::create_dir(&certs).unwrap();
    // A self-signed certificate is its own CA.
    let signed = rcgen::generate_simple_self_signed(vec!["127.0.0.1".into(), "localhost".into()]).unwrap();
    std::fs::write(certs.join("public.crt"), signed.cert.pem()).unwrap();
    std::fs::write(certs.join("private.key"), signed.signing_key.serialize_pem()).unwrap();
    std::fs::create_dir_all(directory.path().join("data/milvus-bucket")).unwrap();
    let port = Port::free().unwrap();
    let executable = tools::path(Tool::Minio).await.unwrap();
    let mut server = Program::new("minio", &executable, directory.path().join("log"))
        .args(["server", "--quiet", "--address", &port.address(), "--certs-dir"])
        .args([certs.display().to_string(), directory.path().join("data").display().to_string()])
        .env("MINIO_ROOT_USER", ACCESS)
        .env("MINIO_ROOT_PASSWORD", SECRET)
        .env("MINIO_REGION", "eu-west-1")
        .env("MINIO_BROWSER", "off")
        .env("MINIO_UPDATE", "off")
        .env("HOME", directory.path())
        .start()
        .await
        .unwrap();
    let address = port.address();
    server.ready(Duration::from_secs(30), async || TcpStream::connect(&address).await.is_ok()).await.unwrap();

    let with = |trust| {
        let plain = storage(&port.address(), Some((ACCESS, SECRET)));
        StorageTarget { use_ssl: true, trust, ..plain }
    };
    let trusted = with(Trust::Ca(signed.cert.pem()));
    until_initialized(&trusted).await;
    assert_eq!(
        ask(trusted.clone()).await,
        Outcome::ready(reason::STORAGE_READY, ""),
        "the region is found out"
    );
    let right = StorageTarget { region: Some("eu-west-1".into()), ..trusted.clone() };
    assert!(ask(right).await.ready);
    let wrong = ask(StorageTarget { region: Some("us-west-2".into()), ..trusted }).await;
    assert!(wrong.message.contains("eu-west-1"), "{}", wrong.message);
    assert!(ask(with(Trust::Anything)).await.ready);
    let stranger = ask(with(Trust::System)).await;
    assert!(stranger.message.contains("TLS: the server's certificate"), "{}", stranger.message);
    server.kill().await.unwrap();
}

/// MinIO listens before it serves, and says so with status 503.
async fn until_initialized(target: &StorageTarget) {
    let begun = std::time::Instant::now();
    let target = Target::Storage(target.clone());
    while !probe(&target).await.ready {
        assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", probe(&target).await);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
