//! Kafka and Pulsar probes against servers of a few bytes: neither runs without a JVM, so what a real one sends is
//! written out here, byte by byte, from their protocol descriptions and not with the code under test.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the helpers of tests may fail as the tests themselves"
)]

use milvus_probe::outcome::reason;
use milvus_probe::queue::{KafkaSasl, KafkaTarget, PulsarAccess, PulsarTarget, QueueTarget, SaslMechanism};
use milvus_probe::{Outcome, Target, probe};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Serves every connection with `answer`, which gets the number of a request and its bytes without the length.
async fn server(answer: fn(usize, &[u8]) -> Vec<Vec<u8>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, answer));
        }
    });
    address
}

async fn serve(mut stream: TcpStream, answer: fn(usize, &[u8]) -> Vec<Vec<u8>>) -> std::io::Result<()> {
    for number in 0.. {
        let size = stream.read_u32().await?;
        let mut request = vec![0; size as usize];
        stream.read_exact(&mut request).await?;
        for frame in answer(number, &request) {
            stream.write_all(&frame).await?;
        }
    }
    Ok(())
}

fn with_length(body: &[u8]) -> Vec<u8> {
    [&u32::try_from(body.len()).unwrap().to_be_bytes(), body].concat()
}

async fn ask(queue: QueueTarget) -> Outcome {
    let target = Target::Queue(queue);
    let outcome = probe(&target).await;
    assert_eq!(outcome, probe(&target).await, "the same finding reads the same");
    assert!(!outcome.message.contains("canary"), "{}", outcome.message);
    outcome
}

fn pulsar(endpoint: String) -> QueueTarget {
    QueueTarget::Pulsar(PulsarTarget {
        endpoint,
        access: PulsarAccess::Open,
        tenant: "public".into(),
        namespace: "default".into(),
    })
}

fn command(protobuf: &[u8]) -> Vec<u8> {
    with_length(&with_length(protobuf))
}

/// `type: CONNECTED, connected { server_version: "Pulsar", protocol_version: 21 }`
const CONNECTED: &[u8] = b"\x08\x03\x1a\x0a\x0a\x06Pulsar\x10\x15";
/// `type: PING, ping {}`
const PING: &[u8] = b"\x08\x12\x92\x01\x00";
/// `type: PARTITIONED_METADATA_RESPONSE, { partitions: 0, request_id: 1, response: Success }`
const NO_PARTITIONS: &[u8] = b"\x08\x16\xb2\x01\x06\x08\x00\x10\x01\x18\x00";

#[tokio::test]
async fn a_pulsar_that_knows_the_namespace_is_ready() {
    let address = server(|number, request| {
        let text = String::from_utf8_lossy(request);
        match number {
            0 => vec![command(CONNECTED), command(PING)],
            1 if text.contains("persistent://public/default/milvus-operator-topic") => vec![],
            // The pong.
            2 if request[4..] == *b"\x08\x13\x9a\x01\x00" => vec![command(NO_PARTITIONS)],
            _ => panic!("request {number} was not expected: {text:?}"),
        }
    })
    .await;
    let ready = Outcome::ready(reason::MSG_STREAM_READY, "");
    assert_eq!(ask(pulsar(address.clone())).await, ready);
    assert_eq!(ask(pulsar(format!("pulsar://{address}"))).await, ready);
}

#[tokio::test]
async fn a_pulsar_proxy_without_a_broker_is_not_ready() {
    let address = server(|number, _| match number {
        0 => vec![command(CONNECTED)],
        // `response: Failed, error: ServiceNotReady, message: "no broker\n\tat ..."`
        _ => vec![command(b"\x08\x16\xb2\x01\x16\x10\x01\x18\x01\x20\x06\x2a\x0eno broker\n\tat ")],
    })
    .await;
    let outcome = ask(pulsar(address)).await;
    assert_eq!(outcome, Outcome::not_ready(reason::CONNECTION_FAILED, "no broker"));
}

