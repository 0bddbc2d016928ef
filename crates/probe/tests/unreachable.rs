//! Every kind of target against addresses that refuse, swallow or talk nonsense: an outcome comes in time, is
//! the same each time, and holds no credential.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the helpers of tests may fail as the tests themselves"
)]

use std::time::{Duration, Instant};

use milvus_probe::etcd::{EtcdTarget, EtcdTransport, EtcdUser};
use milvus_probe::outcome::Reason;
use milvus_probe::queue::{
    KafkaAccess, KafkaClient, KafkaSasl, KafkaTarget, PulsarAccess, PulsarClient, PulsarTarget, QueueTarget,
    SaslMechanism,
};
use milvus_probe::storage::{StorageAccess, StorageKeys, StorageKind, StorageTarget};
use milvus_probe::{Outcome, Target, Tls, Trust, probe};
use milvus_testkit::blackhole::Dropping;
use rstest::rstest;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

/// In every credential of every target here; no message may hold it.
const CANARY: &str = "canary-7f3a";

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Etcd,
    EtcdTls,
    EtcdDial,
    Minio,
    S3Tls,
    Azure,
    Kafka,
    KafkaSaslTls,
    KafkaDial,
    Pulsar,
    PulsarDial,
    Woodpecker,
}

fn keys() -> StorageAccess {
    StorageAccess::Keys(StorageKeys {
        access_key: format!("{CANARY}-access").into(),
        // base64, as keys of Azure are.
        secret_key: format!("{CANARY}a").replace('-', "+").into(),
    })
}

fn target(kind: Kind, address: &str) -> Target {
    let etcd = |transport| {
        let user = EtcdUser { name: "root".into(), password: format!("{CANARY}-etcd").into() };
        Target::Etcd(EtcdTarget { endpoints: vec![address.into()], user: Some(user), transport })
    };
    let storage = |kind, use_ssl| {
        Target::Storage(StorageTarget {
            kind,
            endpoint: address.into(),
            bucket: "milvus-bucket".into(),
            access: keys(),
            use_ssl,
            trust: Trust::System,
            virtual_host: false,
            region: None,
        })
    };
    let kafka =
        |access| Target::Queue(QueueTarget::Kafka(KafkaTarget { brokers: vec![address.into()], access }));
    let pulsar = |access| {
        Target::Queue(QueueTarget::Pulsar(PulsarTarget {
            endpoint: address.into(),
            access,
            tenant: "public".into(),
            namespace: "default".into(),
        }))
    };
    match kind {
        Kind::Etcd => etcd(EtcdTransport::Plain),
        Kind::EtcdTls => etcd(EtcdTransport::Tls(Tls::default())),
        Kind::EtcdDial => etcd(EtcdTransport::DialOnly("not checked".into())),
        Kind::Minio => storage(StorageKind::S3, false),
        Kind::S3Tls => storage(StorageKind::S3, true),
        Kind::Azure => storage(StorageKind::Azure { account: "acct".into() }, true),
        Kind::KafkaDial => kafka(KafkaAccess::DialOnly("not checked".into())),
        Kind::Kafka => kafka(KafkaAccess::Client(KafkaClient::default())),
        Kind::KafkaSaslTls => {
            let sasl = KafkaSasl {
                mechanism: SaslMechanism::ScramSha512,
                username: "milvus".into(),
                password: format!("{CANARY}-kafka").into(),
            };
            kafka(KafkaAccess::Client(KafkaClient { tls: Some(Tls::default()), sasl: Some(sasl) }))
        }
        Kind::Pulsar => pulsar(PulsarAccess::Client(PulsarClient::default())),
        Kind::PulsarDial => pulsar(PulsarAccess::DialOnly("not checked".into())),
        Kind::Woodpecker => Target::Queue(QueueTarget::Woodpecker(vec![address.into()])),
    }
}

async fn checked(target: &Target) -> Outcome {
    let begun = Instant::now();
    let outcome = probe(target).await;
    let took = begun.elapsed();
    assert!(took < Duration::from_millis(5_600), "took {took:?}");
    assert!(!outcome.message.contains(CANARY), "{}", outcome.message);
    assert!(!format!("{target:?}").contains(CANARY), "Debug shows a credential: {target:?}");
    outcome
}

/// A port of this machine on which nobody listens.
async fn refusing() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().to_string()
}

#[rstest]
#[tokio::test]
async fn a_refused_connection_is_told_at_once_and_in_the_same_words(
    #[values(
        Kind::Etcd,
        Kind::EtcdTls,
        Kind::EtcdDial,
        Kind::Minio,
        Kind::S3Tls,
        Kind::Kafka,
        Kind::KafkaSaslTls,
        Kind::KafkaDial,
        Kind::Pulsar,
        Kind::PulsarDial,
        Kind::Woodpecker
    )]
    kind: Kind,
) {
    let target = target(kind, &refusing().await);
    let begun = Instant::now();
    let first = checked(&target).await;
    assert!(begun.elapsed() < Duration::from_secs(2));
    assert!(!first.ready);
    assert!(first.message.contains("connection refused"), "{}", first.message);
    assert_eq!(first, checked(&target).await);
}

