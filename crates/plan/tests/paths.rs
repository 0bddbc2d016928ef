//! Which paths have a plan and which have an objection.

mod common;

use std::fmt::Write as _;

use common::{VERSIONS, allowing, mode, request, running, side, standalone, version, with_four};
use milvus_plan::facts::{self, PATHS, Verdict};
use milvus_plan::{
    Coordinators, Direction, Objections, Plan, Queue, QueueChange, Reason, Request, Side, UpdateMode, plan,
};
use rstest::rstest;

fn reasons(planned: &Result<Plan, Objections>) -> Vec<Reason> {
    planned.as_ref().err().map(|all| all.iter().map(|one| one.reason).collect()).unwrap_or_default()
}

#[rstest]
#[case("2.2.3", "2.2.16")]
#[case("2.2.16", "2.3.5")]
#[case("2.2.3", "2.4.23")]
#[case("2.2.16", "2.5.16")]
#[case("2.3.5", "2.4.23")]
#[case("2.4.23", "2.5.26")]
#[case("2.5.3", "2.5.16")]
#[case("2.5.0-beta", "2.5.3")]
#[case("2.6.0", "2.6.10")]
#[case("2.6.20", "3.0.5")]
#[case("3.0.0", "3.0.5")]
fn a_rolling_upgrade_without_downtime(#[case] from: &str, #[case] to: &str) {
    let plan = plan(&request(from, to)).unwrap();
    assert!(plan.ordered);
    assert_eq!(plan.direction, Direction::Upgrade);
    assert!(plan.steps().all(|step| step.downtime.is_none()));
}

#[rstest]
#[case("2.1.0", "2.1.4")]
#[case("2.2.0", "2.2.2")]
#[case("2.2.2", "2.2.3")]
#[case("2.2.0", "2.5.16")]
fn before_2_2_3_the_coordinator_steps_have_downtime(#[case] from: &str, #[case] to: &str) {
    let plan = plan(&with_four(request(from, to))).unwrap();
    assert!(plan.ordered);
    for step in plan.steps() {
        let coordinates = step.components().iter().any(|component| component.is_coordinator());
        assert_eq!(step.downtime.is_some(), coordinates, "step {}", step.name);
    }
}

#[rstest]
#[case("1.1.1", "2.4.23", Reason::NeedsDataMigration)]
#[case("1.1.1", "2.1.0", Reason::NeedsDataMigration)]
#[case("2.0.2", "2.1.0", Reason::PathNotKnown)]
#[case("2.1.4", "2.2.0", Reason::NeedsMetadataMigration)]
#[case("2.1.4", "2.4.23", Reason::NeedsMetadataMigration)]
#[case("2.1.4", "2.6.10", Reason::NeedsMetadataMigration)]
#[case("2.5.15", "2.6.0", Reason::NeedsIntermediateVersion)]
#[case("2.2.16", "2.6.10", Reason::NeedsIntermediateVersion)]
#[case("2.5.26", "3.0.5", Reason::NeedsIntermediateVersion)]
#[case("2.6.10", "3.0.5", Reason::NeedsIntermediateVersion)]
#[case("2.5.16", "2.6.0", Reason::UpgradeNotSupportedYet)]
#[case("2.6.0-rc1", "2.6.0", Reason::PrereleaseHasNoPath)]
#[case("2.6.0-rc1", "2.6.10", Reason::PrereleaseHasNoPath)]
#[case("2.6.20", "2.7.0", Reason::PathNotKnown)]
#[case("3.0.5", "3.1.0", Reason::PathNotKnown)]
fn a_refused_path_names_its_reason(#[case] from: &str, #[case] to: &str, #[case] expected: Reason) {
    assert_eq!(reasons(&plan(&request(from, to))), [expected]);
    assert_eq!(reasons(&plan(&standalone(request(from, to)))), [expected], "in standalone mode");
}

#[test]
fn four_coordinators_cannot_go_to_2_6() {
    let refused = plan(&with_four(request("2.5.26", "2.6.10")));
    assert_eq!(reasons(&refused), [Reason::NeedsMixCoordinator]);
    let mut asks_for_both = request("2.5.26", "2.6.10");
    asks_for_both.running_coordinators = Some(Coordinators::Four);
    assert_eq!(
        reasons(&plan(&asks_for_both)),
        [Reason::NeedsMixCoordinator],
        "what runs decides, not what is asked for"
    );
}

#[rstest]
#[case("2.4.23", "2.3.5")]
#[case("2.2.16", "2.1.4")]
#[case("3.0.5", "2.6.20")]
#[case("2.4.23", "1.1.1")]
fn a_minor_downgrade_is_refused_in_every_mode(
    #[case] from: &str,
    #[case] to: &str,
    #[values(UpdateMode::RollingDowngrade, UpdateMode::All, UpdateMode::Force)] by: UpdateMode,
) {
    assert_eq!(reasons(&plan(&mode(request(from, to), by))), [Reason::MinorDowngrade]);
}

