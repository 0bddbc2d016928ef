//! What the annotation `milvus.io/allow-upgrade` allows, and what it does not.

mod common;

use common::version;
use milvus_plan::consent::{BUCKET_NAME, ETCD_ROOT_PATH, FIELDS, ROCKSMQ_PERSISTENCE};
use milvus_plan::{Consent, Consents, Queue};
use proptest::prelude::*;
use rstest::rstest;
use strum::IntoEnumIterator;

fn read(text: &str) -> Consents {
    Consents::parse(Some(text))
}

fn unread(text: &str) -> Vec<String> {
    read(text).unread().map(str::to_owned).collect()
}

#[test]
fn a_version_and_a_bucket_can_be_allowed_together() {
    let both = read("2.4.23->2.5.3, minio.bucketName: old-bucket -> new-bucket");
    assert!(both.version(&version("2.4.23"), &version("2.5.3")));
    assert!(both.field(BUCKET_NAME, "old-bucket", "new-bucket"));
    assert!(!both.field(BUCKET_NAME, "new-bucket", "old-bucket"), "the way back is another change");
    assert!(!both.field(ETCD_ROOT_PATH, "old-bucket", "new-bucket"), "it is bound to its field");
    assert_eq!(both.unread().count(), 0);
}

/// As annotations were written before fields had names: the pair alone.
#[rstest]
#[case::paths("by-dev->in01/data")]
#[case::white_space("  by-dev  ->  in01/data ")]
#[case::one_of_several("2.4.23->2.5.3,by-dev->in01/data,pulsar->kafka")]
fn a_bare_pair_is_taken_for_the_field_that_changes_so(#[case] text: &str) {
    let consents = read(text);
    assert!(FIELDS.iter().all(|field| consents.field(field, "by-dev", "in01/data")));
    assert!(!consents.field(ETCD_ROOT_PATH, "by-dev", "in01"));
}

#[test]
fn a_pair_of_versions_or_queues_allows_no_field() {
    assert!(!read("2.4.23->2.5.3").field(BUCKET_NAME, "2.4.23", "2.5.3"));
    assert!(!read("pulsar->kafka").field(BUCKET_NAME, "pulsar", "kafka"));
    assert!(read("minio.bucketName: 2.4.23->2.5.3").field(BUCKET_NAME, "2.4.23", "2.5.3"));
    assert!(!read("minio.bucketName: 2.4.23->2.5.3").version(&version("2.4.23"), &version("2.5.3")));
}

#[test]
fn queues_are_read_in_any_case() {
    assert!(read("Pulsar -> KAFKA").queue(Queue::Pulsar, Queue::Kafka));
    assert!(!read("Pulsar -> KAFKA").queue(Queue::Kafka, Queue::Pulsar));
}

#[test]
fn values_may_contain_colons_and_arrows() {
    assert!(read("etcd.rootPath: a:b->c:d").field(ETCD_ROOT_PATH, "a:b", "c:d"));
    assert!(read("a:b->c").field(ETCD_ROOT_PATH, "a:b", "c"), "a value before a colon is no field");
    assert!(read("team.one:b->c").field(ETCD_ROOT_PATH, "team.one:b", "c"));
    assert!(read("etcd.rootPath: a->b->c").field(ETCD_ROOT_PATH, "a", "b->c"));
    assert!(read("etcd.rootPath: ->c").field(ETCD_ROOT_PATH, "", "c"));
    assert!(read("rocksmq.persistence:m-data->emptyDir").field(ROCKSMQ_PERSISTENCE, "m-data", "emptyDir"));
}

#[rstest]
#[case::a_flag("true", &["true"])]
#[case::no_target("2.4.23", &["2.4.23"])]
#[case::only_an_arrow(" -> ", &["->"])]
#[case::field_without_a_change("etcd.rootPath", &["etcd.rootPath"])]
#[case::slip_in_a_field("etcd.rootpath: a->b", &["etcd.rootpath: a->b"])]
#[case::among_others("2.4.23->2.5.3, yes, etcd.rootPath: a->b", &["yes"])]
#[case::nothing("", &[])]
#[case::empty_items(" , ,", &[])]
fn what_is_no_consent_is_reported(#[case] text: &str, #[case] expected: &[&str]) {
    assert_eq!(unread(text), expected);
    assert!(!read(text).field(BUCKET_NAME, "a", "b"));
}

#[test]
fn without_the_annotation_nothing_is_allowed() {
    assert_eq!(Consents::parse(None), Consents::default());
    assert!(!Consents::parse(None).version(&version("2.4.23"), &version("2.5.3")));
}

