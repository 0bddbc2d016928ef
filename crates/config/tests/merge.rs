//! What `merge` makes of two files.

mod common;

use common::{Pod, refused, succeeded, text};
use proptest::prelude::*;
use rstest::rstest;

const MILVUS: &str = "milvus/configs/milvus.yaml";

fn merged(source: &str, destination: &str) -> String {
    let (pod, output) = Pod::merge(source, destination);
    succeeded(&output);
    pod.read(MILVUS)
}

#[rstest]
#[case::maps_become_one("a: {b: {c: 1}}", "a: {b: {d: 2}, e: 3}", "a:\n  b:\n    d: 2\n    c: 1\n  e: 3\n")]
#[case::lists_are_replaced("l: [3]", "l: [1, 2]\nm: x", "l:\n  - 3\nm: x\n")]
#[case::null_replaces("a: null", "a: {b: 1}", "a: null\n")]
#[case::a_text_replaces_a_map("a: no", "a: {b: 1}", "a: no\n")]
#[case::a_map_replaces_a_text("a: {b: 1}", "a: no", "a:\n  b: 1\n")]
#[case::nothing_changes_nothing("", "a: 1 # why", "a: 1\n")]
#[case::into_nothing("a: 1", "# only a comment", "a: 1\n")]
#[case::order_is_kept("b: 2", "z: 1\nb: 1\na: 1", "z: 1\nb: 2\na: 1\n")]
#[case::empty_collections("a: {}\nb: []", "c: 1", "c: 1\na: {}\nb: []\n")]
#[case::quoted_keys_are_the_same_keys("\"a\": 2", "a: 1", "a: 2\n")]
fn source_goes_over_destination(#[case] source: &str, #[case] destination: &str, #[case] result: &str) {
    assert_eq!(merged(source, destination), result);
}

/// Milvus takes its settings as text, so a number or boolean must not be written in another way.
#[rstest]
fn a_scalar_stays_what_was_written(
    #[values(
        "0777",
        "1e3",
        "1.0",
        "yes",
        "off",
        "0x1F",
        "18446744073709551616",
        "10s",
        "~",
        ".inf",
        "2001-01-01",
        "a: b"
    )]
    value: &str,
) {
    let quoted = value.contains(": ");
    let line = if quoted { format!("k: \"{value}\"\n") } else { format!("k: {value}\n") };
    assert_eq!(merged("", &line), line);
    assert_eq!(merged(&line, "k: old"), line);
}

#[test]
fn quoted_numbers_stay_texts() {
    assert_eq!(
        merged("a: '007'\nb: \"true\"\nc: !!str 12\nd: ''", "x:"),
        "x: ~\na: \"007\"\nb: \"true\"\nc: \"12\"\nd: \"\"\n"
    );
}

#[test]
fn a_reader_finds_every_value_again() {
    let yaml = include_str!("data/shapes.yaml");
    let before: serde_json::Value = serde_saphyr::from_str(yaml).unwrap();
    let after: serde_json::Value = serde_saphyr::from_str(&merged("", yaml)).unwrap();
    assert_eq!(after, before);
}

#[test]
fn merging_twice_is_merging_once() {
    let user = "etcd: {endpoints: [e:2379]}\nmessageQueue: kafka\nkafka: {brokerList: k}";
    let once = merged(user, "etcd: {rootPath: x}\npulsar: {a: 1}\nkafka: {sasl: y}");
    assert_eq!(merged(user, &once), once);
    assert_eq!(
        once,
        "etcd:\n  rootPath: x\n  endpoints:\n    - e:2379\nkafka:\n  sasl: y\n  brokerList: k\nmessageQueue: kafka\n"
    );
}

#[rstest]
#[case::the_used_stays(
    "messageQueue: pulsar",
    "pulsar: 1\nkafka: 2\nrocksmq: 3\nnatsmq: 4\n",
    "pulsar: 1\nmessageQueue: pulsar\n"
)]
#[case::one_without_a_block(
    "messageQueue: woodpecker",
    "kafka: 2\nwoodpecker: 1\n",
    "woodpecker: 1\nmessageQueue: woodpecker\n"
)]
#[case::said_by_the_image(
    "",
    "messageQueue: rocksmq\npulsar: 1\nrocksmq: 2\n",
    "messageQueue: rocksmq\nrocksmq: 2\n"
)]
#[case::none_is_named("a: 1", "pulsar: 1\nkafka: 2\n", "pulsar: 1\nkafka: 2\na: 1\n")]
#[case::null_names_none("messageQueue:", "pulsar: 1\n", "pulsar: 1\nmessageQueue: ~\n")]
fn other_queues_go(#[case] source: &str, #[case] destination: &str, #[case] result: &str) {
    assert_eq!(merged(source, destination), result);
}

#[test]
fn anchors_and_merge_keys_are_resolved() {
    let yaml = "a: &x {b: 1, c: 2}\nd: *x\ne: {<<: *x, c: 3}\n";
    assert_eq!(merged("", yaml), "a:\n  b: 1\n  c: 2\nd:\n  b: 1\n  c: 2\ne:\n  c: 3\n  b: 1\n");
}