#[rstest]
#[tokio::test]
async fn silence_ends_at_the_deadline(
    #[values(
        Kind::Etcd,
        Kind::EtcdTls,
        Kind::Minio,
        Kind::S3Tls,
        Kind::Kafka,
        Kind::KafkaSaslTls,
        Kind::Pulsar
    )]
    kind: Kind,
) {
    // Connections are made by the kernel; nobody ever reads or answers.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = target(kind, &silent.local_addr().unwrap().to_string());
    let outcome = checked(&target).await;
    assert!(!outcome.ready);
    assert!(outcome.message.contains("no answer within 5 s"), "{}", outcome.message);
}

#[rstest]
#[tokio::test]
async fn an_address_that_drops_every_packet_ends_at_the_deadline(
    #[values(
        Kind::Etcd,
        Kind::EtcdDial,
        Kind::Minio,
        Kind::S3Tls,
        Kind::Kafka,
        Kind::KafkaDial,
        Kind::Pulsar,
        Kind::PulsarDial,
        Kind::Woodpecker
    )]
    kind: Kind,
) {
    let hole = Dropping::start().await.unwrap();
    let outcome = checked(&target(kind, &hole.address())).await;
    assert!(!outcome.ready);
    assert!(outcome.message.contains("no answer within 5 s"), "{}", outcome.message);
}

/// A server of another kind: it answers every connection with `words` and closes it.
async fn talker(words: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            stream.write_all(words).await.ok();
            stream.shutdown().await.ok();
        }
    });
    address
}

#[rstest]
#[tokio::test]
async fn a_server_of_another_kind_is_not_taken_for_ready(
    #[values(
        Kind::Etcd,
        Kind::EtcdTls,
        Kind::Minio,
        Kind::S3Tls,
        Kind::Kafka,
        Kind::KafkaSaslTls,
        Kind::Pulsar
    )]
    kind: Kind,
    #[values(b"HTTP/1.1 404 Not Found\r\ncontent-length: 4\r\n\r\nnope", b"220 mail.example ESMTP\r\n")]
    words: &'static [u8],
) {
    let target = target(kind, &talker(words).await);
    let outcome = checked(&target).await;
    assert!(!outcome.ready, "{outcome:?}");
    assert!(!outcome.message.is_empty());
    assert_ne!(outcome.reason, Reason::BucketMissing, "a web server's 404 is no missing bucket");
}

#[rstest]
#[tokio::test]
async fn a_name_that_does_not_exist_is_named_so(
    #[values(
        Kind::Etcd,
        Kind::EtcdDial,
        Kind::Minio,
        Kind::S3Tls,
        Kind::Kafka,
        Kind::Pulsar,
        Kind::Woodpecker
    )]
    kind: Kind,
) {
    let outcome = checked(&target(kind, "nowhere.invalid:2379")).await;
    assert!(!outcome.ready);
    assert!(outcome.message.contains("cannot be resolved"), "{}", outcome.message);
}

#[rstest]
#[tokio::test]
async fn an_address_without_a_port_is_an_outcome_and_not_a_crash(
    #[values(
        Kind::Etcd,
        Kind::EtcdTls,
        Kind::EtcdDial,
        Kind::Minio,
        Kind::S3Tls,
        Kind::Azure,
        Kind::Kafka,
        Kind::KafkaDial,
        Kind::Pulsar,
        Kind::PulsarDial,
        Kind::Woodpecker
    )]
    kind: Kind,
    #[values("", "not an address", "[::1", "a:b:c")] address: &str,
) {
    let outcome = checked(&target(kind, address)).await;
    assert!(!outcome.ready, "{outcome:?}");
}

#[tokio::test]
async fn a_key_with_a_line_break_is_named_and_not_shown() {
    let Target::Storage(mut storage) = target(Kind::Minio, "127.0.0.1:1") else { panic!() };
    let secret_key = format!("{CANARY}\n").into();
    storage.access = StorageAccess::Keys(StorageKeys { access_key: "user".into(), secret_key });
    let outcome = checked(&Target::Storage(storage)).await;
    assert_eq!(outcome.reason, Reason::ClientError);
    assert!(outcome.message.contains("secretkey"), "{}", outcome.message);
}

#[tokio::test]
async fn a_ca_that_is_no_certificate_is_named() {
    let Target::Storage(mut storage) = target(Kind::S3Tls, &refusing().await) else { panic!() };
    storage.trust = Trust::Ca("no certificate".into());
    let outcome = checked(&Target::Storage(storage)).await;
    assert!(outcome.message.starts_with("Failed to load CA certificate"), "{}", outcome.message);
}

#[tokio::test]
async fn faults_are_listed_in_the_order_of_the_spec() {
    let (first, second) = (refusing().await, refusing().await);
    let Target::Etcd(mut etcd) = target(Kind::Etcd, "") else { panic!() };
    etcd.endpoints = vec![first.clone(), "nowhere.invalid:1".into(), second.clone()];
    let outcome = checked(&Target::Etcd(etcd)).await;
    assert_eq!(
        outcome.message,
        format!(
            "All etcd endpoints are unhealthy:[{first}:connection refused]\
             [nowhere.invalid:1:the name cannot be resolved][{second}:connection refused]"
        )
    );
}