#[test]
fn a_patch_downgrade_needs_the_mode_for_it() {
    let refused = plan(&request("2.4.23", "2.4.4"));
    assert_eq!(reasons(&refused), [Reason::OlderUnderRollingUpgrade]);
    let accepted = plan(&mode(request("2.4.23", "2.4.4"), UpdateMode::RollingDowngrade)).unwrap();
    assert_eq!(accepted.direction, Direction::Downgrade);
    assert!(accepted.warnings.iter().any(|warning| warning.contains("backup")));
    let up = plan(&mode(request("2.4.4", "2.4.23"), UpdateMode::RollingDowngrade));
    assert_eq!(reasons(&up), [Reason::NewerUnderRollingDowngrade]);
}

#[rstest]
#[case::to("2.5.3", "latest")]
#[case::from("latest", "2.5.3")]
#[case::both("latest", "master-20250701-abc")]
fn an_unknown_version_is_never_upgraded(
    #[case] from: &str,
    #[case] to: &str,
    #[values(UpdateMode::RollingUpgrade, UpdateMode::RollingDowngrade, UpdateMode::All, UpdateMode::Force)]
    by: UpdateMode,
) {
    let refused = plan(&allowing(mode(request(from, to), by), &format!("{from}->{to}")));
    assert_eq!(reasons(&refused), [Reason::UnknownVersion]);
    assert!(refused.unwrap_err().first().message.contains("`spec.components.version`"));
}

#[test]
fn an_unknown_version_keeps_running() {
    let same = plan(&request("latest", "latest")).unwrap();
    assert_eq!((same.direction, same.ordered, same.steps().count()), (Direction::Same, false, 1));
    let mut named = request("latest", "latest");
    named.to = Side::of(Some("2.5.3"), &named.to.image);
    assert_eq!(plan(&named).unwrap().direction, Direction::Same, "naming the version changes nothing");
}

#[test]
fn a_version_that_changes_under_the_same_image_is_judged() {
    let mut moved = request("prod", "prod");
    moved.from = Some(Side::of(Some("2.5.3"), "private/milvus:prod"));
    moved.to = Side::of(Some("2.6.10"), "private/milvus:prod");
    moved.running = vec![moved.to.clone()];
    assert_eq!(reasons(&plan(&moved)), [Reason::NeedsIntermediateVersion]);
}

#[test]
fn the_path_must_be_allowed_from_everything_that_runs() {
    let halfway = running(request("2.5.3", "2.5.26"), &["v2.5.3", "v2.6.10"]);
    let refused = plan(&halfway);
    assert_eq!(reasons(&refused), [Reason::MinorDowngrade, Reason::OlderUnderRollingUpgrade]);
    assert!(refused.unwrap_err().first().message.contains("from 2.6.10 to 2.5.26"));
    let at_target = running(request("v2.5.3", "v2.5.26"), &["v2.5.3", "v2.5.26"]);
    assert!(plan(&at_target).is_ok(), "pods at the target are not a source");
}

#[rstest]
fn going_back_to_what_ran_before_is_always_allowed(
    #[values("2.4.23", "2.6.10", "2.2.16", "latest")] before: &str,
    #[values("2.5.16", "2.6.0-rc1", "master-1")] tried: &str,
    #[values(UpdateMode::RollingUpgrade, UpdateMode::RollingDowngrade, UpdateMode::All, UpdateMode::Force)]
    by: UpdateMode,
) {
    let back = plan(&mode(running(request(before, before), &[before, tried]), by)).unwrap();
    assert_eq!(back.direction, Direction::Revert);
    assert_eq!(back.from, Some(side(tried)));
}

#[rstest]
#[case("2.4.23->2.3.5", true)]
#[case("v2.4.23 -> v2.3.5", true)]
#[case("2.2.0->2.2.1, 2.4.23->2.3.5", true)]
#[case("2.3.5->2.4.23", false)]
#[case("2.4.23->2.3.4", false)]
#[case("true", false)]
#[case("", false)]
fn the_annotation_allows_what_it_names(#[case] annotation: &str, #[case] allowed: bool) {
    let down = mode(request("2.4.23", "2.3.5"), UpdateMode::RollingDowngrade);
    let planned = plan(&allowing(down, annotation));
    assert_eq!(planned.is_ok(), allowed);
    if let Ok(plan) = planned {
        assert!(plan.warnings[0].contains("2.4.23 to 2.3.5, which is otherwise refused"));
    }
}

#[test]
fn the_annotation_does_not_replace_the_mode() {
    let down = allowing(request("2.4.23", "2.3.5"), "2.4.23->2.3.5");
    assert_eq!(reasons(&plan(&down)), [Reason::OlderUnderRollingUpgrade]);
}

fn change_queue(from: Queue, to: Queue, has_data: bool) -> Request {
    Request { queue: QueueChange::Changed { from, to, has_data }, ..request("2.5.3", "2.5.3") }
}

