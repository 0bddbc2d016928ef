//! The Kafka probe against a real Kafka, over every security protocol.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the helpers of tests may fail as the tests themselves"
)]

use std::time::{Duration, Instant};

use milvus_probe::outcome::Reason;
use milvus_probe::queue::{KafkaAccess, KafkaClient, KafkaSasl, KafkaTarget, QueueTarget, SaslMechanism};
use milvus_probe::{ClientCertificate, Outcome, Target, Tls, Trust, probe};
use milvus_testkit::kafka::Kafka;
use milvus_testkit::pki::Authority;
use rstest::rstest;
use tokio::sync::OnceCell;

const PASSWORD: &str = "canary-kafka-password";

/// How long a JVM that has just started may take for what it does for the first time, on a busy machine.
const WARM_WITHIN: Duration = Duration::from_mins(2);

/// One for all tests: it takes seconds to start.
async fn kafka() -> &'static Kafka {
    static KAFKA: OnceCell<Kafka> = OnceCell::const_new();
    KAFKA.get_or_init(async || Kafka::start(&[("milvus", PASSWORD)]).await.unwrap()).await
}

/// Asks until there is an answer, as a `Prober` does.
async fn answer(target: &Target) -> Outcome {
    let begun = Instant::now();
    loop {
        let outcome = probe(target).await;
        if !outcome.message.contains("no answer within") {
            return outcome;
        }
        assert!(begun.elapsed() < WARM_WITHIN, "{outcome:?}");
    }
}

async fn ask(address: String, client: KafkaClient) -> Outcome {
    let queue = KafkaTarget { brokers: vec![address], access: KafkaAccess::Client(client) };
    let target = Target::Queue(QueueTarget::Kafka(queue));
    let outcome = answer(&target).await;
    assert!(!outcome.message.contains("canary"), "{}", outcome.message);
    assert_eq!(outcome, answer(&target).await, "the same finding reads the same");
    outcome
}

fn ready() -> Outcome {
    Outcome::ready(Reason::MsgStreamReady, "")
}

fn login(mechanism: SaslMechanism, password: &str) -> KafkaSasl {
    KafkaSasl { mechanism, username: "milvus".into(), password: password.into() }
}

fn trusting(authority: &Authority) -> Tls {
    Tls { trust: Trust::Ca(authority.certificate().to_owned()), client: None }
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn every_mechanism_lets_the_right_password_in_and_no_other(
    #[values(SaslMechanism::Plain, SaslMechanism::ScramSha256, SaslMechanism::ScramSha512)]
    mechanism: SaslMechanism,
    #[values(false, true)] encrypted: bool,
) {
    let kafka = kafka().await;
    let address = if encrypted { kafka.sasl_tls() } else { kafka.sasl() };
    let client = |password| KafkaClient {
        tls: encrypted.then(|| trusting(kafka.authority())),
        sasl: Some(login(mechanism, password)),
    };
    assert_eq!(ask(address.clone(), client(PASSWORD)).await, ready());
    let wrong = ask(address, client("canary-wrong")).await;
    assert_eq!(wrong.reason, Reason::MsgStreamNotReady);
    assert!(wrong.message.contains("SaslAuthenticationFailed"), "{}", wrong.message);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_security_metadata_is_enough() {
    assert_eq!(ask(kafka().await.address(), KafkaClient::default()).await, ready());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_asks_for_a_certificate_gets_the_one_of_milvus() {
    let kafka = kafka().await;
    let pair = kafka.authority().client("milvus").unwrap();
    let client = ClientCertificate { certificate_pem: pair.certificate, key_pem: pair.key.into() };
    let with = |client| KafkaClient { tls: Some(Tls { client, ..trusting(kafka.authority()) }), sasl: None };
    assert_eq!(ask(kafka.tls(), with(Some(client))).await, ready());
    assert!(!ask(kafka.tls(), with(None)).await.ready, "Milvus would be refused, too");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ca_that_does_not_match_is_named() {
    let kafka = kafka().await;
    let stranger = Authority::new("stranger").unwrap();
    let client =
        KafkaClient { tls: Some(trusting(&stranger)), sasl: Some(login(SaslMechanism::Plain, PASSWORD)) };
    let outcome = ask(kafka.sasl_tls(), client).await;
    assert!(outcome.message.contains("not signed by a CA that is trusted"), "{}", outcome.message);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wrong_protocol_is_not_taken_for_ready() {
    let kafka = kafka().await;
    let open = ask(kafka.sasl(), KafkaClient::default()).await;
    assert!(!open.ready, "a broker that wants a log-in: {open:?}");
    let encrypted = KafkaClient { tls: Some(trusting(kafka.authority())), sasl: None };
    assert!(!ask(kafka.address(), encrypted).await.ready, "a broker without TLS");
    assert!(!ask(kafka.sasl_tls(), KafkaClient::default()).await.ready, "a broker with TLS");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_brokers_the_one_that_is_away_is_named() {
    let kafka = kafka().await;
    let away = milvus_testkit::ports::Port::free().unwrap();
    let brokers = vec![away.address(), kafka.address()];
    let access = KafkaAccess::Client(KafkaClient::default());
    let outcome = answer(&Target::Queue(QueueTarget::Kafka(KafkaTarget { brokers, access }))).await;
    let message = format!("these brokers can't be used:[{}:connection refused]", away.address());
    assert_eq!(outcome, Outcome::ready(Reason::MsgStreamReady, message));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_client_for_the_mechanism_only_the_connection_is_claimed() {
    let kafka = kafka().await;
    let brokers = vec![kafka.sasl()];
    let access = KafkaAccess::DialOnly("log-in is not checked".into());
    let outcome = answer(&Target::Queue(QueueTarget::Kafka(KafkaTarget { brokers, access }))).await;
    assert_eq!(outcome, Outcome::ready(Reason::ConnectionOk, "log-in is not checked"));
}
