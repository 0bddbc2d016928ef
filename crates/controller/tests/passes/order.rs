//! A change of image, component by component.

use rstest::rstest;

use crate::world::{Demands, World, crs};
use milvus_api::{ImageUpdateMode, Milvus, RolloutPhase};

const STRICT: Demands = Demands { ordered: true, serving: true };
const WITH_DOWNTIME: Demands = Demands { ordered: true, serving: false };

/// Rolls from one tag to another and gives the order.
fn roll(milvus: Milvus, to: &str, demands: Demands) -> World {
    let mut world = World::running(milvus);
    world.demands = demands;
    world.set_image(to);
    world.settle();
    assert!(world.updated(), "{}", world.describe());
    let rollout = world.status().upgrade.clone().unwrap();
    assert_eq!(rollout.phase, Some(RolloutPhase::Done));
    assert_eq!(world.status().current_image, Some(crs::image(to)));
    world
}

const MIX_UP: &str = "indexnode mixcoord querynode datanode proxy";
const FOUR_UP: &str = "indexnode rootcoord datacoord indexcoord querycoord querynode datanode proxy";
const JOINED: &str = "indexnode rootcoord datacoord+indexcoord querycoord querynode datanode proxy";
const STREAMING_UP: &str = "mixcoord streamingnode querynode datanode proxy";

/// Every row of the order of upgrades that is allowed.
#[rstest]
#[case::mix_within_2_4(crs::mix("2.4.9"), "2.4.10", STRICT, MIX_UP)]
#[case::mix_2_2_to_2_3(crs::mix("2.2.16"), "2.3.5", STRICT, MIX_UP)]
#[case::mix_2_4_to_2_5(crs::mix("2.4.23"), "2.5.16", STRICT, MIX_UP)]
#[case::mix_without_standby(crs::mix("2.2.0"), "2.2.16", WITH_DOWNTIME, MIX_UP)]
#[case::mix_within_2_1(crs::mix("2.1.0"), "2.1.4", WITH_DOWNTIME, MIX_UP)]
#[case::four_within_2_3(crs::four("2.3.0"), "2.3.5", STRICT, FOUR_UP)]
#[case::four_2_4_to_2_5(crs::four("2.4.23"), "2.5.16", STRICT, FOUR_UP)]
#[case::four_joins_two(crs::four("2.2.16"), "2.3.5", STRICT, JOINED)]
#[case::streaming(crs::mix("2.6.0"), "2.6.11", STRICT, STREAMING_UP)]
#[case::standalone(crs::standalone("2.4.9"), "2.4.10", STRICT, "standalone")]
#[case::standalone_on_its_volume(crs::rocksmq("2.4.9"), "2.4.10", WITH_DOWNTIME, "standalone")]
fn upgrade_goes_in_order(
    #[case] milvus: Milvus,
    #[case] to: &str,
    #[case] demands: Demands,
    #[case] order: &str,
) {
    let world = roll(milvus, to, demands);
    assert_eq!(world.order().join(" "), order);
}

/// The way down is the way up, reversed.
#[rstest]
#[case::mix(crs::mix("2.4.10"), "2.4.9", "proxy datanode querynode mixcoord indexnode")]
#[case::four(
    crs::four("2.4.10"),
    "2.4.9",
    "proxy datanode querynode querycoord indexcoord datacoord rootcoord indexnode"
)]
#[case::streaming(crs::mix("2.6.11"), "2.6.10", "proxy datanode querynode streamingnode mixcoord")]
#[case::standalone(crs::standalone("2.4.10"), "2.4.9", "standalone")]
fn downgrade_goes_in_reverse(#[case] milvus: Milvus, #[case] to: &str, #[case] order: &str) {
    let mut milvus = milvus;
    milvus.spec.components.image_update_mode = ImageUpdateMode::RollingDowngrade;
    let world = roll(milvus, to, STRICT);
    assert_eq!(world.order().join(" "), order);
}
