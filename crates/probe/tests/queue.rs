//! Pulsar probes against servers of a few bytes: what a real one sends is written out here, byte by byte,
//! from the description of its protocol and not with the code under test. A Kafka of a few bytes is here for
//! what a real one does not do; see `kafka.rs`.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the helpers of tests may fail as the tests themselves"
)]

use std::sync::Arc;

use milvus_probe::outcome::Reason;
use milvus_probe::queue::{
    KafkaAccess, KafkaClient, KafkaSasl, KafkaTarget, PulsarAccess, PulsarClient, PulsarTarget, QueueTarget,
    SaslMechanism,
};
use milvus_probe::{Outcome, Target, Tls, Trust, probe};
use milvus_testkit::pki::Authority;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// Serves every connection with `answer`, which gets the number of a request and its bytes without the
/// length.
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

async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    answer: fn(usize, &[u8]) -> Vec<Vec<u8>>,
) -> std::io::Result<()> {
    for number in 0.. {
        let size = stream.read_u32().await?;
        let mut request = vec![0; size as usize];
        stream.read_exact(&mut request).await?;
        for frame in answer(number, &request) {
            stream.write_all(&frame).await?;
        }
        stream.flush().await?;
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

/// The same behind TLS, with a certificate of `authority`.
async fn tls_server(authority: &Authority, answer: fn(usize, &[u8]) -> Vec<Vec<u8>>) -> String {
    let pair = authority.server().unwrap();
    let chain = vec![CertificateDer::from_pem_slice(pair.certificate.as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config =
        rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(chain, key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move { serve(acceptor.accept(stream).await?, answer).await });
        }
    });
    address
}

fn pulsar(endpoint: String) -> QueueTarget {
    with_client(endpoint, PulsarClient::default())
}

fn with_client(endpoint: String, client: PulsarClient) -> QueueTarget {
    QueueTarget::Pulsar(PulsarTarget {
        endpoint,
        access: PulsarAccess::Client(client),
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

/// `type: ERROR, error { request_id: -1, error: AuthenticationError, message: "Unauthorized" }`
const UNAUTHORIZED: &[u8] =
    b"\x08\x0e\x72\x1b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x10\x03\x1a\x0cUnauthorized";

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
    let ready = Outcome::ready(Reason::MsgStreamReady, "");
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
    let outcome = ask(pulsar(address.clone())).await;
    let expected = format!("connect {address} failed: no broker");
    assert_eq!(outcome, Outcome::not_ready(Reason::ConnectionFailed, expected));
}

#[tokio::test]
async fn a_pulsar_that_wants_a_login_says_so() {
    let address = server(|_, _| vec![command(UNAUTHORIZED)]).await;
    let outcome = ask(pulsar(address.clone())).await;
    let expected = format!("connect {address} failed: Unauthorized");
    assert_eq!(outcome, Outcome::not_ready(Reason::ConnectionFailed, expected));
}

/// Lets in who has the token of the tests, and knows every namespace.
fn asks_for_a_token(number: usize, request: &[u8]) -> Vec<Vec<u8>> {
    let text = String::from_utf8_lossy(request);
    match number {
        0 if text.contains("canary-token") && text.contains("token") => vec![command(CONNECTED)],
        0 => vec![command(UNAUTHORIZED)],
        _ => vec![command(NO_PARTITIONS)],
    }
}

#[tokio::test]
async fn the_token_of_milvus_is_shown_over_tls_and_nobody_else_is_let_in() {
    let authority = Authority::new("pulsar").unwrap();
    let endpoint = format!("pulsar+ssl://{}", tls_server(&authority, asks_for_a_token).await);
    let with = |token: &str, authority: &Authority| {
        let tls = Tls { trust: Trust::Ca(authority.certificate().to_owned()), client: None };
        with_client(endpoint.clone(), PulsarClient { token: Some(token.into()), tls })
    };
    assert_eq!(ask(with("canary-token", &authority)).await, Outcome::ready(Reason::MsgStreamReady, ""));
    let refused = ask(with("canary-other", &authority)).await;
    assert!(!refused.ready && refused.message.ends_with("failed: Unauthorized"), "{refused:?}");
    let stranger = ask(with("canary-token", &Authority::new("stranger").unwrap())).await;
    assert!(stranger.message.contains("not signed by a CA that is trusted"), "{}", stranger.message);
}

#[tokio::test]
async fn a_plug_in_that_we_do_not_have_leaves_the_connection_and_says_so() {
    let address = server(broker).await;
    let access = PulsarAccess::DialOnly("log-in is not checked".into());
    let queue =
        PulsarTarget { endpoint: address, access, tenant: "public".into(), namespace: "default".into() };
    let expected = Outcome::ready(Reason::ConnectionOk, "log-in is not checked");
    assert_eq!(ask(QueueTarget::Pulsar(queue)).await, expected);
}

fn kafka(brokers: Vec<String>, sasl: Option<KafkaSasl>) -> QueueTarget {
    let access = KafkaAccess::Client(KafkaClient { tls: None, sasl });
    QueueTarget::Kafka(KafkaTarget { brokers, access })
}

/// A broker that speaks the oldest versions only: of ApiVersions (18), Metadata (3) and the two SASL requests
/// (17, 36).
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
    assert!(outcome.ready && outcome.message.contains("nowhere.invalid:9092"), "{outcome:?}");
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
    assert_eq!(outcome.reason, Reason::MsgStreamNotReady);
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
    assert_eq!(outcome, Outcome::ready(Reason::ConnectionOk, ""));
    let outcome = ask(QueueTarget::Woodpecker(vec![address, up.clone()])).await;
    let expected = format!("connect {up} failed: connection refused");
    assert_eq!(outcome, Outcome::not_ready(Reason::ConnectionFailed, expected));
}