/// What a consent is for, with its text owned.
#[derive(Debug, Clone, PartialEq)]
enum Asked {
    Version(String, String),
    Queue(Queue, Queue),
    Field(&'static str, String, String),
}

impl Asked {
    fn with<T>(&self, use_it: impl FnOnce(&Consent<'_>) -> T) -> T {
        match self {
            Self::Version(from, to) => use_it(&Consent::Version { from: &version(from), to: &version(to) }),
            Self::Queue(from, to) => use_it(&Consent::Queue { from: *from, to: *to }),
            Self::Field(name, from, to) => use_it(&Consent::Field { name, from, to }),
        }
    }

    fn text(&self) -> String {
        self.with(|consent| consent.to_string())
    }

    /// Whether giving one consent gives the other: equal, but for builds of one release.
    fn means(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Version(a, b), Self::Version(c, d)) => {
                version(a) == version(c) && version(b) == version(d)
            }
            _ => self == other,
        }
    }
}

fn a_version() -> impl Strategy<Value = String> {
    // The flavour comes from a field that a user may fill with anything.
    "2\\.[4-6]\\.[0-1](-(rc[0-9]|rc\\.2|beta|gpu|beta-gpu|x->y, 1))?"
        .prop_filter("read", |text| text.parse::<milvus_plan::MilvusVersion>().is_ok())
}

/// Anything that a field may be, without an arrow: two changes whose texts are the same can't be told apart.
fn value() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9/:._\" -]{0,12}".prop_map(|text| text.replace("->", "").trim().to_owned())
}

fn asked() -> impl Strategy<Value = Asked> {
    let queue = || proptest::sample::select(Queue::iter().collect::<Vec<_>>());
    let changed = |(name, from, to)| (from != to).then_some(Asked::Field(name, from, to));
    prop_oneof![
        (a_version(), a_version()).prop_map(|(from, to)| Asked::Version(from, to)),
        (queue(), queue()).prop_map(|(from, to)| Asked::Queue(from, to)),
        (proptest::sample::select(FIELDS.to_vec()), value(), value()).prop_filter_map("a change", changed),
    ]
}

proptest! {
    #[test]
    fn what_a_refusal_prints_allows_exactly_what_it_is_for(
        wanted in proptest::collection::vec(asked(), 1..4),
        others in proptest::collection::vec(asked(), 0..12),
    ) {
        let text = wanted.iter().map(Asked::text).collect::<Vec<_>>().join(", ");
        let consents = read(&text);
        prop_assert_eq!(consents.unread().count(), 0, "{}", text);
        for one in &wanted {
            prop_assert!(one.with(|consent| consents.allow(consent)), "{one:?} is not allowed by {text}");
        }
        for other in others.iter().filter(|other| !wanted.iter().any(|one| one.means(other))) {
            prop_assert!(!other.with(|consent| consents.allow(consent)), "{other:?} is allowed by {text}");
        }
    }

    #[test]
    fn a_consent_of_one_kind_is_none_of_another(from in value(), to in value()) {
        prop_assume!(from != to);
        let consents = read(&Asked::Field(ETCD_ROOT_PATH, from.clone(), to.clone()).text());
        prop_assert!(!consents.field(BUCKET_NAME, &from, &to));
        let queues = || Queue::iter().flat_map(|one| Queue::iter().map(move |two| (one, two)));
        prop_assert!(!queues().any(|(one, two)| consents.queue(one, two)));
    }

    #[test]
    fn reading_never_panics(text in "\\PC{0,60}") {
        let consents = read(&text);
        prop_assert!(consents.unread().all(|item| text.contains(item)));
    }
}

/// What is no consent is quoted, with what one looks like; what is one is not mentioned.
#[test]
fn what_is_no_consent_is_told_with_the_grammar() {
    let warning = |text: &str| Consents::parse(Some(text)).warning();
    assert_eq!(warning("2.4.9->2.6.0, pulsar->kafka"), None);
    assert_eq!(
        warning("2.4.9->2.6.0, 2.4.9=>2.6.0").unwrap(),
        "\"2.4.9=>2.6.0\" is no consent and allows nothing. A consent is FROM->TO, with two versions or two message queues, or \
         FIELD: FROM->TO, with FIELD one of etcd.rootPath, minio.bucketName, rocksmq.persistence, natsmq.persistence; several are \
         separated by commas"
    );
    let many = warning("a,b,c,d,e").unwrap();
    assert!(many.starts_with("\"a\", \"b\", \"c\" and 2 more are no consents and allow nothing. "), "{many}");
    let long = warning(&"ä".repeat(100)).unwrap();
    assert!(long.starts_with(&format!("\"{}\"… is no consent", "ä".repeat(80))), "{long}");
}
