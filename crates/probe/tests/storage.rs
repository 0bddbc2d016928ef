//! The storage probe against a real MinIO.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the helpers of tests may fail as the tests themselves"
)]

use std::time::Duration;

use milvus_probe::outcome::Reason;
use milvus_probe::storage::{StorageAccess, StorageKeys, StorageKind, StorageTarget};
use milvus_probe::{Outcome, Target, Trust, probe};
use milvus_testkit::minio::Minio;
use milvus_testkit::pki::Authority;
use milvus_testkit::ports::Port;
use milvus_testkit::process::Program;
use milvus_testkit::tools::{self, Tool};
use tokio::net::TcpStream;

const ACCESS: &str = "canary-access";
const SECRET: &str = "canary-secret";

fn storage(address: &str, keys: Option<(&str, &str)>) -> StorageTarget {
    StorageTarget {
        kind: StorageKind::S3,
        endpoint: address.into(),
        bucket: "milvus-bucket".into(),
        access: match keys {
            Some((access, secret)) => {
                StorageAccess::Keys(StorageKeys { access_key: access.into(), secret_key: secret.into() })
            }
            None => StorageAccess::Stranger("bucket and rights are not checked".into()),
        },
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
    let minio = Minio::start(ACCESS, SECRET).await.unwrap();
    until_initialized(&storage(&minio.address(), Some((ACCESS, SECRET)))).await;
    minio
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_can_be_listed_is_ready_empty_or_not() {
    let mut minio = minio().await;
    minio.create_bucket("milvus-bucket").await.unwrap();
    let target = storage(&minio.address(), Some((ACCESS, SECRET)));
    let ready = Outcome::ready(Reason::StorageReady, "");
    assert_eq!(ask(target.clone()).await, ready);

    minio.stop().await.unwrap();
    let gone = ask(target.clone()).await;
    let expected = format!("{}: connection refused", minio.address());
    assert_eq!(gone, Outcome::not_ready(Reason::ClientError, expected));
    minio.restart().await.unwrap();
    until_initialized(&target).await;
    assert_eq!(ask(target).await, ready);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_bucket_is_its_own_finding() {
    let minio = minio().await;
    let outcome = ask(storage(&minio.address(), Some((ACCESS, SECRET)))).await;
    assert_eq!(outcome.reason, Reason::BucketMissing);
    assert!(!outcome.ready);
    assert!(outcome.usable_for_first_start());
    assert!(outcome.message.contains("milvus-bucket"));
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_keys_are_refused_in_the_words_of_the_storage() {
    let minio = minio().await;
    minio.create_bucket("milvus-bucket").await.unwrap();
    let wrong_user = ask(storage(&minio.address(), Some(("canary-nobody", SECRET)))).await;
    assert_eq!(wrong_user.reason, Reason::ClientError);
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
    let expected = Outcome::ready(Reason::StorageReady, "bucket and rights are not checked");
    assert_eq!(ask(target.clone()).await, expected);
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
    let authority = Authority::new("storage").unwrap();
    let pair = authority.server().unwrap();
    std::fs::write(certs.join("public.crt"), pair.certificate).unwrap();
    std::fs::write(certs.join("private.key"), pair.key).unwrap();
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
    let trusted = with(Trust::Ca(authority.certificate().to_owned()));
    until_initialized(&trusted).await;
    assert_eq!(
        ask(trusted.clone()).await,
        Outcome::ready(Reason::StorageReady, ""),
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

/// Sends what it is asked on to MinIO, signed at another time: as the operator's node would whose clock is
/// off.
async fn an_hour_off(minio: String) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let app = axum::Router::new().fallback(async move |uri: http::Uri| {
        let request = signed_an_hour_ago(&minio, uri.path(), uri.query().unwrap_or_default());
        let answer = reqwest::Client::new().execute(request).await.unwrap();
        (answer.status(), answer.text().await.unwrap())
    });
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

/// AWS Signature Version 4, written out: no client signs for another time than now.
fn signed_an_hour_ago(host: &str, path: &str, query: &str) -> reqwest::Request {
    let then = (jiff::Timestamp::now() - Duration::from_hours(1)).strftime("%Y%m%dT%H%M%SZ").to_string();
    let empty = hex(ring::digest::digest(&ring::digest::SHA256, b"").as_ref());
    let scope = format!("{}/us-east-1/s3/aws4_request", &then[..8]);
    let headers = "host;x-amz-content-sha256;x-amz-date";
    let mut pairs: Vec<&str> = query.split('&').collect();
    pairs.sort_unstable();
    let canonical = format!(
        "GET\n{path}\n{}\nhost:{host}\nx-amz-content-sha256:{empty}\nx-amz-date:{then}\n\n{headers}\n{empty}",
        pairs.join("&")
    );
    let digest = hex(ring::digest::digest(&ring::digest::SHA256, canonical.as_bytes()).as_ref());
    let to_sign = format!("AWS4-HMAC-SHA256\n{then}\n{scope}\n{digest}");
    let mac = |key: &[u8], text: &str| {
        ring::hmac::sign(&ring::hmac::Key::new(ring::hmac::HMAC_SHA256, key), text.as_bytes())
            .as_ref()
            .to_vec()
    };
    let key = scope.split('/').fold(format!("AWS4{SECRET}").into_bytes(), |key, part| mac(&key, part));
    let signature = hex(&mac(&key, &to_sign));
    reqwest::Client::new()
        .get(format!("http://{host}{path}?{query}"))
        .header("x-amz-date", then)
        .header("x-amz-content-sha256", empty)
        .header(
            "authorization",
            format!(
                "AWS4-HMAC-SHA256 Credential={ACCESS}/{scope}, SignedHeaders={headers}, Signature={signature}"
            ),
        )
        .build()
        .unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn clocks_that_are_an_hour_apart_are_named() {
    let minio = minio().await;
    minio.create_bucket("milvus-bucket").await.unwrap();
    let outcome = ask(storage(&an_hour_off(minio.address()).await, Some((ACCESS, SECRET)))).await;
    assert_eq!(outcome.reason, Reason::ClientError);
    assert!(outcome.message.starts_with("RequestTimeTooSkewed: "), "{}", outcome.message);
    assert!(outcome.message.contains("too far apart"), "{}", outcome.message);
}

/// MinIO says that it is ready before it has read its users, and answers 503 until then.
async fn until_initialized(target: &StorageTarget) {
    let begun = std::time::Instant::now();
    let target = Target::Storage(target.clone());
    while !probe(&target).await.usable_for_first_start() {
        assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", probe(&target).await);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
