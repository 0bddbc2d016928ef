//! What people read, for every state that a `Milvus` can be in.
//!
//! Each file in `data` is a `Milvus` as the API server stores it; what `kubectl milvus status` says of it is
//! in `snapshots`.
#![allow(clippy::unwrap_used, reason = "a test ends where its ground gives way")]

use std::fs;
use std::path::Path;

use jiff::Timestamp;
use kubectl_milvus::table::{self, Style};
use kubectl_milvus::view::{Standing, View};
use milvus_api::Milvus;

const AT_80: Style = Style { width: Some(80), colour: false };

fn now() -> Timestamp {
    "2026-03-01T10:15:00Z".parse().unwrap()
}

fn view(file: &str) -> View {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(file);
    let milvus: Milvus = serde_saphyr::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    View::of(&milvus, now())
}

#[test]
fn stories() {
    insta::glob!("data/*.yaml", |path| {
        let view = view(path.file_name().unwrap().to_str().unwrap());
        let story = table::story(&view, AT_80);
        for line in story.lines() {
            let command = line.trim_start().starts_with("kubectl ");
            assert!(command || line.chars().count() <= 80, "too long for 80 columns: {line}");
            assert_eq!(line, line.trim_end(), "spaces at the end");
        }
        insta::assert_snapshot!(story);
    });
}

#[test]
fn each_stands_where_it_stands() {
    let expected = [
        ("unseen.yaml", Standing::Unseen),
        ("fresh-pending.yaml", Standing::Changing),
        ("mid-roll.yaml", Standing::Rolling),
        ("pod-problem.yaml", Standing::Rolling),
        ("two-at-once.yaml", Standing::Rolling),
        ("refused.yaml", Standing::Refused),
        ("refused-mid-roll.yaml", Standing::Refused),
        ("done.yaml", Standing::Fine),
        ("unsupported-fields.yaml", Standing::Fine),
        ("stopped.yaml", Standing::Stopped),
        ("not-ready.yaml", Standing::NotReady),
        ("paused.yaml", Standing::Paused),
        ("by-the-go-operator.yaml", Standing::Changing),
    ];
    for (file, standing) in expected {
        assert_eq!(view(file).standing, standing, "{file}");
    }
    let ends: Vec<&str> =
        expected.iter().filter(|(_, standing)| standing.settled()).map(|(file, _)| *file).collect();
    assert_eq!(ends, ["done.yaml", "unsupported-fields.yaml", "stopped.yaml"]);
}

fn many() -> Vec<View> {
    let renamed = |(file, name, namespace): (&str, &str, &str)| View {
        name: name.to_owned(),
        namespace: namespace.to_owned(),
        ..view(file)
    };
    [
        ("done.yaml", "my-release", "default"),
        ("mid-roll.yaml", "in01-cd5d8b22e7b6ad5", "default"),
        ("refused.yaml", "older", "default"),
        ("unseen.yaml", "new", "team-a"),
        ("stopped.yaml", "asleep", "team-a"),
        ("paused.yaml", "hands-off", "team-b"),
    ]
    .map(renamed)
    .into()
}

#[test]
fn many_in_one_namespace() {
    insta::assert_snapshot!(table::list(&many(), false, AT_80));
}

#[test]
fn many_in_all_namespaces_on_a_wide_screen() {
    insta::assert_snapshot!(table::list(&many(), true, Style { width: Some(160), colour: false }));
}

#[test]
fn without_a_screen_a_row_is_a_line() {
    let text = table::list(&many(), true, Style::default());
    assert_eq!(text.lines().count(), 1 + many().len());
}

#[test]
fn colours_only_where_they_are_asked_for() {
    let stuck = view("pod-problem.yaml");
    assert!(!table::story(&stuck, AT_80).contains('\x1b'));
    let coloured = table::story(&stuck, Style { colour: true, ..AT_80 });
    assert!(coloured.contains('\x1b'));
    assert_eq!(
        anstream::adapter::strip_str(&coloured).to_string().lines().count(),
        table::story(&stuck, AT_80).lines().count()
    );
}

#[test]
fn programs_get_the_same_as_people() {
    insta::assert_snapshot!(serde_json::to_string_pretty(&view("pod-problem.yaml")).unwrap());
    insta::assert_snapshot!(serde_saphyr::to_string(&view("refused.yaml")).unwrap());
}
