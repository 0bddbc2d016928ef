//! The first start.

use milvus_api::{ConditionType, MilvusState};

use crate::world::{World, crs};

/// Every component of its version, and nothing else, is created and reported; then there is silence.
#[test]
fn cluster_comes_up_and_rests() {
    let mut world = World::new(crs::mix("2.5.16"));
    world.settle();
    let names: Vec<&str> = world.deployments.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "my-release-milvus-datanode",
            "my-release-milvus-indexnode",
            "my-release-milvus-mixcoord",
            "my-release-milvus-proxy",
            "my-release-milvus-querynode-0",
            "my-release-milvus-querynode-1",
            "my-release-milvus-standalone",
        ]
    );
    assert_eq!(world.status().status, MilvusState::Healthy);
    assert_eq!(world.status().endpoint.as_deref(), Some("my-release-milvus.default:19530"));
    assert_eq!(world.status().current_image, Some(crs::image("2.5.16")));
    assert_eq!(world.pods.len(), 5, "{}", world.describe());
    assert!(world.status().upgrade.is_none(), "a first start is no upgrade");
}

/// The on-premises guide reads `conditions[4]`.
#[test]
fn conditions_of_a_fresh_object_are_in_the_order_of_the_guide() {
    let mut world = World::new(crs::mix("2.4.9"));
    world.pass();
    let types: Vec<&str> = world.status().conditions.iter().map(|c| c.type_.as_str()).collect();
    assert_eq!(types[..5], ["EtcdReady", "StorageReady", "MsgStreamReady", "MilvusReady", "MilvusUpdated"]);
    assert_eq!(world.status().status, MilvusState::Pending);
    world.settle();
    let last = &world.status().conditions[4];
    assert_eq!((last.status.as_str(), last.message.as_str()), ("True", "Milvus components are all updated"));
    assert_eq!(world.condition(ConditionType::MilvusReady).2, "ReasonMilvusHealthy");
}

/// A settled Milvus asks for nothing and writes nothing.
#[test]
fn at_rest_a_pass_reads_and_writes_nothing() {
    let mut world = World::running(crs::mix("2.5.16"));
    let snapshot = world.observe().unwrap();
    assert_eq!(snapshot.pods, None, "no pod list is asked for");
    assert!(snapshot.templates.is_empty());
    let (objects, statuses) = (world.history.objects_written, world.history.statuses_written);
    for _ in 0..5 {
        world.step();
    }
    assert_eq!((world.history.objects_written, world.history.statuses_written), (objects, statuses));
}