#[test]
fn the_message_queue_stays_while_there_is_data() {
    assert_eq!(
        reasons(&plan(&change_queue(Queue::Pulsar, Queue::Kafka, true))),
        [Reason::MessageQueueChange]
    );
    assert!(plan(&change_queue(Queue::Pulsar, Queue::Kafka, false)).is_ok());
    assert!(plan(&change_queue(Queue::Kafka, Queue::Kafka, true)).is_ok());
    let named = plan(&allowing(change_queue(Queue::Pulsar, Queue::Kafka, true), "pulsar->kafka")).unwrap();
    assert!(named.warnings.iter().any(|warning| warning.contains("pulsar")));
    let revert = running(change_queue(Queue::Pulsar, Queue::Kafka, true), &["2.5.16"]);
    assert_eq!(reasons(&plan(&revert)), [Reason::MessageQueueChange], "also in a revert");
}

#[rstest]
#[case::forgotten("milvusdb/milvus:v2.5.3", "milvusdb/milvus:v2.6.10", &[Reason::VersionNotUpdated])]
#[case::other_registry("milvusdb/milvus:v2.5.3", "mirror.example.com/milvus:v2.5.3-gpu", &[])]
#[case::tags_of_their_own("private/db:1.4.2", "private/db:1.4.3", &[])]
#[case::tags_without_version("private/db:blue", "private/db:green", &[])]
fn a_stated_version_moves_with_the_image(#[case] old: &str, #[case] new: &str, #[case] expected: &[Reason]) {
    let from = Side::of(Some("2.5.3"), old);
    let to = Side::of(Some("2.5.3"), new);
    let stated = Request { running: vec![from.clone()], from: Some(from), to, ..request("2.5.3", "2.5.3") };
    assert_eq!(reasons(&plan(&stated)), expected);
}

#[test]
fn a_tag_that_says_something_else_is_shown() {
    let mut odd = request("2.5.3", "2.5.16");
    odd.to = Side::of(Some("2.5.4"), "milvusdb/milvus:v2.5.16");
    let plan = plan(&odd).unwrap();
    assert!(plan.warnings[0].contains("says 2.5.4, the tag of the image reads 2.5.16"));
}

/// One letter for what the table says; `!` for what it must not say.
fn letter(verdict: Verdict) -> char {
    match verdict {
        Verdict::Allowed => 'Y',
        Verdict::AllowedWithDowntime { .. } => 'd',
        Verdict::Refused { reason, .. } => match reason {
            Reason::NeedsMetadataMigration => 'M',
            Reason::NeedsDataMigration => 'D',
            Reason::NeedsIntermediateVersion => 'I',
            Reason::NeedsMixCoordinator => 'C',
            Reason::UpgradeNotSupportedYet => 'L',
            Reason::PrereleaseHasNoPath => 'P',
            Reason::MinorDowngrade => '-',
            Reason::PathNotKnown => '?',
            _ => '!',
        },
    }
}

/// What the table says of every pair of versions: from the row to the column.
#[test]
fn every_pair_is_judged() {
    let mut text = String::from(
        "Y yes, d with downtime, M metadata migration, D data migration, I intermediate version, C mixcoord first,\n\
         L later release, P prerelease, - minor downgrade, ? not known\n",
    );
    for (name, coordinators) in [("mixcoord", Coordinators::Mix), ("four coordinators", Coordinators::Four)] {
        let _ = writeln!(text, "\n{name:<18}{}", VERSIONS.map(|to| format!("{to:>11}")).concat());
        for from in VERSIONS {
            let _ = write!(text, "{from:<18}");
            for to in VERSIONS {
                let verdict = facts::path(&version(from), &version(to), Some(coordinators)).verdict;
                let _ = write!(text, "{:>11}", if from == to { '=' } else { letter(verdict) });
            }
            text.push('\n');
        }
    }
    insta::assert_snapshot!("every_pair", text);
}

#[test]
fn every_row_of_the_table_decides_something() {
    for (number, row) in PATHS.iter().enumerate() {
        let decides = |coordinators| {
            let pairs = VERSIONS.iter().flat_map(|from| VERSIONS.iter().map(move |to| (*from, *to)));
            pairs
                .filter(|(from, to)| from != to)
                .any(|(from, to)| std::ptr::eq(facts::path(&version(from), &version(to), coordinators), row))
        };
        assert!(
            decides(Some(Coordinators::Mix)) || decides(Some(Coordinators::Four)),
            "row {number} never decides: {row:?}"
        );
        assert!(!row.evidence.is_empty());
    }
}

#[test]
fn a_pair_has_a_plan_exactly_when_the_table_allows_it() {
    for from in VERSIONS {
        for to in VERSIONS.into_iter().filter(|to| *to != from) {
            let down = version(to) < version(from);
            let by = if down { UpdateMode::RollingDowngrade } else { UpdateMode::RollingUpgrade };
            let planned = plan(&mode(request(from, to), by));
            let verdict = facts::path(&version(from), &version(to), Some(Coordinators::Mix)).verdict;
            assert_eq!(planned.is_err(), matches!(verdict, Verdict::Refused { .. }), "{from} to {to}");
            let named = plan(&allowing(mode(request(from, to), by), &format!("{from}->{to}")));
            assert!(named.is_ok(), "{from} to {to} cannot be allowed by name");
        }
    }
}