#[tokio::test]
async fn a_pulsar_that_wants_a_login_says_so() {
    // `type: ERROR, error { request_id: -1, error: AuthenticationError, message: "Unauthorized" }`
    let address = server(|_, _| {
        vec![command(
            b"\x08\x0e\x72\x1b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x10\x03\x1a\x0cUnauthorized",
        )]
    })
    .await;
    let outcome = ask(pulsar(address)).await;
    assert_eq!(outcome, Outcome::not_ready(reason::CONNECTION_FAILED, "Unauthorized"));
}

fn kafka(brokers: Vec<String>, sasl: Option<KafkaSasl>) -> QueueTarget {
    QueueTarget::Kafka(KafkaTarget { brokers, tls: None, sasl })
}

/// A broker that speaks the oldest versions only: of ApiVersions (18), Metadata (3) and the two SASL requests (17, 36).
fn broker(_number: usize, request: &[u8]) -> Vec<Vec<u8>> {
    let (kind, version, correlation) = (request[1], request[3], &request[4..8]);
    let body: &[u8] = match (kind, version) {
        (18, 0) => {
            b"\x00\x00\x00\x00\x00\x04\
              \x00\x12\x00\x00\x00\x00\x00\x03\x00\x00\x00\x00\x00\x11\x00\x00\x00\x01\x00\x24\x00\x00\x00\x00"
        }
        // UNSUPPORTED_VERSION, in version 0, as real brokers answer.
        (18, _) => b"\x00\x23\x00\x00\x00\x00",
        // One broker, `node 1, "broker", port 9092`, and no topics.
        (3, 0) => b"\x00\x00\x00\x01\x00\x00\x00\x01\x00\x06broker\x00\x00\x23\x84\x00\x00\x00\x00",
        // The mechanism is known: `PLAIN`.
        (17, _) => b"\x00\x00\x00\x00\x00\x01\x00\x05PLAIN",
        // SASL_AUTHENTICATION_FAILED, with a message that repeats the password.
        (36, _) => b"\x00\x3a\x00\x17no login canary-kafka42\x00\x00\x00\x00",
        _ => panic!("request {kind} version {version} was not expected"),
    };
    vec![with_length(&[correlation, body].concat())]
}

#[tokio::test]
async fn one_kafka_broker_that_answers_is_enough() {
    let address = server(broker).await;
    let outcome = ask(kafka(vec!["nowhere.invalid:9092".into(), address], None)).await;
    assert_eq!(outcome, Outcome::ready(reason::MSG_STREAM_READY, ""));
}

#[tokio::test]
async fn a_kafka_that_refuses_the_password_is_not_ready_and_is_asked_once() {
    let address = server(broker).await;
    let sasl = KafkaSasl {
        mechanism: SaslMechanism::Plain,
        username: "milvus".into(),
        password: "canary-kafka42".into(),
    };
    let outcome = ask(kafka(vec![address], Some(sasl))).await;
    assert_eq!(outcome.reason, reason::MSG_STREAM_NOT_READY);
    assert!(outcome.message.ends_with("API error: SaslAuthenticationFailed]"), "{}", outcome.message);
    assert!(!outcome.message.contains("etry"), "the library's own words: {}", outcome.message);
}

#[tokio::test]
async fn no_broker_at_all_is_an_outcome() {
    assert!(!ask(kafka(vec![], None)).await.ready);
    assert!(!ask(QueueTarget::Woodpecker(vec![])).await.ready);
}

#[tokio::test]
async fn all_seeds_of_woodpecker_must_accept() {
    let up = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().to_string();
    let address = server(broker).await;
    let outcome = ask(QueueTarget::Woodpecker(vec![address.clone()])).await;
    assert_eq!(outcome, Outcome::ready(reason::CONNECTION_OK, ""));
    let outcome = ask(QueueTarget::Woodpecker(vec![address, up.clone()])).await;
    let expected = format!("connect {up} failed: connection refused");
    assert_eq!(outcome, Outcome::not_ready(reason::CONNECTION_FAILED, expected));
}
