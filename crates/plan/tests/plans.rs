//! Plans and refusals as the user reads them.

mod common;

use common::{MIX, allowing, mode, request, running, standalone, with_four};
use milvus_plan::{Plan, Queue, QueueChange, Request, Side, Topology, UpdateMode, explain, plan};
use rstest::rstest;

const DOWN: UpdateMode = UpdateMode::RollingDowngrade;
const STREAMING: Topology = Topology { streaming: true, ..MIX };

fn with_cdc(mut request: Request) -> Request {
    request.topology.cdc = true;
    request
}

fn first(mut request: Request) -> Request {
    request.from = None;
    request.running.clear();
    request
}

fn at_once(mut request: Request) -> Request {
    request.rolling_enabled = false;
    request
}

/// The first letters name the snapshot.
#[rstest]
#[case("mix_2_3_to_2_4", request("2.3.5", "2.4.23"))]
#[case("mix_2_4_to_2_5", request("2.4.23", "2.5.16"))]
#[case("four_2_4_to_2_5", with_four(request("2.4.23", "2.5.16")))]
#[case("four_2_2_to_2_3_joins_two", with_four(request("2.2.16", "2.3.5")))]
#[case("four_2_2_0_has_downtime", with_four(request("2.2.0", "2.2.5")))]
#[case("streaming_2_6", request("2.6.0", "2.6.10"))]
#[case("streaming_2_6_to_3_0", request("2.6.20", "3.0.5"))]
#[case("streaming_before_2_6", Request { topology: STREAMING, ..request("2.5.3", "2.5.16") })]
#[case("mix_2_5_to_2_6_by_annotation", allowing(request("2.5.26", "2.6.10"), "2.5.26->2.6.10"))]
#[case("mix_down", mode(request("2.4.23", "2.4.4"), DOWN))]
#[case("four_down", mode(with_four(request("2.4.23", "2.4.4")), DOWN))]
#[case("streaming_down", mode(request("2.6.10", "2.6.0"), DOWN))]
#[case("cdc_up", with_cdc(request("2.6.0", "2.6.10")))]
#[case("cdc_down_is_first_too", mode(with_cdc(request("2.6.10", "2.6.0")), DOWN))]
#[case("revert_of_an_upgrade", running(request("2.4.23", "2.4.23"), &["2.4.23", "2.5.16"]))]
#[case("revert_of_a_downgrade", running(request("2.4.23", "2.4.23"), &["2.4.23", "2.4.4"]))]
#[case("revert_across_2_3", with_four(running(request("2.2.16", "2.2.16"), &["2.2.16", "2.3.5"])))]
#[case("all_at_once", mode(request("2.4.23", "2.5.16"), UpdateMode::All))]
#[case("force", mode(request("2.4.23", "2.5.16"), UpdateMode::Force))]
#[case("rolling_off", at_once(request("2.4.23", "2.5.16")))]
#[case("standalone", standalone(request("2.4.23", "2.5.16")))]
#[case("standalone_with_downtime", standalone(request("2.2.0", "2.2.16")))]
#[case("standalone_with_cdc", with_cdc(standalone(request("2.6.0", "2.6.10"))))]
#[case("standalone_rolling_off", at_once(standalone(request("2.4.23", "2.5.16"))))]
#[case("same_version_other_build", request("2.4.23", "2.4.23-gpu"))]
#[case("same_image", request("2.4.23", "2.4.23"))]
#[case("first_start", first(request("2.5.3", "2.5.3")))]
#[case("first_start_of_a_prerelease", first(request("2.6.0-rc1", "2.6.0-rc1")))]
#[case("first_start_unknown", first(request("latest", "latest")))]
fn plans(#[case] name: &str, #[case] request: Request) {
    let plan: Plan = plan(&request).unwrap();
    insta::assert_snapshot!(name, explain::plan_text(&plan));
}

#[rstest]
#[case("refused_unknown_target", request("2.5.3", "latest"))]
#[case("refused_unknown_source", request("latest", "2.5.3"))]
#[case("refused_version_not_updated", Request {
    to: Side::of(Some("2.5.3"), "milvusdb/milvus:v2.6.10"),
    ..request("2.5.3", "2.5.3")
})]
#[case("refused_metadata", request("2.1.4", "2.4.23"))]
#[case("refused_data", request("1.1.1", "2.4.23"))]
#[case("refused_intermediate", request("2.4.23", "2.6.10"))]
#[case("refused_mixcoord", with_four(request("2.5.26", "2.6.10")))]
#[case("refused_not_yet", request("2.5.26", "2.6.10"))]
#[case("refused_prerelease", request("2.6.0-rc1", "2.6.10"))]
#[case("refused_minor_downgrade", mode(request("2.5.3", "2.4.23"), DOWN))]
#[case("refused_path_not_known", request("2.6.20", "2.7.0"))]
#[case("refused_older_under_upgrade", request("2.5.16", "2.5.3"))]
#[case("refused_newer_under_downgrade", mode(request("2.5.3", "2.5.16"), DOWN))]
#[case("refused_queue", Request {
    queue: QueueChange::Changed { from: Queue::Rocksmq, to: Queue::Woodpecker, has_data: true },
    ..request("2.5.3", "2.5.3")
})]
#[case("refused_for_two_reasons", request("2.5.3", "2.4.23"))]
fn refusals(#[case] name: &str, #[case] request: Request) {
    let objections = plan(&request).unwrap_err();
    insta::assert_snapshot!(name, format!("{}\n{objections}", objections.first().reason));
}