#[test]
fn a_missing_file_is_no_error() {
    let pod = Pod::new("a: 1 # stays\n");
    let milvus = pod.path(MILVUS);
    let none = pod.path("none.yaml");
    let into = |from, to| pod.command("merge", &["-s", text(from), "-d", text(to)]).output().unwrap();
    succeeded(&into(&none, &milvus));
    assert_eq!(pod.read(MILVUS), "a: 1 # stays\n");
    succeeded(&into(&milvus, &none));
    assert!(!none.exists());
}

#[rstest]
#[case::broken("a: 1\nb: [1, 2\nc: 3\n", "user.yaml: line 3")]
#[case::twice("a: 1\nb: 2\na: 3\n", "user.yaml: line 3, column 1: the key \"a\" is there twice")]
#[case::second_document("a: 1\n---\nb: 2\n", "user.yaml: line 2, column 1: a second document")]
#[case::list("- a\n", "user.yaml: line 1, column 1: must be a mapping")]
#[case::own_tag("a: 1\nb: !secret x\n", "user.yaml: line 2, column 12: the tag !secret is not known")]
#[case::key("{a: 1}: 2\n", "a key must be a text")]
#[case::unknown_alias("a: *b\n", "user.yaml: line 1")]
#[case::queue("messageQueue: [kafka]\n", "user.yaml: messageQueue must be the name of a message queue")]
fn bad_yaml_is_refused_by_name_and_line(#[case] source: &str, #[case] said: &str) {
    let (pod, output) = Pod::merge(source, "a: 1 # stays\n");
    let error = refused(&output);
    assert!(error.contains(said), "{error}");
    assert_eq!(pod.read(MILVUS), "a: 1 # stays\n");
}

/// Six times as many values with each line: ten million from nine lines.
#[test]
fn aliases_that_multiply_are_stopped() {
    let mut yaml = "a0: &a0 [x, x, x, x, x, x]\n".to_owned();
    for level in 1..9 {
        let six = vec![format!("*a{}", level - 1); 6].join(", ");
        yaml.extend([format!(
            "a{level}: &a{level} [{six}]
"
        )]);
    }
    let (_pod, output) = Pod::merge(&yaml, "a: 1");
    assert!(refused(&output).contains("more than 200000 values"));
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let pod = Pod::new("a: 1\n");
    let directory = pod.path("milvus");
    let output =
        pod.command("merge", &["-s", text(&directory), "-d", text(&pod.path(MILVUS))]).output().unwrap();
    assert!(refused(&output).contains(&format!("can't read {}", directory.display())));
}

#[rstest]
#[case(&["-s=user.yaml", "--d=milvus/configs/milvus.yaml"])]
#[case(&["--s", "user.yaml", "-d", "milvus/configs/milvus.yaml"])]
fn flags_are_gos(#[case] args: &[&str]) {
    let pod = Pod::new("a: 1\n");
    pod.write("user.yaml", "a: 2\n");
    succeeded(&pod.command("merge", args).current_dir(pod.path("")).output().unwrap());
    assert_eq!(pod.read(MILVUS), "a: 2\n");
}

#[rstest]
fn wrong_arguments_show_the_usage(
    #[values(&[][..], &["-s", "x"], &["-s"], &["x", "y"], &["-x", "y"])] args: &[&str],
) {
    let output = Pod::new("").command("merge", args).output().unwrap();
    assert!(refused(&output).contains("usage: merge -s SOURCE.yaml -d DESTINATION.yaml"));
}

proptest! {
    /// Texts of users are merged or refused, in time and without a crash. Fuzzing looks for more, and longer
    /// (CONTRIBUTING.md).
    #[test]
    fn any_two_texts_are_merged_into_what_can_be_read_again(
        source in "[-:a-c\\[\\]{}&*!'\"#|>\\\\, \n\t~<0-9]{0,48}",
        destination in "([a-c]: [a-c0-9]{0,3}\n){0,3}|[-:a-c\\[\\]{}, \n]{0,24}",
    ) {
        if let Ok(text) = milvus_config_tool::merge(&source, &destination) {
            let again = milvus_config_tool::merge("", &text);
            prop_assert!(matches!(&again, Ok(same) if *same == text), "{:?} became {:?}, then {:?}", source, text, again);
        }
    }
}

/// Deeper than any configuration: refused, instead of ending the process by its stack.
#[rstest]
#[case::lists("a: ", "[", "]")]
#[case::maps("", "{a: ", "}")]
#[case::blocks("", "- ", "")]
fn what_is_nested_too_deep_is_refused(#[case] begin: &str, #[case] open: &str, #[case] close: &str) {
    let text = format!("{begin}{}{}", open.repeat(60_000), close.repeat(60_000));
    let error = milvus_config_tool::merge(&text, "").unwrap_err();
    assert!(error.to_string().starts_with("source: line 1, column "), "{error}");
}
