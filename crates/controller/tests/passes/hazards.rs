//! What goes wrong in rolls with the Go operator, and the tests that show that it does not here.
//!
//! The numbers are those of an analysis of its rollouts; those that are missing are about other parts of it.
//! Each row has the hazard and the tests that the Go operator's behaviour would fail: `MODULE::TEST` in this folder.

use std::collections::BTreeSet;
use std::path::PathBuf;

mod signals;
mod slots;
mod spec;

/// Number, hazard, tests.
const HAZARDS: [(&str, &str, &[&str]); 25] = [
    (
        "W1",
        "a stuck roll over two Deployments can't be mended or taken back by the image",
        &[
            "broken::fix_forward",
            "broken::revert",
            "hazards/slots::w01_a_stuck_roll_is_mended_by_the_image_in_mode_3",
        ],
    ),
    (
        "W2",
        "the first roll of a new cluster is never seen to be taken back",
        &[
            "broken::revert_of_query_nodes_keeps_the_pods_that_serve",
            "hazards/slots::w02_the_first_roll_is_taken_back_also_by_another_operator",
        ],
    ),
    (
        "W3",
        "pods of the old image that fail hold up the roll",
        &["hazards/slots::w03_old_pods_that_fail_do_not_hold_up_a_roll"],
    ),
    (
        "W4",
        "a change of the spec in the middle of a roll is ignored",
        &[
            "hazards/slots::w04_more_memory_mends_a_stuck_roll",
            "size::resize_during_a_roll",
            "slots::resized_in_the_middle",
        ],
    ),
    (
        "W5",
        "stopped, and started with a new image: pods start with the old one",
        &["size::stop_and_start_with_a_new_image", "size::a_stopped_milvus_takes_a_new_image"],
    ),
    (
        "W6",
        "an empty list of endpoints freezes the status of every Milvus",
        &["hazards/spec::w06_an_empty_list_of_endpoints_is_refused_and_freezes_nothing"],
    ),
    (
        "W7",
        "defaults of the API server for parts of the user start roll after roll",
        &["hazards/spec::w07_defaults_of_the_api_server_are_no_change"],
    ),
    (
        "W8",
        "an image of its own for one component is never done",
        &["hazards/spec::w08_an_image_of_its_own_is_no_obstacle"],
    ),
    (
        "W9",
        "cluster to standalone ends with nothing that runs",
        &["refused::a_short_yaml_over_a_full_one_changes_no_workload"],
    ),
    (
        "W10",
        "a standalone with CDC: it is created and deleted again and again",
        &["hazards/spec::w10_cdc_stays_beside_a_standalone"],
    ),
    (
        "W11",
        "rolling mode 3 to 2 leaves Deployments behind, and an old one comes back later",
        &[
            "layouts::taken_back_it_ends_with_the_next_roll",
            "hazards/slots::w11_there_and_back_leaves_nothing_behind",
        ],
    ),
    (
        "W12",
        "paused at creation is paused for ever",
        &["hazards/slots::w12_paused_at_creation_ends_with_the_pause"],
    ),
    (
        "W13",
        "`force` with an autoscaler computes negative sizes",
        &["hazards/slots::w13_all_at_once_keeps_an_autoscaled_size"],
    ),
    (
        "W14",
        "one pod more is always needed",
        &["hazards/spec::w14_a_component_can_roll_without_one_pod_more"],
    ),
    (
        "W15",
        "which slot is current is lost with an annotation; a deleted slot stays away",
        &[
            "slots::a_lost_pointer_is_put_right",
            "slots::a_pointer_lost_in_the_middle_changes_nothing",
            "slots::a_deleted_serving_slot_comes_back",
            "layouts::a_deleted_slot_comes_back",
        ],
    ),
    (
        "W16",
        "a component can't be created while old pods of it end",
        &["hazards/slots::w16_a_deployment_comes_back_while_its_old_pods_end"],
    ),
    (
        "W17",
        "a standalone on a volume for one node: the new pod waits for the old one for ever",
        &[
            "owned::a_standalone_with_a_claim_is_stopped_before_its_successor_starts",
            "order::upgrade_goes_in_order",
        ],
    ),
    (
        "W18",
        "one probe that fails stops everything",
        &["dependencies::down_in_the_middle_of_a_roll", "dependencies::down_does_not_hold_up_a_repair"],
    ),
    ("W19", "a pod that does not end is never told", &["truth::an_old_pod_that_ends_slowly_holds_its_step"]),
    (
        "W20",
        "what is taken out of the spec stays in the pods",
        &["hazards/spec::w20_what_is_taken_out_of_the_spec_goes"],
    ),
    (
        "W24",
        "no Events, no steps: nothing says why it waits",
        &[
            "truth::steps_go_from_pending_over_updating_to_done",
            "truth::events_tell_every_step_once",
            "truth::plan_is_recorded_before_the_first_write",
        ],
    ),
    (
        "W25",
        "a tag that is no version is taken for an old one",
        &["refused::a_tag_that_is_no_version_is_refused_with_the_field_to_set"],
    ),
    (
        "W26",
        "four coordinators to 2.6: new components start beside the old ones, out of order",
        &["refused::refused_path_writes_only_the_status"],
    ),
    (
        "W27",
        "MilvusUpdated is stale after a change, MilvusReady flaps in a roll",
        &["hazards/signals::w27_updated_ends_with_the_change_and_ready_holds_in_the_roll"],
    ),
    (
        "W28",
        "stopping and stopped are mixed up; the endpoint is wrong",
        &[
            "hazards/signals::w28_stopping_is_told_before_stopped",
            "words::endpoint",
            "create::conditions_of_a_fresh_object_are_in_the_order_of_the_guide",
        ],
    ),
];

/// Names of the test functions of a file of this folder.
fn tests_of(module: &str) -> BTreeSet<String> {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/passes").join(format!("{module}.rs"));
    let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let mut found = BTreeSet::new();
    let mut is_test = false;
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("fn ").and_then(|rest| rest.split('(').next()) {
            if is_test {
                found.insert(name.to_owned());
            }
            is_test = false;
        }
        is_test |= matches!(line, "#[test]" | "#[rstest]");
    }
    found
}

#[test]
fn each_hazard_has_its_tests() {
    for (number, _, tests) in HAZARDS {
        assert!(!tests.is_empty(), "{number}");
        for test in tests {
            let (module, name) = test.split_once("::").unwrap();
            assert!(tests_of(module).contains(name), "{number}: there is no test {test}");
        }
    }
}

/// A test that is named after a hazard stands in its row.
#[test]
fn each_test_that_is_named_after_a_hazard_is_listed() {
    for module in ["hazards/signals", "hazards/slots", "hazards/spec"] {
        for name in tests_of(module) {
            let number = format!("W{}", name[1..3].trim_start_matches('0'));
            let row = HAZARDS.iter().find(|(known, ..)| *known == number);
            let listed = row.is_some_and(|(.., tests)| tests.contains(&format!("{module}::{name}").as_str()));
            assert!(listed, "{number}: {module}::{name}");
        }
    }
}
