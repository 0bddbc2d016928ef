//! Which components exist, and the facts that hang on a version alone.

mod common;

use common::{FOUR, MIX, STANDALONE, version};

use milvus_plan::facts::{self, Layout, Schema};
use milvus_plan::{
    Component, Mode, Queue, Topology, Version, components, components_of, default_queue, layout,
};
use rstest::rstest;
use strum::IntoEnumIterator;

const STREAMING: Topology = Topology { streaming: true, ..MIX };
const CDC: Topology = Topology { cdc: true, ..MIX };
const STANDALONE_CDC: Topology = Topology { cdc: true, ..STANDALONE };

#[rstest]
#[case::standalone("2.5.16", STANDALONE, "standalone")]
#[case::standalone_cdc("2.6.6", STANDALONE_CDC, "cdc standalone")]
#[case::mix("2.5.16", MIX, "mixcoord datanode querynode indexnode proxy standalone")]
#[case::four(
    "2.4.23",
    FOUR,
    "rootcoord datacoord querycoord indexcoord datanode querynode indexnode proxy standalone"
)]
#[case::old_streaming(
    "2.5.16",
    STREAMING,
    "mixcoord datanode querynode indexnode proxy standalone streamingnode"
)]
#[case::streaming("2.6.0", MIX, "mixcoord datanode streamingnode querynode proxy standalone")]
#[case::candidate_of_2_6("2.6.0-rc1", MIX, "mixcoord datanode streamingnode querynode proxy standalone")]
#[case::four_is_gone("2.6.0", FOUR, "mixcoord datanode streamingnode querynode proxy standalone")]
#[case::three("3.0.5", CDC, "cdc mixcoord datanode streamingnode querynode proxy standalone")]
#[case::newer_than_the_table("9.1.0", MIX, "mixcoord datanode streamingnode querynode proxy standalone")]
fn components_at_a_version(#[case] at: &str, #[case] topology: Topology, #[case] expected: &str) {
    let names: Vec<&str> = components(&version(at), &topology).into_iter().map(Component::name).collect();
    assert_eq!(names.join(" "), expected);
}

#[rstest]
#[case("latest", Layout::IndexNodes)]
#[case("milvusdb/milvus@sha256:00ff", Layout::IndexNodes)]
#[case("2.6-20250701-abc", Layout::IndexNodes)]
#[case("20250209-200000", Layout::IndexNodes)]
#[case("2.5", Layout::IndexNodes)]
#[case("v2.6", Layout::Streaming)]
#[case("20250209", Layout::Streaming)]
#[case("master-20250701-abc", Layout::Streaming)]
fn an_unknown_version_keeps_the_layout_that_the_go_operator_gave_it(
    #[case] text: &str,
    #[case] expected: Layout,
) {
    let unknown = Version::Unknown(text.to_owned());
    assert_eq!(layout(&unknown), expected);
    assert_eq!(components_of(&unknown, &MIX).contains(&Component::IndexNode), expected == Layout::IndexNodes);
}

#[rstest]
#[case(Mode::Cluster, "2.2.16", Queue::Pulsar)]
#[case(Mode::Cluster, "2.6.10", Queue::Pulsar)]
#[case(Mode::Standalone, "2.5.26", Queue::Rocksmq)]
#[case(Mode::Standalone, "2.6.0-rc1", Queue::Woodpecker)]
#[case(Mode::Standalone, "3.0.0", Queue::Woodpecker)]
fn the_queue_of_a_new_milvus(#[case] mode: Mode, #[case] at: &str, #[case] expected: Queue) {
    assert_eq!(default_queue(mode, &version(at)), expected);
}

#[rstest]
#[case("2.0.2", None)]
#[case("2.1.4", Some(Schema::V2_1))]
#[case("2.2.0", Some(Schema::V2_2))]
#[case("2.6.0", Some(Schema::V2_2))]
fn the_schema_of_the_metadata(#[case] at: &str, #[case] expected: Option<Schema>) {
    assert_eq!(facts::schema(&version(at)), expected);
}

#[rstest]
#[case("2.1.4", false)]
#[case("2.2.2", false)]
#[case("2.2.3", true)]
#[case("2.6.0", true)]
fn coordinators_stand_by_from_2_2_3_on(#[case] at: &str, #[case] expected: bool) {
    assert_eq!(facts::active_standby(&version(at)), expected);
}

#[test]
fn names_are_those_of_labels_and_read_back() {
    let names: Vec<&str> = Component::iter().map(Component::name).collect();
    let all = "cdc mixcoord rootcoord datacoord querycoord indexcoord datanode streamingnode querynode indexnode proxy standalone";
    assert_eq!(names.join(" "), all);
    assert!(Component::iter().all(|component| component.name().parse() == Ok(component)));
}

#[test]
fn a_mixcoord_is_started_as_a_mixture() {
    let args = Component::MixCoord.run_args().join(" ");
    assert_eq!(args, "mixture -rootcoord -querycoord -datacoord -indexcoord");
    let others = Component::iter().filter(|component| *component != Component::MixCoord);
    assert!(others.into_iter().all(|component| component.run_args() == [component.name()]));
}
